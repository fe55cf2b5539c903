# Copyright: (c) 2026, avi.firewall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import dataclasses
import re

import pytest
from ansible_collections.avi.firewall.plugins.module_utils import _host, _ufw

COMMENT = b"avi:controller".hex()
REQUEST = _host.Request(
    node="controller",
    part="con",
    flows=[
        {
            "name": "avi-con-service_engine",
            "direction": "in",
            "ports": [
                {"row": "system_portal", "protocol": "tcp", "port": 8443},
                {"row": "secure_channel", "protocol": "tcp", "port": 22},
                {"row": "time", "protocol": "udp", "port": 123},
            ],
            "ipv4": ["192.0.2.21/32", "192.0.2.64/26"],
            "ipv6": ["2001:db8::21/128"],
        }
    ],
)


def test_a_profile_groups_ports_by_protocol_in_order():
    profiles = {
        "avi-con-service_engine": frozenset({("tcp", "8443"), ("tcp", "22"), ("udp", "123"), ("tcp", "161")}),
        "avi-con-to-smtp_server": frozenset({("tcp", "25")}),
    }
    assert (
        _ufw._text(profiles)
        == """\
# Managed by the Ansible collection avi.firewall; do not edit.

[avi-con-service_engine]
title=avi-con-service_engine
description=Ports of the Avi load balancer
ports=22,161,8443/tcp|123/udp

[avi-con-to-smtp_server]
title=avi-con-to-smtp_server
description=Ports of the Avi load balancer
ports=25/tcp
"""
    )


def test_no_profiles_are_no_file():
    assert _ufw._text({}) == ""


def test_each_network_is_a_rule_in_the_words_of_ufw():
    assert [" ".join(rule.words()) for rule in _ufw._rules(REQUEST)] == [
        "allow in from 192.0.2.21 to any app avi-con-service_engine",
        "allow in from 192.0.2.64/26 to any app avi-con-service_engine",
        "allow in from 2001:db8::21 to any app avi-con-service_engine",
    ]


def test_rules_keep_to_the_interfaces():
    request = _host.Request("controller", "con", REQUEST.flows, interfaces=["eth0", "eth1"])
    words = [" ".join(rule.words()) for rule in _ufw._rules(request)]
    assert words[0] == "allow in on eth0 from 192.0.2.21 to any app avi-con-service_engine"
    assert len(words) == 6


def test_a_rule_for_what_leaves_names_the_network_as_its_destination():
    words = rule("198.51.100.5", direction="out", profile="avi-con-to-smtp_server", interface="eth0").words()
    assert " ".join(words) == "allow out on eth0 from any to 198.51.100.5 app avi-con-to-smtp_server"


def entries(*lines):
    return [_ufw.Entry.of(line.split()) for line in lines]


@pytest.mark.parametrize(
    ("line", "entry"),
    [
        (
            "allow tcp 22 0.0.0.0/0 any 192.0.2.9 in",
            _ufw.Entry("allow", "tcp", "22", "any", "192.0.2.9", "0.0.0.0/0", "in", "", "", "-"),
        ),
        (
            f"deny_log-all udp 123 0.0.0.0/0 80 192.0.2.9 - - out_br_lan comment={b'caf'.hex()}e9",
            _ufw.Entry("deny", "udp", "123", "80", "0.0.0.0/0", "192.0.2.9", "out", "br_lan", "caf\N{REPLACEMENT CHARACTER}", "-"),
        ),
    ],
)
def test_a_foreign_rule_is_read_whatever_its_comment_and_interface(line, entry):
    assert entries(line) == [entry]


def test_a_rule_of_an_old_release_comes_in():
    assert entries("deny tcp 22 0.0.0.0/0 any 192.0.2.9") == entries("deny tcp 22 0.0.0.0/0 any 192.0.2.9 in")


OURS = f"allow tcp 22,8443 0.0.0.0/0 any 192.0.2.21 avi-con-service_engine - in comment={COMMENT}"


def test_standing_rules_of_ours_are_read_back_and_foreign_ones_passed_over():
    found = entries(
        OURS,
        f"allow udp 123 0.0.0.0/0 any 192.0.2.21 avi-con-service_engine - in comment={COMMENT}",
        f"allow tcp 25 198.51.100.5 any 0.0.0.0/0 avi-con-to-smtp_server - out_eth0 comment={COMMENT}",
        "allow tcp 22 0.0.0.0/0 any 192.0.2.9 in",
        f"allow tcp 22 0.0.0.0/0 any 192.0.2.9 in comment={b'backup'.hex()}",
        f"allow tcp 22 0.0.0.0/0 any 192.0.2.9 in comment={COMMENT}",
        f"allow tcp 22 0.0.0.0/0 any 192.0.2.9 avi-se-x - in comment={b'avi:service_engine'.hex()}",
    )
    assert _ufw._ours([found, []], REQUEST) == {
        _ufw.Rule("in", "avi-con-service_engine", "192.0.2.21"): {("tcp", "22"), ("tcp", "8443"), ("udp", "123")},
        _ufw.Rule("out", "avi-con-to-smtp_server", "198.51.100.5", "eth0"): {("tcp", "25")},
    }


CATCH_ALL = "deny any any 0.0.0.0/0 any 0.0.0.0/0 in"


@pytest.mark.parametrize(
    ("line", "catches"),
    [
        (CATCH_ALL, True),
        ("reject any any ::/0 any ::/0 in", True),
        ("deny_log any any 0.0.0.0/0 any 0.0.0.0/0 in", True),
        ("deny any any 0.0.0.0/0 any 203.0.113.66 in", False),
        ("deny tcp 23 0.0.0.0/0 any 0.0.0.0/0 in", False),
        ("deny any any 0.0.0.0/0 any 0.0.0.0/0 in_eth0", False),
        ("deny any any 0.0.0.0/0 any 0.0.0.0/0 out", False),
        ("route:deny any any 0.0.0.0/0 any 0.0.0.0/0 in", False),
        ("limit any any 0.0.0.0/0 any 0.0.0.0/0 in", False),
    ],
)
def test_a_rule_that_denies_everything_is_told_from_others(line, catches):
    assert entries(line)[0].catches_all("in") is catches


WIDE = {"192.0.2.0/26": frozenset({("tcp", "22"), ("udp", "123")})}


@pytest.mark.parametrize(
    ("line", "stops"),
    [
        ("deny any any 0.0.0.0/0 any 192.0.2.21 in", True),
        ("limit tcp 22 0.0.0.0/0 any 0.0.0.0/0 in", True),
        ("reject tcp 20:25 10.0.0.1 any 192.0.2.0/24 in_eth0", True),
        ("deny any 80,123 0.0.0.0/0 any 0.0.0.0/0 in", True),
        ("deny udp 22 0.0.0.0/0 any 0.0.0.0/0 in", False),
        ("deny tcp 23 0.0.0.0/0 any 0.0.0.0/0 in", False),
        ("deny any any 0.0.0.0/0 any 203.0.113.66 in", False),
        ("deny any any 192.0.2.21 any 0.0.0.0/0 out", False),
        ("allow any any 0.0.0.0/0 any 192.0.2.21 in", False),
        ("deny any any ::/0 any ::/0 in", False),
    ],
)
def test_a_rule_stops_another_where_they_meet(line, stops):
    ((network, ports),) = WIDE.items()
    assert entries(line)[0].stops(rule(network), ports) is stops


@pytest.mark.parametrize(("interface", "stops"), [("", True), ("_eth0", True), ("_eth1", False)])
def test_a_rule_for_one_interface_is_stopped_by_those_for_it_and_for_all(interface, stops):
    denying = entries(f"deny any any 0.0.0.0/0 any 192.0.2.21 in{interface}")[0]
    assert denying.stops(rule("192.0.2.21", interface="eth0"), frozenset({("tcp", "22")})) is stops


def test_ours_go_before_what_catches_all_by_the_numbers_of_ufw():
    both = [entries("allow tcp 22 0.0.0.0/0 any 192.0.2.9 in", OURS, OURS.replace("tcp 22,8443", "udp 123"), CATCH_ALL)]
    both += [entries("allow tcp 22 ::/0 any 2001:db8::9 in", "deny any any ::/0 any ::/0 in")]
    assert _ufw._number(both, rule("192.0.2.30")) == 3
    assert _ufw._number(both, rule("2001:db8::30")) == 5
    assert _ufw._number(both, rule("192.0.2.30", direction="out")) is None


@pytest.mark.parametrize(
    ("lines", "misplaced"),
    [
        ([OURS, "deny any any 0.0.0.0/0 any 192.0.2.21 in"], True),
        ([CATCH_ALL, OURS], True),
        (["deny any any 0.0.0.0/0 any 192.0.2.21 in", OURS], False),
        ([OURS, "deny any any 0.0.0.0/0 any 203.0.113.66 in"], False),
        ([OURS, CATCH_ALL, "deny any any 0.0.0.0/0 any 192.0.2.21 in"], False),
    ],
)
def test_a_rule_is_misplaced_before_a_deny_and_behind_a_catch_all(lines, misplaced):
    family = entries(*lines)
    assert _ufw._misplaced([family, []], _ufw._ours([family], REQUEST)) == ([rule("192.0.2.21")] if misplaced else [])


def rule(network, direction="in", profile="avi-con-service_engine", interface=""):
    return _ufw.Rule(direction, profile, network, interface)


def test_a_deny_of_a_peer_behind_a_catch_all_stops_the_run():
    wanted = {rule("192.0.2.21"): frozenset({("tcp", "22")})}
    deny = "deny any any 0.0.0.0/0 any 192.0.2.21 in"
    _ufw._refuse_unreached([entries(deny, CATCH_ALL, CATCH_ALL, "deny any any 0.0.0.0/0 any 203.0.113.66 in"), []], wanted)
    with pytest.raises(_host.HostError) as refused:
        _ufw._refuse_unreached([entries(CATCH_ALL, deny), []], wanted)
    assert str(refused.value) == (
        "ufw stops everything with deny in from any to any, but holds deny in of 192.0.2.21 behind it, which is never reached: "
        "ours before the one would let in whom the other denies. Put the deny first, or take it out"
    )


def test_a_rule_that_takes_the_place_of_a_stale_one_is_its_heir():
    wide, narrow = rule("192.0.2.0/24"), rule("192.0.2.21")
    assert _ufw._heirs([wide], [narrow]) == [wide]
    assert _ufw._heirs([narrow], [wide]) == [narrow]


def test_a_rule_for_others_is_no_heir():
    others = [rule("198.51.100.1"), rule("2001:db8::/32"), rule("192.0.2.21", profile="avi-con-management_client")]
    others += [rule("192.0.2.21", direction="out"), rule("192.0.2.21", interface="eth0")]
    assert _ufw._heirs([rule("192.0.2.0/24")], others) == []


@pytest.mark.parametrize(
    ("chain", "status", "evidence"),
    [(True, "Status: active\n", "ufw status says: active"), (True, "Status: inactive\n", None), (False, "Status: active\n", None)],
)
def test_ufw_is_in_charge_where_its_chain_stands_and_its_status_says_so(monkeypatch, chain, status, evidence):
    monkeypatch.setattr(_host, "succeeds", lambda *command: chain and " ".join(command) == "iptables --wait -n -L ufw-user-input")
    monkeypatch.setattr(_host, "run", lambda *command: status if command == ("ufw", "status") else None)
    assert _ufw.evidence() == evidence


USER_RULES = f"""\
*filter
### RULES ###

### tuple ### allow tcp 22 0.0.0.0/0 any 192.0.2.9 in comment={COMMENT}
-A ufw-user-input -p tcp --dport 22 -s 192.0.2.9 -j ACCEPT

{{ours}}### tuple ### deny any any 0.0.0.0/0 any 203.0.113.66 in
-A ufw-user-input -s 203.0.113.66 -j DROP

### END RULES ###
COMMIT
"""
RECORDED = f"""\
### tuple ### {OURS}
-A ufw-user-input -p tcp -m multiport --dports 22,8443 -s 192.0.2.21 -j ACCEPT -m comment --comment 'dapp_avi-con-service_engine'

### tuple ### {OURS.replace("tcp 22,8443", "udp 123")}
-A ufw-user-input -p udp --dport 123 -s 192.0.2.21 -j ACCEPT -m comment --comment 'dapp_avi-con-service_engine'

"""


@pytest.fixture
def removed(monkeypatch, tmp_path):
    """Return the folder of what a ufw that was removed has left: a profile and rules, of ours and of others."""
    monkeypatch.setattr(_ufw, "PROFILES", tmp_path / "applications.d")
    monkeypatch.setattr(_ufw, "PLACES", (tmp_path,))
    monkeypatch.setattr(_host, "missing", lambda command: command == "ufw")
    _host.write(tmp_path / "applications.d" / "avi-con", f"# {_host.MARK}\n\n[avi-con-service_engine]\n")
    _host.write(tmp_path / "user.rules", USER_RULES.format(ours=RECORDED))
    _host.write(tmp_path / "user6.rules", USER_RULES.format(ours=""))
    return tmp_path


def test_what_a_removed_ufw_has_left_of_ours_goes_and_can_come_back(removed):
    nothing = _host.Request("controller", "con")
    assert _ufw.holds(nothing)
    change = _ufw.prepare(nothing)
    assert change.before[-1] == "allow in from 192.0.2.21 to any app avi-con-service_engine (22/tcp 8443/tcp 123/udp)"
    assert change.after == []
    assert change.warnings == [
        "the command ufw is missing on this host: what rules of ours it may have left in the kernel go with the next boot"
    ]
    change.apply(False)
    assert (removed / "user.rules").read_text(encoding="utf-8") == USER_RULES.format(ours="")
    assert (removed / "user6.rules").read_text(encoding="utf-8") == USER_RULES.format(ours="")
    assert not (removed / "applications.d" / "avi-con").exists()
    assert not _ufw.holds(nothing)
    _ufw.prepare(nothing, change.snapshot).apply(True)
    assert (removed / "user.rules").read_text(encoding="utf-8") == USER_RULES.format(ours=RECORDED)
    assert _ufw.holds(nothing)


def test_rules_for_a_ufw_that_is_missing_are_refused(removed, monkeypatch):
    monkeypatch.setattr(_host, "ENVIRONMENT", {"PATH": ""})
    with pytest.raises(_host.HostError, match="the command ufw is missing on this host"):
        _ufw.prepare(REQUEST)


@pytest.mark.parametrize("odd", ["allow tcp 22", "allow tcp 22 0.0.0.0/0 any 0.0.0.0/0 in comment=xyz"])
def test_a_rule_that_is_not_understood_stops_only_who_needs_to_know(removed, monkeypatch, odd):
    text = f"### tuple ### {odd}\n# caf\udce9\n"
    _host.write(removed / "user6.rules", text)
    nothing = _host.Request("controller", "con")
    assert _ufw.holds(nothing)
    _ufw.prepare(nothing).apply(False)
    assert (removed / "user6.rules").read_bytes() == text.encode(errors="surrogateescape")
    assert not _ufw.holds(nothing)
    monkeypatch.setattr(_host, "run", lambda *command: "")
    with pytest.raises(_host.HostError) as refused:
        _ufw.prepare(REQUEST)
    assert str(refused.value) == (f"{removed}/user6.rules, line 1: '### tuple ### {odd}' is no rule as ufw records it: mend or remove it")


# The rule that stands lets in too late: a denial of the same peer comes behind it.
LATE = USER_RULES.format(ours=RECORDED).replace(
    "### tuple ### deny any any 0.0.0.0/0 any 203.0.113.66 in", "### tuple ### deny any any 0.0.0.0/0 any 192.0.2.0/25 in"
)
STOOD = "allow in from 192.0.2.21 to any app avi-con-service_engine (22/tcp 8443/tcp 123/udp)"
PROFILE = """\
# Managed by the Ansible collection avi.firewall; do not edit.

[avi-con-service_engine]
title=avi-con-service_engine
description=Ports of the Avi load balancer
ports=22,8443/tcp|123/udp
"""


class Ufw:
    """Stands in for ufw: writes down what it is told, and which profiles it could look up then. It keeps no rules."""

    def __init__(self, profiles):
        self.profiles, self.told, self.known = profiles, [], []

    def run(self, *command):
        self.told.append(" ".join(command))
        text = self.profiles.read_text(encoding="utf-8") if self.profiles.exists() else ""
        self.known.append(re.findall(r"^\[(.*)\]$|^ports=(.*)$", text, re.MULTILINE))
        return ""


@pytest.fixture
def ufw(removed, monkeypatch):
    found = Ufw(removed / "applications.d" / "avi-con")
    monkeypatch.setattr(_host, "missing", lambda command: False)
    monkeypatch.setattr(_host, "run", found.run)
    return found


def test_a_change_says_what_stands_and_what_shall(removed, ufw):
    _host.write(removed / "user.rules", LATE)
    change = _ufw.prepare(REQUEST)
    assert ufw.told == ["ufw --version"]
    assert change.before == [f"# {_host.MARK}", "", "[avi-con-service_engine]", f"{STOOD} (misplaced)"]
    assert change.after == [
        *PROFILE.splitlines(),
        STOOD,
        STOOD.replace("192.0.2.21", "192.0.2.64/26"),
        STOOD.replace("192.0.2.21", "2001:db8::21"),
    ]
    assert sorted(change.lets_in) == [("tcp", 22, "192.0.2.21"), ("tcp", 8443, "192.0.2.21"), ("udp", 123, "192.0.2.21")]
    binding = {"rule": "allow", "name": "avi-con-service_engine", "direction": "in", "comment": "avi:controller"}
    assert change.bindings() == [{**binding, "from_ip": "2001:db8::21"}, {**binding, "from_ip": "192.0.2.64/26"}]


def test_a_change_remembers_what_takes_it_back(removed, ufw):
    _host.write(removed / "user.rules", LATE)
    former = _ufw.prepare(REQUEST).snapshot
    profile = f"# {_host.MARK}\n\n[avi-con-service_engine]\n"
    rule = [["in", "avi-con-service_engine", "192.0.2.21", ""], [("tcp", "22"), ("tcp", "8443"), ("udp", "123")]]
    assert former == _host.Snapshot(
        "ufw",
        REQUEST,
        {"text": profile, "rules": [rule]},
        {
            f"{removed}/applications.d/avi-con": profile,
            f"{removed}/user.rules": LATE,
            f"{removed}/user6.rules": USER_RULES.format(ours=""),
        },
    )
    # Meanwhile the administrator lets nobody of that network in: that is no reason not to go back.
    _host.write(removed / "user.rules", f"### tuple ### {CATCH_ALL}\n### tuple ### deny any any 0.0.0.0/0 any 192.0.2.0/25 in\n")
    (removed / "applications.d" / "avi-con").unlink()
    back = _ufw.prepare(_host.Request("controller", "con"), former)
    assert (back.before, back.after) == ([], [*profile.splitlines(), STOOD])
    with pytest.raises(_host.HostError, match="which is never reached"):
        _ufw.prepare(REQUEST)


def test_only_rules_that_let_in_are_told_as_such(removed, ufw):
    _host.write(removed / "user.rules", f"### tuple ### allow tcp 25 198.51.100.5 any 0.0.0.0/0 avi-con-x - out comment={COMMENT}\n")
    assert _ufw.prepare(REQUEST).lets_in == []


def test_ufw_keeps_something_of_ours_with_a_profile_alone_and_with_rules_alone(removed):
    _host.write(removed / "user.rules", USER_RULES.format(ours=""))
    assert _ufw.holds(_host.Request("controller", "con"))
    (removed / "applications.d" / "avi-con").unlink()
    assert not _ufw.holds(_host.Request("controller", "con"))
    _host.write(removed / "user6.rules", USER_RULES.format(ours=RECORDED))
    assert _ufw.holds(_host.Request("controller", "con"))


def test_what_a_removed_ufw_has_left_is_remembered_as_files(removed):
    nothing = _host.Request("controller", "con")
    former = _ufw.prepare(nothing).snapshot
    assert (former.backend, former.request, former.state) == ("ufw", nothing, {})
    (removed / "applications.d" / "avi-con").unlink()
    assert _ufw.prepare(nothing).before == [STOOD]
    assert _ufw.prepare(nothing, former).after == [f"# {_host.MARK}", "", "[avi-con-service_engine]"]
    without = _ufw.prepare(nothing).snapshot
    assert _ufw.prepare(nothing, without).after == []


def test_the_rules_are_where_the_first_file_is_or_would_be(monkeypatch, tmp_path):
    monkeypatch.setattr(_ufw, "PLACES", (tmp_path / "a", tmp_path / "b"))
    _host.write(tmp_path / "a" / "user6.rules", "")
    assert _ufw._paths() == [tmp_path / "a" / "user.rules", tmp_path / "a" / "user6.rules"]
    _host.write(tmp_path / "b" / "user.rules", "")
    assert _ufw._paths() == [tmp_path / "b" / "user.rules", tmp_path / "b" / "user6.rules"]


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("avi-con", b"[mine]\n", "/applications.d/avi-con is not ours: rename or remove it"),
        # Behind what ufw does not read either, and with a title that is no UTF-8.
        ("zabbix", b"title=caf\xe9\n[avi-con-x]\n", "/applications.d/zabbix defines the profile avi-con-x, a name of ours: rename it"),
    ],
)
def test_a_foreign_profile_with_a_name_of_ours_is_refused(removed, name, text, words):
    folder = removed / "applications.d"
    (folder / ".avi-con.swp").write_bytes(b"[avi-con-x]\n")
    (folder / "backup").mkdir()
    (folder / "openssh").write_bytes(b"[OpenSSH]\nports=22/tcp\n# [avi-con-x]\n")
    _ufw.prepare(_host.Request("controller", "con"))
    (folder / name).write_bytes(text)
    with pytest.raises(_host.HostError) as refused:
        _ufw.prepare(_host.Request("controller", "con"))
    assert str(refused.value) == f"{removed}{words}"


PORTS = "22,8443/tcp|123/udp"


def flow(*networks, ports=REQUEST.flows[0]["ports"], **changed):
    both = {"ipv4": [one for one in networks if ":" not in one], "ipv6": [one for one in networks if ":" in one]}
    return _host.Request("controller", "con", [{**REQUEST.flows[0], "ports": ports, **both, **changed}])


def test_a_misplaced_rule_is_never_away_while_it_moves(ufw, removed):
    _host.write(removed / "user.rules", LATE)
    _ufw.prepare(flow("192.0.2.21/32")).apply(False)
    rule, twin = (f"allow in from 192.0.2.21 to any app avi-con-{name}service_engine" for name in ("", "moving-"))
    assert ufw.told == [
        "ufw --version",
        f"ufw {twin} comment avi:controller",
        f"ufw delete {rule}",
        f"ufw {rule} comment avi:controller",
        f"ufw delete {twin}",
    ]
    both = [("avi-con-service_engine", ""), ("", PORTS), ("avi-con-moving-service_engine", ""), ("", PORTS)]
    assert all(sorted(known) == sorted(both) for known in ufw.known[1:])
    assert ufw.profiles.read_text(encoding="utf-8") == PROFILE


def test_the_heir_of_a_stale_rule_comes_before_that_goes_and_the_rest_is_left_to_bind(ufw, removed):
    change = _ufw.prepare(flow("192.0.2.0/26", "203.0.113.7/32"))
    change.apply(False)
    assert ufw.told == [
        "ufw --version",
        "ufw allow in from 192.0.2.0/26 to any app avi-con-service_engine comment avi:controller",
        "ufw delete allow in from 192.0.2.21 to any app avi-con-service_engine",
    ]
    assert ufw.profiles.read_text(encoding="utf-8") == PROFILE


def test_what_binds_itself_adds_all_that_is_missing(ufw, removed):
    _host.write(removed / "user.rules", RECORDED + f"### tuple ### {CATCH_ALL}\n")
    _ufw.prepare(flow("192.0.2.21/32", "203.0.113.7/32")).apply(True)
    # ufw counts the two records of a profile with two protocols as one rule.
    assert ufw.told[1:] == ["ufw insert 2 allow in from 203.0.113.7 to any app avi-con-service_engine comment avi:controller"]


def test_standing_rules_are_told_of_new_ports(ufw, removed):
    _ufw.prepare(flow("192.0.2.21/32", ports=REQUEST.flows[0]["ports"][:1])).apply(False)
    assert ufw.told == ["ufw --version", "ufw app update avi-con-service_engine"]
    assert ufw.profiles.read_text(encoding="utf-8") == PROFILE.replace(PORTS, "8443/tcp")


def test_a_rule_goes_before_its_profile(ufw, removed):
    _ufw.prepare(_host.Request("controller", "con")).apply(False)
    assert ufw.told == ["ufw --version", "ufw delete allow in from 192.0.2.21 to any app avi-con-service_engine"]
    assert ufw.known[1] == [("avi-con-service_engine", ""), ("", PORTS)]
    assert not ufw.profiles.exists()


def test_what_takes_a_change_back_brings_the_kernel_in_line_with_the_files(ufw, removed, monkeypatch):
    loaded = []
    monkeypatch.setattr(_ufw, "evidence", lambda: "ufw status says: active")
    former = _ufw.prepare(REQUEST).snapshot
    monkeypatch.setattr(_host, "run", lambda *command, **more: loaded.append((" ".join(command), more)))
    (removed / "user6.rules").unlink()
    _ufw.prepare(REQUEST, former).apply(True)
    assert loaded == [
        ("ufw --version", {}),
        ("iptables-restore --wait --noflush", {"stdin": USER_RULES.format(ours=RECORDED)}),
        ("ip6tables-restore --wait --noflush", {"stdin": ""}),
    ]
    del loaded[:]
    monkeypatch.setattr(_ufw, "evidence", lambda: None)
    _ufw.prepare(REQUEST, former).apply(True)
    assert loaded == [("ufw --version", {})]


def test_what_is_left_to_bind_goes_by_interface_number_and_direction(ufw, removed):
    _host.write(removed / "user.rules", f"### tuple ### {CATCH_ALL}\n")
    _host.write(removed / "user6.rules", "")
    wanted = dataclasses.replace(flow("192.0.2.30/32"), interfaces=["eth0"])
    binding = {"rule": "allow", "name": "avi-con-service_engine", "comment": "avi:controller"}
    assert _ufw.prepare(wanted).bindings() == [
        {**binding, "direction": "in", "interface": "eth0", "insert": 1, "from_ip": "192.0.2.30"},
    ]
    leaving = flow("192.0.2.30/32", direction="out")
    assert _ufw.prepare(leaving).bindings() == [{**binding, "direction": "out", "to_ip": "192.0.2.30"}]
