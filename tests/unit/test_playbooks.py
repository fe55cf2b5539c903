# Copyright: (c) 2026, avi.firewall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the playbooks do before they plan: stop where there is nobody, and ask who has no address."""

from __future__ import annotations

import json
import re
import sys

import pytest
from ansible_collections.avi.firewall.tests.unit import commands

HOSTS = {
    "192.0.2.11": {},
    "named": {},
    "dialled": {"ansible_host": "192.0.2.12"},
    "six": {"ansible_host": "2001:db8::13"},
    "by_name": {"ansible_host": "con4.example.com"},
    "tunnel": {"ansible_host": "127.0.0.1"},
    "tunnel_six": {"ansible_host": "::1"},
    "told": {"ansible_host": "127.0.0.1", "avi_firewall_address": "192.0.2.14"},
}


def test_a_host_is_asked_where_the_inventory_has_no_address(tmp_path):
    inventory = {"all": {"vars": {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}, "hosts": HOSTS}}
    task = {"ansible.builtin.import_role": {"name": "avi.firewall.avi_firewall", "tasks_from": "addresses"}}
    for name, content in (("inventory.yml", inventory), ("play.yml", [{"hosts": "all", "gather_facts": False, "tasks": [task]}])):
        tmp_path.joinpath(name).write_text(json.dumps(content), encoding="utf-8")
    done = commands.ansible("playbook", "-i", "inventory.yml", "play.yml", cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    asked = {found[1] for found in re.finditer(r"^(\S+) +: ok=1 ", done.stdout, re.MULTILINE)}
    assert asked == {"named", "by_name", "tunnel", "tunnel_six"}


@pytest.mark.parametrize(
    ("playbook", "options", "controllers"),
    [
        ("site", [], "avi_controllers"),
        ("site", ["-e", "avi_controllers=mine"], "mine"),
        ("verify", [], "avi_controllers"),
        ("verify", ["--tags", "drift"], "avi_controllers"),
        ("report", ["-e", "avi_controllers=mine"], "mine"),
    ],
)
def test_an_inventory_without_nodes_stops_a_playbook(tmp_path, playbook, options, controllers):
    """Ansible itself says that no host matched, and ends with 0."""
    tmp_path.joinpath("inventory.yml").write_text(json.dumps({"all": {"hosts": {"con1": {}}}}), encoding="utf-8")
    done = commands.ansible("playbook", "-i", "inventory.yml", f"avi.firewall.{playbook}", *options, cwd=tmp_path)
    said = " ".join((done.stdout + done.stderr).split())
    assert done.returncode == 2, said
    assert f"the inventory has no host in {controllers}, avi_service_engines, avi_cluster_nodes: name it with -i" in said


@pytest.mark.parametrize("pattern", ["con*", "all:!con2", "other"])
def test_the_groups_may_be_patterns_and_those_of_the_rules_may_have_other_names(tmp_path, pattern):
    groups = {"all": {"hosts": {"con1": {}, "con2": {}}, "children": {"other": {"hosts": {"con1": {}}}}}}
    tmp_path.joinpath("inventory.yml").write_text(json.dumps(groups), encoding="utf-8")
    named = {"avi_controllers": pattern, "avi_firewall_groups": {"controller": "nobody"}}
    done = commands.ansible("playbook", "-i", "inventory.yml", "avi.firewall.site", "-e", json.dumps(named), "--list-hosts", cwd=tmp_path)
    assert "con1" in done.stdout
    task = {"ansible.builtin.import_role": {"name": "avi.firewall.avi_firewall", "tasks_from": "inventory"}}
    tmp_path.joinpath("play.yml").write_text(json.dumps([{"hosts": "localhost", "gather_facts": False, "tasks": [task]}]), encoding="utf-8")
    asked = commands.ansible("playbook", "-i", "inventory.yml", "play.yml", "-e", json.dumps(named), cwd=tmp_path)
    assert asked.returncode == 0, asked.stdout + asked.stderr
