# Copyright: (c) 2026, avi.firewall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
import socket

import pytest
from ansible.errors import AnsibleActionFail
from ansible_collections.avi.firewall.plugins.plugin_utils import _addresses

HOSTVARS = {
    "con1": {"inventory_hostname": "con1", "ansible_host": "192.0.2.11"},
    "con2": {"inventory_hostname": "con2", "ansible_host": "192.0.2.12"},
    "se1": {"inventory_hostname": "se1", "ansible_host": "192.0.2.21", "avi_firewall_address_seen_as": "203.0.113.9"},
    "jump": {"inventory_hostname": "jump", "ansible_host": "192.0.2.99"},
}
GROUPS = {"controllers": ["con1", "con2"], "engines": ["se1"]}
NAMES = {"controller": "controllers", "service_engine": "engines"}
PEERS = {"management_client": [], "syslog_server": ["con2"], "service_engine": ["10.4.0.0/24"], "kubernetes_node": ["10.5.0.9"]}


@pytest.fixture
def planned(act):
    """Return a function that plans on every host, and returns the variables of the play after it."""

    def made(hosts=tuple(HOSTVARS), **options):
        collected = act("collect", {"groups": NAMES}, {"groups": GROUPS, "hostvars": HOSTVARS})
        hostvars = {host: dict(known) for host, known in HOSTVARS.items()}
        for host in hosts:
            question = {"nodes": "nodes", "release": "16.3", "peers": PEERS, **options}
            hostvars[host]["planned"] = act("report_plan", question, {**HOSTVARS[host], "nodes": collected})
        return {"nodes": collected, "hostvars": hostvars}

    return made


@pytest.fixture
def write(act, tmp_path):
    def written(variables, **options):
        return act("report_write", {"nodes": "nodes", "planned": "planned", "directory": str(tmp_path / "out"), **options}, variables)

    return written


def flows(tmp_path):
    return json.loads((tmp_path / "out" / "report.json").read_text(encoding="utf-8"))["flows"]


def test_what_every_host_plans_is_one_report(planned, write, tmp_path):
    result = write(planned())
    assert (result["changed"], result["summary"], result["files"]) == (
        True,
        "7 flows between 4 ends",
        ["report.csv", "report.html", "report.json", "report.md"],
    )
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == result["files"]
    cons, ses = ["192.0.2.11/32", "192.0.2.12/32"], ["10.4.0.0/24", "203.0.113.9/32"]
    assert [(flow["source_networks"], flow["destination_networks"], flow["port"]) for flow in flows(tmp_path)] == [
        (cons, cons, 22),
        (cons, cons, 8443),
        (ses, cons, 22),
        (ses, cons, 8443),
        (ses, cons, 123),
        (["192.0.2.11/32", "192.0.2.12/32"], ["192.0.2.12/32"], 514),
        (cons, ["10.5.0.9/32"], 22),
    ]


def test_names_come_with_their_addresses(planned, write, tmp_path):
    write(planned())
    assert json.loads((tmp_path / "out" / "report.json").read_text(encoding="utf-8"))["resolved"] == {"con2": ["192.0.2.12"]}


def test_a_host_of_no_type_has_no_part(planned):
    assert planned()["hostvars"]["jump"]["planned"]["flows"] == []


def test_warnings_are_told_once(planned, write):
    assert write(planned())["warnings"] == ["management_client has no address yet: nothing is opened to it"]


def test_a_second_run_changes_nothing(planned, write, tmp_path):
    write(planned())
    before = {path.name: (path.read_bytes(), path.stat().st_mtime_ns) for path in (tmp_path / "out").iterdir()}
    assert not write(planned())["changed"]
    assert {path.name: (path.read_bytes(), path.stat().st_mtime_ns) for path in (tmp_path / "out").iterdir()} == before
    assert write(planned(release="17.1"))["changed"]


def test_only_what_is_asked_for_is_written(planned, write, tmp_path):
    assert write(planned(), formats=["xlsx"])["files"] == ["report.xlsx"]
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["report.xlsx"]


def test_what_to_load_is_written_and_its_warnings_are_told(planned, write, tmp_path):
    crowd = {"management_client": ["198.51.100.0/24"], "service_engine": [f"10.{number}.0.1" for number in range(40)]}
    # Three ports for 40 Service Engines and one behind NAT, two ports for two Controllers, three for management clients.
    result = write(planned(peers=crowd), formats=["aws_terraform", "cisco_ios"])
    assert result["files"] == ["aws.tf.json", "cisco_ios.acl"]
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["aws.tf.json", "cisco_ios.acl"]
    (warning,) = result["warnings"]
    assert warning.startswith("the security group avi-controller has 130 inbound IPv4 rules, and AWS allows 60: ")


def test_a_format_that_cannot_say_it_writes_nothing(planned, write, tmp_path, monkeypatch):
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_arguments, **_options: [(None, None, None, None, ("192.0.2.11", 0))])
    _addresses.resolve.cache_clear()
    variables = planned(peers={**PEERS, "controller": ["controller.example.com"]})
    _addresses.resolve.cache_clear()
    message = r"^the Controllers are known by host names \(controller\.example\.com\): "
    with pytest.raises(AnsibleActionFail, match=message):
        write(variables, formats=["json", "avi_access"])
    assert not (tmp_path / "out").exists()


def test_names_of_the_inventory_are_none_of_the_cluster(planned, write):
    assert write(planned(), formats=["avi_access"])["files"] == ["avi_access.json"]


def test_a_former_report_is_held_against(planned, write, tmp_path):
    write(planned())
    former = (tmp_path / "out" / "report.json").rename(tmp_path / "former.json")
    result = write(planned(peers={"management_client": ["198.51.100.0/24"], "service_engine": ["10.4.0.0/24"]}), against=str(former))
    assert result["summary"] == "8 flows between 3 ends; 3 added, 2 removed; 5 as before"
    assert [
        flow["port"] for flow in json.loads((tmp_path / "out" / "report.json").read_text(encoding="utf-8"))["difference"]["removed"]
    ] == [514, 22]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"formats": ["doc"]}, r"^avi_report_formats 'doc' is not one of csv, html, json, markdown, xlsx"),
        ({"against": "/nowhere.json"}, r"^avi_report_against: /nowhere\.json cannot be read: No such file or directory$"),
        ({"directory": "/dev/null/out"}, r"^avi_report_dir '/dev/null/out': the report cannot be written: "),
    ],
)
def test_mistakes_name_the_variable(planned, write, options, message):
    with pytest.raises(AnsibleActionFail, match=message):
        write(planned(), **options)


def test_a_part_of_the_hosts_makes_no_report(planned, write, tmp_path):
    with pytest.raises(AnsibleActionFail, match=r"^2 of 3 hosts have planned nothing, con2, se1: a report is about all of them\."):
        write(planned(hosts=["con1"]))
    assert not (tmp_path / "out").exists()


def test_a_mistake_in_a_setting_is_told_as_by_the_other_roles(planned):
    with pytest.raises(AnsibleActionFail, match=r"^avi_firewall_release '9\.9' is not one of 16\.2, "):
        planned(release="9.9")
