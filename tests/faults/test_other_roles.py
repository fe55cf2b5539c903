# Copyright: (c) 2026, avi.firewall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The playbooks of docs/other_roles.md open what the plan says, by other people's roles and modules: by packets."""

from __future__ import annotations

import importlib.util
import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from faults.admin import close
from faults.machines import FERM, ROOT, WORK, Machine, entry, machines, only, peer
from faults.plays import management, site
from lab.runs import Run

PAGE = ROOT / "docs" / "other_roles.md"
GROUPS = {"controller": "avi_controllers", "service_engine": "avi_service_engines", "cluster_node": "avi_cluster_nodes"}


def run(host: Machine, action: str, **variables) -> Run:
    """Run the playbook of the page that calls ``action``; it must succeed."""
    (example,) = (text for text in re.findall(r"```yaml\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL) if action in text)
    path = WORK / f"{action}.yml"
    path.write_text(example, encoding="utf-8")
    return site([host], playbook=str(path), avi_firewall_groups=GROUPS, **variables)


@pytest.fixture
def firewalld() -> Iterator[Machine]:
    with machines("firewalld") as hosts:
        close(hosts)
        yield hosts["firewalld"]


def test_a_loop_over_rich_rules_opens_what_the_plan_says(firewalld):
    assert entry([firewalld]) == {"firewalld": only()}
    assert run(firewalld, "ansible.posix.firewalld").changed == {"firewalld": 1}
    assert entry([firewalld]) == {"firewalld": only("client")}
    assert run(firewalld, "ansible.posix.firewalld").changed == {"firewalld": 0}
    firewalld.sh("firewall-cmd --quiet --reload")
    assert entry([firewalld]) == {"firewalld": only("client")}


@pytest.fixture
def ferm(monkeypatch) -> Iterator[Machine]:
    """A host for the role of DebOps, which wants its collection found and facts among the variables."""
    package = Path(importlib.util.find_spec("debops").origin).parent
    collections = package / "_data" / "ansible" / "collections"
    monkeypatch.setenv("ANSIBLE_COLLECTIONS_PATH", f"{os.environ['ANSIBLE_COLLECTIONS_PATH']}:{collections}")
    monkeypatch.setenv("ANSIBLE_INJECT_FACT_VARS", "1")
    with machines("ferm", image=FERM) as hosts:
        yield hosts["ferm"]


# The role looks for a capability which it does not find in a container, though it is there. Its last rule rejects in the words of a port
# where nothing listens: without it everything else is dropped.
FERM_SETTINGS = {"ferm__enabled": True, "ferm__host_rules": [{"name": "reject_all", "type": "reject", "rule_state": "absent"}]}


def test_the_role_of_debops_opens_what_the_plan_says_and_shuts_what_left_it(ferm):
    run(ferm, "debops.debops.ferm", **FERM_SETTINGS, **management("client", "unwanted"))
    assert entry([ferm]) == {"ferm": only("client", "unwanted")}
    # One family alone: for the other it must not become a rule about everyone.
    ipv6 = {"avi_firewall_peers": {"management_client": [address for address in peer("client") if ":" in address]}}
    run(ferm, "debops.debops.ferm", **FERM_SETTINGS, **ipv6)
    found = entry([ferm])["ferm"]
    assert [word.split()[-1] for word in found.pop("client").split(", ")] == ["filtered", "filtered", "open", "open"]
    assert found == {"newcomer": "shut", "unwanted": "shut", "stranger": "shut"}
    assert run(ferm, "debops.debops.ferm", **FERM_SETTINGS, **ipv6).changed == {"ferm": 0}
