# Copyright: (c) 2026, avi.firewall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Answers of the API, typed from the models that docs/sources.md names under controller_api."""

from __future__ import annotations

import json

import pytest
from ansible_collections.avi.firewall.plugins.plugin_utils import _addresses, _exported
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st


def ip(addr, of="V4"):
    return {"addr": addr, "type": of}


# 30.2.1 has all the fields; 16.3 has no more of them than name, ip and the virtual IP.
CLUSTER = {
    "url": "https://192.0.2.10/api/cluster",
    "uuid": "cluster-00505601d1c5",
    "name": "cluster-0-1",
    "virtual_ip": ip("192.0.2.10"),
    "rejoin_nodes_automatically": True,
    "tenant_ref": "https://192.0.2.10/api/tenant/admin",
    "nodes": [
        {"name": "node1", "ip": ip("192.0.2.11"), "ip6": ip("2001:DB8::11", "V6"), "vm_hostname": "node1.controller.local", "vm_uuid": "a"},
        {"name": "node2", "ip": ip("con2.example.com", "DNS"), "public_ip_or_name": ip("203.0.113.12"), "categories": ["SYSTEM"]},
        {"ip": ip("192.0.2.13"), "password": "not for anyone"},
    ],
}
INVENTORY = {
    "count": 2,
    "results": [
        {
            "uuid": "se-1",
            "config": {
                "uuid": "se-1",
                "name": "Avi-se-abcde",
                "mgmt_ip_address": ip("192.0.2.21"),
                "mgmt_ip6_address": ip("2001:db8::21", "V6"),
                "enable_state": "SE_STATE_ENABLED",
            },
            "runtime": {"se_connected": True, "oper_status": {"state": "OPER_UP"}},
        },
        {"uuid": "se-2", "config": {"uuid": "se-2", "mgmt_ip_address": ip("192.0.2.22")}},
    ],
}
ENGINES = {
    "count": 1,
    "next": None,
    "results": [
        {
            "uuid": "se-3",
            "name": "Avi-se-fghij",
            "mgmt_vnic": {
                "mac_address": "00:50:56:01:d1:c5",
                "is_mgmt": True,
                "vnic_networks": [
                    {"ip": {"ip_addr": ip("192.0.2.23"), "mask": 24}, "mode": "DHCP", "ctlr_alloc": False},
                    {"ip": {"ip_addr": ip("192.0.2.99"), "mask": 32}, "mode": "VIP"},
                    {"ip": {"ip_addr": ip("2001:db8::23", "V6"), "mask": 64}, "mode": "STATIC"},
                ],
            },
            "data_vnics": [{"mac_address": "00:50:56:01:d1:c6", "vnic_networks": [{"ip": {"ip_addr": ip("198.51.100.3"), "mask": 24}}]}],
        }
    ],
}
NODES = {
    "controller": [
        {"host": "con1", "addresses": ["192.0.2.11"], "seen_as": {}},
        {"host": "con2", "addresses": ["203.0.113.12"], "seen_as": {}},
    ],
    "cluster_node": [{"host": "node1", "addresses": ["192.0.2.22"], "seen_as": {}}],
}


def resolve(name):
    if name != "con2.example.com":
        raise _addresses.AddressError(f"the host name {name!r} does not resolve: nobody knows it")
    return ["192.0.2.12", "2001:db8::12"]


@pytest.fixture
def collect(tmp_path):
    def collected(*answers):
        files = []
        for number, answer in enumerate(answers):
            files.append(tmp_path / f"{number}.json")
            files[-1].write_text(answer if isinstance(answer, str) else json.dumps(answer), encoding="utf-8")
        return _exported.collect(map(str, files), NODES, resolve)

    return collected


def test_the_nodes_of_the_cluster_are_controllers_and_its_virtual_ip_is_none(collect):
    assert collect(CLUSTER) == {
        "controller": [
            {"name": "node1", "host": "con1", "addresses": ["192.0.2.11", "2001:db8::11"], "public": [], "resolved": {}},
            {
                "name": "node2",
                "host": "con2",
                "addresses": ["192.0.2.12", "2001:db8::12"],
                "public": ["203.0.113.12"],
                "resolved": {"con2.example.com": ["192.0.2.12", "2001:db8::12"]},
            },
            {"name": "", "host": None, "addresses": ["192.0.2.13"], "public": [], "resolved": {}},
        ]
    }


def test_service_engines_have_the_addresses_of_their_management(collect):
    assert collect(INVENTORY, ENGINES) == {
        "service_engine": [
            {"name": "Avi-se-abcde", "host": None, "addresses": ["192.0.2.21", "2001:db8::21"], "public": [], "resolved": {}},
            {"name": "", "host": "node1", "addresses": ["192.0.2.22"], "public": [], "resolved": {}},
            {"name": "Avi-se-fghij", "host": None, "addresses": ["192.0.2.23", "2001:db8::23"], "public": [], "resolved": {}},
        ]
    }


def test_no_service_engine_yet_is_an_answer(collect):
    assert collect({"count": 0, "results": []}) == {"service_engine": []}
    assert collect() == {}


def page(count, *uuids, **more):
    results = [{"uuid": uuid, "config": {"uuid": uuid, "mgmt_ip_address": ip("192.0.2.21")}} for uuid in uuids]
    return {"count": count, "results": results, **more}


def test_pages_make_up_the_whole_in_any_order(collect):
    pages = [page(3, "c"), page(3, "a", "b", next="https://192.0.2.10/api/serviceengine-inventory?page=2")]
    assert len(collect(*pages)["service_engine"]) == 3
    # Nothing tells these two apart but their place.
    assert len(collect({"count": 2, "results": [{"config": {"mgmt_ip_address": ip("192.0.2.21")}}] * 2})["service_engine"]) == 2
    # Two clusters, each whole.
    assert len(collect(page(1, "a"), page(2, "b", "c"))["service_engine"]) == 3


@pytest.mark.parametrize("pages", [[page(3, "a", "b")], [page(3, "a", "b"), page(3, "a", "b")], [page(3, "a", "b"), page(1, "c")]])
def test_a_page_that_was_not_read_is_missed(collect, pages):
    with pytest.raises(_exported.ExportedError, match=r"^avi_firewall_peers_from: /.*0\.json.*: 2 of 3 results: .*page=2"):
        collect(*pages)


def engine(**config):
    return {"count": 1, "results": [{"config": {"name": "se1"} | config}]}


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        ("<html>Please log in</html>", "is not JSON: Expecting value: line 1"),
        ("", "is not JSON"),
        ("[" * 100000, "is not JSON"),
        ("[]", "holds no answer to GET /api/cluster, /api/serviceengine-inventory or /api/serviceengine"),
        ({"error": "Authentication credentials were not provided"}, "holds no answer to GET /api/cluster"),
        ({"results": []}, "holds no answer to GET"),
        ({"count": "1", "results": []}, "holds no answer to GET"),
        ({"count": True, "results": []}, "holds no answer to GET"),
        ({"nodes": {}}, "holds no answer to GET"),
        ({"nodes": [{"name": "node1"}]}, "node 1 (node1) has no management address"),
        ({"nodes": [{"name": "node1", "public_ip_or_name": ip("203.0.113.1")}]}, "node 1 (node1) has no management address"),
        ({"nodes": [CLUSTER["nodes"][0], "node2"]}, "node 2 has no management address"),
        ({"nodes": [{"ip": "192.0.2.11"}]}, "node 1 has an address that is not written as addr, and type of V4, V6, DNS"),
        ({"nodes": [{"ip": {"addr": "192.0.2.11"}}]}, "node 1 has an address that is not written as addr"),
        ({"nodes": [{"ip": {"addr": ["192.0.2.11"], "type": "V4"}}]}, "node 1 has an address that is not written as addr"),
        ({"nodes": [{"ip": {"addr": "192.0.2.11", "type": "V5"}}]}, "node 1 has an address that is not written as addr"),
        ({"nodes": [{"ip": ip("con1.example.com")}]}, "node 1: 'con1.example.com' is not an address"),
        ({"nodes": [{"ip": ip("nobody.example.com", "DNS")}]}, "node 1: the host name 'nobody.example.com' does not resolve"),
        ({"nodes": [{"ip": ip("0.0.0.0")}]}, "node 1: '0.0.0.0' is no one's address"),
        ({"nodes": [{"ip": ip("192.0.2.0/24")}]}, "node 1: '192.0.2.0/24' is a network"),
        (engine(name="\x1b[2J"), "result 1 has no management address"),
        (engine(), "result 1 (se1) has no management address: export again once it has one"),
        (engine(mgmt_vnic={"mac_address": "00:50:56:01:d1:c5"}), "result 1 (se1) has no management address"),
        (engine(mgmt_vnic={"vnic_networks": [ENGINES["results"][0]["mgmt_vnic"]["vnic_networks"][1]]}), "result 1 (se1) has no management"),
        (engine(mgmt_vnic={"vnic_networks": [{"mode": "DHCP"}]}), "result 1 (se1): an entry of vnic_networks has no ip"),
        ({"count": 1, "results": ["se1"]}, "result 1 has no management address"),
    ],
)
def test_what_is_wrong_with_a_file_is_named(collect, answer, message):
    with pytest.raises(_exported.ExportedError) as caught:
        collect(answer)
    assert str(caught.value).startswith("avi_firewall_peers_from: /")
    assert f"/0.json {message}" in str(caught.value) or f"/0.json: {message}" in str(caught.value)


def test_a_secret_is_in_no_entry_and_in_no_message(collect):
    assert "not for anyone" not in json.dumps(collect(CLUSTER))
    with pytest.raises(_exported.ExportedError) as caught:
        collect({"nodes": [{"password": "not for anyone", "ip": {"addr": {"password": "not for anyone"}, "type": "V4"}}]})
    assert "not for anyone" not in str(caught.value)


@pytest.mark.parametrize("name", ["missing.json", ".", "\0"])
def test_a_file_that_cannot_be_read_is_named(tmp_path, name):
    with pytest.raises(
        _exported.ExportedError, match=r"^avi_firewall_peers_from: .*(cannot be read: (No such file|Is a directory)|is not JSON)"
    ):
        _exported.collect([str(tmp_path / name)], {})


def test_a_path_or_a_list_of_them():
    assert _exported.paths("a,b.json") == ["a,b.json"]
    assert _exported.paths(["a.json", "b.json"]) == ["a.json", "b.json"]
    assert _exported.paths([]) == []


@pytest.mark.parametrize("value", [None, 7, "", [""], {"a.json": None}, ["a.json", None]])
def test_what_is_no_path_is_named(value):
    with pytest.raises(_exported.ExportedError) as caught:
        _exported.paths(value)
    assert str(caught.value) == f"avi_firewall_peers_from is {value!r}, not the path of a file or a list of them"


KEYS = ("nodes", "results", "count", "config", "name", "uuid", "ip", "ip6", "addr", "type", "mgmt_ip_address", "mgmt_vnic", "vnic_networks")
LEAVES = st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=5), st.sampled_from(["192.0.2.1", "V4", "DNS", "a.b", "0/0"]))
ANSWERS = st.recursive(
    LEAVES, lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.sampled_from(KEYS), inner, max_size=4)), max_leaves=12
)


@settings(max_examples=1000, suppress_health_check=list(HealthCheck))
@given(st.one_of(ANSWERS, st.builds(lambda nodes: {"nodes": nodes}, st.lists(ANSWERS, max_size=2))))
def test_any_answer_gives_nodes_or_an_error_that_names_the_variable(tmp_path, answer):
    file = tmp_path / "any.json"
    file.write_text(json.dumps(answer), encoding="utf-8")
    found, message = {}, "avi_firewall_peers_from: "
    try:
        found = _exported.collect([str(file)], {}, lambda name: ["192.0.2.1"])
    except _exported.ExportedError as exc:
        message = str(exc)
    assert message.startswith("avi_firewall_peers_from: ")
    for entry in (entry for entries in found.values() for entry in entries):
        assert entry["addresses"] == [_addresses.address(address) for address in entry["addresses"]] != []
