# Copyright: (c) 2026, avi.firewall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.avi.firewall.plugins.plugin_utils import _peers, _plan, _port_matrix

NODES = {
    "controller": [
        {"host": "con1", "addresses": ["192.0.2.11", "2001:db8::11"], "seen_as": {}, "runtime": "host", "kinds": [], "ports": {}},
        {"host": "con2", "addresses": ["192.0.2.12"], "seen_as": {}, "runtime": "host", "kinds": [], "ports": {}},
    ],
    "service_engine": [{"host": "se1", "addresses": ["192.0.2.21"], "seen_as": {}, "runtime": "host", "kinds": [], "ports": {}}],
    "cluster_node": [
        {"host": "node1", "addresses": ["192.0.2.31"], "seen_as": {}, "runtime": "host", "kinds": ["kubernetes_node"], "ports": {}}
    ],
}
CLIENTS = {"management_client": ["198.51.100.0/24"]}


def make(node="controller", host="con1", nodes=None, exported=None, **settings):
    settings = {"release": "16.3", "peers": CLIENTS, **settings}
    nodes = NODES if nodes is None else nodes
    return _plan.make(node, host, _plan.Settings(**settings), _peers.collected(nodes, exported), {"www.example": ["203.0.113.1"]}.get)


def cells(plan):
    return {(rule["direction"], rule["peer"], f"{rule['protocol']}/{rule['port']}", *rule["networks"]) for rule in plan.rules}


def test_the_plan_of_a_controller_names_every_peer_but_itself():
    assert cells(make()) == {
        ("in", "controller", "tcp/22", "192.0.2.12/32"),
        ("in", "controller", "tcp/8443", "192.0.2.12/32"),
        ("in", "service_engine", "tcp/22", "192.0.2.21/32"),
        ("in", "service_engine", "tcp/8443", "192.0.2.21/32"),
        ("in", "service_engine", "udp/123", "192.0.2.21/32"),
        ("in", "management_client", "tcp/22", "198.51.100.0/24"),
        ("in", "management_client", "tcp/443", "198.51.100.0/24"),
        ("in", "management_client", "udp/161", "198.51.100.0/24"),
    }


def test_a_rule_tells_whence_it_comes():
    assert next(rule for rule in make().rules if (rule["peer"], rule["port"]) == ("service_engine", 8443)) == {
        "node": "controller",
        "direction": "in",
        "peer": "service_engine",
        "name": "system_portal",
        "protocol": "tcp",
        "port": 8443,
        "networks": ["192.0.2.21/32"],
        "why": "SE reaches the system portal",
        "evidence": "matrix_page",
    }


def test_every_row_that_was_asked_for_is_told_with_its_networks():
    plan = make(peers={"management_client": []})
    assert {(row["source"], row["direction"], *row["networks"]) for row in plan.joined} == {
        ("controller", "in", "192.0.2.12/32"),
        ("service_engine", "in", "192.0.2.21/32"),
        ("management_client", "in"),
    }
    assert all(row["evidence"] == "matrix_page" for row in plan.joined)


def test_what_a_service_engine_dials():
    assert cells(make("service_engine", "se1")) == set()
    assert cells(make("service_engine", "se1", outbound=True)) == {
        ("out", "controller", port, "192.0.2.11/32", "192.0.2.12/32", "2001:db8::11/128") for port in ("tcp/22", "tcp/8443", "udp/123")
    }


def test_a_cluster_node_lets_the_controllers_in_by_its_kinds():
    where = ("192.0.2.11/32", "192.0.2.12/32", "2001:db8::11/128")
    plan = make("cluster_node", "node1", kinds=["kubernetes_node", "kubernetes_master", "openshift_node"])
    assert cells(plan) == {("in", "controller", "tcp/22", *where), ("in", "controller", "tcp/8080", *where)}
    flow = _plan.flows(plan.rules)[0]
    assert [(port["row"], port["port"]) for port in flow["ports"]] == [
        ("kubernetes_node_ssh", 22),
        ("kubernetes_api", 8080),
    ]


def test_outbound_rows_lead_to_groups_and_named_peers_and_the_rest_is_listed():
    plan = make(outbound=True, peers={**CLIENTS, "ldap_server": ["www.example"]})
    out = {cell[1:] for cell in cells(plan) if cell[0] == "out"}
    assert out == {
        ("controller", "tcp/22", "192.0.2.12/32"),
        ("controller", "tcp/8443", "192.0.2.12/32"),
        ("kubernetes_node", "tcp/22", "192.0.2.31/32"),
        *(("ldap_server", port, "203.0.113.1/32") for port in ("tcp/389", "udp/389", "tcp/636", "udp/636")),
    }
    assert "tcp/25 (smtp) to smtp_server: no address" in plan.left_out
    assert not [line for line in plan.left_out if "ldap" in line]


def test_named_addresses_add_to_the_group_and_a_host_of_the_inventory_goes_by_its_name():
    plan = make(peers={**CLIENTS, "service_engine": ["192.0.2.64/26", "con2"]})
    assert ("in", "service_engine", "udp/123", "192.0.2.12/32", "192.0.2.21/32", "192.0.2.64/26") in cells(plan)


def nat(seen_as, **also):
    """Return the nodes where se1 is seen as ``seen_as`` says; ``also`` changes its entry further."""
    return {**NODES, "service_engine": [{**NODES["service_engine"][0], "seen_as": seen_as, **also}]}


def reaching(plan, peer, direction="in"):
    return {tuple(rule["networks"]) for rule in plan.rules if (rule["peer"], rule["direction"]) == (peer, direction)}


def test_a_source_is_what_it_is_seen_as_and_a_destination_its_address():
    nodes = nat({"controller": ["203.0.113.8/29"]})
    assert reaching(make(nodes=nodes), "service_engine") == {("203.0.113.8/29",)}
    rows = {"release": "22.1", "cloud": "gcp", "extra_rows": [DIAL]}
    dialling = make(nodes=nodes, outbound=True, **rows)
    assert reaching(dialling, "service_engine") == {("203.0.113.8/29",)}
    assert reaching(dialling, "service_engine", "out") == {("192.0.2.21/32",)}
    # Another Service Engine is on the same side of the NAT.
    nodes["service_engine"].append({**NODES["service_engine"][0], "host": "se2", "addresses": ["192.0.2.22"]})
    assert reaching(make("service_engine", "se2", nodes, **rows), "service_engine") == {("192.0.2.21/32",)}


DIAL = {"name": "debug", "source": "controller", "destination": "service_engine", "protocol": "tcp", "port": 22, "why": "Debugging"}


def test_a_host_of_two_types_sees_a_packet_once():
    nodes = nat({"cluster_node": ["203.0.113.1/32"]}, addresses=["192.0.2.21"])
    nodes["controller"] = [{**NODES["controller"][0], "seen_as": {"controller": ["203.0.113.2/32"]}}]
    nodes["cluster_node"] = [{**NODES["cluster_node"][0]}]
    assert reaching(make("cluster_node", "node1", nodes, kinds=["kubernetes_node"]), "controller") == {
        ("192.0.2.11/32", "2001:db8::11/128")
    }
    nodes["controller"] += [{**NODES["controller"][0], "host": "node1", "addresses": ["192.0.2.31"]}]
    assert reaching(make("cluster_node", "node1", nodes, kinds=["kubernetes_node"]), "controller") == {("203.0.113.2/32",)}


def test_a_host_outside_of_the_groups_sees_as_what_it_is_planned_as():
    plan = make(host="elsewhere", nodes=nat({"controller": ["203.0.113.5/32"], "service_engine": ["203.0.113.6/32"]}))
    assert reaching(plan, "service_engine") == {("203.0.113.5/32",)}


def test_a_name_of_the_inventory_is_seen_through_nat_as_well():
    plan = make(nodes=nat({"controller": ["203.0.113.5/32"]}), peers={"management_client": ["se1"]})
    assert reaching(plan, "management_client") == {("203.0.113.5/32",)}


def test_a_host_is_no_peer_of_its_own_group_under_any_address_or_name():
    first, second = ({**entry, "seen_as": {"controller": [f"203.0.113.{n}/32"]}} for n, entry in enumerate(NODES["controller"], 1))
    plan = make(nodes={**NODES, "controller": [first, second]}, outbound=True)
    assert reaching(plan, "controller") == {("203.0.113.2/32",)}
    assert reaching(plan, "controller", "out") == {("192.0.2.12/32",)}
    # Another name for the same machine.
    again = {**NODES["controller"][0], "host": "con1.example"}
    assert reaching(make(nodes={**NODES, "controller": [*NODES["controller"], again]}), "controller") == {("192.0.2.12/32",)}


def test_a_cluster_node_is_a_peer_by_its_kinds_alone():
    assert {frozenset(groups) for groups in _peers.collected(NODES)["networks"].values()} == {
        frozenset({"controller", "service_engine", "kubernetes_node"})
    }


def test_a_name_of_the_inventory_is_dialled_at_its_address():
    plan = make(nodes=nat({"controller": ["203.0.113.5/32"]}), outbound=True, peers={**CLIENTS, "smtp_server": ["se1"]})
    assert reaching(plan, "smtp_server", "out") == {("192.0.2.21/32",)}


def test_a_peer_outside_of_the_inventory_may_go_by_a_name():
    collected = _peers.collected(nat({"controller": ["203.0.113.5/32"]}))
    given = {"smtp_server": ["mail.example", "se1"]}
    known = _peers.Peers("", ["controller"], given, collected, {"mail.example": ["198.51.100.25"]}.get)
    assert known.outside("smtp_server") == ["192.0.2.21/32", "198.51.100.25/32"]


def listed(host, *addresses, public=(), resolved=()):
    return {"name": "", "host": host, "addresses": list(addresses), "public": list(public), "resolved": dict(resolved)}


EXPORTED = {
    "controller": [
        listed("con1", "192.0.2.11", "192.0.2.111"),
        listed("con2", "192.0.2.12", "2001:db8::12", public=["203.0.113.12"]),
        listed(None, "192.0.2.13", resolved={"con3.example": ["192.0.2.13"]}),
    ],
    "service_engine": [listed(None, "192.0.2.77"), listed("se1", "192.0.2.21", "2001:db8::21")],
}


def test_nodes_of_a_file_add_to_the_groups_and_none_counts_twice_or_calls_itself():
    plan = make(exported=EXPORTED)
    assert reaching(plan, "controller") == {("192.0.2.12/31", "2001:db8::12/128")}
    assert reaching(plan, "service_engine") == {("192.0.2.21/32", "192.0.2.77/32", "2001:db8::21/128")}


def test_nodes_of_a_file_are_peers_without_any_group():
    plan = make(nodes={}, exported={"controller": [], "service_engine": [listed(None, "192.0.2.77")]})
    assert reaching(plan, "service_engine") == {("192.0.2.77/32",)}
    assert plan.warnings == ["controller has no address yet: nothing is opened to it"]


def test_the_public_address_of_a_controller_is_dialled_and_is_no_source():
    plan = make("service_engine", "se1", exported=EXPORTED, outbound=True)
    assert reaching(plan, "controller", "out") == {
        ("192.0.2.11/32", "192.0.2.12/31", "192.0.2.111/32", "203.0.113.12/32", "2001:db8::11/128", "2001:db8::12/128")
    }
    assert "203.0.113.12/32" not in str(reaching(make(exported=EXPORTED), "controller"))


def test_the_inventory_says_as_what_a_node_of_a_file_is_seen():
    plan = make(nodes=nat({"controller": ["203.0.113.5/32"]}), exported=EXPORTED)
    assert reaching(plan, "service_engine") == {("192.0.2.77/32", "203.0.113.5/32")}


def test_which_name_became_which_addresses_is_told():
    assert make().resolved == {}
    assert make(peers={"management_client": ["www.example", "192.0.2.9", "con2"]}, exported=EXPORTED).resolved == {
        "www.example": ["203.0.113.1"],
        "con2": ["192.0.2.12"],
        "con3.example": ["192.0.2.13"],
    }


def test_a_name_that_is_met_twice_keeps_all_its_addresses():
    exported = {"controller": [listed(None, "192.0.2.13", resolved={"www.example": ["192.0.2.13"]})]}
    plan = make(peers={**CLIENTS, "controller": ["www.example"]}, exported=exported)
    assert plan.resolved == {"www.example": ["203.0.113.1", "192.0.2.13"]}


def test_a_container_listens_on_5098():
    ports = {cell[2] for cell in cells(make(runtime="docker"))}
    assert "tcp/5098" in ports
    assert "tcp/22" not in ports


PUBLISHED = [("tcp", 5098), ("tcp", 80), ("tcp", 443), ("tcp", 8443), ("tcp", 5054), ("udp", 161)]


def published(plan):
    return [(port["protocol"], port["port"]) for port in plan.published]


def test_a_container_publishes_its_ports_whether_or_not_a_rule_names_them():
    nobody = {"controller": [], "service_engine": [], "management_client": []}
    assert published(make(runtime="docker")) == PUBLISHED
    assert published(make(runtime="podman", peers=nobody, nodes={"controller": NODES["controller"][:1]})) == PUBLISHED
    assert published(make()) == []
    assert published(make("service_engine", "se1", runtime="docker")) == []


def test_published_ports_move_with_the_rules_that_name_them():
    plan = make(runtime="docker", ports={"https": "9443"}, vendor_ports={"con_ssh_port": 6098, "con_portal_https_port": 7443})
    assert published(plan) == [("tcp", 6098), ("tcp", 80), ("tcp", 9443), ("tcp", 8443), ("tcp", 5054), ("udp", 161)]
    assert {cell[2] for cell in cells(plan)} == {"tcp/6098", "tcp/9443", "tcp/8443", "udp/161", "udp/123"}


def test_what_features_add_is_published_too_and_what_the_host_answers_itself_is_not():
    assert published(make(runtime="docker", features=["dns_service", "mesos_dns", "http"])) == [*PUBLISHED, ("udp", 53), ("udp", 8053)]
    own = [
        {"name": "exporter", "source": "management_client", "destination": "controller", "protocol": "tcp", "port": 9100, "why": "Metrics"}
    ]
    assert published(make(runtime="docker", extra_rows=own)) == PUBLISHED


def test_a_row_of_ones_own_is_about_a_port_of_the_host_wherever_the_container_publishes_its_services():
    web = {
        "name": "own_web",
        "source": "service_engine",
        "destination": "controller",
        "protocol": "tcp",
        "port": 443,
        "why": "Our web server",
    }
    plan = make(runtime="docker", ports={"https": 9443}, extra_rows=[web])
    assert [(rule["name"], rule["port"]) for rule in plan.rules if rule["port"] in (443, 9443)] == [("https", 9443), ("own_web", 443)]
    dials = make("service_engine", "se1", nodes=controllers({"https": 9443}, {"https": 9443}), outbound=True, extra_rows=[web])
    assert [(rule["name"], rule["port"]) for rule in dials.rules if rule["port"] in (443, 9443)] == [("own_web", 443)]


def controllers(*ports):
    return {"controller": [{**entry, "runtime": "container", "ports": one} for entry, one in zip(NODES["controller"], ports, strict=True)]}


MOVED = {"ssh": 6098, "system_portal": 9443}


def test_those_who_dial_follow_the_ports_of_the_controllers():
    nodes = controllers(MOVED, MOVED)
    assert {cell[2] for cell in cells(make("service_engine", "se1", nodes, outbound=True))} == {"tcp/6098", "tcp/9443", "udp/123"}
    others = {"esxi_host": ["192.0.2.90"], "openshift_master": ["192.0.2.91"]}
    plan = make(nodes=nodes, runtime="docker", outbound=True, peers={**CLIENTS, "service_engine": [], **others})
    assert {cell[1:3] for cell in cells(plan) if cell[0] == "out"} == {
        ("controller", "tcp/6098"),
        ("controller", "tcp/9443"),
        ("esxi_host", "tcp/443"),
        ("openshift_master", "tcp/8443"),
    }


def test_ports_that_differ_stop_only_those_who_dial_them():
    nodes = controllers(MOVED, {"ssh": 5098})
    assert published(make(nodes=nodes, runtime="docker", peers={**CLIENTS, "service_engine": []})) == PUBLISHED
    with pytest.raises(_plan.PlanError) as caught:
        make("service_engine", "se1", nodes, outbound=True)
    assert str(caught.value) == (
        "avi_controller_ports differs, and avi_firewall_outbound is true: give the Controllers the same ports "
        "(con1: {'ssh': 6098, 'system_portal': 9443}; con2: {'ssh': 5098})"
    )


AT_CONTROLLERS = "at which the vendor's role lets this Service Engine call the Controllers, and they listen at"


@pytest.mark.parametrize(
    ("nodes", "said", "warnings"),
    [
        (None, {"ssh_port": 22, "sysint_port": "8443"}, []),
        (None, {"ssh_port": "5098"}, [f"ssh_port of host se1 is 5098, {AT_CONTROLLERS} 22"]),
        (controllers(MOVED, MOVED), {"ssh_port": 6098, "sysint_port": 9443}, []),
        (
            controllers(MOVED, {**MOVED, "system_portal": 8443}),
            {"sysint_port": 9443},
            [f"sysint_port of host se1 is 9443, {AT_CONTROLLERS} 8443, 9443"],
        ),
        (controllers(MOVED, MOVED), {"ssh_port": 22}, [f"ssh_port of host se1 is 22, {AT_CONTROLLERS} 6098"]),
    ],
)
def test_a_service_engine_that_would_call_at_the_wrong_port_is_told(nodes, said, warnings):
    assert make("service_engine", "se1", nodes, vendor_ports=said).warnings == warnings


def test_where_no_controller_is_known_the_vendors_role_tells_where_a_service_engine_calls():
    peers = {"controller": ["192.0.2.64/26"]}
    said = {"ssh_port": "6098", "sysint_port": 9443}
    plan = make("service_engine", "se1", {}, peers=peers, runtime="docker", outbound=True, vendor_ports=said)
    assert {cell[2] for cell in cells(plan)} == {"tcp/6098", "tcp/9443", "udp/123"}
    known = make("service_engine", "se1", controllers(MOVED, MOVED), outbound=True, vendor_ports={"ssh_port": 22, "sysint_port": 1})
    assert {cell[2] for cell in cells(known)} == {"tcp/6098", "tcp/9443", "udp/123"}
    with pytest.raises(ValueError, match=r"^sysint_port 'x' is not a port: a number from 1 to 65535$"):
        make("service_engine", "se1", {}, peers=peers, vendor_ports={"sysint_port": "x"})


def test_on_its_host_a_controller_moves_no_port():
    plan = make(vendor_ports={"con_ssh_port": 6098, "ssh_port": 6098, "con_cli_port": 6054})
    assert cells(plan) == cells(make())
    assert plan.warnings == [
        "con_ssh_port, con_cli_port is set, which moves ports of a Controller in a container, and avi_controller_runtime is host: "
        "nothing is moved"
    ]
    with pytest.raises(_plan.PlanError) as caught:
        make(ports={"ssh": 6098})
    assert str(caught.value) == (
        "avi_controller_ports of host con1 is {'ssh': 6098}, and avi_controller_runtime is host: only a Controller in a container "
        "publishes ports. Set avi_controller_runtime to docker or podman, or take avi_controller_ports away"
    )


def test_those_who_dial_ask_the_controllers_where_they_run():
    nodes = {**NODES, "controller": [{**entry, "runtime": "container"} for entry in NODES["controller"]]}
    assert {cell[2] for cell in cells(make("service_engine", "se1", nodes, outbound=True))} == {
        "tcp/5098",
        "tcp/8443",
        "udp/123",
    }


def test_a_controller_itself_runs_where_its_entry_says():
    nodes = {**NODES, "controller": [NODES["controller"][0], {**NODES["controller"][1], "runtime": "container"}]}
    assert published(make(nodes=nodes)) == []
    assert published(make(host="con2", nodes=nodes)) == PUBLISHED


def test_controllers_that_disagree_stop_those_who_dial_them():
    nodes = {"controller": [NODES["controller"][0], {**NODES["controller"][1], "runtime": "container"}]}
    with pytest.raises(_plan.PlanError) as caught:
        make("service_engine", "se1", nodes, outbound=True)
    assert str(caught.value) == (
        "avi_controller_runtime differs: con1 runs on its host, con2 in a container; set it to one value for the hosts that call both"
    )


@pytest.mark.parametrize(
    "nobody",
    [
        {"nodes": {**NODES, "service_engine": []}},
        {"nodes": {"controller": NODES["controller"]}, "peers": {**CLIENTS, "service_engine": []}},
    ],
)
def test_none_yet_is_a_warning(nobody):
    plan = make(**nobody)
    assert plan.warnings == ["service_engine has no address yet: nothing is opened to it"]
    assert not [rule for rule in plan.rules if rule["peer"] == "service_engine"]


def test_a_lone_controller_is_fine():
    assert make(nodes={**NODES, "controller": NODES["controller"][:1]}).warnings == [
        "controller has no address yet: nothing is opened to it"
    ]


def test_a_release_may_come_as_the_number_yaml_makes_of_it():
    assert cells(make(release=16.3)) == cells(make())


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"release": None}, "avi_firewall_release is not set: name the release that runs, of 16.2, 16.3, 17.1"),
        ({"release": "18.1"}, "avi_firewall_release '18.1' is not one of 16.2, 16.3, 17.1"),
        (
            {"features": ["ftp"]},
            "avi_firewall_features: release 16.3 has no such feature: 'ftp' is not one of http, cli_shell",
        ),
        ({"features": "http"}, "avi_firewall_features is 'http', not a list"),
        (
            {"peers": {"mail": []}},
            "avi_firewall_peers: peer 'mail' is not one of controller, service_engine, management_client",
        ),
        ({"peers": []}, "avi_firewall_peers is [], not a mapping"),
        (
            {"peers": {"management_client": ["192.0.2.300"]}},
            "avi_firewall_peers: management_client: '192.0.2.300' is not an address",
        ),
        ({"peers": {"management_client": None}}, "avi_firewall_peers: management_client: None is a NoneType"),
        (
            {"peers": {}},
            "avi_firewall_peers has no key 'management_client', and the inventory has no group of that type",
        ),
        ({"runtime": "lxc"}, "avi_controller_runtime 'lxc' is not one of host, docker, podman"),
        ({"node": "router"}, "node type 'router' is not one of controller, service_engine, cluster_node"),
        (
            {"node": "cluster_node"},
            "avi_cluster_node_kinds of host con1 is empty: name what it is, of openshift_node, kubernetes_node, mesos_node, "
            "openshift_master, kubernetes_master, mesos_master, marathon",
        ),
        (
            {"node": "cluster_node", "kinds": ["router"]},
            "avi_cluster_node_kinds of host con1: 'router' is not one of openshift_node",
        ),
    ],
)
def test_a_mistake_names_the_variable_the_value_and_what_is_allowed(settings, message):
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - each kind of error is one of ours, and the message tells which
        make(**settings)
    assert str(caught.value).startswith(message)


def test_flows_group_rules_by_direction_and_peer():
    flows = {flow["name"]: flow for flow in _plan.flows(make(outbound=True).rules)}
    assert list(flows) == [
        "avi-con-controller",
        "avi-con-service_engine",
        "avi-con-management_client",
        "avi-con-to-controller",
        "avi-con-to-kubernetes_node",
    ]
    assert flows["avi-con-service_engine"] == {
        "name": "avi-con-service_engine",
        "node": "controller",
        "direction": "in",
        "peer": "service_engine",
        "ports": [
            {"row": "secure_channel", "protocol": "tcp", "port": 22},
            {"row": "system_portal", "protocol": "tcp", "port": 8443},
            {"row": "time", "protocol": "udp", "port": 123},
        ],
        "ipv4": ["192.0.2.21/32"],
        "ipv6": [],
    }


def test_a_flow_holds_each_family_by_itself():
    (flow,) = _plan.flows(make("service_engine", "se1", outbound=True).rules)
    assert (flow["name"], flow["ipv4"], flow["ipv6"]) == (
        "avi-se-to-controller",
        ["192.0.2.11/32", "192.0.2.12/32"],
        ["2001:db8::11/128"],
    )


EXPORTER = {
    "name": "exporter",
    "source": "management_client",
    "destination": "controller",
    "protocol": "tcp",
    "port": 9100,
    "why": "Metrics",
}


def test_a_row_of_ones_own_is_planned_like_ours():
    plan = make(extra_rows=[EXPORTER, {**EXPORTER, "name": "ping", "protocol": "icmp", "port": None}])
    assert cells(plan) == cells(make()) | {("in", "management_client", "tcp/9100", "198.51.100.0/24")}
    assert plan.left_out == ["icmp (ping) from management_client: no rule is made for it on the host, for it has no port"]
    with pytest.raises(ValueError, match="avi_firewall_extra_rows: row 1 lacks name"):
        make(extra_rows=[{}])


@pytest.mark.parametrize(("peer", "fits"), [("openstack_neutron", True), ("openstack_keystone", False)])
def test_a_name_that_no_ipset_can_have_stops_the_plan(peer, fits):
    """31 characters are what the kernel takes: `avi-node-to-openstack_keystone-4` has 32."""
    row = {**EXPORTER, "source": "kubernetes_node", "destination": peer}
    nodes = {"cluster_node": [{**NODES["service_engine"][0], "host": "node1", "kinds": ["kubernetes_node"]}], "controller": []}

    def planned():
        return make(
            "cluster_node", "node1", nodes, kinds=["kubernetes_node"], outbound=True, extra_rows=[row], peers={peer: ["203.0.113.9"]}
        )

    if fits:
        assert cells(planned()) == {("out", peer, "tcp/9100", "203.0.113.9/32")}
    else:
        with pytest.raises(ValueError, match=f"avi_firewall_extra_rows: tcp/9100 .exporter. to {peer}: a cluster_node cannot dial it"):
            planned()


def test_every_name_that_the_matrix_makes_fits():
    nodes = {"controller": ["controller"], "service_engine": ["service_engine"], "cluster_node": _port_matrix.cluster_node_kinds()}
    for row in _port_matrix.table():
        for node, ends in nodes.items():
            for direction, here, there in (("in", "destination", "source"), ("out", "source", "destination")):
                if row[here] in ends:
                    assert len(f"{_plan._name(node, direction, row[there])}-4") <= 31, row


def test_what_has_no_port_is_left_out_and_told():
    plan = make("service_engine", "se1", release="22.1", cloud="aws", features=["icmp_echo", "se_tunnels"], outbound=True)
    told = [line.partition(":")[0] for line in plan.left_out]
    assert told[:5] == [
        "ip-97 (etherip) from service_engine",
        "ip-73 (cphb) from service_engine",
        "ip-63 (private_tunnel) from service_engine",
        "icmp (echo) from controller",
        "icmp (echo) to controller",
    ]
    assert all(rule["port"] for rule in plan.rules)
    assert _plan.flows([{**plan.rules[0], "protocol": "icmp", "port": None}]) == []


def test_service_engines_synchronise_objects_at_the_port_of_their_cloud():
    nodes = {
        **NODES,
        "service_engine": [*NODES["service_engine"], {**NODES["service_engine"][0], "host": "se2", "addresses": ["192.0.2.22"]}],
    }
    for settings, port in (({"cloud": "gcp"}, "4001"), ({"cloud": "nsx_t"}, "9001"), ({"cloud": "gcp", "object_sync_port": 5001}, "5001")):
        plan = make("service_engine", "se1", nodes, release="22.1", **settings)
        assert cells(plan) == {("in", "service_engine", f"tcp/{port}", "192.0.2.22/32")}
    with pytest.raises(ValueError, match="avi_firewall_cloud is not set, and object_sync of service_engine"):
        make("service_engine", "se1", nodes, release="22.1")
    assert cells(make("service_engine", "se1", nodes, cloud="gcp", object_sync_port=5001)) == set()


def test_a_peer_whose_rows_belong_to_features_alone_is_not_passed_over_in_silence():
    peers = {**CLIENTS, "smtp_server": ["203.0.113.25"], "service_engine": ["192.0.2.77"]}
    assert make(release="20.1", outbound=True, peers=peers).warnings == [
        "avi_firewall_peers names smtp_server, whose rows in release 20.1 come only with avi_firewall_features: api_defaults"
    ]
    assert make(release="20.1", outbound=True, peers=peers, features=["api_defaults"]).warnings == []
    assert make(outbound=True, peers=peers).warnings == []
    # What a host dials is no matter where no rule is made for it.
    assert make(release="20.1", peers=peers).warnings == []


def test_each_feature_that_a_peer_waits_for_is_named_once(monkeypatch):
    smtp = next(row for row in _port_matrix.table() if row["destination"] == "smtp_server" and "20.1" in row["releases"])
    rows = tuple({**smtp, "feature": feature} for feature in ("api_defaults", "http", "api_defaults"))
    monkeypatch.setattr(_port_matrix, "table", lambda: rows)
    assert _plan._unasked("controller", "out", _plan.Settings(release="20.1", peers={"smtp_server": []})) == [
        "avi_firewall_peers names smtp_server, whose rows in release 20.1 come only with avi_firewall_features: api_defaults, http"
    ]


def test_how_far_the_entries_of_a_peer_were_merged_is_told():
    plan = make(
        peers={"management_client": ["192.0.2.0/25", "192.0.2.128/25", "192.0.2.7", "2001:db8::/32"], "service_engine": ["192.0.2.99"]}
    )
    assert plan.collapsed == {"management_client": {"given": 4, "networks": 2}}
