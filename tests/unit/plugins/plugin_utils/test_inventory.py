# Copyright: (c) 2026, avi.firewall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.avi.firewall.plugins.plugin_utils import _inventory, _port_matrix

NAMES = {"controller": "avi_controllers", "service_engine": "avi_service_engines", "cluster_node": "avi_cluster_nodes"}


@pytest.mark.parametrize(
    ("variables", "found"),
    [
        ({"avi_firewall_address": "192.0.2.1", "ansible_host": "192.0.2.2"}, ["192.0.2.1"]),
        ({"avi_firewall_address": ["192.0.2.1", "2001:DB8::1", "192.0.2.1"]}, ["192.0.2.1", "2001:db8::1"]),
        ({"ansible_host": "192.0.2.2", "ansible_facts": {"default_ipv4": {"address": "192.0.2.3"}}}, ["192.0.2.2"]),
        ({"ansible_host": "con1.example", "ansible_facts": {"default_ipv4": {"address": "192.0.2.3"}}}, ["192.0.2.3"]),
        ({"ansible_host": "127.0.0.1", "ansible_facts": {"default_ipv4": {"address": "192.0.2.3"}}}, ["192.0.2.3"]),
        (
            {
                "ansible_facts": {
                    "default_ipv4": {"address": "192.0.2.3"},
                    "default_ipv6": {"address": "2001:db8::3", "scope": "global"},
                }
            },
            ["192.0.2.3", "2001:db8::3"],
        ),
        (
            {
                "ansible_facts": {
                    "default_ipv4": {"address": "192.0.2.3"},
                    "default_ipv6": {"address": "fe80::3", "scope": "link"},
                }
            },
            ["192.0.2.3"],
        ),
    ],
)
def test_the_address_of_a_host(variables, found):
    assert _inventory.addresses("con1", variables) == found


EVERYONE = ("controller", "service_engine", "cluster_node")


@pytest.mark.parametrize(
    ("given", "found"),
    [
        (None, {}),
        ("198.51.100.1", {node: ["198.51.100.1/32"] for node in EVERYONE}),
        (
            ["2001:DB8:1::/64", "198.51.100.1", "198.51.100.8/29", "198.51.100.9"],
            {node: ["198.51.100.1/32", "198.51.100.8/29", "2001:db8:1::/64"] for node in EVERYONE},
        ),
        (
            {"controller": "198.51.100.1", "cluster_node": ["198.51.100.8/29"]},
            {"controller": ["198.51.100.1/32"], "cluster_node": ["198.51.100.8/29"]},
        ),
    ],
)
def test_what_others_see_of_a_host_behind_nat(given, found):
    assert _inventory.seen_as("se1", {"avi_firewall_address_seen_as": given}) == found
    assert _inventory.addresses("se1", {"ansible_host": "192.0.2.21", "avi_firewall_address_seen_as": given}) == ["192.0.2.21"]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("se1.example.com", ": 'se1.example.com' is not an address or network"),
        ([], " is empty"),
        ({"controller": []}, " is empty"),
        (7, ": 7 is a int"),
        ({"controller": {"a": "192.0.2.1"}}, ": {'a': '192.0.2.1'} is a dict"),
        (["198.51.100.1", "0.0.0.0/0"], ": '0.0.0.0/0' is everyone, where the addresses of one host are wanted"),
        ({"controller": "::/0"}, ": '::/0' is everyone"),
        ({"router": "198.51.100.1"}, ": node type 'router' is not one of controller, service_engine, cluster_node"),
        ({"management_client": "198.51.100.1"}, ": node type 'management_client' is not one of controller"),
    ],
)
def test_what_nobody_can_be_seen_as_is_named(given, message):
    with pytest.raises((_inventory.InventoryError, _port_matrix.PortMatrixError)) as caught:
        _inventory.seen_as("se1", {"avi_firewall_address_seen_as": given})
    assert str(caught.value).startswith(f"avi_firewall_address_seen_as of host se1{message}")


@pytest.mark.parametrize(
    ("types", "seen"),
    [
        (["controller"], ["198.51.100.1/32"]),
        (["cluster_node", "controller"], ["198.51.100.1/32"]),
        (["cluster_node"], ["198.51.100.8/29"]),
        (["cluster_node", "service_engine"], ["192.0.2.21"]),
        ([], ["192.0.2.21"]),
    ],
)
def test_the_first_type_of_a_host_decides_what_it_sees(types, seen):
    nat = {"cluster_node": ["198.51.100.8/29"], "controller": ["198.51.100.1/32"]}
    assert _inventory.seen_by(types, ["192.0.2.21"], nat) == seen


def test_a_host_named_by_its_address_has_that_address():
    assert _inventory.addresses("192.0.2.9", {}) == ["192.0.2.9"]


@pytest.mark.parametrize(
    ("variables", "message"),
    [
        ({}, "host con1 has no known address: set avi_firewall_address"),
        ({"ansible_host": "127.0.0.1"}, "host con1 has no known address"),
        ({"avi_firewall_address": "192.0.2.300"}, "avi_firewall_address of host con1: '192.0.2.300' is not an address"),
        ({"avi_firewall_address": "192.0.2.0/24"}, "avi_firewall_address of host con1: '192.0.2.0/24' is a network"),
        ({"avi_firewall_address": []}, "avi_firewall_address of host con1 is empty"),
        ({"avi_firewall_address": {"a": 1}}, "avi_firewall_address of host con1: {'a': 1} is a dict"),
    ],
)
def test_a_host_without_an_address_is_named(variables, message):
    with pytest.raises(_inventory.InventoryError) as caught:
        _inventory.addresses("con1", variables)
    assert str(caught.value).startswith(message)


def test_every_group_is_collected_and_a_missing_one_left_out():
    hostvars = {
        "con1": {
            "ansible_host": "192.0.2.1",
            "avi_firewall_address_seen_as": {"service_engine": "198.51.100.1"},
            "avi_controller_runtime": "podman",
            "con_portal_https_port": 9443,
        },
        "node1": {"ansible_host": "192.0.2.31", "avi_cluster_node_kinds": ["marathon"]},
    }
    groups = {"avi_controllers": ["con1"], "avi_cluster_nodes": ["node1"]}
    assert _inventory.collect(NAMES, groups, hostvars) == {
        "controller": [
            {
                "host": "con1",
                "addresses": ["192.0.2.1"],
                "seen_as": {"service_engine": ["198.51.100.1/32"]},
                "runtime": "container",
                "kinds": [],
                "ports": {"ssh": 5098, "http": 80, "https": 9443, "system_portal": 8443, "cli": 5054, "snmp": 161},
            }
        ],
        "cluster_node": [
            {"host": "node1", "addresses": ["192.0.2.31"], "seen_as": {}, "runtime": "host", "kinds": ["marathon"], "ports": {}}
        ],
    }
    assert _inventory.collect(NAMES, {"avi_service_engines": []}, {}) == {"service_engine": []}


@pytest.mark.parametrize(
    ("names", "hostvars", "message"),
    [
        (
            {"router": "g"},
            {},
            "avi_firewall_groups: node type 'router' is not one of controller, service_engine, cluster_node",
        ),
        ("g", {}, "avi_firewall_groups is 'g', not a mapping"),
        ({"controller": ["g"]}, {}, "avi_firewall_groups: controller is ['g'], not the name of a group"),
        (
            {"controller": "g"},
            {"avi_controller_runtime": "docker", "avi_controller_ports": {"https": 0}},
            "host h: avi_controller_ports: https 0 is not a port: a number from 1 to 65535",
        ),
        (
            {"controller": "g"},
            {"avi_controller_runtime": "lxc"},
            "avi_controller_runtime 'lxc' is not one of host, docker, podman",
        ),
        (
            {"cluster_node": "g"},
            {"avi_cluster_node_kinds": ["node"]},
            "avi_cluster_node_kinds of host h: 'node' is not one of openshift_node",
        ),
        (
            {"cluster_node": "g"},
            {"avi_cluster_node_kinds": "marathon"},
            "avi_cluster_node_kinds of host h is 'marathon', not a list",
        ),
    ],
)
def test_a_wrong_setting_is_named(names, hostvars, message):
    with pytest.raises((_inventory.InventoryError, _port_matrix.PortMatrixError)) as caught:
        _inventory.collect(names, {"g": ["h"]}, {"h": {"ansible_host": "192.0.2.1", **hostvars}})
    assert str(caught.value).startswith(message)


def test_a_host_is_found_by_its_name_with_its_types():
    nodes = {"controller": [{"host": "a"}], "cluster_node": [{"host": "a"}, {"host": "b"}]}
    assert _inventory.by_host(nodes) == {
        "a": {"host": "a", "types": ["controller", "cluster_node"]},
        "b": {"host": "b", "types": ["cluster_node"]},
    }


@pytest.mark.parametrize("address", ["0.0.0.0/0", "192.0.2.0/24", "evil.example.com", 7])
def test_what_a_host_says_of_itself_must_be_an_address(address):
    with pytest.raises(_inventory.InventoryError, match=r"fact default_ipv4 of host con1: .* set avi_firewall_address"):
        _inventory.addresses("con1", {"ansible_facts": {"default_ipv4": {"address": address}}})


@pytest.mark.parametrize("fact", ["192.0.2.3", ["192.0.2.3"]])
def test_what_a_host_says_of_itself_must_be_a_mapping(fact):
    with pytest.raises(_inventory.InventoryError, match=r"fact default_ipv6 of host con1 is .*, not a mapping; set avi_firewall_address"):
        _inventory.addresses("con1", {"ansible_facts": {"default_ipv4": {}, "default_ipv6": fact}})


@pytest.mark.parametrize(
    ("nat", "seen"),
    [
        ({}, ["192.0.2.21"]),
        ({node: ["203.0.113.5/32"] for node in ("controller", "service_engine", "cluster_node")}, ["203.0.113.5/32"]),
        ({"controller": ["203.0.113.5/32"], "service_engine": ["203.0.113.5/32"]}, ["192.0.2.21"]),
        ({"controller": ["203.0.113.5/32"], "service_engine": ["203.0.113.6/32"], "cluster_node": ["203.0.113.5/32"]}, ["192.0.2.21"]),
    ],
)
def test_a_server_that_is_no_host_sees_what_every_type_sees(nat, seen):
    assert _inventory.seen_by([], ["192.0.2.21"], nat) == seen
