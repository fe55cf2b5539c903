# Copyright: (c) 2026, avi.firewall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import dataclasses
import json

import pytest
from ansible_collections.avi.firewall.plugins.module_utils import _boot, _host, _nft_rule, _nftables


def chain(name, table="filter", family="inet", **base):
    return {"chain": {"family": family, "table": table, "name": name, **base}}


def rule(*expressions, of="input", handle=1, table="filter", family="inet", **more):
    return {"rule": {"family": family, "table": table, "chain": of, "handle": handle, "expr": list(expressions), **more}}


def matching(operator, left, right):
    return {"match": {"op": operator, "left": left, "right": right}}


SADDR = matching("==", {"payload": {"protocol": "ip", "field": "saddr"}}, "@avi-con-service_engine-4")
GONE = matching("==", {"payload": {"protocol": "ip", "field": "saddr"}}, "@avi-con-gone-4")
FAMILY = matching("==", {"meta": {"key": "nfproto"}}, "ipv4")
PORT = matching("==", {"payload": {"protocol": "tcp", "field": "dport"}}, 22)
DEVICE = matching("==", {"meta": {"key": "iifname"}}, "eth0")
DROP, REJECT, ACCEPT = {"drop": None}, {"reject": {"type": "icmpx", "expr": "admin-prohibited"}}, {"accept": None}
COUNTER, LIMIT, LOG = {"counter": {"packets": 0, "bytes": 0}}, {"limit": {"rate": 5, "per": "minute"}}, {"log": {"prefix": "x"}}


STATE = {"ct": {"key": "state"}}


def by_state(*verdicts):
    return {"vmap": {"key": STATE, "data": {"set": list(verdicts)}}}


def parse(*entries):
    return _nftables.parse(json.dumps({"nftables": [{"metainfo": {}}, *entries]}))


def judge(*expressions):
    return parse(chain("input"), rule(*expressions)).chains["inet", "filter", "input"][0].judged


@pytest.mark.parametrize(
    ("entry", "text"),
    [
        (
            rule(SADDR, PORT, ACCEPT, comment="avi:secure_channel"),
            'ip saddr @avi-con-service_engine-4 tcp dport 22 accept comment "avi:secure_channel"',
        ),
        (rule(FAMILY, PORT, ACCEPT), "meta nfproto ipv4 tcp dport 22 accept"),
        (
            rule(DEVICE, {"jump": {"target": "avi-con-in"}}, comment="avi:controller"),
            'iifname "eth0" jump avi-con-in comment "avi:controller"',
        ),
        (
            rule(PORT, matching("==", {"meta": {"key": "oifname"}}, "eth1"), FAMILY, ACCEPT),
            'tcp dport 22 oifname "eth1" meta nfproto ipv4 accept',
        ),
    ],
)
def test_a_rule_of_ours_is_read_in_the_words_it_was_written_in(entry, text):
    assert _nftables._text(entry["rule"]) == text


@pytest.mark.parametrize(
    ("expression", "text"),
    [
        (
            matching("!=", {"meta": {"key": "iifname"}}, "lo"),
            '{"match": {"op": "!=", "left": {"meta": {"key": "iifname"}}, "right": "lo"}} accept',
        ),
        (
            matching("==", {"ct": {"key": "mark"}}, 1),
            '{"match": {"op": "==", "left": {"ct": {"key": "mark"}}, "right": 1}} accept',
        ),
        (
            matching("==", {"payload": {"base": "th", "offset": 16, "len": 16}}, 22),
            '{"match": {"op": "==", "left": {"payload": {"base": "th", "offset": 16, "len": 16}}, "right": 22}} accept',
        ),
        (COUNTER, '{"counter": {"packets": 0, "bytes": 0}} accept'),
    ],
)
def test_what_no_rule_of_ours_says_is_shown_as_nft_lists_it(expression, text):
    assert _nftables._text(rule(expression, ACCEPT)["rule"]) == text


@pytest.mark.parametrize(
    ("expressions", "verdict", "conditional"),
    [
        ([DROP], "stop", False),
        ([COUNTER, REJECT], "stop", False),
        ([LOG, DROP], "stop", False),
        ([LIMIT, DROP], "stop", True),
        ([{"xt": {"type": "match", "name": "comment"}}, DROP], "stop", False),
        # Of what only iptables knows, a comment is no condition, and everything else is one.
        ([{"xt": {"type": "match", "name": "recent"}}, DROP], "stop", True),
        ([{"xt": None}, DROP], "stop", True),
        ([{"xt": {"type": "match", "name": "comment"}}, COUNTER, {"xt": {"type": "target", "name": "REJECT"}}], "stop", False),
        ([COUNTER, {"xt": {"type": "target", "name": "LOG"}}], "log", False),
        ([{"xt": {"type": "target", "name": "MARK"}}], "other", True),
        ([SADDR, DROP], "stop", True),
        ([LIMIT, LOG], "log", False),
        ([{"jump": {"target": "x"}}], "jump", False),
        ([{"goto": {"target": "x"}}], "jump", False),
        ([LIMIT, {"jump": {"target": "x"}}], "jump", True),
        ([PORT, {"goto": {"target": "x"}}], "jump", True),
        ([PORT, ACCEPT], "other", True),
        ([{"vmap": {}}], "other", True),
        ([by_state(["established", ACCEPT], ["invalid", {"jump": {"target": "x"}}])], "other", True),
        ([by_state(["established", ACCEPT], ["invalid", DROP])], "stop", True),
        ([{"vmap": {"key": STATE, "data": "@verdicts"}}], "other", True),
    ],
)
def test_a_rule_is_judged_by_its_verdict_and_conditions(expressions, verdict, conditional):
    judged = judge(*expressions)
    assert (judged.verdict, judged.conditional) == (verdict, conditional)


def state(*words, operator="in"):
    return matching(operator, {"ct": {"key": "state"}}, words[0] if len(words) == 1 else list(words))


def flags(of_new, mask=("fin", "syn", "rst", "ack"), operator="=="):
    return matching(operator, {"&": [{"payload": {"protocol": "tcp", "field": "flags"}}, list(mask)]}, of_new)


def meta(key, right, operator="=="):
    return matching(operator, {"meta": {"key": key}}, right)


def destination(right):
    return matching("==", {"fib": {"result": "type", "flags": ["daddr"]}}, right)


@pytest.mark.parametrize(
    ("expressions", "kind"),
    [
        ([meta("l4proto", "tcp"), {"reject": {"type": "tcp reset"}}], "new"),
        ([meta("l4proto", {"set": ["tcp", "udp"]}), DROP], "new"),
        ([meta("l4proto", "tcp"), LOG, DROP], "new"),
        ([matching("==", {"ct": {"key": "state"}}, {"|": ["new", "invalid"]}), DROP], "new"),
        ([matching("==", {"payload": {"protocol": "ip", "field": "protocol"}}, "udp"), DROP], "new"),
        ([meta("pkttype", "host"), {"limit": {"rate": 5, "burst": 5, "per": "second"}}, COUNTER, REJECT], "new"),
        ([meta("pkttype", {"set": ["host", "multicast"]}), DROP], "new"),
        ([FAMILY, REJECT], "new"),
        ([state("new"), DROP], "new"),
        ([FAMILY, {"xt": {"type": "match", "name": "comment"}}, {"xt": {"type": "target", "name": "REJECT"}}], "new"),
        ([state("invalid", "new"), DROP], "new"),
        ([matching("==", {"ct": {"key": "state"}}, {"set": ["invalid", "new"]}), DROP], "new"),
        ([matching("!=", {"ct": {"key": "state"}}, {"|": ["established", "related"]}), DROP], "new"),
        ([flags("syn"), REJECT], "new"),
        ([meta("iifname", "lo", "!="), {"jump": {"target": "final"}}], "new"),
        ([destination("local"), REJECT], "new"),
        ([state("invalid"), DROP], "odd"),
        ([meta("pkttype", "broadcast"), DROP], "odd"),
        ([destination({"set": ["broadcast", "multicast"]}), DROP], "odd"),
        ([flags("syn", operator="!="), state("new"), DROP], "odd"),
        ([SADDR, state("invalid"), DROP], "who"),
        ([PORT, DROP], "who"),
        ([meta("l4proto", "tcp"), {"xt": {"type": "match", "name": "recent"}}, DROP], "who"),
        ([DEVICE, DROP], "who"),
        ([meta("iifname", "eth0", "!="), DROP], "who"),
        ([flags("syn", mask=["syn", "rst"]), DROP], "who"),
        ([{"limit": {"rate": 5, "per": "second", "inv": True}}, DROP], "who"),
        ([matching("==", {"ct": {"key": "mark"}}, 1), DROP], "who"),
        ([{"ct count": {"val": 9, "inv": True}}, DROP], "who"),
        ([by_state(["invalid", DROP], ["new", ACCEPT])], "odd"),
        ([by_state(["invalid", DROP], ["new", DROP])], "new"),
        ([{"vmap": {"key": {"meta": {"key": "iifname"}}, "data": {"set": [["eth0", DROP]]}}}], "who"),
    ],
)
def test_what_stops_is_judged_by_whether_it_may_say_who_calls(expressions, kind):
    assert judge(*expressions).kind == kind


@pytest.mark.parametrize(
    ("expressions", "verdict"),
    [
        ([COUNTER], "log"),
        ([PORT, COUNTER], "log"),
        ([PORT, LIMIT, COUNTER, LOG], "log"),
        ([LOG, ACCEPT], "other"),
        ([{"mangle": {}}], "other"),
        ([LOG, {"vmap": {}}], "other"),
    ],
)
def test_a_rule_without_a_verdict_only_takes_note(expressions, verdict):
    assert judge(*expressions).verdict == verdict


@pytest.mark.parametrize(
    ("element", "written"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ({"prefix": {"addr": "192.0.2.0", "len": 24}}, "192.0.2.0/24"),
        ({"range": ["192.0.2.0", "192.0.2.127"]}, "192.0.2.0/25"),
        ({"range": ["192.0.2.1", "192.0.2.2"]}, "192.0.2.1 192.0.2.2"),
        ({"elem": {"val": "192.0.2.1", "comment": "x"}}, '{"elem": {"val": "192.0.2.1", "comment": "x"}}'),
    ],
)
def test_an_element_of_a_set_is_read_as_it_was_written(element, written):
    assert _nft_rule.element(element) == written


def candidates(*entries):
    return [" ".join(name) for name in _nftables._candidates(parse(*entries), "input")]


INPUT = {"type": "filter", "hook": "input", "prio": 0}


@pytest.mark.parametrize(
    ("entries", "found"),
    [
        ([chain("input", **INPUT, policy="drop")], ["inet filter input"]),
        ([chain("input", **INPUT, policy="accept")], []),
        ([chain("input", **INPUT, policy="accept"), rule(COUNTER, REJECT)], ["inet filter input"]),
        ([chain("input", **INPUT, policy="accept"), rule(SADDR, DROP)], []),
        ([chain("input", **INPUT), chain("end"), rule({"jump": {"target": "end"}}), rule(DROP, of="end")], ["inet filter input"]),
        ([chain("input", **INPUT), chain("end", "nat"), rule({"jump": {"target": "end"}}), rule(DROP, of="end", table="nat")], []),
        ([chain("output", type="filter", hook="output", prio=0, policy="drop")], []),
        # Made by iptables, firewalld, fail2ban: theirs to look after.
        ([chain("INPUT", family="ip", **INPUT, policy="drop")], []),
        ([chain("filter_INPUT", table="firewalld", **INPUT, policy="drop")], []),
        ([chain("f2b-chain", table="f2b-table", **INPUT, policy="drop")], []),
        # A person's own, though the table's name is one of iptables'.
        ([chain("input", family="ip", **INPUT, policy="drop")], ["ip filter input"]),
        ([chain("INPUT", **INPUT, policy="drop")], ["inet filter INPUT"]),
    ],
)
def test_the_chain_in_charge_is_a_persons_and_drops(entries, found):
    assert candidates(*entries) == found


TWO = parse(chain("input", **INPUT, policy="drop"), chain("input", table="other", **INPUT, policy="drop"))


def test_two_chains_in_charge_must_be_told_apart():
    for other in (chain("input", table="other", **INPUT, policy="drop"), chain("input", family="ip", **INPUT, policy="drop")):
        with pytest.raises(_host.HostError) as refused:
            _nftables._base_chains(parse(chain("input", **INPUT, policy="drop"), other), "input", None)
        name = " ".join(other["chain"][word] for word in ("family", "table", "name"))
        assert str(refused.value) == (
            f"more than one chain of nftables drops on the input hook: inet filter input, {name}; name one with avi_firewall_nftables_chain"
        )


def test_a_name_tells_the_chains_of_both_hooks():
    found = parse(
        *(chain("input", table=table, **INPUT, policy="drop") for table in ("filter", "other")),
        *(chain("output", table=table, type="filter", hook="output", prio=0, policy="drop") for table in ("filter", "other")),
        chain("quiet", table="other", **INPUT, policy="accept"),
    )
    assert _nftables._base_chains(found, "input", "inet other input") == [("inet", "other", "input")]
    assert _nftables._base_chains(found, "input", "inet other quiet") == [("inet", "other", "quiet")]
    assert _nftables._base_chains(found, "output", "inet other quiet") == [("inet", "other", "output")]


def test_one_chain_for_each_family_is_fine():
    found = parse(chain("input", family="ip", **INPUT, policy="drop"), chain("input", family="ip6", **INPUT, policy="drop"))
    assert [name[0] for name in _nftables._base_chains(found, "input", None)] == ["ip", "ip6"]


def test_a_name_without_any_chain_is_refused():
    with pytest.raises(_host.HostError) as refused:
        _nftables._base_chains(parse(), "input", "inet filter input")
    assert str(refused.value) == (
        "avi_firewall_nftables_chain 'inet filter input' is no base chain on the input hook; there is nothing, for there is none"
    )


@pytest.mark.parametrize("named", ["inet filter forward", "filter input", "", "inet filter input extra words"])
def test_a_chain_that_is_not_there_is_refused(named):
    with pytest.raises(_host.HostError, match=r"is no base chain on the input hook; there is inet filter input, inet other input"):
        _nftables._base_chains(TWO, "input", named)


JUMP = {"jump": {"target": "avi-con-in"}}
MARKED = {"comment": "avi:controller"}
PEER = rule(SADDR, PORT, ACCEPT, of="avi-con-in", comment="avi:ssh")
FLOW = {
    "name": "avi-con-service_engine",
    "direction": "in",
    "ports": [{"row": "ssh", "protocol": "tcp", "port": 22}],
    "ipv4": ["192.0.2.21/32"],
    "ipv6": [],
}
OUT = {
    "name": "avi-con-to-smtp_server",
    "direction": "out",
    "ports": [{"row": "smtp", "protocol": "tcp", "port": 25}],
    "ipv4": ["192.0.2.25/32"],
    "ipv6": ["2001:db8::25/128"],
}
TO_OURS = 'jump avi-con-in comment "avi:controller"'


def elements(*addresses):
    return {"set": {"family": "inet", "table": "filter", "name": "avi-con-service_engine-4", "elem": list(addresses)}}


@pytest.fixture
def part(monkeypatch):
    """Return how to make a part of flows on a host on which these entries are listed."""

    def make(entries, flows=(), former=None, **options):
        monkeypatch.setattr(_nftables, "_listing", lambda: parse(*entries))
        return _nftables.Part(_host.Request("controller", "con", list(flows), **options), former)

    return make


def test_flows_become_sets_chains_and_jumps(part):
    everyone = {"name": "avi-con-snmp_manager", "ports": [{"row": "snmp", "protocol": "udp", "port": 161}]}
    flows = [
        FLOW,
        {**FLOW, **everyone, "ipv4": ["0.0.0.0/0"], "ipv6": ["2001:db8::21/128", "2001:db8:1::/48"]},
        {**FLOW, "name": "avi-con-controller", "ipv4": [], "ipv6": ["2001:db8::22/128"]},
        OUT,
        {**OUT, "name": "avi-con-to-ntp_server", "ports": [{"row": "time", "protocol": "udp", "port": 123}], "ipv4": ["0.0.0.0/0"]},
    ]
    there = [
        chain("input", **INPUT, policy="drop"),
        chain("output", family="ip", type="filter", hook="output", prio=0, policy="drop"),
    ]
    made = part(there, flows, interfaces=["eth0", "eth1"])
    assert made.commands() == [
        "add set inet filter avi-con-service_engine-4 { type ipv4_addr; flags interval; }",
        "add element inet filter avi-con-service_engine-4 { 192.0.2.21 }",
        "add set inet filter avi-con-snmp_manager-6 { type ipv6_addr; flags interval; }",
        "add element inet filter avi-con-snmp_manager-6 { 2001:db8:1::/48, 2001:db8::21 }",
        "add set inet filter avi-con-controller-6 { type ipv6_addr; flags interval; }",
        "add element inet filter avi-con-controller-6 { 2001:db8::22 }",
        "add set ip filter avi-con-to-smtp_server-4 { type ipv4_addr; flags interval; }",
        "add element ip filter avi-con-to-smtp_server-4 { 192.0.2.25 }",
        "add chain inet filter avi-con-in",
        "flush chain inet filter avi-con-in",
        'add rule inet filter avi-con-in ip saddr @avi-con-service_engine-4 tcp dport 22 accept comment "avi:ssh"',
        'add rule inet filter avi-con-in meta nfproto ipv4 udp dport 161 accept comment "avi:snmp"',
        'add rule inet filter avi-con-in ip6 saddr @avi-con-snmp_manager-6 udp dport 161 accept comment "avi:snmp"',
        'add rule inet filter avi-con-in ip6 saddr @avi-con-controller-6 tcp dport 22 accept comment "avi:ssh"',
        "add chain ip filter avi-con-out",
        "flush chain ip filter avi-con-out",
        'add rule ip filter avi-con-out ip daddr @avi-con-to-smtp_server-4 tcp dport 25 accept comment "avi:smtp"',
        'add rule ip filter avi-con-out udp dport 123 accept comment "avi:time"',
        'add rule inet filter input iifname "eth0" jump avi-con-in comment "avi:controller"',
        'add rule inet filter input iifname "eth1" jump avi-con-in comment "avi:controller"',
        'add rule ip filter output oifname "eth0" jump avi-con-out comment "avi:controller"',
        'add rule ip filter output oifname "eth1" jump avi-con-out comment "avi:controller"',
    ]
    assert made.warnings == []


def test_the_chain_that_is_named_gets_the_jump(part):
    two = [chain("input", **INPUT, policy="drop"), chain("input", table="other", **INPUT, policy="drop")]
    assert part(two, [FLOW], nftables_chain="inet other input").jumps == {("inet", "other", "input"): [TO_OURS]}
    assert part(two).jumps == {}


def test_where_nothing_drops_there_is_nothing_to_open(part):
    there = [chain("input", **INPUT, policy="accept")]
    with pytest.raises(_host.HostError) as refused:
        part(there, [FLOW])
    assert str(refused.value) == "no chain of nftables on the input hook drops what no rule accepts: there is nothing to open"
    assert part(there, [OUT]).warnings == ["no chain of nftables drops outgoing traffic: there is nothing to open for it"]


DROPPING = chain("input", **INPUT, policy="drop")
STANDING = [DROPPING, chain("avi-con-in"), PEER, elements("192.0.2.21"), rule(JUMP, handle=7, **MARKED)]
STALE = [DROPPING, chain("avi-con-in"), PEER, elements("192.0.2.99"), rule(JUMP, handle=7, **MARKED)]
SOMEBODYS = rule(matching("==", {"payload": {"protocol": "ip", "field": "saddr"}}, "203.0.113.9"), DROP, of="avi-con-in")


@pytest.mark.parametrize(
    ("entries", "flows", "commands"),
    [
        (STANDING, [FLOW], []),
        ([*STANDING, rule(DROP, handle=99)], [FLOW], []),
        (
            [*STALE, rule(JUMP, handle=8, **MARKED)],
            [FLOW],
            [
                "delete rule inet filter input handle 8",
                "flush set inet filter avi-con-service_engine-4",
                "add element inet filter avi-con-service_engine-4 { 192.0.2.21 }",
            ],
        ),
        (
            [*STANDING, SOMEBODYS],
            [FLOW],
            [
                "add chain inet filter avi-con-in",
                "flush chain inet filter avi-con-in",
                'add rule inet filter avi-con-in ip saddr @avi-con-service_engine-4 tcp dport 22 accept comment "avi:ssh"',
            ],
        ),
        (
            [*STANDING, rule(GONE, DROP, handle=8), rule(DROP, handle=99)],
            [FLOW],
            ["delete rule inet filter input handle 7", f"insert rule inet filter input position 99 {TO_OURS}"],
        ),
        (
            STANDING,
            [],
            [
                "delete rule inet filter input handle 7",
                "flush chain inet filter avi-con-in",
                "delete chain inet filter avi-con-in",
                "delete set inet filter avi-con-service_engine-4",
            ],
        ),
    ],
    ids=[
        "as it shall be",
        "before what stops all",
        "another set, a jump too many",
        "a rule of somebody's",
        "misplaced",
        "nothing is wanted",
    ],
)
def test_only_what_differs_is_changed(part, entries, flows, commands):
    assert part(entries, flows).commands() == commands


def test_a_jump_that_is_missing_goes_before_what_stops_all(part):
    there = [chain("input", **INPUT, policy="accept"), *STANDING[1:4], rule(DROP, handle=99)]
    assert part(there, [FLOW]).commands() == [f"insert rule inet filter input position 99 {TO_OURS}"]


def test_a_jump_goes_before_what_leads_up_to_the_policy(part):
    limit = {"limit": {"rate": 5, "burst": 5, "per": "second"}}
    closing = [
        rule(state("invalid"), DROP, handle=11),
        rule(meta("l4proto", "tcp"), {"reject": {"type": "tcp reset"}}, handle=12),
        rule(meta("pkttype", "host"), limit, COUNTER, REJECT, handle=13),
        rule(COUNTER, handle=14),
    ]
    assert part([*STANDING[:4], *closing], [FLOW]).commands() == [f"insert rule inet filter input position 12 {TO_OURS}"]
    assert part([*STANDING[:4], *closing, STANDING[4]], [FLOW]).commands() == [
        "delete rule inet filter input handle 7",
        f"insert rule inet filter input position 12 {TO_OURS}",
    ]


def test_who_gets_in_is_read_from_the_rules_that_stand(part):
    anyone = rule(PORT, ACCEPT, of="avi-con-in")
    gone = rule(GONE, PORT, ACCEPT, of="avi-con-in")
    sent = rule(PORT, ACCEPT, of="avi-con-out")
    empty = {"set": {"family": "inet", "table": "filter", "name": "avi-con-empty-4"}}
    found = part([DROPPING, chain("avi-con-out"), sent, chain("avi-con-in"), SOMEBODYS, PEER, gone, anyone, elements("192.0.2.21"), empty])
    assert found.lets_in() == [("tcp", 22, "192.0.2.21"), ("tcp", 22, "0.0.0.0/0"), ("tcp", 22, "::/0")]


@pytest.mark.parametrize(("family", "everyone"), [("ipv4", "0.0.0.0/0"), ("ipv6", "::/0")])
def test_a_rule_of_one_family_lets_in_everyone_of_that_family(part, family, everyone):
    of_family = {"match": {"op": "==", "left": {"meta": {"key": "nfproto"}}, "right": family}}
    there = [DROPPING, chain("avi-con-in"), rule(of_family, PORT, ACCEPT, of="avi-con-in")]
    assert part(there).lets_in() == [("tcp", 22, everyone)]


def test_a_former_state_comes_back_but_for_what_others_wrote_into_it(part):
    own = elements({"range": ["192.0.2.1", "192.0.2.2"]}, "192.0.2.9")
    foreign = rule({"vmap": {}}, of="avi-con-in")
    state = part([DROPPING, chain("avi-con-in"), own, PEER, foreign, rule(JUMP, handle=7, **MARKED)]).state()
    assert part([DROPPING], former=state).commands() == [
        "add set inet filter avi-con-service_engine-4 { type ipv4_addr; flags interval; }",
        "add element inet filter avi-con-service_engine-4 { 192.0.2.1, 192.0.2.2, 192.0.2.9 }",
        "add chain inet filter avi-con-in",
        "flush chain inet filter avi-con-in",
        'add rule inet filter avi-con-in ip saddr @avi-con-service_engine-4 tcp dport 22 accept comment "avi:ssh"',
        f"add rule inet filter input {TO_OURS}",
    ]


TO_END = rule({"jump": {"target": "end"}}, handle=30)


def saddr(right, operator="=="):
    return matching(operator, {"payload": {"protocol": "ip", "field": "saddr"}}, right)


def dport(right, protocol="tcp", operator="=="):
    return matching(operator, {"payload": {"protocol": protocol, "field": "dport"}}, right)


@pytest.mark.parametrize(
    "conditions",
    [
        [saddr("192.0.2.21")],
        [saddr({"set": ["203.0.113.9", {"prefix": {"addr": "192.0.2.0", "len": 24}}]})],
        [saddr({"range": ["192.0.2.1", "192.0.2.30"]})],
        [saddr("@bad")],
        [saddr("203.0.113.9", "!=")],
        [dport({"set": [80, {"range": [20, 25]}]})],
        [dport(22, protocol="th")],
        [dport("@ports")],
        [meta("l4proto", "@protocols"), DEVICE],
        [meta("l4proto", "tcp"), DEVICE],
        [dport({"set": [80, "*"]})],
        [dport({"set": [{"elem": {"val": 80, "comment": "x"}}]})],
    ],
)
def test_a_deny_in_a_chain_that_stops_all_at_its_end_stops_the_run(part, conditions):
    there = [
        chain("input", **INPUT, policy="accept"),
        chain("end"),
        rule(*conditions, DROP, of="end", handle=31),
        rule(DROP, of="end"),
        TO_END,
    ]
    with pytest.raises(_host.HostError) as refused:
        part(there, [FLOW]).refuse_unreached()
    assert str(refused.value) == (
        "chain inet filter input stops everything with rule handle 30, which leads to rule handle 31 of chain end: ours before the one "
        "would let in whom the other denies. Put the deny before the jump, or take it out"
    )
    part(there).refuse_unreached()


@pytest.mark.parametrize(
    "conditions",
    [
        [saddr("203.0.113.9")],
        [saddr({"set": ["203.0.113.9", {"prefix": {"addr": "198.51.100.0", "len": 24}}]})],
        [matching("==", {"payload": {"protocol": "ip6", "field": "saddr"}}, "2001:db8::9")],
        [dport(23)],
        [dport(22, protocol="udp")],
        [dport(22, protocol="udp", operator="!=")],
        [saddr("203.0.113.9", "!="), dport(23)],
        [dport({"set": [80, {"range": [135, 139]}]})],
        [meta("l4proto", {"set": ["udp", "icmp"]}), DEVICE],
        [state("invalid")],
        [meta("l4proto", "tcp")],
    ],
)
def test_a_chain_that_stops_all_and_denies_nothing_of_ours_is_fine(part, conditions):
    there = [
        chain("input", **INPUT, policy="drop"),
        chain("end"),
        rule(*conditions, DROP, of="end", handle=31),
        rule(DROP, of="end"),
        TO_END,
    ]
    part(there, [FLOW]).refuse_unreached()


@pytest.mark.parametrize(
    ("direction", "end", "meets"), [("in", "saddr", False), ("in", "daddr", True), ("out", "daddr", False), ("out", "saddr", True)]
)
def test_only_the_address_of_the_other_end_tells_whom_a_rule_is_for(direction, end, meets):
    other = matching("==", {"payload": {"protocol": "ip", "field": end}}, "203.0.113.9")["match"]
    assert _nft_rule.may_match([other], {**FLOW, "direction": direction}, FLOW["ports"][0]) is meets


def test_a_rule_for_a_port_of_tcp_is_none_for_udp():
    assert _nft_rule.may_match([dport(22)["match"]], FLOW, {"row": "x", "protocol": "udp", "port": 22}) is False


def by_source(data):
    return rule({"vmap": {"key": {"payload": {"protocol": "ip", "field": "saddr"}}, "data": data}}, of="end", handle=31)


def verdicts(*elem, table="filter"):
    return {"map": {"family": "inet", "table": table, "name": "verdicts", "type": "ipv4_addr", "map": "verdict", "elem": list(elem)}}


EMPTY = {"map": {name: value for name, value in verdicts()["map"].items() if name != "elem"}}


@pytest.mark.parametrize(
    ("denying", "stops"),
    [
        ([by_source({"set": [["192.0.2.21", DROP], ["192.0.2.22", ACCEPT]]})], True),
        ([by_source({"set": [["203.0.113.9", DROP], ["192.0.2.21", ACCEPT]]})], False),
        ([by_source({"set": [["203.0.113.9", ACCEPT], ["*", DROP]]})], True),
        ([by_source("@verdicts"), verdicts(["192.0.2.21", DROP])], True),
        ([by_source("@verdicts"), verdicts(["192.0.2.21", ACCEPT], ["203.0.113.9", DROP])], False),
        ([by_source("@verdicts"), verdicts()], False),
        ([by_source("@verdicts"), EMPTY], False),
        ([by_source("@verdicts"), verdicts(["192.0.2.21", DROP], table="other")], False),
    ],
)
def test_a_verdict_map_denies_what_it_drops(part, denying, stops):
    there = [chain("input", **INPUT, policy="accept"), chain("end"), *denying, rule(DROP, of="end"), TO_END]
    if not stops:
        part(there, [FLOW]).refuse_unreached()
        return
    with pytest.raises(_host.HostError, match="rule handle 31 of chain end"):
        part(there, [FLOW]).refuse_unreached()


def test_a_jump_of_ours_goes_behind_a_verdict_map_that_denies(part):
    denying = rule(by_state(["invalid", ACCEPT]), handle=5), rule({"vmap": {"key": SADDR["match"]["left"], "data": "@verdicts"}}, handle=6)
    there = [DROPPING, chain("avi-con-in"), verdicts(["203.0.113.9", DROP]), rule(JUMP, handle=4, **MARKED), *denying]
    commands = part(there, [FLOW]).commands()
    assert commands[0] == "delete rule inet filter input handle 4"
    assert commands[-1] == f"add rule inet filter input {TO_OURS}"


def test_where_nft_was_removed_only_the_files_are_left_to_go(monkeypatch, tmp_path):
    monkeypatch.setattr(_boot, "RECORDS", tmp_path)
    monkeypatch.setattr(_host, "ENVIRONMENT", {"PATH": ""})
    request, nothing = _host.Request("controller", "con", [FLOW]), _host.Request("controller", "con")
    _host.write(_boot.record("nftables", nothing), "{}")
    change = _nftables.prepare(nothing)
    assert (change.needed, change.stands) == (True, True)
    assert [warning.split()[2] for warning in change.warnings] == ["nft"]
    assert _nftables.prepare(nothing, change.snapshot).before == change.before
    with pytest.raises(_host.HostError, match="the command nft is missing on this host"):
        _nftables.prepare(request)
    monkeypatch.setattr(_host, "missing", lambda command: command == "nft")
    assert _nftables.prepare(nothing, change.snapshot).before == change.before
    for what in ("sets", "rules", "jumps"):
        former = dataclasses.replace(change.snapshot, state={**change.snapshot.state, what: {"inet filter input": []}})
        with pytest.raises(_host.HostError, match="the command nft is missing on this host"):
            _nftables.prepare(nothing, former)


class Kernel:
    """Stands in for nft: what it lists, and what it was given."""

    def __init__(self):
        self.listed, self.given = [], []

    def run(self, *command, stdin=None):
        if stdin is None:
            assert command == ("nft", "-j", "list", "ruleset")
            return json.dumps({"nftables": self.listed})
        self.given.append((" ".join(command), stdin.splitlines()))
        return ""


@pytest.fixture
def kernel(monkeypatch, no_files):
    """Return a kernel with a chain that drops, on a host without any file of ours."""
    found = Kernel()
    found.listed = [DROPPING]
    monkeypatch.setattr(_host, "run", found.run)
    return found


REQUEST = _host.Request("controller", "con", [FLOW])
NOTHING = _host.Request("controller", "con")
SHALL = [
    "set inet filter avi-con-service_engine-4: 192.0.2.21",
    'rule inet filter avi-con-in ip saddr @avi-con-service_engine-4 tcp dport 22 accept comment "avi:ssh"',
    f"rule inet filter input {TO_OURS}",
]
MADE = [
    "add set inet filter avi-con-service_engine-4 { type ipv4_addr; flags interval; }",
    "add element inet filter avi-con-service_engine-4 { 192.0.2.21 }",
    "add chain inet filter avi-con-in",
    "flush chain inet filter avi-con-in",
    'add rule inet filter avi-con-in ip saddr @avi-con-service_engine-4 tcp dport 22 accept comment "avi:ssh"',
    f"add rule inet filter input {TO_OURS}",
]


def rules_of(lines):
    return [line for line in lines if not line.startswith("file ")]


def test_a_change_says_what_stands_and_what_shall(kernel, tmp_path):
    change = _nftables.prepare(REQUEST)
    assert (change.before, rules_of(change.after), change.lets_in) == ([], SHALL, [])
    names = ("con.json", "con.inet-filter.nft", "con.inet-filter-input.nft")
    assert change.snapshot == _host.Snapshot(
        "nftables", REQUEST, {"sets": {}, "rules": {}, "jumps": {}}, {f"{tmp_path}/records/nftables/{name}": None for name in names}
    )
    change.apply(False)
    assert kernel.given == [("nft -c -f -", MADE), ("nft -f -", MADE)]


def test_what_stands_is_told_remembered_and_brought_back(kernel):
    _host.write(_boot.record("nftables", REQUEST), "{}")
    kernel.listed = [DROPPING, chain("avi-con-in"), PEER, elements("192.0.2.21", "192.0.2.9"), rule(JUMP, handle=7, **MARKED)]
    kernel.listed.append(rule(JUMP, handle=8, **MARKED))
    change = _nftables.prepare(NOTHING)
    before = ["set inet filter avi-con-service_engine-4: 192.0.2.21", "set inet filter avi-con-service_engine-4: 192.0.2.9"]
    assert rules_of(change.before) == [*before, SHALL[1], SHALL[2], f"{SHALL[2]} (misplaced)"]
    assert sorted(change.lets_in) == [("tcp", 22, "192.0.2.21"), ("tcp", 22, "192.0.2.9")]
    kernel.listed = [DROPPING]
    back = _nftables.prepare(NOTHING, change.snapshot)
    assert rules_of(back.after) == [*before, SHALL[1], SHALL[2], SHALL[2]]
    back.apply(True)
    both = "add element inet filter avi-con-service_engine-4 { 192.0.2.21, 192.0.2.9 }"
    assert kernel.given[1] == ("nft -f -", [MADE[0], both, *MADE[2:], MADE[5]])


def test_the_files_of_chains_that_are_no_more_go(kernel, tmp_path):
    old = tmp_path / "records" / "nftables" / "con.inet-old.nft"
    _host.write(old, "former")
    assert _nftables.prepare(REQUEST).snapshot.files[str(old)] == "former"


def test_what_stands_without_a_record_is_not_ours(kernel, tmp_path):
    kernel.listed = STANDING
    with pytest.raises(_host.HostError) as refused:
        _nftables.prepare(REQUEST)
    assert str(refused.value) == (
        f"set inet filter avi-con-service_engine-4, chain inet filter avi-con-in: not ours, for {tmp_path}/records/nftables/con.json "
        "is not there; rename or remove"
    )
    _host.write(_boot.record("nftables", REQUEST), "{}")
    _nftables.prepare(REQUEST)


def test_the_rules_do_not_go_while_a_saved_ruleset_names_them(kernel, tmp_path):
    _host.write(_boot.record("nftables", REQUEST), "{}")
    _host.write(tmp_path / "nftables.conf", "table inet filter { chain avi-con-in { } }")
    _nftables.prepare(REQUEST)
    with pytest.raises(_host.HostError, match=r"nftables\.conf was saved while our rules stood"):
        _nftables.prepare(NOTHING)


def test_what_a_users_own_ruleset_can_include_is_a_file_for_each_block(kernel, tmp_path):
    found = _nftables.Part(_host.Request("controller", "con", [{**FLOW, "ipv4": ["192.0.2.21/32", "192.0.2.64/26"]}])).includes()
    assert {path.name: text.splitlines() for path, text in found.items()} == {
        "con.inet-filter.nft": [
            "# Managed by the Ansible collection avi.firewall; do not edit.",
            "set avi-con-service_engine-4 {",
            "\ttype ipv4_addr",
            "\tflags interval",
            "\telements = { 192.0.2.21, 192.0.2.64/26 }",
            "}",
            "chain avi-con-in {",
            '\tip saddr @avi-con-service_engine-4 tcp dport 22 accept comment "avi:ssh"',
            "}",
        ],
        "con.inet-filter-input.nft": ["# Managed by the Ansible collection avi.firewall; do not edit.", TO_OURS],
    }


def test_the_file_of_a_chain_that_lets_in_everyone_has_no_set(kernel):
    kernel.listed = [chain("in/put", table="my/table", **INPUT, policy="drop")]
    found = _nftables.Part(_host.Request("controller", "con", [{**FLOW, "ipv4": ["0.0.0.0/0"]}])).includes()
    assert {path.name: text.splitlines()[1:] for path, text in found.items()} == {
        "con.inet-my_table.nft": ["chain avi-con-in {", '\tmeta nfproto ipv4 tcp dport 22 accept comment "avi:ssh"', "}"],
        "con.inet-my_table-in_put.nft": [TO_OURS],
    }


def test_a_jump_is_misplaced_behind_a_chain_that_stops_all(part):
    there = [chain("input", **INPUT, policy="accept"), chain("end"), rule(DROP, of="end"), TO_END, *STANDING[1:]]
    assert part(there, [FLOW]).commands() == [
        "delete rule inet filter input handle 7",
        f"insert rule inet filter input position 30 {TO_OURS}",
    ]


def test_what_somebody_denies_in_a_chain_of_ours_is_no_reason_to_stop(part):
    denies = [rule(*conditions, DROP, of="avi-se-in") for conditions in ([dport(22)], [])]
    there = [DROPPING, chain("avi-se-in"), *denies, rule({"jump": {"target": "avi-se-in"}}, handle=5)]
    part(there, [FLOW]).refuse_unreached()


def test_a_deny_in_a_chain_that_leads_up_to_the_policy_stops_the_run(part):
    closing = [rule(dport(22), DROP, of="end", handle=31), rule(DROP, of="end")]
    to_end = rule(meta("l4proto", "tcp"), {"jump": {"target": "end"}}, handle=30)
    with pytest.raises(_host.HostError, match="rule handle 31 of chain end"):
        part([DROPPING, chain("end"), *closing, to_end], [FLOW]).refuse_unreached()
