# Copyright: (c) 2026, avi.firewall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json

import pytest
from ansible_collections.avi.firewall.plugins.module_utils import _firewalld, _host

FLOW = {"name": "avi-con-service_engine", "direction": "in", "peer": "service_engine", "ports": [], "ipv4": ["192.0.2.21/32"], "ipv6": []}
NOTHING = _firewalld.View()
SOMETHING = _firewalld.View(
    services={"avi-con-service_engine": frozenset({("22", "tcp"), ("161", "udp")})},
    ipsets={"avi-con-service_engine-4": frozenset({"192.0.2.21"})},
    rules={"public": {"rule …"}},
)
OUTGOING = _firewalld.View(SOMETHING.services, SOMETHING.ipsets, SOMETHING.rules, frozenset({"rule b", "rule a"}))


class Client:
    """Stands in for firewalld's client: two zones, one of which claims sources."""

    def __init__(self, sources):
        self.sources = sources

    def getZones(self):  # noqa: N802 - the name is firewalld's
        return ["public", "work"]

    def getSources(self, zone):  # noqa: N802
        return self.sources if zone == "work" else []

    def getEntries(self, name):  # noqa: N802
        return {"office": ["192.0.2.16/28"]}[name]


@pytest.mark.parametrize(
    ("source", "claimed"), [("192.0.2.21", "192.0.2.21"), ("192.0.2.0/24", "192.0.2.0/24"), ("ipset:office", "192.0.2.16/28")]
)
def test_a_peer_that_another_zone_claims_is_named(source, claimed):
    with pytest.raises(_host.HostError) as refused:
        _firewalld._refuse_bound_elsewhere(Client([source, "198.51.100.1"]), _host.Request("controller", "con", [FLOW]), ["public", "dmz"])
    assert str(refused.value) == (
        f"peer service_engine (192.0.2.21/32) is bound by its source {claimed} to zone work, which then judges it, "
        "not public, dmz: set avi_firewall_zone, or take the source out of that zone"
    )


@pytest.mark.parametrize("source", ["198.51.100.0/24", "2001:db8::/32", "02:00:0a:10:03:0b"])
def test_sources_of_others_are_no_matter(source):
    _firewalld._refuse_bound_elsewhere(Client([source]), _host.Request("controller", "con", [FLOW]), ["public"])


def test_a_source_may_be_bound_to_the_zone_that_gets_the_rules():
    _firewalld._refuse_bound_elsewhere(Client(["192.0.2.21"]), _host.Request("controller", "con", [FLOW]), ["work"])


def test_lines_tell_where_the_two_configurations_differ():
    lines = ["service avi-con-service_engine: 161/udp 22/tcp", "ipset avi-con-service_engine-4: 192.0.2.21", "zone public: rule …"]
    assert _firewalld._lines(SOMETHING, NOTHING) == [f"{line} (permanent only)" for line in lines]
    assert _firewalld._lines(NOTHING, SOMETHING) == [f"{line} (running only)" for line in lines]
    assert _firewalld._lines(SOMETHING, SOMETHING) == lines


@pytest.mark.parametrize(
    ("wanted", "running", "reload"),
    [
        (NOTHING, NOTHING, False),
        (SOMETHING, NOTHING, True),
        (NOTHING, SOMETHING, True),
        (_firewalld.View(SOMETHING.services, {"avi-con-service_engine-4": frozenset({"192.0.2.22"})}, SOMETHING.rules), SOMETHING, False),
        (_firewalld.View({"avi-con-service_engine": frozenset({("23", "tcp")})}, SOMETHING.ipsets, SOMETHING.rules), SOMETHING, True),
        (_firewalld.View(SOMETHING.services, {}, SOMETHING.rules), SOMETHING, True),
        (OUTGOING, SOMETHING, True),
        (OUTGOING, OUTGOING, False),
    ],
)
def test_only_a_new_changed_or_dropped_object_needs_a_reload(wanted, running, reload):
    assert _firewalld._needs_reload(wanted, running) is reload


def sets(*entries):
    return _firewalld.View(ipsets={"avi-con-service_engine-4": frozenset(entries)})


@pytest.mark.parametrize(
    ("wanted", "running", "bridges"),
    [
        (["192.0.2.0/24"], ["192.0.2.21", "192.0.2.22", "198.51.100.1"], ["192.0.2.21/32", "192.0.2.22/32"]),
        (["192.0.2.21"], ["192.0.2.0/24"], ["192.0.2.21/32"]),
        (["192.0.2.21", "198.51.100.1"], ["192.0.2.21"], []),
    ],
)
def test_a_rule_stands_in_for_each_network_that_both_sets_hold_in_another_form(wanted, running, bridges):
    found = _firewalld._bridges(sets(*wanted), sets(*running))
    assert found == {"avi-con-service_engine-4": bridges}
    rules = [
        'rule family="ipv4" source ipset="avi-con-service_engine-4" service name="avi-con-service_engine" accept',
        'rule family="ipv6" source ipset="avi-con-service_engine-6" service name="avi-con-service_engine" accept',
    ]
    expected = {f'rule family="ipv4" source address="{network}" service name="avi-con-service_engine" accept' for network in bridges}
    assert _firewalld._bridging(rules, found) == expected


def test_more_overlaps_than_a_reload_is_worth_are_left_to_a_reload():
    hosts = [f"192.0.2.{number}" for number in range(1, 256, 2)]
    assert _firewalld._needs_reload(sets("192.0.2.0/24"), sets(*hosts[:50])) is False
    assert _firewalld._needs_reload(sets("192.0.2.0/24"), sets(*hosts)) is True


def test_who_gets_in_is_read_from_the_rules_that_stand():
    view = _firewalld.View(
        services={"avi-con-x": frozenset({("22", "tcp")}), "avi-con-y": frozenset({("161", "udp")})},
        ipsets={"avi-con-x-4": frozenset({"192.0.2.21"})},
        rules={
            "public": {
                'rule family="ipv4" source ipset="avi-con-x-4" service name="avi-con-x" accept',
                'rule family="ipv4" source ipset="avi-con-gone-4" service name="avi-con-x" accept',
            },
            "work": {
                'rule family="ipv4" service name="avi-con-x" accept',
                'rule family="ipv6" service name="avi-con-y" accept',
                'rule family="ipv6" service name="avi-con-gone" accept',
            },
        },
    )
    assert sorted(view.lets_in()) == [("tcp", 22, "0.0.0.0/0"), ("tcp", 22, "192.0.2.21"), ("udp", 161, "::/0")]


def test_a_rule_that_somebody_has_written_by_hand_may_be_for_both_families():
    ports = {"avi-con-x": frozenset({("22", "tcp")})}
    view = _firewalld.View(services=ports, rules={"public": {'rule service name="avi-con-x" accept'}})
    assert sorted(view.lets_in()) == [("tcp", 22, "0.0.0.0/0"), ("tcp", 22, "::/0")]
    ours = 'rule family="ipv6" service name="avi-con-x" accept'
    assert _firewalld._heirs(_firewalld.View(services=ports, rules={"public": {ours}}), view) == {"public": {ours}}


@pytest.mark.parametrize("view", [SOMETHING, OUTGOING])
def test_a_view_comes_back_from_its_record(view):
    assert _firewalld.View.of(json.loads(json.dumps(view.state()))) == view


def test_a_rule_opens_the_ports_of_its_service_if_that_is_there():
    rule = 'rule family="ipv6" service name="avi-con-x" accept'
    assert _firewalld._opens(_firewalld.View({"avi-con-x": frozenset({("22", "tcp")})}), rule) == {("ipv6", "22", "tcp")}
    assert _firewalld._opens(NOTHING, rule) == set()
