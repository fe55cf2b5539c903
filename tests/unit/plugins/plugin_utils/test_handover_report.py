# Copyright: (c) 2026, avi.firewall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import ipaddress
import json
from collections import defaultdict
from pathlib import Path

import jsonschema
import pytest
from ansible_collections.avi.firewall.plugins.plugin_utils import _addresses, _handover_formats, _handover_report, _inventory, _peers, _plan
from ansible_collections.avi.firewall.tests.unit import handover_golden, handover_site

SCHEMA = Path(_handover_report.__file__).parents[2] / "docs" / "handover.schema.json"


def flow(source="service_engine", destination="controller", port=8443, sources="10.0.0.0/24", destinations="192.0.2.11/32", **more):
    return {
        "source": source,
        "source_networks": sources.split(),
        "destination": destination,
        "destination_networks": destinations.split(),
        "protocol": "tcp",
        "port": port,
        "name": "system_portal",
        "why": "SE reaches the system portal",
        "document": "matrix_page",
        "feature": None,
        "release": "16.3",
        **more,
    }


def report(*flows, resolved=None, nodes=None, exported=None):
    return _handover_report.report(flows, nodes or {}, exported or {}, resolved or {})


def test_the_report_of_the_realistic_site_is_the_one_that_was_looked_at():
    handover_golden.check("report.json", _handover_formats.FORMATS["json"].make(handover_site.report()))


def test_the_report_is_what_its_schema_says():
    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    changed = _handover_report.against(handover_site.report(), handover_site.former())
    assert changed["difference"]["added"]
    assert changed["difference"]["removed"]
    assert changed["difference"]["changed"]
    for made in (handover_site.report(), changed, report()):
        jsonschema.validate(json.loads(_handover_formats.FORMATS["json"].make(made)), schema)


@pytest.mark.parametrize("wrong", [{"port": None}, {"protocol": "icmp"}, {"port": 70000}, {"source_networks": []}, {"more": 1}])
def test_the_schema_refuses_what_is_none(wrong):
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({**report(), "flows": [flow(**wrong)]}, json.loads(SCHEMA.read_text(encoding="utf-8")))


def test_an_end_tells_how_many_hosts_it_has():
    entry = {"addresses": ["10.0.0.1"], "seen_as": {}, "runtime": "host", "ports": {}}
    nodes = {
        "controller": [{**entry, "host": host, "kinds": []} for host in ("con1", "con2")],
        "cluster_node": [{**entry, "host": "node1", "kinds": ["mesos_node", "marathon"]}],
    }
    places = (("con1", "10.0.0.1"), (None, "10.0.0.9"), (None, "10.0.0.8"))
    listed = [{"host": host, "addresses": [address], "public": []} for host, address in places]
    exported = {"controller": listed, "service_engine": listed[1:]}
    flows = [flow(), flow("controller", "mesos_node", 22), flow("controller", "smtp_server", 25, destinations="192.0.2.25/32")]
    assert [(end["name"], end["hosts"]) for end in report(*flows, nodes=nodes, exported=exported)["ends"]] == [
        ("controller", 4),
        ("service_engine", 2),
        ("smtp_server", None),
        ("mesos_node", 1),
    ]
    assert report(*flows)["ends"][0]["networks"] == ["10.0.0.0/24", "192.0.2.11/32"]


def test_what_has_no_address_is_listed_in_the_order_of_the_matrix():
    echo, ntp = {"protocol": "icmp", "port": None, "name": "echo"}, {"protocol": "udp", "port": 123, "name": "ntp", "why": "Time"}
    left = report(
        flow(),
        flow("controller", "ntp_server", destinations="", **ntp),
        flow("controller", "controller", 22, sources="", name="cluster_ssh"),
        flow("management_client", "controller", 443, sources="", name="portal", why="Manages it"),
        flow("management_client", "controller", 443, sources="", name="https"),
        flow("management_client", "controller", 1, sources="", name="http"),
        flow("management_client", "controller", None, sources="", name="portless"),
        flow("management_client", "controller", sources="", **echo),
        # On another host it has an address.
        flow(sources=""),
        flow("service_engine", "controller", sources="", destinations="", **echo),
    )["left_out"]
    ends = {"source": "management_client", "destination": "controller", "without_address": "management_client"}
    why = "SE reaches the system portal"
    assert left == [
        {**ends, "source": "service_engine", "without_address": "service_engine", **echo, "why": why},
        {**ends, **echo, "why": why},
        {**ends, "protocol": "tcp", "port": None, "name": "portless", "why": why},
        {**ends, "protocol": "tcp", "port": 1, "name": "http", "why": why},
        {**ends, "protocol": "tcp", "port": 443, "name": "https", "why": why},
        {**ends, "protocol": "tcp", "port": 443, "name": "portal", "why": "Manages it"},
        {"source": "controller", "destination": "ntp_server", "without_address": "ntp_server", **ntp},
    ]


def test_the_releases_of_a_report_are_those_of_all_hosts_oldest_first():
    assert report(flow(release="22.1"), flow(release="16.3", sources=""), flow(release="22.1"))["releases"] == ["16.3", "22.1"]


def test_names_are_in_order_and_so_are_their_addresses():
    found = report(resolved={"b.example": {"2001:db8::1", "10.0.0.10", "10.0.0.9"}, "a.example": ["203.0.113.0/30"]})["resolved"]
    assert list(found.items()) == [("a.example", ["203.0.113.0/30"]), ("b.example", ["10.0.0.9", "10.0.0.10", "2001:db8::1"])]


def test_the_flows_let_in_what_the_plans_do_and_nothing_else():
    """By each address of each host and port: the sources of all flows there are those of its own rules, and its own type."""
    groups, hostvars = handover_site.read()
    nodes = _inventory.collect(handover_site.GROUPS, groups, hostvars)
    collected = _peers.collected(nodes)
    reached = defaultdict(list)
    for one in handover_site.flows():
        for network in one["destination_networks"]:
            reached[network].append(one)
    compared = 0
    for host in ("con1", "con3", "se-dual-01", "se-nat-30", "se-six-50"):
        types = collected["hosts"][host]["types"]
        settings = _plan.Settings(
            **{field: hostvars[host][name] for field, name in handover_site.SETTINGS.items() if name in hostvars[host]}
        )
        rules = _plan.make(types[0], host, settings, collected, handover_site.resolve).rules
        for address in _inventory.addresses(host, hostvars[host]):
            there = [
                one for network, flows in reached.items() if ipaddress.ip_address(address) in ipaddress.ip_network(network) for one in flows
            ]
            let_in, planned = defaultdict(list), defaultdict(list)
            for one in {id(one): one for one in there if one["port"] is not None}.values():
                let_in[one["protocol"], one["port"]] += one["source_networks"]
            for rule in rules:
                own = _inventory.addresses(host, hostvars[host]) if rule["peer"] == types[0] else []
                planned[rule["protocol"], rule["port"]] += [*rule["networks"], *own]
            assert {port: _addresses.networks(found) for port, found in let_in.items()} == {
                port: _addresses.networks(found) for port, found in planned.items()
            }
            compared += len(planned)
    assert compared == 2 * 2 * 6 + 2 + 1 + 1


def difference(before, after):
    return _handover_report.against(report(*after), report(*before))["difference"]


def test_a_service_engine_more_is_its_address_more():
    before, after = flow(sources="10.0.0.4/32", release="17.1"), flow(sources="10.0.0.4/31")
    change = {"source_added": ["10.0.0.5/32"], "source_removed": [], "destination_added": [], "destination_removed": []}
    assert difference([before], [after]) == {
        "releases": ["17.1"],
        "added": [],
        "removed": [],
        "changed": [{"before": before, "after": after, **change}],
        "same": 0,
    }


def test_what_comes_and_what_goes():
    found = difference(
        [flow(), flow(port=22), flow(port=80), flow("controller", "smtp_server", 25, destinations="192.0.2.25/32 192.0.2.27/32")],
        [flow(), flow(port=5098), flow("controller", "smtp_server", 25, destinations="192.0.2.26/31")],
    )
    assert [one["port"] for one in found["added"]] == [5098]
    assert [one["port"] for one in found["removed"]] == [22, 80]
    assert [(one["destination_added"], one["destination_removed"]) for one in found["changed"]] == [(["192.0.2.26/32"], ["192.0.2.25/32"])]
    assert found["same"] == 1
    assert _handover_report.told(found) == "1 added, 2 removed, 1 changed; 1 as before"


def test_a_row_that_is_called_otherwise_is_no_change_of_a_firewall():
    found = difference([flow()], [flow(name="portal", why="As before", release="17.1", document="port_sheet")])
    assert (found["added"], found["removed"], found["changed"], found["same"]) == ([], [], [], 1)
    assert _handover_report.told(found) == "nothing added, removed or changed; 1 as before"


@pytest.mark.parametrize(
    ("made", "line"),
    [
        (report(flow()), "1 flow between 2 ends"),
        (report(flow(), flow(port=22)), "2 flows between 2 ends"),
        (report(), "0 flows between 0 ends"),
    ],
)
def test_a_report_in_one_line(made, line):
    assert _handover_report.summary(made) == line


def test_flows_of_one_port_are_held_against_those_that_are_alike():
    one, two = flow(destinations="192.0.2.11/32"), flow(sources="10.0.9.0/24", destinations="192.0.2.12/32")
    grown = flow(sources="10.0.8.0/23", destinations="192.0.2.12/32")
    found = difference([one, two], [grown, one])
    assert [change["source_added"] for change in found["changed"]] == [["10.0.8.0/24"]]
    assert (found["added"], found["removed"], found["same"]) == ([], [], 1)
    assert difference([one, two], [one])["removed"] == [two]


def as_written(before, after):
    """Return the difference of flows in an order that may be another release's."""
    return _handover_report.against({**report(), "flows": after}, {**report(), "flows": before})["difference"]


def test_an_equal_flow_is_nobody_elses():
    one, more = flow(destinations="192.0.2.11/32"), flow(destinations="192.0.2.19/32", name="another_row")
    found = as_written([one], [more, one])
    assert (found["added"], found["changed"], found["same"]) == ([more], [], 1)


def test_a_flow_with_one_end_as_before_is_the_one_that_changed():
    before = [flow(sources="10.0.0.0/24", destinations="192.0.2.11/32"), flow(sources="10.0.9.0/24", destinations="192.0.2.12/32")]
    after = [flow(sources="10.0.0.0/25", destinations="192.0.2.12/32"), flow(sources="10.0.0.0/24", destinations="192.0.2.13/32")]
    assert [(change["source_added"], change["destination_added"]) for change in as_written(before, after)["changed"]] == [
        (["10.0.0.0/25"], []),
        ([], ["192.0.2.13/32"]),
    ]


def test_a_flow_of_which_both_ends_are_others_has_changed():
    (change,) = difference([flow()], [flow(sources="10.0.9.0/24", destinations="192.0.2.12/32")])["changed"]
    assert (change["source_added"], change["source_removed"]) == (["10.0.9.0/24"], ["10.0.0.0/24"])
    assert (change["destination_added"], change["destination_removed"]) == (["192.0.2.12/32"], ["192.0.2.11/32"])


def test_a_report_against_itself_has_no_difference(tmp_path):
    made = handover_site.report()
    path = tmp_path / "report.json"
    path.write_text(_handover_formats.FORMATS["json"].make(made), encoding="utf-8")
    found = _handover_report.against(made, _handover_report.read(str(path)))
    assert _handover_report.summary(found) == "20 flows between 8 ends; nothing added, removed or changed; 20 as before"


DAMAGED = r"is a damaged avi\.firewall/handover/1: a flow of it lacks a key, or a value has another type"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", r"is not JSON: Expecting property name .*"),
        ("[" * 100_000, r"is not JSON: .*recursion.*"),
        ("[]", r"is no report\.json of this collection: its format is not avi\.firewall/handover/1"),
        ('{"format": "avi.firewall/verify/1"}', r"is no report\.json of this collection: its format is not avi\.firewall/handover/1"),
        (
            '{"format": "avi.firewall/handover/2"}',
            r"is of a newer format, avi\.firewall/handover/2, and this collection reads avi\.firewall/handover/1",
        ),
        (
            '{"format": "avi.firewall/handover/0"}',
            r"is of an older format, avi\.firewall/handover/0, and this collection reads avi\.firewall/handover/1",
        ),
        ('{"format": "avi.firewall/handover/1"}', DAMAGED),
        (json.dumps({**report(), "flows": [flow(sources="everyone")]}), DAMAGED),
        (json.dumps({**report(), "flows": [flow(port="22")]}), DAMAGED),
        (json.dumps({**report(), "flows": [flow(port=True)]}), DAMAGED),
        (json.dumps({**report(), "flows": [flow(why=None)]}), DAMAGED),
        (json.dumps({**report(), "flows": [flow(feature=7)]}), DAMAGED),
        (json.dumps({**report(), "flows": [7]}), DAMAGED),
        (json.dumps({**report(), "flows": [{**flow(), "source_networks": [7]}]}), DAMAGED),
        (json.dumps({**report(), "flows": [{**flow(), "destination_networks": "::/0"}]}), DAMAGED),
        (json.dumps({**report(), "releases": [16.3]}), DAMAGED),
        (json.dumps({**report(), "flows": {}}), DAMAGED),
    ],
)
def test_a_file_that_is_no_former_report_is_refused_by_name(tmp_path, content, message):
    path = tmp_path / "former.json"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(_handover_report.HandoverError, match=rf"(?s)^avi_report_against: {path} {message}$"):
        _handover_report.read(str(path))


def test_a_file_that_is_missing_is_refused_by_name():
    message = "avi_report_against: /nowhere/report.json cannot be read: No such file or directory"
    with pytest.raises(_handover_report.HandoverError, match=f"^{message}$"):
        _handover_report.read("/nowhere/report.json")


def test_texts_of_a_former_report_cannot_act_on_a_reader(tmp_path):
    path = tmp_path / "former.json"
    path.write_text(json.dumps({**report(), "flows": [flow(why="\x1b[2J größer")]}), encoding="utf-8")
    assert _handover_report.read(str(path))["flows"][0]["why"] == "\\x1b[2J größer"
