# Copyright: (c) 2026, avi.firewall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Each kind of cluster node in its turn; a host that is several; and one that is Controller and cluster node at once."""

from __future__ import annotations

import pytest
import yaml
from expectation import CONTROLLERS, EXPECTED, Told, differences
from lab_hosts import ROOT, group
from plays import run

# In each round a host's kinds take the place of those before.
ROUNDS = [
    {"node1": ["openshift_node"], "node2": ["kubernetes_node"], "node3": ["mesos_node"]},
    {"node1": ["openshift_master"], "node2": ["kubernetes_master"], "node3": ["mesos_master"]},
    {"node1": ["marathon"], "node2": ["openshift_node", "marathon"], "node3": ["mesos_node"], "con1": ["mesos_master"]},
]


@pytest.fixture(scope="module", params=ROUNDS, ids=str)
def found(request, tmp_path_factory) -> dict[str, list[str]]:
    kinds = request.param
    more = tmp_path_factory.mktemp("inventory") / "kinds.yml"
    nodes = {host: {"avi_cluster_node_kinds": its} for host, its in kinds.items()}
    more.write_text(yaml.safe_dump({"all": {"children": {"avi_cluster_nodes": {"hosts": nodes}}}}), encoding="utf-8")
    run(f"--inventory={more}", "--limit=avi_controllers:avi_cluster_nodes")
    return differences(Told(kinds=kinds), [*CONTROLLERS, *group("avi_cluster_nodes")])


def test_every_kind_stands_alone_in_a_round():
    assert {its[0] for kinds in ROUNDS for its in kinds.values() if len(its) == 1} == EXPECTED["cluster_node"].keys()


@pytest.mark.parametrize("destination", [*CONTROLLERS, *group("avi_cluster_nodes")])
def test_cells(found, destination):
    assert not found[destination], "\n".join(found[destination])


def test_a_controller_leaves_the_cluster():
    """Each node type owns its part: con1, a cluster node in the last round, stays a Controller."""
    run(playbook=str(ROOT / "extensions" / "molecule" / "shared" / "leave_cluster.yml"))
    wrong = differences(Told(kinds={}), ["con1"])["con1"]
    assert not wrong, "\n".join(wrong)
