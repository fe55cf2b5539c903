# Copyright: (c) 2026, avi.firewall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json

import pytest
from ansible_collections.avi.firewall.plugins.module_utils import _boot, _host, _iptables, _iptables_rule, _place


def test_a_listing_is_read_with_its_quotes():
    found = _iptables.parse('-P INPUT DROP\n-N mine\n-A INPUT -m comment --comment "a b" -j mine\n-A mine -j RETURN')
    assert found.policies == {"INPUT": "DROP"}
    assert found.chains == {"INPUT": [("-m", "comment", "--comment", "a b", "-j", "mine")], "mine": [("-j", "RETURN")]}


def test_a_comment_may_hold_anything():
    found = _iptables.parse('-P INPUT DROP\n-A INPUT -m comment --comment "a\u2028b\x85\udce9\n\n c" -j DROP\n-A INPUT -j DROP\n')
    assert found.chains == {"INPUT": [("-m", "comment", "--comment", "a\u2028b\x85\udce9\n\n c", "-j", "DROP"), ("-j", "DROP")]}


def test_a_listing_that_ends_within_quotes_is_not_taken_for_a_shorter_one():
    with pytest.raises(_host.HostError) as refused:
        _iptables.parse("-P INPUT DROP\n-A INPUT -m odd --text it's -j DROP\n-A INPUT -j DROP")
    assert str(refused.value) == """ "-A INPUT -m odd --text it's -j DROP\\n-A INPUT -j DROP" is no line of iptables -S""".strip()


def test_a_set_of_others_may_hold_any_comment(host):
    host["ipset save"] = f'create x hash:ip family inet comment\nadd x 192.0.2.1 comment "a\u2028\n\nb"\n{SETS}'
    assert _iptables.Part(REQUEST).found_sets == {"avi-con-x-4": {"192.0.2.21"}}


@pytest.mark.parametrize(
    ("rule", "judged"),
    [
        ("-j DROP", _place.Rule("stop", "DROP", False)),
        ("-j REJECT --reject-with icmp-port-unreachable", _place.Rule("stop", "REJECT", False)),
        ('-m comment --comment "the end" -j DROP', _place.Rule("stop", "DROP", False)),
        ('-f -m comment --comment "the end" -j DROP', _place.Rule("stop", "DROP", True)),
        ("-f -j DROP", _place.Rule("stop", "DROP", True)),
        ("-s 203.0.113.1/32 -j DROP", _place.Rule("stop", "DROP", True)),
        ("-m limit --limit 5/min -j LOG --log-prefix x", _place.Rule("log", "LOG", True)),
        ("-j NFLOG", _place.Rule("log", "NFLOG", False)),
        ("-g mine", _place.Rule("jump", "mine", False)),
        ("-i lo -j ACCEPT", _place.Rule("jump", "ACCEPT", True)),
        ("-p tcp", _place.Rule("jump", "", True)),
    ],
)
def test_a_rule_is_judged_by_its_target_and_conditions(rule, judged):
    found = _iptables.parse(f"-P INPUT ACCEPT\n-A INPUT {rule}")
    assert _iptables_rule.judge(found.chains["INPUT"][0]) == judged


@pytest.mark.parametrize(
    ("rule", "kind"),
    [
        ("-p tcp -j REJECT --reject-with tcp-reset", "new"),
        ("! -p icmp -j DROP", "new"),
        ("-p tcp -m tcp --tcp-flags FIN,SYN,RST,ACK SYN -j REJECT", "new"),
        ("-m limit --limit 5/sec --limit-burst 9 -m comment --comment 'the end' -j REJECT", "new"),
        ("-m conntrack --ctstate INVALID,NEW -j DROP", "new"),
        ("-m state --state NEW -j DROP", "new"),
        ("-m conntrack ! --ctstate RELATED,ESTABLISHED -j DROP", "new"),
        ("-m pkttype --pkt-type unicast -j REJECT", "new"),
        ("-m addrtype --dst-type LOCAL,BROADCAST -j REJECT", "new"),
        ("! -i lo -j final", "new"),
        ("! -o lo -j final", "new"),
        ("-m conntrack --ctstate INVALID -j DROP", "odd"),
        ("-p tcp -m tcp ! --tcp-flags FIN,SYN,RST,ACK SYN -m conntrack --ctstate NEW -j DROP", "odd"),
        ("-p tcp -m tcp --tcp-flags FIN,SYN,RST,PSH,ACK,URG NONE -j DROP", "odd"),
        ("-m pkttype --pkt-type broadcast -j DROP", "odd"),
        ("-m addrtype --dst-type MULTICAST -j DROP", "odd"),
        ("-s 203.0.113.1/32 -m conntrack --ctstate INVALID -j DROP", "who"),
        ("-p udp -m udp --dport 137:139 -j DROP", "who"),
        ("-p tcp -m tcp --sport 53 -j DROP", "who"),
        ("-i eth0 -j DROP", "who"),
        ("! -i eth0 -j DROP", "who"),
        ("-i lo -j DROP", "who"),
        ("-p tcp -m tcp ! --tcp-flags SYN,RST SYN,RST -j DROP", "who"),
        ("-m set --match-set bad src -j DROP", "who"),
        ("-m hashlimit --hashlimit-above 5/sec --hashlimit-name x -j DROP", "who"),
        ("-m rpfilter --invert -j DROP", "who"),
        ("-m socket -j DROP", "who"),
        ("-m mark --mark 0x1 -j final", "who"),
        ("-f -j DROP", "who"),
    ],
)
def test_what_stops_is_judged_by_whether_it_may_say_who_calls(rule, kind):
    found = _iptables.parse(f"-P INPUT ACCEPT\n-A INPUT {rule}")
    assert _iptables_rule.judge(found.chains["INPUT"][0]).kind == kind


@pytest.mark.parametrize(
    ("rule", "may"),
    [
        ("-p tcp -m tcp --dport 22 -j DROP", True),
        ("-p tcp -m tcp --dport 23 -j DROP", False),
        ("-p tcp -m multiport --dports 20:21,22 -j DROP", True),
        ("-p tcp -m multiport --dports 20:21,23 -j DROP", False),
        ("-p udp -j DROP", False),
        ("! -p udp -j DROP", True),
        ("-d 192.0.2.0/24 -j DROP", True),
        ("-d 203.0.113.0/24 -j DROP", False),
        ("! -d 203.0.113.0/24 -j DROP", True),
        # Who sends says nothing of who receives.
        ("-s 203.0.113.0/24 -j DROP", True),
        # Words that only look like options.
        ("-p tcp -m comment --comment -p -m tcp --dport 22 -j DROP", True),
        ("-p tcp -j LOG --log-prefix -p --log-level 4", True),
    ],
)
def test_a_rule_may_match_what_its_addresses_protocol_and_ports_leave_open(rule, may):
    flow = {"direction": "out", "ipv4": ["192.0.2.21/32"]}
    assert _iptables_rule.may_match(tuple(rule.split()), flow, "ipv4", {"protocol": "tcp", "port": 22}) is may


CLOSING = [
    "-A INPUT -m conntrack --ctstate INVALID -j DROP",
    "-A INPUT -p udp -j REJECT",
    "-A INPUT -p tcp -j REJECT --reject-with tcp-reset",
]


@pytest.mark.parametrize(("policy", "last"), [("ACCEPT", ["-A INPUT -j REJECT"]), ("DROP", [])])
def test_a_jump_goes_before_the_rejects_of_each_protocol(host, policy, last):
    host["iptables --wait -S"] = "\n".join([f"-P INPUT {policy}", "-N avi-con-in", RULES[0], *CLOSING, *last])
    part = _iptables.Part(REQUEST)
    assert [binding["rule_num"] for binding in part.missing()] == ["2"]
    assert part._restore(4, jumps_too=True) == [f"-I INPUT 2 {TO_OURS}"]
    host["iptables --wait -S"] = "\n".join([f"-P INPUT {policy}", "-N avi-con-in", RULES[0], *CLOSING, JUMP, *last])
    assert _iptables.Part(REQUEST)._restore(4, jumps_too=False) == [f"-D INPUT {TO_OURS}", f"-I INPUT 2 {TO_OURS}"]


def test_what_shows_that_iptables_is_in_charge_is_the_rule_that_stops_all(host):
    host["iptables --wait -S"] = "\n".join(["-P INPUT ACCEPT", *CLOSING, "-A INPUT -j LOG", "-A INPUT -j REJECT"])
    assert _iptables.evidence() == "rule 5 of INPUT stops all that is left (iptables)"
    host["iptables --wait -S"] = "-P INPUT ACCEPT\n-N final\n-A final -j DROP\n-A INPUT -j final"
    assert _iptables.evidence() == "rule 1 of INPUT stops all that is left (iptables)"


def test_a_policy_of_either_family_shows_it_too(host):
    assert _iptables.evidence() == "the policy of INPUT is DROP (iptables)"
    host["iptables --wait -S"] = "-P INPUT ACCEPT"
    assert _iptables.evidence() == "the policy of INPUT is DROP (ip6tables)"
    del host["iptables --wait -S"]
    assert _iptables.evidence() == "the policy of INPUT is DROP (ip6tables)"
    host["ip6tables --wait -S"] = "-P FORWARD DROP"
    assert _iptables.evidence() is None


@pytest.mark.parametrize("theirs", ["ufw-user-input", "ufw6-user-input", "INPUT_ZONES"])
def test_what_ufw_and_firewalld_make_of_iptables_is_theirs(host, theirs):
    host["iptables --wait -S"] = f"-P INPUT DROP\n-N {theirs}"
    assert _iptables.evidence() is None


def test_the_place_is_before_a_chain_that_stops_all():
    found = _iptables.parse("-P INPUT ACCEPT\n-N final\n-A INPUT -i lo -j ACCEPT\n-A INPUT -j final\n-A final -j LOG\n-A final -j DROP")
    assert _iptables.place(found, found.chains["INPUT"], drops=False) == 1


REQUEST = _host.Request(
    "controller",
    "con",
    [
        {
            "name": "avi-con-x",
            "direction": "in",
            "ports": [{"row": "ssh", "protocol": "tcp", "port": 22}],
            "ipv4": ["192.0.2.21/32"],
            "ipv6": [],
        }
    ],
)
RULES = [
    "-A avi-con-in -p tcp -m set --match-set avi-con-x-4 src -m tcp --dport 22 -m comment --comment avi:ssh -j ACCEPT",
    "-A avi-con-in -p udp -m udp --dport 161 -j ACCEPT",
]
TO_OURS = "-m comment --comment avi:controller -j avi-con-in"
JUMP = f"-A INPUT {TO_OURS}"
SETS = "create avi-con-x-4 hash:net family inet\nadd avi-con-x-4 192.0.2.21\n"


@pytest.fixture
def host(monkeypatch):
    """Return what the host answers to a command; a command without an answer fails."""
    answers = {"iptables --wait -S": "-P INPUT DROP", "ip6tables --wait -S": "-P INPUT DROP", "ipset save": ""}

    def run(*command):
        try:
            return answers[" ".join(command)]
        except KeyError as exc:
            raise _host.HostError(f"the command {command[0]} is missing on this host") from exc

    monkeypatch.setattr(_host, "run", run)
    monkeypatch.setattr(_host, "missing", lambda command: not any(answer.startswith(f"{command} ") for answer in answers))
    return answers


def listing(*rules):
    return "\n".join(["-P INPUT DROP", "-N avi-con-in", *rules])


def test_flows_become_sets_chains_and_jumps(host):
    every = {"ipv4": ["0.0.0.0/0"], "ipv6": ["2001:db8::21/128", "2001:db8:1::/48"]}
    flows = [
        *REQUEST.flows,
        {**REQUEST.flows[0], "name": "avi-con-y", "ports": [{"row": "snmp", "protocol": "udp", "port": 161}], **every},
        {**REQUEST.flows[0], "name": "avi-con-to-z", "direction": "out", "ports": [{"row": "smtp", "protocol": "tcp", "port": 25}]},
    ]
    part = _iptables.Part(_host.Request("controller", "con", flows, interfaces=["eth0", "eth1"]))
    assert part.wanted_lines() == [
        "ipset avi-con-to-z-4: 192.0.2.21",
        "ipset avi-con-x-4: 192.0.2.21",
        "ipset avi-con-y-6: 2001:db8:1::/48",
        "ipset avi-con-y-6: 2001:db8::21",
        f"iptables {RULES[0]}",
        "iptables -A avi-con-in -p udp -m udp --dport 161 -m comment --comment avi:snmp -j ACCEPT",
        "iptables -A avi-con-out -p tcp -m set --match-set avi-con-to-z-4 dst -m tcp --dport 25 -m comment --comment avi:smtp -j ACCEPT",
        "ip6tables -A avi-con-in -p udp -m set --match-set avi-con-y-6 src -m udp --dport 161 -m comment --comment avi:snmp -j ACCEPT",
        "iptables -A INPUT -i eth0 -m comment --comment avi:controller -j avi-con-in",
        "iptables -A INPUT -i eth1 -m comment --comment avi:controller -j avi-con-in",
        "iptables -A OUTPUT -o eth0 -m comment --comment avi:controller -j avi-con-out",
        "iptables -A OUTPUT -o eth1 -m comment --comment avi:controller -j avi-con-out",
        "ip6tables -A INPUT -i eth0 -m comment --comment avi:controller -j avi-con-in",
        "ip6tables -A INPUT -i eth1 -m comment --comment avi:controller -j avi-con-in",
    ]
    assert part.lets_in() == []


def test_a_host_without_ip6tables_is_fine_while_there_is_no_rule_for_it(host):
    del host["ip6tables --wait -S"]
    assert _iptables.Part(REQUEST)._restore(6, jumps_too=True) == []
    flow = {**REQUEST.flows[0], "ipv6": ["2001:db8::21/128"]}
    with pytest.raises(_host.HostError, match="the command ip6tables is missing on this host"):
        _iptables.Part(_host.Request("controller", "con", [flow]))


@pytest.mark.parametrize(
    ("rules", "well_placed"),
    [
        (["-j avi-con-in", "-j DROP"], [True]),
        (["-j DROP", "-j avi-con-in"], [False]),
        (["-s 203.0.113.9/32 -j DROP", "-j avi-se-in", "-j avi-con-in"], [True]),
        (["-j avi-con-in", "-j banned"], [False]),
        # Of equal ones the last stays, for a deletion by the words of a rule takes the first.
        (["-j banned", "-j avi-con-in", "-j avi-con-in"], [False, True]),
        (["-j banned", "-j avi-con-in", "-j DROP", "-j avi-con-in"], [False, False]),
    ],
)
def test_a_jump_stands_once_behind_what_stops_some_and_before_what_stops_all(host, rules, well_placed):
    chains = ["-N avi-se-in", "-N banned", "-A banned -s 203.0.113.8/32 -j DROP", "-A avi-con-in -s 203.0.113.7/32 -j DROP"]
    host["iptables --wait -S"] = listing(*chains, *(f"-A INPUT {rule}" for rule in rules))
    assert [good for _jump, good in _iptables.Part(REQUEST).standing(4)["INPUT"]] == well_placed


def test_who_gets_in_is_read_from_the_rules_that_stand(host):
    gone = "-A avi-con-in -p tcp -m set --match-set avi-con-gone-4 src -m tcp --dport 443 -j ACCEPT"
    host["iptables --wait -S"] = listing(*RULES, gone, "-A avi-con-in -p tcp -j RETURN")
    host["ip6tables --wait -S"] = listing("-A avi-con-in -p tcp -m tcp --dport 443 -j ACCEPT")
    host["ipset save"] = SETS
    part = _iptables.Part(_host.Request("controller", "con"))
    assert part.lets_in() == [("tcp", 22, "192.0.2.21"), ("udp", 161, "0.0.0.0/0"), ("tcp", 443, "::/0")]


def test_a_former_state_comes_back(host):
    host["iptables --wait -S"], host["ipset save"] = listing(JUMP, *RULES), SETS
    state = _iptables.Part(_host.Request("controller", "con")).state()
    host["iptables --wait -S"], host["ipset save"] = "-P INPUT DROP", ""
    part = _iptables.Part(REQUEST, json.loads(json.dumps(state)))
    assert part.sets == {"avi-con-x-4": {"192.0.2.21"}}
    assert part._restore(4, jumps_too=True) == [
        ":avi-con-in - [0:0]",
        *RULES,
        f"-I INPUT 1 {TO_OURS}",
    ]


@pytest.mark.parametrize(
    ("flows", "rules", "lines"),
    [
        (REQUEST.flows, [JUMP, RULES[0]], []),
        (REQUEST.flows, [RULES[0]], []),
        (REQUEST.flows, [JUMP, *RULES], [":avi-con-in - [0:0]", RULES[0]]),
        (REQUEST.flows, [JUMP, "-A INPUT -s 203.0.113.9/32 -j DROP", RULES[0]], [f"-D INPUT {TO_OURS}", f"-I INPUT 2 {TO_OURS}"]),
        (REQUEST.flows, [JUMP, JUMP, RULES[0]], [f"-D INPUT {TO_OURS}"]),
        (
            REQUEST.flows,
            [JUMP, "-A INPUT -j REJECT", JUMP, RULES[0]],
            [f"-D INPUT {TO_OURS}", f"-D INPUT {TO_OURS}", f"-I INPUT 1 {TO_OURS}"],
        ),
        ([], [JUMP, RULES[0]], [":avi-con-in - [0:0]", f"-D INPUT {TO_OURS}", "-X avi-con-in"]),
    ],
    ids=["as it shall be", "a jump is left to the module", "another rule", "misplaced", "twice", "around a reject", "nothing is wanted"],
)
def test_only_what_differs_is_loaded(host, flows, rules, lines):
    host["iptables --wait -S"] = listing(*rules)
    assert _iptables.Part(_host.Request("controller", "con", flows))._restore(4, jumps_too=False) == lines


def test_what_bears_a_name_of_ours_without_a_record_is_foreign(host, monkeypatch, tmp_path):
    monkeypatch.setattr(_boot, "RECORDS", tmp_path)
    host["iptables --wait -S"], host["ipset save"] = listing(), f"create other hash:ip family inet\n{SETS}"
    with pytest.raises(_host.HostError) as refused:
        _iptables.Part(REQUEST).refuse_foreign()
    record = tmp_path / "iptables" / "con.json"
    assert str(refused.value) == f"ipset avi-con-x-4, chain avi-con-in (iptables): not ours, for {record} is not there; rename or remove"
    record.parent.mkdir()
    record.touch()
    _iptables.Part(REQUEST).refuse_foreign()


@pytest.mark.parametrize(
    "deny",
    [
        "-s 192.0.2.0/24 -j DROP",
        "! -s 203.0.113.9/32 -j DROP",
        "-p tcp -m tcp --dport 20:25 -j REJECT",
        "-p tcp -m multiport --dports 80,22 -m recent --update --seconds 60 --hitcount 4 -j DROP",
        "-p tcp -m tcp ! --dport 80 -j DROP",
        "-m set --match-set bad src -j DROP",
        '-m comment --comment "-s 203.0.113.9" -i eth0 -j DROP',
    ],
)
def test_a_deny_in_a_chain_that_stops_all_at_its_end_stops_the_run(host, deny):
    rules = [f"-A RH {deny}", "-A RH -j DROP", "-A INPUT -i lo -j ACCEPT", "-A INPUT -j RH"]
    host["iptables --wait -S"] = "\n".join(["-P INPUT ACCEPT", "-N RH", *rules])
    with pytest.raises(_host.HostError) as refused:
        _iptables.Part(REQUEST).refuse_unreached()
    written = deny.replace('"', "'").replace("! ", "'!' ")
    assert str(refused.value) == (
        f"chain INPUT (iptables) stops everything with -j RH, which leads to -A RH {written}: ours before the one would let in whom the "
        "other denies. Put the deny before the jump, or take it out"
    )
    _iptables.Part(_host.Request("controller", "con")).refuse_unreached()


@pytest.mark.parametrize(
    "rules",
    [
        # As Red Hat's system-config-firewall made it.
        ["-i lo -j ACCEPT", "-p icmp -j ACCEPT", "-m state --state ESTABLISHED -j ACCEPT", "-p tcp -m tcp --dport 22 -j ACCEPT"],
        ["-p tcp -m limit --limit 5/sec -j REJECT", "-p udp -j REJECT"],
        ["-m conntrack --ctstate INVALID -j DROP", "-m addrtype --dst-type BROADCAST -j DROP"],
        # Denies that concern nobody and nothing of ours.
        ["-s 203.0.113.9/32 -j DROP", "-p udp -m udp --dport 22 -j DROP", "-p tcp -m multiport --dports 135,137:139 -j DROP"],
        ["-p icmp -m icmp --icmp-type 8 -j DROP", "-s 203.0.113.9/32 -j strangers"],
    ],
)
def test_a_chain_that_stops_all_and_denies_nothing_of_ours_is_fine(host, rules):
    inner = [f"-A RH {rule}" for rule in rules]
    chains = ["-N RH", "-N strangers", "-A strangers -p tcp -m tcp --dport 22 -j DROP"]
    host["iptables --wait -S"] = "\n".join(["-P INPUT ACCEPT", *chains, *inner, "-A RH -j REJECT", "-A INPUT -j RH"])
    _iptables.Part(REQUEST).refuse_unreached()


def test_where_iptables_was_removed_only_the_files_are_left_to_go(host, monkeypatch, tmp_path):
    monkeypatch.setattr(_boot, "RECORDS", tmp_path)
    _host.write(_boot.record("iptables", REQUEST), "{}")
    host.clear()
    nothing = _host.Request("controller", "con")
    change = _iptables.prepare(nothing)
    assert (change.needed, change.stands) == (True, True)
    assert [warning.split()[2] for warning in change.warnings] == ["iptables", "ipset"]
    assert _iptables.prepare(nothing, change.snapshot).before == change.before
    with pytest.raises(_host.HostError, match="the command ipset is missing on this host"):
        _iptables.prepare(REQUEST)


def test_a_command_that_is_there_and_fails_is_not_taken_for_a_removed_one(host, monkeypatch):
    del host["iptables --wait -S"]
    monkeypatch.setattr(_host, "missing", lambda command: command != "iptables")
    with pytest.raises(_host.HostError):
        _iptables.Part(_host.Request("controller", "con"))


def test_what_somebody_denies_in_a_chain_of_ours_is_no_reason_to_stop(host):
    denies = ["-N avi-se-in", "-A avi-se-in -p tcp -m tcp --dport 22 -j DROP", "-A avi-se-in -j DROP"]
    # The second only counts.
    host["iptables --wait -S"] = "\n".join(["-P INPUT DROP", *denies, "-A INPUT -j avi-se-in", "-A INPUT -p tcp"])
    _iptables.Part(REQUEST).refuse_unreached()


def test_a_deny_in_a_chain_that_leads_up_to_the_policy_stops_the_run(host):
    rules = ["-A RH -p tcp -m tcp --dport 22 -j DROP", "-A RH -j DROP", "-A INPUT -p tcp -j RH"]
    host["iptables --wait -S"] = "\n".join(["-P INPUT DROP", "-N RH", *rules])
    with pytest.raises(_host.HostError, match="which leads to -A RH -p tcp -m tcp --dport 22 -j DROP"):
        _iptables.Part(REQUEST).refuse_unreached()


def flow(*networks, **changed):
    both = {"ipv4": [one for one in networks if ":" not in one], "ipv6": [one for one in networks if ":" in one]}
    return {**REQUEST.flows[0], **both, **changed}


def request(*flows, **options):
    return _host.Request("controller", "con", list(flows), **options)


NOTHING = request()


@pytest.fixture
def loaded(host, monkeypatch, no_files):
    """Return what is loaded from now on, on a host without any file of ours."""
    found: list[tuple[str, list[str]]] = []
    answer = _host.run

    def run(*command, stdin=None):
        if stdin is None:
            return answer(*command)
        found.append((" ".join(command), stdin.splitlines()))
        return ""

    monkeypatch.setattr(_host, "run", run)
    return found


def rules_of(lines):
    return [line for line in lines if not line.startswith("file ")]


MADE = ["create avi-con-x-4 hash:net family inet maxelem 65536", "add avi-con-x-4 192.0.2.21"]
CHAIN = [":avi-con-in - [0:0]", RULES[0]]


def test_a_change_says_what_stands_and_what_shall(host, loaded, tmp_path):
    change = _iptables.prepare(REQUEST)
    assert (change.before, change.lets_in, change.warnings) == ([], [], [])
    assert rules_of(change.after) == ["ipset avi-con-x-4: 192.0.2.21", f"iptables {RULES[0]}", f"iptables {JUMP}"]
    none = {"4": {}, "6": {}}
    assert change.snapshot == _host.Snapshot(
        "iptables", REQUEST, {"sets": {}, "rules": none, "jumps": none}, {f"{tmp_path}/records/iptables/con.json": None}
    )
    change.apply(False)
    assert loaded == [("ipset restore", MADE), ("iptables-restore --wait --noflush", ["*filter", *CHAIN, "COMMIT"])]
    del loaded[:]
    change.apply(True)
    assert loaded[1] == ("iptables-restore --wait --noflush", ["*filter", *CHAIN, f"-I INPUT 1 {TO_OURS}", "COMMIT"])


def test_what_is_left_to_bind_goes_by_family_interface_and_place(host, loaded):
    host["iptables --wait -S"] = "-P INPUT ACCEPT\n-P OUTPUT DROP\n-A INPUT -i lo -j ACCEPT\n-A INPUT -j DROP"
    sent = flow("192.0.2.25/32", name="avi-con-to-z", direction="out")
    binding = {"action": "insert", "comment": "avi:controller", "wait": "30"}
    into = {**binding, "chain": "INPUT", "jump": "avi-con-in", "in_interface": "eth0"}
    assert _iptables.prepare(request(flow("192.0.2.21/32", "2001:db8::/32"), sent, interfaces=["eth0"])).bindings() == [
        {**into, "ip_version": "ipv4", "rule_num": "2"},
        {**binding, "ip_version": "ipv4", "chain": "OUTPUT", "jump": "avi-con-out", "out_interface": "eth0", "rule_num": "1"},
        {**into, "ip_version": "ipv6", "rule_num": "1"},
    ]
    host["iptables --wait -S"] = listing(JUMP)
    anywhere = {**binding, "chain": "INPUT", "jump": "avi-con-in", "ip_version": "ipv6", "rule_num": "1"}
    assert _iptables.Part(request(flow("192.0.2.21/32", "2001:db8::/32"))).missing() == [anywhere]


def test_what_stands_is_told_remembered_and_brought_back(host, loaded):
    _host.write(_boot.record("iptables", REQUEST), "{}")
    host["iptables --wait -S"], host["ipset save"] = listing(RULES[0], JUMP, JUMP), SETS
    host["ip6tables --wait -S"] = listing(RULES[1])
    change = _iptables.prepare(NOTHING)
    stood = ["ipset avi-con-x-4: 192.0.2.21", f"iptables {RULES[0]}", f"ip6tables {RULES[1]}"]
    assert rules_of(change.before) == [*stood, f"iptables {JUMP} (misplaced)", f"iptables {JUMP}"]
    assert change.lets_in == [("tcp", 22, "192.0.2.21"), ("udp", 161, "::/0")]
    change.apply(False)
    gone = [":avi-con-in - [0:0]", f"-D INPUT {TO_OURS}", f"-D INPUT {TO_OURS}", "-X avi-con-in"]
    assert loaded == [
        ("iptables-restore --wait --noflush", ["*filter", *gone, "COMMIT"]),
        ("ip6tables-restore --wait --noflush", ["*filter", gone[0], gone[3], "COMMIT"]),
        ("ipset restore", ["destroy avi-con-x-4"]),
    ]
    del loaded[:]
    host["iptables --wait -S"] = host["ip6tables --wait -S"] = "-P INPUT DROP"
    host["ipset save"] = ""
    back = _iptables.prepare(NOTHING, change.snapshot)
    assert rules_of(back.after) == [*stood, f"iptables {JUMP}", f"iptables {JUMP}"]
    back.apply(True)
    assert loaded == [
        ("ipset restore", MADE),
        ("iptables-restore --wait --noflush", ["*filter", *CHAIN, f"-I INPUT 1 {TO_OURS}", f"-I INPUT 1 {TO_OURS}", "COMMIT"]),
        ("ip6tables-restore --wait --noflush", ["*filter", CHAIN[0], RULES[1], "COMMIT"]),
    ]


def test_a_set_that_differs_is_filled_beside_the_old_one_and_swapped_in(host, loaded):
    _host.write(_boot.record("iptables", REQUEST), "{}")
    old = ["create avi-con-x-4 hash:net family inet", "add avi-con-x-4 192.0.2.99"]
    old += [
        "create avi-con-y-6 hash:net family inet6",
        "create avi-con-w-6 hash:net family inet6",
        "create avi-con-v-4 hash:net family inet",
    ]
    # Left by a run that was cut off.
    old += ["create avi-con-new-6 hash:net family inet6", "add avi-con-new-6 2001:db8::9"]
    host["ipset save"] = "\n".join(old)
    wanted = [flow("2001:db8::/32", name="avi-con-y"), flow("2001:db8::21/128", name="avi-con-w")]
    _iptables.prepare(request(flow("192.0.2.21/32", "192.0.2.64/26"), *wanted)).apply(False)
    fresh = "create avi-con-new-6 hash:net family inet6 maxelem 65536"
    assert loaded[0] == (
        "ipset restore",
        [
            "create avi-con-new-4 hash:net family inet maxelem 65536",
            "add avi-con-new-4 192.0.2.21",
            "add avi-con-new-4 192.0.2.64/26",
            "swap avi-con-new-4 avi-con-x-4",
            "destroy avi-con-new-4",
            "destroy avi-con-new-6",
            fresh,
            "add avi-con-new-6 2001:db8::/32",
            "swap avi-con-new-6 avi-con-y-6",
            "destroy avi-con-new-6",
            fresh,
            "add avi-con-new-6 2001:db8::21",
            "swap avi-con-new-6 avi-con-w-6",
            "destroy avi-con-new-6",
        ],
    )
    assert loaded[-1] == ("ipset restore", ["destroy avi-con-v-4"])


def test_sets_that_are_as_they_shall_be_are_left_alone(host, loaded):
    _host.write(_boot.record("iptables", REQUEST), "{}")
    host["iptables --wait -S"], host["ipset save"] = listing(RULES[0], JUMP), SETS
    _iptables.prepare(REQUEST).apply(False)
    assert loaded == []
    other = flow("192.0.2.22/32", name="avi-con-a")
    _iptables.prepare(request(*REQUEST.flows, other)).apply(False)
    assert loaded[0] == ("ipset restore", [line.replace("x-4", "a-4").replace("2.21", "2.22") for line in MADE])
    host["ipset save"] = SETS + SETS.replace("x-4", "b-4") + SETS.replace("x-4", "a-4")
    del loaded[:]
    _iptables.prepare(REQUEST).apply(False)
    assert loaded == [("ipset restore", ["destroy avi-con-a-4", "destroy avi-con-b-4"])]


def test_a_set_has_room_for_all(host, loaded):
    networks = [f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}/32" for number in range(65537)]
    _iptables.prepare(request(flow(*networks))).apply(False)
    assert loaded[0][1][0] == "create avi-con-x-4 hash:net family inet maxelem 65537"


def test_who_lets_in_everyone_needs_no_ipset(host, loaded):
    del host["ipset save"]
    assert _iptables.prepare(request(flow("0.0.0.0/0"))).warnings == []


def test_the_rules_do_not_go_while_a_saved_ruleset_names_them(host, loaded, tmp_path):
    _host.write(_boot.record("iptables", REQUEST), "{}")
    _host.write(tmp_path / "iptables" / "rules.v4", "*filter\n:avi-con-in - [0:0]\nCOMMIT\n")
    _iptables.prepare(REQUEST)
    with pytest.raises(_host.HostError, match=r"rules\.v4 was saved while our rules stood"):
        _iptables.prepare(NOTHING)
