# Copyright: (c) 2026, avi.firewall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.avi.firewall.plugins.plugin_utils import _addresses, _explanation, _reach

TARGET = {
    "host": "con1",
    "types": ["controller"],
    "addresses": ["192.0.2.11", "2001:db8::11"],
    "rules": [
        {"protocol": "tcp", "port": 8443, "peer": "service_engine", "row": "system_portal", "why": "SE comes in", "evidence": "a_page"}
    ],
    "peers": {"service_engine": ["192.0.2.21/32"]},
}
PATH = {
    "decision": "accept",
    "deciding": "rule 4",
    "carrier": "rule 4",
    "reached": True,
    "steps": ["accept: rule 4"],
    "forwarded_to": None,
    "route_back": "192.0.2.21 dev eth0",
    "doubts": [],
}
HOLDER = {"protocol": "tcp", "port": 8443, "address": "*", "process": "nginx"}


@pytest.mark.parametrize("dport", ["tcp/8443", "8443"])
def test_each_family_is_a_question_of_its_own(dport):
    asked = _explanation.questions(TARGET, ["192.0.2.21", "2001:db8::21"], dport)
    assert [(one["source_address"], one["address"], one["expected"], one["row"], one["peer"]) for one in asked] == [
        ("192.0.2.21", "192.0.2.11", "open", "system_portal", "service_engine"),
        ("2001:db8::21", "2001:db8::11", "shut", None, None),
    ]
    assert {(one["protocol"], one["port"]) for one in asked} == {("tcp", 8443)}


def test_another_protocol_is_another_port():
    assert _explanation.questions(TARGET, ["192.0.2.21"], "udp/8443")[0]["expected"] == "shut"


def test_a_source_without_a_common_family_is_named():
    with pytest.raises(_reach.ReachError, match=r"source 2001:db8::1: con1 has no address of the same family \(192.0.2.11\)"):
        _explanation.questions({**TARGET, "addresses": ["192.0.2.11"]}, ["2001:db8::1"], "22")


def test_a_destination_without_a_plan_is_named():
    with pytest.raises(_reach.ReachError, match=r"destination con1 is in no group of a node type \(avi_firewall_groups\)"):
        _explanation.questions({**TARGET, "types": []}, ["192.0.2.21"], "22")


def test_a_source_is_a_host_or_an_address():
    hostvars = {"se1": {"avi_firewall_address": ["192.0.2.21", "2001:db8::21"]}}
    assert _explanation.sources("se1", hostvars, ["controller"]) == ["192.0.2.21", "2001:db8::21"]
    assert _explanation.sources("198.51.100.7", hostvars, ["controller"]) == ["198.51.100.7"]
    with pytest.raises(_addresses.AddressError, match=r"'192.0.2.0/24' is a network"):
        _explanation.sources("192.0.2.0/24", hostvars, ["controller"])


def test_a_source_that_is_no_host_goes_by_what_its_name_resolves_to(monkeypatch):
    monkeypatch.setattr(_addresses, "resolve", {"desk.example": ("198.51.100.7", "2001:db8::7")}.get)
    assert _explanation.sources("desk.example", {}, ["controller"]) == ["198.51.100.7", "2001:db8::7"]


def test_a_source_behind_nat_is_who_the_destination_sees():
    hostvars = {"se1": {"ansible_host": "192.0.2.21", "avi_firewall_address_seen_as": {"controller": ["198.51.100.8/29"]}}}
    assert _explanation.sources("se1", hostvars, ["controller"]) == ["198.51.100.8"]
    assert _explanation.sources("se1", hostvars, ["service_engine"]) == ["192.0.2.21"]


def told(path=(), holders=(HOLDER,), findings=(), source="192.0.2.21"):
    asked = _explanation.questions(TARGET, [source], "8443")
    found = {"paths": [{**PATH, **dict(path)}], "holders": list(holders), "findings": list(findings)}
    return _explanation.lines("con1", "se1", "16.3", asked, found)


def test_row_and_rule_are_told():
    assert told() == [
        "se1 (192.0.2.21) to con1 (192.0.2.11), tcp port 8443",
        "  plan:    open to service_engine, by row system_portal of release 16.3 (SE comes in; docs/sources.md, a_page)",
        "  host:    lets it in, by rule 4",
        "  ours:    rule 4",
        "  back:    192.0.2.21 dev eth0",
        "  service: nginx listens on every address",
    ]


def test_a_row_of_ones_own_is_told_as_such():
    own = {"protocol": "tcp", "port": 9100, "peer": "service_engine", "row": "exporter", "why": "", "evidence": "avi_firewall_extra_rows"}
    asked = _explanation.questions({**TARGET, "rules": [own]}, ["192.0.2.21"], "9100")
    found = {"paths": [PATH], "holders": [], "findings": []}
    assert _explanation.lines("con1", "se1", "16.3", asked, found)[1] == (
        "  plan:    open to service_engine, by row exporter of avi_firewall_extra_rows"
    )


@pytest.mark.parametrize(
    ("changed", "line"),
    [
        ({"path": {"reached": False}}, "  ours:    rule 4; the packet never comes to it"),
        ({"path": {"carrier": None}}, "  ours:    no rule of ours lets it in, though the plan does: run site.yml"),
        ({"path": {"carrier": None}, "source": "192.0.2.99"}, "  ours:    no rule of ours lets it in"),
        ({"source": "192.0.2.99"}, "  plan:    shut, for no row of release 16.3 lets it in"),
        ({"path": {"decision": "drop", "deciding": "the policy"}}, "  host:    drops it, by the policy"),
        ({"path": {"deciding": None}}, "  host:    lets it in, for no rule stops it"),
        ({"path": {"steps": ["one", "two"]}}, "           two"),
        ({"path": {"forwarded_to": ["172.17.0.2", 443]}}, "  sent on: to 172.17.0.2 port 443, past INPUT"),
        ({"path": {"doubts": ["-m recent"]}}, "  doubt:   -m recent"),
        ({"path": {"route_back": ""}}, "  back:    not known"),
        ({"holders": []}, "  service: nobody listens there"),
        ({"holders": [{**HOLDER, "address": "127.0.0.1", "process": ""}]}, "  service: somebody listens on 127.0.0.1"),
        ({"findings": ["two firewalls"]}, "  note:    two firewalls"),
    ],
)
def test_what_else_there_is_to_say(changed, line):
    assert line in told(**changed)
