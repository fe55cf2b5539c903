# Copyright: (c) 2026, avi.firewall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run ansible-playbook on the hosts of these tests, as a user would."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterable
from typing import Any

from faults.machines import WORK, Machine, peer
from lab.runs import Run, run_ansible


def inventory(hosts: Iterable[Machine], variables: dict[str, Any], groups: dict[str, list[str]]) -> dict[str, Any]:
    """Return an inventory as a user would write it; every host is a Controller unless ``groups`` says otherwise.

    They are no peers of each other, for these tests have enough of one: ufw takes seconds for each rule.
    """
    hosts = list(hosts)
    common = {
        "ansible_connection": "containers.podman.podman",
        "ansible_python_interpreter": "/usr/bin/python3",
        "avi_firewall_release": "16.3",
        "avi_firewall_peers": {"management_client": peer("client")},
        "avi_firewall_groups": {"controller": "peers", "service_engine": "avi_service_engines", "cluster_node": "avi_cluster_nodes"},
        **variables,
    }
    members = {"avi_controllers": [host.name for host in hosts], "avi_service_engines": [], "avi_cluster_nodes": [], "peers": [], **groups}
    return {
        "all": {
            "vars": common,
            "hosts": {
                host.name: {"ansible_host": host.container, "avi_firewall_address": host.addresses, **host.variables} for host in hosts
            },
            "children": {group: {"hosts": {name: {} for name in names}} for group, names in members.items()},
        }
    }


def attempt(
    hosts: Iterable[Machine],
    *arguments: str,
    playbook: str = "avi.firewall.site",
    groups: dict[str, list[str]] | None = None,
    **variables: Any,
) -> Run:
    """Run ``playbook`` on ``hosts`` with these variables in the inventory, whatever comes of it."""
    path = WORK / "inventory.json"
    path.write_text(json.dumps(inventory(hosts, variables, groups or {})), encoding="utf-8")
    return run_ansible("ansible-playbook", f"--inventory={path}", *arguments, playbook)


def site(hosts: Iterable[Machine], *arguments: str, **how: Any) -> Run:
    """Run the playbook avi.firewall.site, or another; it must succeed."""
    done = attempt(hosts, *arguments, **how)
    assert done.code == 0, str(done)
    return done


def absent(hosts: Iterable[Machine], **how: Any) -> Run:
    """Take everything away again; it must succeed."""
    return site(hosts, avi_firewall_state="absent", **how)


def management(*names: str) -> dict[str, Any]:
    """Return the variable that lets in these as management clients."""
    return {"avi_firewall_peers": {"management_client": peer(*names)}}


def role_away(role: str) -> str:
    """Write a playbook that takes one node type away from the hosts it is limited to, and return its path."""
    path = WORK / f"{role}_away.yml"
    text = f"""\
        - hosts: all
          gather_facts: false
          roles:
            - role: avi.firewall.{role}
              vars: {{avi_firewall_state: absent}}
        """
    path.write_text(textwrap.dedent(text), encoding="utf-8")
    return str(path)
