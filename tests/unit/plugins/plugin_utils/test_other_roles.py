# Copyright: (c) 2026, avi.firewall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The plan in the words of other roles: what is said, and what is refused."""

from __future__ import annotations

import re

import pytest
from ansible_collections.avi.firewall.plugins.plugin_utils import _other_roles

PORTAL = {
    "host": "con1",
    "node": "controller",
    "direction": "in",
    "peer": "service_engine",
    "name": "system_portal",
    "protocol": "tcp",
    "port": 8443,
    "networks": ["192.0.2.21/32", "2001:db8::21/128"],
    "why": "SE reaches the system portal",
}
TIME = {**PORTAL, "name": "ntp", "protocol": "udp", "port": 123, "networks": ["192.0.2.21/32"], "why": "Time"}
MAIL = {**PORTAL, "direction": "out", "peer": "smtp_server", "name": "smtp", "port": 25, "networks": ["198.51.100.25/32"], "why": "Mail"}
EACH = [_other_roles.firewalld_rich_rules, _other_roles.system_role_firewall, _other_roles.debops_ferm]

RICH_RULES = [
    'rule family="ipv4" source address="192.0.2.21/32" port port="8443" protocol="tcp" accept',
    'rule family="ipv6" source address="2001:db8::21/128" port port="8443" protocol="tcp" accept',
    'rule family="ipv4" source address="192.0.2.21/32" port port="123" protocol="udp" accept',
]


def test_a_rich_rule_for_each_network_and_port():
    assert _other_roles.firewalld_rich_rules([PORTAL, TIME]) == RICH_RULES


def test_everyone_is_no_source():
    assert _other_roles.firewalld_rich_rules([{**PORTAL, "networks": ["0.0.0.0/0", "::/0"]}]) == [
        'rule family="ipv4" port port="8443" protocol="tcp" accept',
        'rule family="ipv6" port port="8443" protocol="tcp" accept',
    ]


def test_networks_are_normalised():
    loose = {**PORTAL, "networks": ["2001:DB8::21", "192.0.2.21", "192.0.2.21/32"]}
    assert _other_roles.firewalld_rich_rules([loose]) == RICH_RULES[:2]
    assert _other_roles.debops_ferm([loose]) == _other_roles.debops_ferm([PORTAL])


def test_what_two_peers_share_is_said_once():
    assert _other_roles.firewalld_rich_rules([PORTAL, TIME, {**PORTAL, "peer": "controller", "name": "cluster_portal"}]) == RICH_RULES


def test_one_entry_of_the_system_role():
    assert _other_roles.system_role_firewall([PORTAL, TIME]) == [{"rich_rule": RICH_RULES, "state": "enabled"}]


def test_the_zone_and_the_state_are_the_users():
    assert _other_roles.system_role_firewall([PORTAL, TIME], zone="management", state="disabled") == [
        {"zone": "management", "rich_rule": RICH_RULES, "state": "disabled"}
    ]


def test_ferm_has_one_file_for_each_type_and_direction():
    node = {**TIME, "node": "cluster_node", "peer": "controller"}
    assert _other_roles.debops_ferm([PORTAL, MAIL, TIME, node]) == [
        {
            "name": "avi-con-in",
            "type": "accept",
            "by_role": "avi.firewall",
            "rules": [
                {
                    "comment": "system_portal from service_engine: SE reaches the system portal",
                    "chain": "INPUT",
                    "protocol": "tcp",
                    "dport": [8443],
                    "saddr": ["192.0.2.21/32", "2001:db8::21/128"],
                    "accept_any": False,
                },
                {
                    "comment": "ntp from service_engine: Time",
                    "chain": "INPUT",
                    "protocol": "udp",
                    "dport": [123],
                    "saddr": ["192.0.2.21/32"],
                    "accept_any": False,
                },
            ],
        },
        {
            "name": "avi-con-out",
            "type": "accept",
            "by_role": "avi.firewall",
            "rules": [
                {
                    "comment": "smtp to smtp_server: Mail",
                    "chain": "OUTPUT",
                    "protocol": "tcp",
                    "dport": [25],
                    "daddr": ["198.51.100.25/32"],
                    "accept_any": False,
                },
            ],
        },
        {
            "name": "avi-node-in",
            "type": "accept",
            "by_role": "avi.firewall",
            "rules": [
                {
                    "comment": "ntp from controller: Time",
                    "chain": "INPUT",
                    "protocol": "udp",
                    "dport": [123],
                    "saddr": ["192.0.2.21/32"],
                    "accept_any": False,
                },
            ],
        },
    ]


@pytest.mark.parametrize("told", EACH)
def test_no_rules_are_nothing(told):
    assert told([]) == []


@pytest.mark.parametrize("told", EACH)
def test_a_rule_keeps_its_own_networks(told):
    """Whoever narrows one port of a peer must not get the networks of another."""
    text = str(told([PORTAL, {**PORTAL, "port": 22, "networks": ["192.0.2.99/32"]}]))
    assert [text.count(network) for network in ("192.0.2.21/32", "192.0.2.99/32")] == [1, 1]


@pytest.mark.parametrize("told", EACH)
@pytest.mark.parametrize(
    ("rules", "message"),
    [
        ("con1", "'con1' is a str, not the list of rules that query('avi.firewall.host_plan', …) returns"),
        (PORTAL, "is a dict, not the list of rules that query('avi.firewall.host_plan', …) returns"),
        (None, "None is a NoneType, not the list"),
        (["con1"], "'con1' is no rule, as query('avi.firewall.host_plan', …) returns them"),
        ([{key: value for key, value in PORTAL.items() if key != "networks"}], "has no networks, as the rules that"),
        ([PORTAL, {**TIME, "host": "con2"}], "the rules are of con1, con2: give those of one host"),
        ([{**PORTAL, "node": "router"}], "rule system_portal of host con1: node 'router' is not one of controller, service_engine"),
        ([{**PORTAL, "direction": "up"}], "rule system_portal of host con1: direction 'up' is not one of in, out"),
        ([{**PORTAL, "protocol": "icmp"}], "rule system_portal of host con1: protocol 'icmp' is not one of tcp, udp"),
        ([{**PORTAL, "port": None}], "rule system_portal of host con1: port None is not a number from 1 to 65535"),
        ([{**PORTAL, "port": 0}], "port 0 is not a number from 1 to 65535"),
        ([{**PORTAL, "port": 65536}], "port 65536 is not a number from 1 to 65535"),
        ([{**PORTAL, "port": True}], "port True is not a number from 1 to 65535"),
        ([{**PORTAL, "port": "22"}], "port '22' is not a number from 1 to 65535"),
        ([{**PORTAL, "networks": []}], "rule system_portal of host con1: networks is empty"),
        ([{**PORTAL, "networks": ["se1"]}], "rule system_portal of host con1: 'se1' is not an address or network"),
        ([{**PORTAL, "networks": ['192.0.2.1" accept']}], "is not an address or network"),
    ],
)
def test_what_is_no_plan_of_one_host_is_refused(told, rules, message):
    with pytest.raises(_other_roles.OtherRoleError, match=re.escape(message)):
        told(rules)


@pytest.mark.parametrize("told", [_other_roles.firewalld_rich_rules, _other_roles.system_role_firewall])
def test_a_zone_holds_nothing_that_goes_out(told):
    with pytest.raises(_other_roles.OtherRoleError, match=r"rule smtp goes out, to smtp_server, .* avi_firewall_outbound false"):
        told([PORTAL, MAIL])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"zone": ""}, "zone '' is no zone of firewalld"),
        ({"zone": "my zone"}, "zone 'my zone' is no zone of firewalld"),
        ({"zone": 5}, "zone 5 is no zone of firewalld"),
        ({"state": "present"}, "state 'present' is not one of enabled, disabled"),
    ],
)
def test_a_slip_in_an_option_is_refused(options, message):
    with pytest.raises(ValueError, match=message):
        _other_roles.system_role_firewall([PORTAL], **options)
