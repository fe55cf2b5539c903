# Copyright: (c) 2026, avi.firewall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the inventory says of the nodes: their addresses, read once for all hosts, without connecting to any."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from . import _addresses, _port_matrix, _published_ports

Nodes = dict[str, list[dict[str, Any]]]


class InventoryError(ValueError):
    """The inventory does not say what a plan needs to know."""


def collect(
    names: Mapping[str, str],
    groups: Mapping[str, Sequence[str]],
    hostvars: Mapping[str, Mapping[str, Any]],
) -> Nodes:
    """Return the hosts of every node type.

    ``names`` maps each node type to the name of its inventory group, ``groups`` each group to its hosts.
    The answer maps a node type to a list of ``{"host": …, "addresses": […], "seen_as": {…}, "runtime": …, "kinds": […], "ports": {…}}``;
    a node type whose group does not exist is left out, one whose group is empty has an empty list.
    Raises InventoryError naming the host and the variable.
    """
    if not isinstance(names, Mapping):
        raise InventoryError(f"avi_firewall_groups is {names!r}, not a mapping from node type to group")
    for node, group in names.items():
        _port_matrix.require("avi_firewall_groups: node type", node, _port_matrix.node_types())
        if not isinstance(group, str):
            raise InventoryError(f"avi_firewall_groups: {node} is {group!r}, not the name of a group")
    return {node: [_node(node, host, hostvars[host]) for host in groups[group]] for node, group in names.items() if group in groups}


def by_host(nodes: Nodes) -> dict[str, dict[str, Any]]:
    """Return the entry of each host of ``nodes`` by its name, with its node ``types``."""
    found: dict[str, dict[str, Any]] = {}
    for node, entries in nodes.items():
        for entry in entries:
            found.setdefault(entry["host"], {**entry, "types": []})["types"].append(node)
    return found


def _node(node: str, host: str, variables: Mapping[str, Any]) -> dict[str, Any]:
    where = runtime(variables.get("avi_controller_runtime", "host"))
    return {
        "host": host,
        **whereabouts(host, variables),
        "runtime": where,
        "kinds": kinds(variables.get("avi_cluster_node_kinds", []), host),
        "ports": _ports(host, variables) if node == "controller" and where == "container" else {},
    }


def whereabouts(host: str, variables: Mapping[str, Any]) -> dict[str, Any]:
    """Return ``addresses`` and ``seen_as`` of ``host``, as the functions of these names do."""
    return {"addresses": addresses(host, variables), "seen_as": seen_as(host, variables)}


def _ports(host: str, variables: Mapping[str, Any]) -> _published_ports.Ports:
    try:
        return _published_ports.ports(variables.get("avi_controller_ports", {}), _published_ports.given(variables))
    except ValueError as exc:
        raise InventoryError(f"host {host}: {exc}") from exc


def addresses(host: str, variables: Mapping[str, Any]) -> list[str]:
    """Return the addresses at which the others dial ``host``, and as which they see it unless :func:`seen_as` says otherwise.

    ``avi_firewall_address`` if set, else ``ansible_host`` if it is an address, else the default addresses from gathered
    or cached facts. Raises InventoryError when there is none, or when ``avi_firewall_address`` is none.
    """
    if (given := variables.get("avi_firewall_address")) is not None:
        try:
            found = [_addresses.address(value) for value in _addresses.as_list(given)]
        except _addresses.AddressError as exc:
            raise InventoryError(f"avi_firewall_address of host {host}: {exc}") from exc
        if not found:
            raise InventoryError(f"avi_firewall_address of host {host} is empty")
        return list(dict.fromkeys(found))
    try:
        dialled = _addresses.network(_addresses.address(variables.get("ansible_host", host)))
    except _addresses.AddressError:
        dialled = None  # a name: what the control node calls the host, not an address to put into a rule
    if dialled is not None and not dialled.is_loopback:
        return [str(dialled.network_address)]
    found = _of_facts(host, variables.get("ansible_facts", {}))
    if not found:
        raise InventoryError(
            f"host {host} has no known address: set avi_firewall_address (or ansible_host) to one, or gather facts of this host first"
        )
    return found


def seen_as(host: str, variables: Mapping[str, Any]) -> dict[str, list[str]]:
    """Return as which networks others see ``host`` through NAT, by their node type; a type that is missing sees its addresses.

    The value of ``avi_firewall_address_seen_as`` is an address, a network (the pool of a NAT) or a list of them, for every type, or a
    mapping from node type to that. Raises InventoryError, PortMatrixError.
    """
    variable = f"avi_firewall_address_seen_as of host {host}"
    given = variables.get("avi_firewall_address_seen_as")
    if given is None:
        return {}
    by_type = given if isinstance(given, Mapping) else dict.fromkeys(_port_matrix.node_types(), given)
    found = {}
    for node, values in by_type.items():
        _port_matrix.require(f"{variable}: node type", node, _port_matrix.node_types())
        try:
            networks = [_addresses.network(value) for value in _addresses.as_list(values)]
        except _addresses.AddressError as exc:
            raise InventoryError(f"{variable}: {exc}") from exc
        if not networks:
            raise InventoryError(f"{variable} is empty")
        for network in networks:
            if network.prefixlen == 0:
                raise InventoryError(f"{variable}: '{network}' is everyone, where the addresses of one host are wanted")
        found[node] = _addresses.collapse(networks)
    return found


def seen_by(types: Collection[str], dialled: Sequence[str], seen: Mapping[str, Sequence[str]]) -> list[str]:
    """Return as what a host of ``types`` sees one that is ``dialled`` at these addresses and ``seen`` as :func:`seen_as` says.

    A packet comes from one place, whatever the host is that it comes to: the first of its types decides. Who is of no type, as a server
    that is no host of the inventory, sees what all types see alike.
    """
    first = seer(types)
    if first is None and len(seen) == len(_port_matrix.node_types()) and len(set(map(tuple, seen.values()))) == 1:
        return list(next(iter(seen.values())))
    return list(dialled if first is None else seen.get(first, dialled))


def seer(types: Collection[str]) -> str | None:
    """Return the first of ``types`` in the order of the matrix; None where there is none."""
    return next((node for node in _port_matrix.node_types() if node in types), None)


def _of_facts(host: str, facts: Mapping[str, Any]) -> list[str]:
    """Return the default addresses. A host says them of itself: what is no address must not get into the rules of others."""
    found = []
    for family in ("default_ipv4", "default_ipv6"):
        fact = facts.get(family, {}) if isinstance(facts, Mapping) else {}
        if not isinstance(fact, Mapping):
            raise InventoryError(f"fact {family} of host {host} is {fact!r}, not a mapping; set avi_firewall_address")
        if fact.get("address") and fact.get("scope", "global") == "global":
            try:
                found.append(_addresses.address(fact["address"]))
            except _addresses.AddressError as exc:
                raise InventoryError(f"fact {family} of host {host}: {exc}; set avi_firewall_address") from exc
    return found


def runtime(value: Any) -> str:
    """Return ``host`` or ``container`` for a value of ``avi_controller_runtime``: host, docker or podman."""
    _port_matrix.require("avi_controller_runtime", value, ("host", "docker", "podman"))
    return "host" if value == "host" else "container"


def kinds(value: Any, host: str) -> list[str]:
    """Return the value of ``avi_cluster_node_kinds`` of ``host``, checked. Raises PortMatrixError, InventoryError."""
    if not isinstance(value, (list, tuple)):
        raise InventoryError(f"avi_cluster_node_kinds of host {host} is {value!r}, not a list")
    for kind in value:
        _port_matrix.require(f"avi_cluster_node_kinds of host {host}:", kind, _port_matrix.cluster_node_kinds())
    return list(value)
