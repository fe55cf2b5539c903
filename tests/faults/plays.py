# Copyright: (c) 2026, avi.firewall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run ansible-playbook on the hosts of these tests, as a user would."""

from __future__ import annotations

import dataclasses
import json
import os
import re
import subprocess
import textwrap
from collections.abc import Iterable
from typing import Any

from faults.machines import ROOT, WORK, Machine, peer

RECAP = re.compile(r"^(\S+)\s+: ok=\d+\s+changed=(\d+)\s+unreachable=(\d+)\s+failed=(\d+)", re.MULTILINE)


@dataclasses.dataclass(frozen=True)
class Run:
    """What ansible-playbook said."""

    code: int
    output: str = dataclasses.field(repr=False)

    def __str__(self) -> str:
        """Return what a failed test needs to tell: the errors and the recap."""
        fatal = re.findall(r"^fatal: .*(?:\n .*)*", self.output, re.MULTILINE)
        return "\n".join([f"ansible-playbook ended with {self.code}", *fatal, self.output.rpartition("PLAY RECAP")[2]])

    def _recap(self, column: int) -> dict[str, int]:
        return {found[0]: int(found[column]) for found in RECAP.findall(self.output)}

    @property
    def changed(self) -> dict[str, int]:
        """The number of changed tasks of each host."""
        return self._recap(1)

    @property
    def unreachable(self) -> dict[str, int]:
        return self._recap(2)

    @property
    def failed(self) -> dict[str, int]:
        return self._recap(3)

    @property
    def diff(self) -> list[str]:
        """The lines that come or go, of all hosts."""
        return sorted(line for line in self.output.splitlines() if line.startswith(("+", "-")))

    def message(self, name: str) -> str:
        """Return what the fatal task of a host said, on one line; empty if it had none."""
        found = re.search(rf"^fatal: \[{name}\]: \S+ =>(.*?)(?=^\S|\Z)", self.output, re.MULTILINE | re.DOTALL)
        return " ".join(found[1].split()) if found else ""


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


def run_ansible(*command: str) -> Run:
    """Run a command of Ansible, whatever comes of it."""
    done = subprocess.run(
        command,
        cwd=ROOT,
        env={**os.environ, "ANSIBLE_NOCOLOR": "1", "ANSIBLE_FORCE_COLOR": "0"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return Run(done.returncode, done.stdout)


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
