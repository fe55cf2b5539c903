# Copyright: (c) 2026, avi.firewall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One realistic site, data/handover/inventory.yml, as every format gets it; and small ones, typed by hand."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from ansible.inventory.manager import InventoryManager
from ansible.parsing.dataloader import DataLoader
from ansible.vars.hostvars import HostVars
from ansible.vars.manager import VariableManager
from ansible_collections.avi.firewall.plugins.plugin_utils import _handover, _handover_report, _inventory, _peers, _plan

INVENTORY = Path(__file__).parent / "data" / "handover" / "inventory.yml"
GROUPS = {"controller": "avi_controllers", "service_engine": "avi_service_engines", "cluster_node": "avi_cluster_nodes"}
NAMES = {"ldap.example.com": ["192.0.2.40", "2001:db8::40"]}

# The variables of a host that its plan is made from, by the field of Settings they are.
SETTINGS = {
    "release": "avi_firewall_release",
    "features": "avi_firewall_features",
    "peers": "avi_firewall_peers",
    "outbound": "avi_firewall_outbound",
    "runtime": "avi_controller_runtime",
    "kinds": "avi_cluster_node_kinds",
    "ports": "avi_controller_ports",
    "cloud": "avi_firewall_cloud",
    "object_sync_port": "avi_firewall_object_sync_port",
    "extra_rows": "avi_firewall_extra_rows",
}


def resolve(name: str) -> list[str]:
    """Return what a name means here; no other is known."""
    return NAMES[name]


def read(path: Path = INVENTORY) -> tuple[dict[str, list[str]], Mapping[str, Any]]:
    """Return the groups and the hostvars of an inventory, as a play has them."""
    loader = DataLoader()
    inventory = InventoryManager(loader=loader, sources=[str(path)])
    variables = VariableManager(loader=loader, inventory=inventory)
    return inventory.get_groups_dict(), HostVars(inventory, variables, loader)


def found(
    groups: Mapping[str, list[str]],
    hostvars: Mapping[str, Any],
    exported: Mapping[str, Any] | None = None,
    order: Callable[[list[str]], Iterable[str]] = list,
    resolve: Callable[[str], Any] = resolve,
) -> list[_handover.Flow]:
    """Return what :func:`_handover.flows` takes, for all hosts of ``groups``, each of them in ``order``."""
    mixed = {name: list(order(hosts)) for name, hosts in groups.items()}
    exported = dict(exported or {})
    nodes = _inventory.collect(GROUPS, mixed, hostvars)
    collected = _peers.collected(nodes, exported)
    flows = []
    for host in _handover.hosts(nodes):
        settings = _settings(hostvars[host])
        plans = {node: _plan.make(node, host, settings, collected, resolve, both=True) for node in collected["hosts"][host]["types"]}
        flows += _handover.of_host(host, plans, settings.release, collected)
        if host == _handover.spokesman(nodes):
            flows += _handover.outside(settings, collected, resolve)
    return flows


def _settings(variables: Mapping[str, Any]) -> _plan.Settings:
    return _plan.Settings(**{field: variables[name] for field, name in SETTINGS.items() if name in variables})


@functools.cache
def flows() -> list[_handover.Flow]:
    """Return the flows of the realistic site."""
    return _handover.flows(found(*read()))


@functools.cache
def report() -> dict[str, Any]:
    """Return the report of the realistic site."""
    groups, hostvars = read()
    return _handover_report.report(found(groups, hostvars), _inventory.collect(GROUPS, groups, hostvars), {}, NAMES)


@functools.cache
def former() -> dict[str, Any]:
    """Return the report of the realistic site before this and that: a network of Service Engines and vCenter came, port 5054 went."""
    made = report()
    flows = []
    for flow in made["flows"]:
        if flow["destination"] == "vcenter":
            continue
        ends = ("source_networks", "destination_networks")
        flows.append({**flow, **{end: [one for one in flow[end] if not one.startswith("2001:db8:4:")] for end in ends}})
        if flow["name"] == "http":
            flows.append({**flow, "name": "cli", "why": "CLI server", "port": 5054, "feature": "cli_shell"})
    return {**made, "releases": ["21.1"], "flows": flows}
