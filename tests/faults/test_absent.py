# Copyright: (c) 2026, avi.firewall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is taken away is exactly ours: one of two node types leaves the other whole, the last one leaves nothing."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

import pytest
from faults.admin import BACKENDS, CLOSE, close
from faults.machines import MANAGEMENT, PEERS, Machine, each, entry, machines, only
from faults.plays import absent, role_away, site
from faults.state import State, changes, look
from lab.runs import Run

# A Controller that no play visits; its address is the newcomer's. The hosts are both Controllers and masters of Kubernetes.
OTHER = Machine("other", PEERS["newcomer"])
CELLS = {"management": MANAGEMENT, "controller": [("tcp", 8443)], "master": [("tcp", 8080)]}
ROLES = ["avi_cluster_node", "avi_controller"]


@dataclasses.dataclass
class Stage:
    run: Run | None
    entry: dict[str, dict[str, dict[str, str]]]
    states: dict[str, State]

    def of(self, backend: str) -> dict[str, dict[str, str]]:
        """Return who gets in at which ports of a host."""
        return {what: found[backend] for what, found in self.entry.items()}


def _stage(hosts: dict[str, Machine], run: Run | None) -> Stage:
    seen = {what: entry(hosts.values(), cells) for what, cells in CELLS.items()}
    return Stage(run, seen, dict(zip(hosts, each(look, hosts.values()), strict=True)))


@pytest.fixture(scope="module")
def stages() -> Iterator[dict[str, Stage]]:
    with machines(*BACKENDS) as hosts:
        close(hosts)
        told: dict[str, Any] = {
            "groups": {"avi_controllers": list(hosts), "avi_cluster_nodes": list(hosts), "peers": [OTHER.name]},
            "avi_cluster_node_kinds": ["kubernetes_master"],
        }
        found = {"before": _stage(hosts, None)}
        found["both"] = _stage(hosts, site([*hosts.values(), OTHER], **told))
        for role in ROLES:
            found[role] = _stage(hosts, site([*hosts.values(), OTHER], "--limit=avi_controllers", playbook=role_away(role), **told))
        yield found


@pytest.mark.parametrize("backend", BACKENDS)
def test_both_node_types_are_opened(stages, backend):
    assert stages["both"].of(backend) == {"management": only("client"), "controller": only("newcomer"), "master": only("newcomer")}


@pytest.mark.parametrize("backend", BACKENDS)
def test_one_node_type_goes_and_the_other_stays_whole(stages, backend):
    assert stages["avi_cluster_node"].run.changed[backend] > 0
    assert stages["avi_cluster_node"].of(backend) == {"management": only("client"), "controller": only("newcomer"), "master": only()}


@pytest.mark.parametrize("backend", BACKENDS)
def test_of_the_one_that_went_nothing_is_left(stages, backend):
    lines = [line for lines in stages["avi_cluster_node"].states[backend].values() for line in lines]
    assert [line for line in lines if "avi-node" in line or "avi:cluster_node" in line or "avi:kubernetes" in line] == []


@pytest.mark.parametrize("backend", BACKENDS)
def test_nothing_is_left_when_both_are_gone(stages, backend):
    last = stages["avi_controller"]
    assert last.of(backend) == dict.fromkeys(CELLS, only())
    assert changes(stages["before"].states[backend], last.states[backend]) == []


@pytest.mark.parametrize("backend", BACKENDS)
def test_no_file_of_ours_was_there_before(stages, backend):
    """The comparison above would miss what stood there from the beginning."""
    found = [lines for title, lines in stages["before"].states[backend].items() if title.startswith("$ find")]
    assert found == [[]]


LEFT = "cat /etc/ufw/user*.rules; find / /run -xdev -iname 'avi[-_]*' ! -path '*/proc/*'"


def test_a_host_that_has_left_ufw_is_run_again_and_keeps_nothing_of_ours_there():
    with machines("ufw") as hosts:
        host = hosts["ufw"]
        close(hosts)
        site([host])
        host.sh("dpkg --remove ufw")
        assert "avi-con" in host.sh(LEFT)
        host.sh(CLOSE["iptables"])
        host.reboot()
        assert entry([host]) == {"ufw": only()}
        moved, again = site([host]), site([host])
        assert entry([host]) == {"ufw": only("client")}
        assert (moved.changed["ufw"] > 0, again.changed["ufw"]) == (True, 0)
        absent([host])
        assert "avi-" not in host.sh(LEFT)
