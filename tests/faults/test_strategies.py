# Copyright: (c) 2026, avi.firewall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""However a play goes through its hosts, each gets the same rules: those that check mode says it would get."""

from __future__ import annotations

import contextlib
import ipaddress
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from faults.admin import close
from faults.machines import WORK, Machine, machines
from faults.plays import inventory
from lab.runs import Run, run_ansible

NAMES = ("iptables", "iptables-2", "nftables")
ROLE = {"name": "avi.firewall.avi_controller"}
PLAYS: dict[str, dict[str, Any]] = {
    "linear": {},
    "free": {"strategy": "free"},
    "serial": {"serial": 1},
    "batches": {"serial": ["67%", 1]},
}


@pytest.fixture(scope="module")
def hosts() -> Iterator[dict[str, Machine]]:
    with machines(*NAMES) as found:
        close(found)
        yield found


def playbook(name: str, play: dict[str, Any]) -> str:
    path = WORK / f"{name}.yml"
    path.write_text(json.dumps([{"hosts": "avi_controllers", "gather_facts": False, **play}]), encoding="utf-8")
    return str(path)


def predicted(hosts: dict[str, Machine], name: str, play: dict[str, Any], *arguments: str, command: str = "ansible-playbook") -> Run:
    """Return what a play would change on these Controllers of one cluster."""
    groups = {"controller": "avi_controllers", "service_engine": "avi_service_engines"}
    path = WORK / "inventory.json"
    path.write_text(json.dumps(inventory(hosts.values(), {"avi_firewall_groups": groups}, {})), encoding="utf-8")
    return run_ansible(command, f"--inventory={path}", "--check", "--diff", *arguments, playbook(name, play))


def by_host(run: Run) -> dict[str, list[str]]:
    """Return the lines that come on each host: they stand before the line that says that it changed."""
    assert run.code == 0, str(run)
    found: dict[str, list[str]] = {}
    lines: list[str] = []
    for line in run.output.splitlines():
        if changed := re.match(r"changed: \[(\S+)\]", line):
            found[changed[1]], lines = lines, []
        elif line.startswith("+") and not line.startswith("+++"):
            lines.append(line)
    return found


def networks(lines: list[str]) -> Iterator[ipaddress.IPv4Network | ipaddress.IPv6Network]:
    """Return what is an address or a network in these lines: neighbours stand as one."""
    for word in " ".join(lines).split():
        with contextlib.suppress(ValueError):
            yield ipaddress.ip_network(word)


@pytest.fixture(scope="module")
def linear(hosts) -> dict[str, list[str]]:
    return by_host(predicted(hosts, "linear", {"roles": [ROLE]}))


def test_every_host_lets_in_the_others_and_not_itself(hosts, linear):
    assert linear.keys() == set(NAMES)
    for name, lines in linear.items():
        for other, host in hosts.items():
            there = [any(ipaddress.ip_address(address) in network for network in networks(lines)) for address in host.addresses]
            assert there == [name != other] * 2, (name, other, lines)


@pytest.mark.parametrize("name", PLAYS)
def test_the_order_of_the_hosts_is_of_no_account(hosts, linear, name):
    assert by_host(predicted(hosts, name, {**PLAYS[name], "roles": [ROLE]})) == linear


def test_hosts_outside_of_the_limit_are_peers_all_the_same(hosts, linear):
    assert by_host(predicted(hosts, "limit", {"roles": [ROLE]}, "--limit=nftables")) == {"nftables": linear["nftables"]}


def test_a_host_may_pull(hosts, linear, tmp_path):
    """The host that pulls is the control node of itself; here its inventory entry leads elsewhere."""
    repository = tmp_path / "repository"
    repository.mkdir()
    pulled = json.dumps([{"hosts": "avi_controllers", "gather_facts": False, "roles": [ROLE]}])
    (repository / "pulled.yml").write_text(pulled, encoding="utf-8")
    identity = ["-c", "user.name=tests", "-c", "user.email=tests@localhost"]
    for command in (["init", "--quiet"], ["add", "."], [*identity, "commit", "--quiet", "--message=Pulled"]):
        subprocess.run(["git", "-C", str(repository), *command], check=True)
    path = WORK / "inventory.json"
    # The first step, which fetches the repository, looks for the host by its own name, or localhost.
    own = tmp_path / "localhost.ini"
    own.write_text(f"localhost ansible_connection=local ansible_python_interpreter={sys.executable}\n", encoding="utf-8")
    there: Path = tmp_path / "checkout"
    run = run_ansible(
        *("ansible-pull", f"--url=file://{repository}", f"--directory={there}", f"--inventory={path}", "--limit=nftables"),
        *(f"--inventory={own}", "--check", "--diff", "pulled.yml"),
    )
    assert by_host(run)["nftables"] == linear["nftables"]


def test_what_is_delegated_would_be_the_rules_of_another_host_and_stops(hosts):
    tasks = [{"ansible.builtin.include_role": {**ROLE, "apply": {"delegate_to": "nftables"}}}]
    run = predicted(hosts, "delegated", {"tasks": tasks}, "--limit=iptables")
    assert run.code != 0
    assert "delegate_to is nftables, and the rules are those of iptables: run the role on nftables itself" in " ".join(run.output.split())
