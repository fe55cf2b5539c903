# Copyright: (c) 2026, avi.firewall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

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
    ports = frozenset({("tcp", "8443"), ("tcp", "22"), ("udp", "123")})
    assert "[avi-con-service_engine]\n" in _ufw._text({"avi-con-service_engine": ports})
    assert "\nports=22,8443/tcp|123/udp\n" in _ufw._text({"avi-con-service_engine": ports})


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


def test_standing_rules_of_ours_are_read_back_and_foreign_ones_passed_over():
    lines = [
        f"allow tcp 22,8443 0.0.0.0/0 any 192.0.2.21 avi-con-service_engine - in comment={COMMENT}",
        f"allow udp 123 0.0.0.0/0 any 192.0.2.21 avi-con-service_engine - in comment={COMMENT}",
        f"allow tcp 25 198.51.100.5 any 0.0.0.0/0 avi-con-to-smtp_server - out_eth0 comment={COMMENT}",
        "allow tcp 22 0.0.0.0/0 any 192.0.2.9 in",
        f"allow tcp 22 0.0.0.0/0 any 192.0.2.9 in comment={b'backup'.hex()}",
        f"allow tcp 22 0.0.0.0/0 any 192.0.2.9 avi-se-x - in comment={b'avi:service_engine'.hex()}",
    ]
    assert _ufw._ours([line.split() for line in lines], REQUEST) == {
        _ufw.Rule("in", "avi-con-service_engine", "192.0.2.21"): {("tcp", "22"), ("tcp", "8443"), ("udp", "123")},
        _ufw.Rule("out", "avi-con-to-smtp_server", "198.51.100.5", "eth0"): {("tcp", "25")},
    }


def refused(line):
    try:
        _ufw._refuse_stopped_before([line.split()], REQUEST, _ufw._rules(REQUEST))
    except _host.HostError as exc:
        return str(exc)
    return None


def test_a_foreign_rule_that_denies_everything_stops_the_run():
    assert "denies everything in" in refused("deny any any 0.0.0.0/0 any 0.0.0.0/0 in")
    assert "rejects everything in" in refused("reject any any ::/0 any ::/0 in")


def test_a_specific_foreign_deny_does_not():
    assert refused("deny any any 0.0.0.0/0 any 203.0.113.66 in") is None
    assert refused("deny tcp 23 0.0.0.0/0 any 0.0.0.0/0 in") is None
    assert refused("deny any any 0.0.0.0/0 any 0.0.0.0/0 out") is None


def rule(network, direction="in", profile="avi-con-service_engine", interface=""):
    return _ufw.Rule(direction, profile, network, interface)


def test_a_rule_that_takes_the_place_of_a_stale_one_is_its_heir():
    wide, narrow = rule("192.0.2.0/24"), rule("192.0.2.21")
    assert _ufw._heirs([wide], [narrow]) == [wide]
    assert _ufw._heirs([narrow], [wide]) == [narrow]


def test_a_rule_for_others_is_no_heir():
    others = [rule("198.51.100.1"), rule("2001:db8::/32"), rule("192.0.2.21", profile="avi-con-management_client")]
    others += [rule("192.0.2.21", direction="out"), rule("192.0.2.21", interface="eth0")]
    assert _ufw._heirs([rule("192.0.2.0/24")], others) == []
