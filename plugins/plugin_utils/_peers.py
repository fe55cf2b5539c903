# Copyright: (c) 2026, avi.firewall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The networks of the peers of one host.

What the plans of all hosts have in common is worked out once: to go through all hosts on every host would grow with the square of the
inventory.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from . import _addresses, _exported, _inventory, _port_matrix

# What :func:`collected` returns.
Collected = Mapping[str, Any]

# Where a host is dialled, in place of as what it is seen.
DIALLED = "dialled"


class PeersError(ValueError):
    """What ``avi_firewall_peers`` holds is no address."""


def collected(nodes: _inventory.Nodes, exported: _exported.Exported | None = None) -> dict[str, Any]:
    """Return ``nodes`` and ``exported``, as the functions ``collect`` returned them, and what the plans of all hosts look up in them.

    ``networks`` are those of every group of hosts, ``{"networks": […], "nat": …}`` by who sees them, a node type or DIALLED, and by peer;
    a cluster node is of a group for each of its kinds. With ``nat`` a host of the group may be seen by an address that others have as
    well. ``hosts`` holds the entry of each host by its name, with its node ``types``; ``runtimes`` a Controller of each runtime.
    """
    members = _groups(nodes)
    dialled = {
        peer: {"networks": _addresses.networks([address for entry in entries for address in entry["addresses"]]), "nat": False}
        for peer, entries in members.items()
    }
    found = {DIALLED: dialled}
    for seer in _port_matrix.node_types():
        found[seer] = {
            peer: {"networks": _seen(entries, [seer]), "nat": True} if any(seer in entry["seen_as"] for entry in entries) else dialled[peer]
            for peer, entries in members.items()
        }
    return {
        "nodes": nodes,
        "exported": exported or {},
        "networks": found,
        "hosts": _inventory.by_host(nodes),
        "runtimes": {entry["runtime"]: entry["host"] for entry in nodes.get("controller", [])},
    }


def _groups(nodes: _inventory.Nodes) -> dict[str, list[dict[str, Any]]]:
    found = {node: entries for node, entries in nodes.items() if node != "cluster_node"}
    for entry in nodes.get("cluster_node", []):
        for kind in entry["kinds"]:
            found.setdefault(kind, []).append(entry)
    return found


def _seen(entries: Iterable[Mapping[str, Any]], types: Sequence[str]) -> list[str]:
    return _addresses.networks(
        [address for entry in entries for address in _inventory.seen_by(types, entry["addresses"], entry["seen_as"])]
    )


class Peers:
    """The networks of every peer of one host, which is of the node types ``types``, each worked out once.

    ``resolved`` holds the addresses of each host name that was met, ``collapsed`` by peer how many entries of ``avi_firewall_peers`` were
    ``given``, and of how many ``networks`` they are, where these are fewer.
    """

    def __init__(
        self,
        host: str,
        types: Sequence[str],
        given: Mapping[str, Any],
        collected: Collected,
        resolve: Callable[[str], Iterable[str]],
    ) -> None:
        self.resolved: dict[str, list[str]] = {}
        self.collapsed: dict[str, dict[str, int]] = {}
        self._host = host
        self._types = types
        self._given = given
        self._nodes = collected["nodes"]
        self._exported = collected["exported"]
        self._resolve = resolve
        self._networks = collected["networks"]
        self._hosts = collected["hosts"]
        self._found: dict[tuple[str, str], list[str] | None] = {}

    def networks(self, peer: str, direction: str) -> list[str] | None:
        """Return the networks of ``peer``, as it comes ``in`` or is dialled (``out``).

        None when neither a group, nor ``avi_firewall_peers``, nor ``avi_firewall_peers_from`` knows it. Raises PeersError.
        """
        key = peer, direction
        if key not in self._found:
            self._found[key] = self._work_out(peer, direction)
        return self._found[key]

    def outside(self, peer: str) -> list[str]:
        """Return the networks at which ``peer`` is dialled where it is no host of the inventory."""
        given = _addresses.networks(self._given.get(peer, []), lambda name: self._of_name(name, "out"))
        listed = [self._of_listed(entry, "out") for entry in self._exported.get(peer, []) if entry["host"] is None]
        return _addresses.networks([*given, *(address for addresses in listed for address in addresses)])

    def _work_out(self, peer: str, direction: str) -> list[str] | None:
        seer = DIALLED if direction == "out" else _inventory.seer(self._types) or DIALLED
        if not any(peer in known for known in (self._given, self._networks[seer], self._exported)):
            return None
        try:
            given = _addresses.networks(self._given.get(peer, []), lambda name: self._of_name(name, direction))
        except _addresses.AddressError as exc:
            raise PeersError(f"avi_firewall_peers: {peer}: {exc}") from exc
        if peer in self._given and (count := len(_addresses.as_list(self._given[peer]))) > len(given):
            self.collapsed[peer] = {"given": count, "networks": len(given)}
        parts = [given, self._of_group(peer, seer), self._of_files(peer, direction)]
        some = [part for part in parts if part]
        return some[0] if len(some) == 1 else _addresses.networks([network for part in some for network in part])

    def _of_group(self, peer: str, seer: str) -> list[str]:
        """Return the networks of the group, without this host: what it sends to itself never leaves it."""
        group = self._networks[seer].get(peer)
        if group is None:
            return []
        own = self._hosts.get(self._host)
        if own is None or peer not in (*own["types"], *own["kinds"]):
            return list(group["networks"])
        if group["nat"]:
            return _seen([entry for entry in _groups(self._nodes)[peer] if entry["host"] != self._host], self._types)
        return _addresses.without(group["networks"], own["addresses"])

    def _of_files(self, peer: str, direction: str) -> list[str]:
        """Return the networks of the nodes that a Controller has told of, without this host."""
        listed = [entry for entry in self._exported.get(peer, []) if entry["host"] != self._host]
        for entry in listed:
            self._note(entry["resolved"])
        return _addresses.networks([address for entry in listed for address in self._of_listed(entry, direction)])

    def _of_host(self, entry: Mapping[str, Any], direction: str) -> list[str]:
        """Return the addresses of a host of the inventory: where it is dialled, or as what it is seen."""
        if direction == "out":
            return list(entry["addresses"])
        return _inventory.seen_by(self._types, entry["addresses"], entry["seen_as"])

    def _of_listed(self, entry: Mapping[str, Any], direction: str) -> list[str]:
        """Return the addresses of a node of a file. One that the inventory has as well is seen as it says there, where it says so."""
        if direction == "out":
            return [*entry["addresses"], *entry["public"]]
        known = self._hosts.get(entry["host"])
        return _inventory.seen_by(self._types, entry["addresses"], known["seen_as"] if known else {})

    def _of_name(self, name: str, direction: str) -> Iterable[str]:
        known = self._hosts.get(name)
        found = self._of_host(known, direction) if known else self._resolve(name)
        self._note({name: found})
        return found

    def _note(self, resolved: Mapping[str, Iterable[str]]) -> None:
        for name, addresses in resolved.items():
            self.resolved[name] = list(dict.fromkeys([*self.resolved.get(name, []), *addresses]))
