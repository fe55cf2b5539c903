# Copyright: (c) 2026, avi.firewall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The flows of a site: small ones typed by hand, and the realistic one as the documents have it."""

from __future__ import annotations

import pytest
from ansible_collections.avi.firewall.plugins.plugin_utils import _handover, _plan
from ansible_collections.avi.firewall.tests.unit import handover_site

GROUPS = {"avi_controllers": ["con1", "con2"], "avi_service_engines": ["se1", "se2"]}


def site(exported=None, groups=None, common=(), **hosts):
    """Return the flows of two Controllers and two Service Engines as (source, its networks, destination, its networks, port)."""
    groups = GROUPS if groups is None else groups
    known = {"avi_firewall_release": "16.3", "avi_firewall_peers": {"management_client": []}, **dict(common)}
    last = {"con1": 11, "con2": 12, "se1": 21, "se2": 22, "node1": 31}
    hostvars = {
        host: {**known, "avi_firewall_address": f"192.0.2.{last[host]}", **hosts.get(host, {})} for of in groups.values() for host in of
    }
    return _handover.flows(handover_site.found(groups, hostvars, exported))


def told(flows):
    return [
        (
            flow["source"],
            " ".join(flow["source_networks"]),
            flow["destination"],
            " ".join(flow["destination_networks"]),
            f"{flow['protocol']}/{flow['port']}",
        )
        for flow in flows
    ]


CONS = "192.0.2.11/32 192.0.2.12/32"
SES = "192.0.2.21/32 192.0.2.22/32"
PLAIN = [
    ("controller", CONS, "controller", CONS, "tcp/22"),
    ("controller", CONS, "controller", CONS, "tcp/8443"),
    ("service_engine", SES, "controller", CONS, "tcp/22"),
    ("service_engine", SES, "controller", CONS, "tcp/8443"),
    ("service_engine", SES, "controller", CONS, "udp/123"),
]


def test_a_row_between_two_types_of_hosts_is_one_flow():
    assert told(site()) == PLAIN


def test_a_flow_says_where_it_comes_from():
    assert site()[3] == {
        "source": "service_engine",
        "source_networks": ["192.0.2.21/32", "192.0.2.22/32"],
        "destination": "controller",
        "destination_networks": ["192.0.2.11/32", "192.0.2.12/32"],
        "protocol": "tcp",
        "port": 8443,
        "name": "system_portal",
        "why": "SE reaches the system portal",
        "document": "matrix_page",
        "feature": None,
        "release": "16.3",
    }


@pytest.mark.parametrize("outbound", [False, True])
def test_what_a_controller_dials_is_a_flow_whether_hosts_get_outbound_rules_or_not(outbound):
    peers = {"management_client": [], "smtp_server": ["198.51.100.25"], "syslog_server": ["ldap.example.com"], "ntp_server": []}
    flows = site(common={"avi_firewall_outbound": outbound, "avi_firewall_peers": peers})
    assert {flow["release"] for flow in flows} == {"16.3"}
    assert told(flows) == [
        *PLAIN,
        ("controller", CONS, "smtp_server", "198.51.100.25/32", "tcp/25"),
        ("controller", CONS, "syslog_server", "192.0.2.40/32 2001:db8::40/128", "udp/514"),
    ]


def test_a_lone_controller_dials_no_other():
    assert told(site(groups={"avi_controllers": ["con1"], "avi_service_engines": []})) == []


def test_a_published_port_is_that_of_the_host_and_hosts_that_differ_are_flows_of_their_own():
    known = {
        "common": {"avi_controller_runtime": "docker", "avi_firewall_peers": {"management_client": ["198.51.100.0/24"]}},
        "con1": {"avi_controller_ports": {"https": 9443}},
    }
    flows = site(**known)
    assert site(groups={of: list(reversed(hosts)) for of, hosts in GROUPS.items()}, **known) == flows
    assert [flow for flow in told(flows) if flow[0] == "management_client"] == [
        ("management_client", "198.51.100.0/24", "controller", CONS, "tcp/5098"),
        ("management_client", "198.51.100.0/24", "controller", "192.0.2.12/32", "tcp/443"),
        ("management_client", "198.51.100.0/24", "controller", "192.0.2.11/32", "tcp/9443"),
        ("management_client", "198.51.100.0/24", "controller", CONS, "udp/161"),
    ]


def test_a_host_behind_nat_comes_from_where_it_is_seen_and_is_dialled_at_its_address():
    nat = {"avi_firewall_address_seen_as": {"controller": "203.0.113.8/30"}}
    flows = told(site(common={"avi_firewall_release": "22.1", "avi_firewall_cloud": "vcenter"}, se1=nat))
    assert ("service_engine", "192.0.2.22/32 203.0.113.8/30", "controller", CONS, "tcp/8443") in flows
    assert ("service_engine", SES, "service_engine", SES, "tcp/9001") in flows


def test_a_server_sees_what_all_types_of_hosts_see():
    peers = {"management_client": [], "smtp_server": ["198.51.100.25"]}
    everyone = site(common={"avi_firewall_peers": peers}, con1={"avi_firewall_address_seen_as": "203.0.113.1"})
    assert ("controller", "192.0.2.12/32 203.0.113.1/32", "smtp_server", "198.51.100.25/32", "tcp/25") in told(everyone)
    assert ("controller", "192.0.2.12/32 203.0.113.1/32", "controller", CONS, "tcp/22") in told(everyone)
    some = site(common={"avi_firewall_peers": peers}, con1={"avi_firewall_address_seen_as": {"service_engine": "203.0.113.1"}})
    assert ("controller", CONS, "smtp_server", "198.51.100.25/32", "tcp/25") in told(some)


def test_nodes_that_are_no_hosts_are_dialled_and_come():
    peers = {"management_client": [], "service_engine": ["10.4.0.0/24"], "kubernetes_node": ["10.5.0.9"]}
    flows = told(site(common={"avi_firewall_release": "22.1", "avi_firewall_cloud": "vcenter", "avi_firewall_peers": peers}))
    assert ("service_engine", f"10.4.0.0/24 {SES}", "service_engine", f"10.4.0.0/24 {SES}", "tcp/9001") in flows
    assert ("controller", CONS, "kubernetes_node", "10.5.0.9/32", "tcp/22") in told(site(common={"avi_firewall_peers": peers}))


def test_what_cannot_be_of_a_controller_that_is_no_host_names_it_as_one():
    common = {"avi_firewall_peers": {"controller": ["192.0.2.5"]}, "avi_controller_ports": {"ssh": 6098}}
    with pytest.raises(_plan.PlanError) as refused:
        site(groups={"avi_service_engines": ["se1"]}, common=common)
    assert str(refused.value).startswith(
        "avi_controller_ports of host outside the inventory is {'ssh': 6098}, and avi_controller_runtime is host: "
    )


def test_a_node_that_is_no_host_may_be_known_by_name_and_so_may_who_comes_to_it():
    peers = {"management_client": ["ldap.example.com"], "controller": ["ldap.example.com"]}
    name = "192.0.2.40/32 2001:db8::40/128"
    assert told(site(groups={"avi_service_engines": ["se1"]}, common={"avi_firewall_peers": peers})) == [
        *(("service_engine", "192.0.2.21/32", "controller", name, port) for port in ("tcp/22", "tcp/8443", "udp/123")),
        *(("management_client", name, "controller", name, port) for port in ("tcp/22", "tcp/443", "udp/161")),
    ]


def test_controllers_of_an_export_are_dialled_at_their_public_address_too():
    listed = {"name": "con1", "host": "con1", "addresses": ["192.0.2.11"], "public": ["203.0.113.11"], "resolved": {}}
    other = {"name": "con9", "host": None, "addresses": ["192.0.2.19"], "public": ["203.0.113.19"], "resolved": {}}
    flows = told(site(exported={"controller": [listed, other]}))
    every = "192.0.2.11/32 192.0.2.12/32 192.0.2.19/32"
    assert ("controller", every, "controller", f"{every} 203.0.113.11/32 203.0.113.19/32", "tcp/22") in flows
    # Who manages those is known of all Controllers alike, and nobody has to name clients for a Controller that is no host.
    groups = {"avi_service_engines": ["se1", "se2"]}
    assert told(site(exported={"controller": [other]}, groups=groups, common={"avi_firewall_peers": {}})) == [
        ("service_engine", SES, "controller", "192.0.2.19/32 203.0.113.19/32", port) for port in ("tcp/22", "tcp/8443", "udp/123")
    ]


def test_a_controller_of_an_export_that_is_a_host_listens_where_the_host_says():
    listed = {"name": "con2", "host": "con2", "addresses": ["192.0.2.12"], "public": [], "resolved": {}}
    flows = site(
        exported={"controller": [listed]},
        common={"avi_controller_runtime": "docker", "avi_firewall_peers": {"management_client": ["198.51.100.0/24"]}},
        con1={"avi_controller_ports": {"https": 9443}},
        con2={"avi_controller_ports": {"https": 9444}},
    )
    assert [(flow["port"], flow["destination_networks"]) for flow in flows if flow["name"] == "https"] == [
        (9443, ["192.0.2.11/32"]),
        (9444, ["192.0.2.12/32"]),
    ]


def test_a_cluster_node_is_what_its_kind_is():
    groups = {**GROUPS, "avi_cluster_nodes": ["node1"]}
    flows = told(site(groups=groups, node1={"avi_cluster_node_kinds": ["mesos_node", "marathon"]}))
    assert flows[-2:] == [
        ("controller", CONS, "marathon", "192.0.2.31/32", "tcp/80"),
        ("controller", CONS, "mesos_node", "192.0.2.31/32", "tcp/22"),
    ]


def test_rows_of_the_users_own_are_flows():
    row = {"name": "exporter", "source": "controller", "destination": "smtp_server", "protocol": "tcp", "port": 9100, "why": "Metrics"}
    flows = site(
        common={"avi_firewall_extra_rows": [row], "avi_firewall_peers": {"management_client": [], "smtp_server": ["198.51.100.25"]}}
    )
    assert (flows[-1]["name"], flows[-1]["document"], flows[-1]["port"]) == ("exporter", "avi_firewall_extra_rows", 9100)


@pytest.mark.parametrize("more", [{"port": 9443}, {"feature": "http"}, {"why": "SE reaches the web"}])
def test_flows_that_differ_in_one_thing_have_one_order(more):
    one = site()[3]
    assert _handover.flows([{**one, **more}, one]) == [one, {**one, **more}]


def test_a_row_that_has_a_port_in_one_release_alone_has_an_order():
    with_port = {**site()[3], "port": 1, "release": "20.1"}
    without = {**with_port, "port": None, "release": "22.1"}
    assert _handover.flows([with_port, without]) == [without, with_port]


@pytest.mark.parametrize("order", [reversed, lambda hosts: hosts[1::2] + hosts[::2]])
def test_the_order_of_hosts_means_nothing(order):
    assert _handover.flows(handover_site.found(*handover_site.read(), order=order)) == handover_site.flows()


CONTROLLERS = ["192.0.2.11/32", "192.0.2.12/31", "2001:db8::11/128", "2001:db8::12/127"]
CLIENTS = ["198.51.100.0/24", "2001:db8:5::/48"]


def test_the_realistic_site_has_every_row_of_its_release_once():
    assert [(flow["source"], flow["destination"], flow["protocol"], flow["port"], flow["feature"]) for flow in handover_site.flows()] == [
        ("controller", "controller", "tcp", 22, None),
        ("controller", "controller", "tcp", 443, None),
        ("controller", "controller", "tcp", 8443, None),
        ("service_engine", "controller", "tcp", 22, None),
        ("service_engine", "controller", "tcp", 8443, None),
        ("service_engine", "controller", "udp", 123, None),
        ("service_engine", "controller", "icmp", None, "icmp_echo"),
        ("management_client", "controller", "tcp", 22, None),
        ("management_client", "controller", "tcp", 80, "http"),
        ("management_client", "controller", "tcp", 443, None),
        ("management_client", "controller", "udp", 161, None),
        ("service_engine", "service_engine", "tcp", 9001, None),
        ("controller", "service_engine", "icmp", None, "icmp_echo"),
        ("controller", "smtp_server", "tcp", 25, None),
        ("controller", "dns_server", "udp", 53, None),
        ("controller", "ldap_server", "tcp", 389, None),
        ("controller", "ldap_server", "udp", 389, None),
        ("controller", "ldap_server", "tcp", 636, None),
        ("controller", "syslog_server", "tcp", 514, None),
        ("controller", "vcenter", "tcp", 443, None),
    ]


def test_the_networks_of_the_realistic_site():
    of = {(flow["source"], flow["destination"], flow["port"]): flow for flow in handover_site.flows()}
    portal, sync = of["service_engine", "controller", 8443], of["service_engine", "service_engine", 9001]
    assert portal["destination_networks"] == CONTROLLERS
    assert of["management_client", "controller", 443]["source_networks"] == CLIENTS
    assert of["controller", "ldap_server", 389]["destination_networks"] == ["192.0.2.40/32", "2001:db8::40/128"]
    assert sync["source_networks"] == sync["destination_networks"]
    # .101 to .150, of which .128 and on are in the network of tomorrow's; behind NAT, but for each other.
    ladder = ["101/32", "102/31", "104/29", "112/28"]
    assert [network for network in portal["source_networks"] if network.startswith("10.16.2.")] == [
        *(f"10.16.2.{part}" for part in ladder),
        "10.16.2.128/25",
    ]
    assert [network for network in portal["source_networks"] if network.startswith("10.16.3.")] == []
    assert "203.0.113.8/30" in portal["source_networks"]
    assert "203.0.113.8/30" not in sync["source_networks"]
    assert "10.16.3.144/30" in sync["source_networks"]
    # ::101 to ::150 are digits of hexadecimal numbers: four runs from 0x101 to 0x109, two from each of 0x110 to 0x140, and 0x150.
    assert len([network for network in portal["source_networks"] if network.startswith("2001:db8:4::")]) == 13


def test_the_settings_for_what_is_no_host_are_those_of_the_first_controller():
    nodes = {"cluster_node": [{"host": "a1"}], "service_engine": [{"host": "b1"}], "controller": [{"host": "con10"}, {"host": "con9"}]}
    assert _handover.spokesman(nodes) == "con9"
    assert _handover.spokesman({**nodes, "controller": []}) == "b1"
    assert _handover.spokesman({}) is None
