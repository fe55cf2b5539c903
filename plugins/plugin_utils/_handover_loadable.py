# Copyright: (c) 2026, avi.firewall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the formats that others load have in common: their error, where they come from, and the flows of one end."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import yaml

from . import _addresses, _port_matrix

Flow = Mapping[str, Any]

# The name of every list, group and policy on somebody else's device, or what it begins with: by it they know ours.
NAME = "avi"


class LoadableError(ValueError):
    """The flows cannot be said in this format, or what it needs is missing."""


@dataclass(frozen=True)
class Rule:
    """What a security group lets ``in`` or ``out``: one port, or all of a protocol that has none, and the networks at the other end."""

    direction: str
    protocol: str
    port: int | None
    networks: tuple[str, ...]
    rows: tuple[str, ...]

    def told(self) -> str:
        """Return what to call the rule, of at most 255 characters: no cloud takes more."""
        return ", ".join(self.rows)[:255]

    def of_family(self, version: int) -> list[str]:
        return _addresses.of_family(self.networks, version)


def origin(flows: Iterable[Flow]) -> str:
    """Return the sentence that tells readers of a file where it comes from. It holds no date, so that the same flows make the same file."""
    releases = ", ".join(dict.fromkeys(flow["release"] for flow in flows))
    return f"avi.firewall, release {releases}"


class _Indented(yaml.SafeDumper):
    """Writes lists as Ansible's own linter wants them."""

    def increase_indent(self, *_how: Any, **_more: Any) -> None:
        super().increase_indent()


def tasks(origin: str, found: Sequence[Mapping[str, Any]]) -> str:
    """Return ``found`` as a file of tasks for Ansible."""
    return f"---\n# {origin}\n" + yaml.dump(list(found), Dumper=_Indented, sort_keys=False, width=140)


def row(flow: Flow) -> str:
    """Return what to call ``flow`` in a comment: names only, which hold nothing that could end one."""
    return f"{flow['name']} from {flow['source']} to {flow['destination']}"


def groups(flows: Sequence[Flow]) -> dict[str, list[Rule]]:
    """Return the rules of each end that can carry a security group: the node types, and each kind of cluster node.

    ``flows`` are those of :func:`_handover.flows`. There is one rule for each direction, protocol and port: a group takes none twice, and
    clouds count them. Raises LoadableError without any, and for TCP or UDP without a port, which would be every port.
    """
    for flow in flows:
        if flow["port"] is None and flow["protocol"] in ("tcp", "udp"):
            raise LoadableError(f"{row(flow)} has no port: a security group would open every {flow['protocol']} port")
    found = {end: rules for end in _port_matrix.host_ends() if (rules := _rules(end, flows))}
    if not found:
        raise LoadableError(
            "no flow has a Controller, Service Engine or cluster node at an end: there is nothing to make a security group of"
        )
    return found


def group_name(end: str) -> str:
    """Return the name of the security group of ``end``."""
    return f"{NAME}-{end}".replace("_", "-")


def _rules(end: str, flows: Iterable[Flow]) -> list[Rule]:
    found: dict[tuple[str, str, int | None], list[tuple[Flow, str]]] = {}
    for flow in flows:
        for direction, here, there in (("in", "destination", "source"), ("out", "source", "destination")):
            if flow[here] == end:
                found.setdefault((direction, flow["protocol"], flow["port"]), []).append((flow, there))
    rules = [
        Rule(
            *key,
            tuple(_addresses.collapse(_addresses.network(value) for flow, there in members for value in flow[f"{there}_networks"])),
            tuple(dict.fromkeys(row(flow) for flow, _there in members)),
        )
        for key, members in found.items()
    ]
    return sorted(rules, key=lambda rule: rule.direction)
