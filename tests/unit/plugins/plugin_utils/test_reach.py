# Copyright: (c) 2026, avi.firewall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.avi.firewall.plugins.plugin_utils import _reach, _verify_result


def rule(peer, protocol, port, *networks, direction="in"):
    return {
        "direction": direction,
        "peer": peer,
        "protocol": protocol,
        "port": port,
        "name": f"{peer}_{port}",
        "why": "",
        "evidence": "matrix_page",
        "networks": networks,
    }


RULES = [
    rule("service_engine", "tcp", 8443, "192.0.2.21/32", "2001:db8::21/128"),
    rule("service_engine", "udp", 123, "192.0.2.21/32", "2001:db8::21/128"),
    rule("management_client", "tcp", 443, "198.51.100.0/24"),
    rule("ntp_server", "udp", 123, "203.0.113.1/32", direction="out"),
]
SOURCES = {"con1": ["192.0.2.11", "2001:db8::11"], "se1": ["192.0.2.21", "2001:db8::21"], "jump": ["198.51.100.7"], "odd": ["192.0.2.99"]}
# Every port at which a node of any type or release listens, typed from the document.
TCP_PORTS = (22, 80, 443, 5050, 5054, 5098, 8080, 8443)
MATRIX = {*(("tcp", port) for port in TCP_PORTS), ("udp", 123), ("udp", 161)}


@pytest.fixture
def paths():
    at = _reach.target("con1", ["controller"], SOURCES["con1"], RULES)
    at |= {"listening": [f"{protocol}/{port}" for protocol, port in _reach.all_ports(at)], "holders": []}
    return {"sources": SOURCES, "targets": [at], "members": _reach.members(SOURCES, [at]), "also_open": [], "not_tried": []}


def opened(paths):
    return {
        (trial.source, trial.source_address, trial.address, f"{trial.protocol}/{trial.port}", trial.peer)
        for source in paths["sources"]
        for trial in _reach.trials(source, paths)
        if trial.expected == "open"
    }


def test_what_shall_be_open_follows_from_both_addresses(paths):
    assert opened(paths) == {
        ("se1", "192.0.2.21", "192.0.2.11", "tcp/8443", "service_engine"),
        ("se1", "192.0.2.21", "192.0.2.11", "udp/123", "service_engine"),
        ("se1", "2001:db8::21", "2001:db8::11", "tcp/8443", "service_engine"),
        ("se1", "2001:db8::21", "2001:db8::11", "udp/123", "service_engine"),
        ("jump", "198.51.100.7", "192.0.2.11", "tcp/443", "management_client"),
    }


def behind_nat(seen_as, networks, types=("controller",)):
    """Return the paths to con1 where se1 is seen as ``seen_as`` and the rules let ``networks`` in."""
    rules = [rule("service_engine", "tcp", 8443, *networks)]
    at = _reach.target("con1", types, SOURCES["con1"], rules)
    at |= {"listening": [], "holders": [], "seen": _reach.seen(at, SOURCES, {"con1": {}, "se1": seen_as})}
    return {"sources": SOURCES, "targets": [at], "members": _reach.members(SOURCES, [at]), "also_open": [], "not_tried": []}


def test_a_host_behind_nat_is_judged_by_the_address_it_is_seen_as():
    paths = behind_nat({"controller": ["203.0.113.5/32"]}, ["203.0.113.5/32"])
    assert opened(paths) == {("se1", "203.0.113.5", "192.0.2.11", "tcp/8443", "service_engine")}
    assert {trial.source_address for trial in _reach.trials("se1", paths)} == {"203.0.113.5"}
    assert _reach.not_tried(SOURCES, paths["targets"]) == []
    assert len(_reach.judge(paths, answers(paths), {"con1": []})) == sum(len(list(_reach.trials(source, paths))) for source in SOURCES)
    # Its own address does not come through: were that let in, nobody could try it.
    paths = behind_nat({"controller": ["203.0.113.5/32"]}, ["192.0.2.21/32"])
    assert opened(paths) == set()
    assert _reach.not_tried(SOURCES, paths["targets"])[0]["networks"] == ["192.0.2.21/32"]


def test_a_pool_is_tried_once_by_its_first_address():
    paths = behind_nat({"controller": ["203.0.113.8/29"]}, ["203.0.113.0/24"])
    assert opened(paths) == {("se1", "203.0.113.8", "192.0.2.11", "tcp/8443", "service_engine")}


def test_who_sees_no_nat_sees_the_address_of_the_host():
    nat = {"controller": ["203.0.113.5/32"]}
    paths = behind_nat(nat, ["192.0.2.21/32"], types=["service_engine"])
    assert opened(paths) == {("se1", "192.0.2.21", "192.0.2.11", "tcp/8443", "service_engine")}
    assert paths["targets"][0]["seen"] == {}
    assert behind_nat(nat, ["192.0.2.21/32"], types=["cluster_node", "controller"])["targets"][0]["seen"] == {"se1": ["203.0.113.5"]}


def test_all_else_shall_be_shut_and_is_tried_as_well(paths):
    for source, families in (("se1", 2), ("jump", 1), ("odd", 1)):
        tried = list(_reach.trials(source, paths))
        assert {(trial.protocol, trial.port) for trial in tried} == MATRIX
        assert len(tried) == families * len(MATRIX)
    assert list(_reach.trials("con1", paths)) == []


def test_a_port_that_others_may_open_is_tried_only_where_it_shall_be_open(paths):
    paths["also_open"] = [["tcp", 22], ["tcp", 8443]]
    assert len(opened(paths)) == 5
    assert {trial.port for trial in _reach.trials("odd", paths)} == {80, 443, 5050, 5054, 5098, 8080, 123, 161}
    left = _reach.not_tried(SOURCES, paths["targets"], [("tcp", 22)])
    assert {"destination": "con1", "ports": ["tcp/22"], "peer": "anyone else", "networks": []}.items() <= left[-1].items()


@pytest.mark.parametrize("value", ["22", "icmp/8", "tcp/0", "tcp/65536", "tcp/22 ", 22, None])
def test_a_port_that_is_none_is_named(value):
    with pytest.raises(_reach.ReachError, match=r"^avi_verify_also_open: .* is not a port: tcp/ or udp/"):
        _reach.ports([value], "avi_verify_also_open")


def test_networks_that_nobody_looks_from_are_listed(paths):
    without = {host: addresses for host, addresses in SOURCES.items() if host != "jump"}
    assert _reach.not_tried(without, paths["targets"]) == [
        {
            "peer": "management_client",
            "networks": ["198.51.100.0/24"],
            "destination": "con1",
            "ports": ["tcp/443"],
            "why": "no host that looks has an address there",
        }
    ]
    assert _reach.not_tried(SOURCES, paths["targets"]) == []


def answers(paths, word="filtered", **changed):
    """Return the answers of a run in which all is as planned, but for those of the sources in ``changed``."""
    found = {
        source: [["open" if trial.expected == "open" else word, "", ""] for trial in _reach.trials(source, paths)]
        for source in paths["sources"]
    }
    return {**found, **changed}


def judged(paths, found, seen=()):
    return _reach.judge(paths, found, {"con1": seen})


def test_what_the_hosts_registered_is_judged_the_same(paths):
    found = answers(paths, odd=None)
    hostvars = {source: {"answered": {"answers": found[source]}} for source in SOURCES}
    hostvars["con1"]["listened"] = {"seen": ["nonce"]}
    assert _reach.judge_registered(paths, hostvars, "answered", "listened") == _reach.judge(paths, found, {"con1": ["nonce"]})
    # A host that dropped out has registered nothing.
    hostvars = {**hostvars, "odd": {}, "con1": {"answered": {"answers": found["con1"]}}}
    assert _reach.judge_registered(paths, hostvars, "answered", "listened") == _reach.judge(paths, found, {"con1": None})


def test_a_host_that_failed_is_listed_as_not_tried():
    why = "the host failed before anything was tried"
    assert _reach.failed("con1") == {"peer": "anyone", "networks": [], "destination": "con1", "ports": [], "why": why}


@pytest.mark.parametrize("word", ["filtered", "rejected"])
def test_all_as_planned(paths, word):
    cells = judged(paths, answers(paths, word))
    assert len(cells) == 4 * len(MATRIX)
    assert all(cell["passed"] for cell in cells)
    assert _reach.questions(cells) == {}


@pytest.mark.parametrize(
    ("expected", "observed", "passed"),
    [
        ("open", "open", True),
        ("open", "closed", False),
        ("open", "filtered", False),
        ("open", "rejected", False),
        ("open", "unknown", False),
        ("shut", "open", False),
        ("shut", "closed", False),
        ("shut", "filtered", True),
        ("shut", "rejected", True),
        ("shut", "unknown", False),
    ],
)
def test_only_the_expected_passes(paths, expected, observed, passed):
    paths["targets"][0]["listening"] = []  # so that "closed" is the host's own word
    found = answers(paths)
    index = next(index for index, trial in enumerate(_reach.trials("se1", paths)) if (trial.expected, trial.protocol) == (expected, "tcp"))
    found["se1"][index] = [observed, "", ""]
    cell = next(
        cell for cell in judged(paths, found) if cell["source"] == "se1" and (cell["expected"], cell["protocol"]) == (expected, "tcp")
    )
    assert (cell["observed"], cell["passed"]) == (observed, passed)


def of(paths, protocol, port, answer, seen=()):
    """Return the word for what the stranger gets at one port."""
    found = answers(paths)
    ports = [(trial.protocol, trial.port) for trial in _reach.trials("odd", paths)]
    found["odd"][ports.index((protocol, port))] = answer
    cells = judged(paths, found, seen)
    return next(
        (cell["observed"], cell["detail"]) for cell in cells if (cell["source"], cell["protocol"], cell["port"]) == ("odd", protocol, port)
    )


def test_a_refusal_where_somebody_listens_is_a_firewalls(paths):
    assert of(paths, "tcp", 22, ["closed", "", ""])[0] == "rejected"
    paths["targets"][0]["listening"] = []
    assert of(paths, "tcp", 22, ["closed", "", ""])[0] == "closed"
    for address, word in (("127.0.0.1", "closed"), ("192.0.2.11", "rejected"), ("*", "rejected")):
        paths["targets"][0]["holders"] = [{"protocol": "tcp", "port": 22, "address": address, "process": "sshd"}]
        assert of(paths, "tcp", 22, ["closed", "", ""])[0] == word


def test_a_datagram_that_arrived_counts_although_its_answer_did_not(paths):
    assert of(paths, "udp", 161, ["filtered", "", "01020304"], ["01020304"])[0] == "open"
    assert of(paths, "udp", 161, ["filtered", "", "01020304"], ["01020305"])[0] == "filtered"


def test_a_service_that_answers_nobody_proves_nothing(paths):
    paths["targets"][0]["listening"] = []
    paths["targets"][0]["holders"] = [{"protocol": "udp", "port": 161, "address": "*", "process": "snmpd", "answers": False}]
    assert of(paths, "udp", 161, ["filtered", "", "01020304"]) == (
        "unknown",
        "snmpd listens there, and answers nobody, not even the host itself",
    )
    paths["targets"][0]["holders"][0]["answers"] = True
    assert of(paths, "udp", 161, ["filtered", "", "01020304"])[0] == "filtered"
    # udp/123 answered the Service Engine, so silence means something.
    assert of(paths, "udp", 123, ["filtered", "", "01020304"])[0] == "filtered"


def test_a_listener_that_ended_early_proves_nothing(paths):
    cells = judged(paths, answers(paths), None)
    assert {cell["observed"] for cell in cells if cell["expected"] == "shut"} == {"unknown"}
    assert {cell["observed"] for cell in cells if cell["expected"] == "open"} == {"open"}


def test_a_source_that_said_nothing_proves_nothing(paths):
    cells = [cell for cell in judged(paths, answers(paths, odd=None)) if cell["source"] == "odd"]
    assert {(cell["observed"], cell["passed"], cell["detail"]) for cell in cells} == {("unknown", False, "odd did not say what it got")}


def test_the_result_carries_each_cause_to_its_cell(paths):
    found = answers(paths)
    found["se1"][0] = ["filtered", "", ""]
    found["odd"][2] = ["open", "", ""]
    cells = judged(paths, found)
    asked = _reach.questions(cells)["con1"]
    assert [question["source_address"] for question in asked] == ["192.0.2.21", "192.0.2.99"]
    whole = _reach.result(
        "16.3",
        paths,
        cells,
        {"con1": [["first"], ["second"]]},
        {**{source: {} for source in SOURCES}, "con1": {"backend": "ufw", "drift": ["x"]}},
    )
    assert [(cell["source"], cell["causes"]) for cell in whole["cells"] if not cell["passed"]] == [("se1", ["first"]), ("odd", ["second"])]
    assert [tuple(host[key] for key in ("name", "node", "peers", "backend", "drift")) for host in whole["hosts"]] == [
        ("con1", "controller", [], "ufw", ["x"]),
        ("se1", None, ["service_engine"], None, []),
        ("jump", None, ["management_client"], None, []),
        ("odd", None, [], None, []),
    ]
    _verify_result.read(whole)


def test_the_result_tells_what_the_names_of_a_plan_became(paths):
    paths["targets"][0]["resolved"] = {"www.example": ["198.51.100.1"]}
    whole = _reach.result("16.3", paths, [], {}, {source: {} for source in SOURCES})
    assert [host["resolved"] for host in whole["hosts"]] == [{"www.example": ["198.51.100.1"]}, {}, {}, {}]


def test_what_has_no_port_is_not_tried():
    at = _reach.target("con1", ["controller"], SOURCES["con1"], [*RULES, rule("service_engine", "icmp", None, "192.0.2.21/32")])
    assert set(_reach.all_ports(at)) == MATRIX
