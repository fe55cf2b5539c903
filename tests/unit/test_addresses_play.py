# Copyright: (c) 2026, avi.firewall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whom site.yml and verify.yml ask for an address before they plan."""

from __future__ import annotations

import json
import re
import sys

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
