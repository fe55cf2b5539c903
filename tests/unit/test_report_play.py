# Copyright: (c) 2026, avi.firewall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The playbook as somebody runs it: on hosts that do not exist, of which it contacts none."""

from __future__ import annotations

import json

import pytest
import yaml
from ansible_collections.avi.firewall.tests.unit import commands

HOSTS = {
    "avi_controllers": {"con1": "192.0.2.11", "con2": "192.0.2.12"},
    "avi_service_engines": {"se1": "192.0.2.21", "se2": "2001:db8::22"},
}


@pytest.fixture
def run(tmp_path):
    """Return a function that runs report.yml on an inventory and returns what it said; a connection to any host would leave a trace."""
    trace = tmp_path / "contacted"
    ssh = tmp_path / "ssh"
    ssh.write_text(f'#!/bin/sh\necho "$@" >> {trace}\nexit 255\n', encoding="utf-8")
    ssh.chmod(0o755)

    def ran(*options, hosts=None, reverse=False, succeeds=True):
        turned = (lambda pairs: dict(reversed(pairs.items()))) if reverse else dict
        groups = {
            group: {"hosts": {host: {"avi_firewall_address": address} for host, address in turned(members).items()}}
            for group, members in turned(HOSTS if hosts is None else hosts).items()
        }
        known = {
            "avi_firewall_release": "16.3",
            "avi_firewall_peers": {"management_client": ["198.51.100.0/24"]},
            "ansible_connection": "ssh",
            "ansible_ssh_executable": str(ssh),
        }
        inventory = tmp_path / "inventory.yml"
        inventory.write_text(yaml.safe_dump({"all": {"vars": known, "children": groups}}, sort_keys=False), encoding="utf-8")
        done = commands.ansible("playbook", "-i", str(inventory), "avi.firewall.report", *options, cwd=tmp_path)
        said = done.stdout + done.stderr
        assert (done.returncode == 0) is succeeds, said
        assert not trace.exists(), trace.read_text(encoding="utf-8")
        return " ".join(said.split())

    return ran


def contents(directory):
    return {path.name: path.read_bytes() for path in directory.iterdir()}


def test_it_writes_the_same_for_the_same_without_contacting_anybody(run, tmp_path):
    formats = '{"avi_report_formats": ["csv", "html", "json", "markdown", "xlsx"]}'
    said = run("-e", "avi_report_dir=first", "-e", formats)
    assert "8 flows between 3 ends: first/report.csv, " in said
    assert "changed=1" in said
    assert "changed=1" not in run("-e", "avi_report_dir=first", "-e", formats)
    run("-e", "avi_report_dir=second", "-e", formats, reverse=True)
    assert sorted(contents(tmp_path / "first")) == ["report.csv", "report.html", "report.json", "report.md", "report.xlsx"]
    assert contents(tmp_path / "second") == contents(tmp_path / "first")


def test_against_a_former_report_it_tells_what_is_new(run, tmp_path):
    run("-e", "avi_report_dir=reports")
    grown = {**HOSTS, "avi_service_engines": {**HOSTS["avi_service_engines"], "se3": "192.0.2.20"}}
    said = run("-e", "avi_report_dir=reports", "-e", "against=reports/report.json", hosts=grown)
    assert "8 flows between 3 ends; 3 changed; 5 as before" in said
    difference = json.loads((tmp_path / "reports" / "report.json").read_text(encoding="utf-8"))["difference"]
    assert [change["source_added"] for change in difference["changed"]] == [["192.0.2.20/32"]] * 3


def test_in_check_mode_it_writes_nothing(run, tmp_path):
    assert "changed=1" in run("-e", "avi_report_dir=reports", "--check")
    assert not (tmp_path / "reports").exists()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ([], "avi_report_dir is not set: name a directory on the control node for the report"),
        (
            ["-e", "avi_report_dir=out", "-e", "avi_controllers=x", "-e", "avi_service_engines=y"],
            "the inventory has no host in x, y, avi_cluster_nodes",
        ),
        (
            ["-e", "avi_report_dir=out", "--limit", "con1"],
            "3 of 4 hosts have planned nothing, con2, se1, se2: a report is about all of them.",
        ),
    ],
)
def test_it_stops_with_the_reason(run, tmp_path, options, message):
    assert message in run(*options, succeeds=False)
    assert not (tmp_path / "out").exists()
