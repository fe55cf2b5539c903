# Copyright: (c) 2026, avi.firewall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The report of all flows, as one dict that every format is made of, and what it adds to and takes from a former one.

docs/handover_json.md describes it. Nothing in it depends on the order of hosts, on the time or on this machine.
"""

from __future__ import annotations

import ipaddress
import itertools
import json
import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from . import _addresses, _exported, _handover, _inventory, _port_matrix, _verify_result
from ._handover import Flow

VERSION = 1
FORMAT = f"avi.firewall/handover/{VERSION}"
VARIABLE = "avi_report_against"

#: What makes a flow of one report the same in another. A row may get another name or reason; for a firewall that changes nothing.
SAME = ("source", "destination", "protocol", "port")
ENDS = ("source", "destination")


class HandoverError(ValueError):
    """A former report is none that this one can be held against."""


def report(
    found: Iterable[Flow], nodes: _inventory.Nodes, exported: _exported.Exported, resolved: Mapping[str, Iterable[str]]
) -> dict[str, Any]:
    """Return the report of ``found``, what :func:`_handover.of_host` and :func:`_handover.outside` returned for all hosts.

    ``resolved`` holds the addresses of each host name that stands for a peer.
    """
    found = list(found)
    flows = _handover.flows(found)
    return {
        "format": FORMAT,
        "releases": [release for release in _port_matrix.releases() if release in {flow["release"] for flow in found}],
        "ends": _ends(flows, nodes, exported),
        "resolved": {name: sorted(set(resolved[name]), key=_number) for name in sorted(resolved)},
        "left_out": _left_out(found, flows),
        "flows": flows,
        "difference": None,
    }


def _number(address: str) -> tuple[int, Any]:
    # A host of the inventory may be seen as a network.
    network = ipaddress.ip_network(address)
    return network.version, network


def _ends(flows: Iterable[Flow], nodes: _inventory.Nodes, exported: _exported.Exported) -> list[dict[str, Any]]:
    """Return every end of ``flows``, in the order of the matrix: how many hosts it has, None where it is no node, and its networks."""
    networks: dict[str, list[str]] = {}
    for flow in flows:
        for end in ENDS:
            networks.setdefault(flow[end], []).extend(flow[f"{end}_networks"])
    known: dict[str, set[str]] = {}
    for node, entries in nodes.items():
        for entry in entries:
            for end in entry["kinds"] if node == "cluster_node" else [node]:
                known.setdefault(end, set()).add(entry["host"])
    for end, entries in exported.items():
        known.setdefault(end, set()).update(f"{entry['addresses'][0]} of an export" for entry in entries if entry["host"] is None)
    return [
        {"name": end, "hosts": len(known[end]) if known.get(end) else None, "networks": _addresses.networks(networks[end])}
        for end in _port_matrix.ends()
        if end in networks
    ]


def _left_out(found: Iterable[Flow], flows: Iterable[Flow]) -> list[dict[str, Any]]:
    """Return the rows of which one end has no address, in the order of the matrix. Of a node that is alone, none to others of its type."""
    keys = ("source", "destination", "protocol", "port", "name", "why")
    there = {tuple(flow[key] for key in keys) for flow in flows}
    missing = {
        tuple(flow[key] for key in keys): {
            **{key: flow[key] for key in keys},
            "without_address": flow["destination"] if flow["source_networks"] else flow["source"],
        }
        for flow in found
        if flow["source"] != flow["destination"] and not (flow["source_networks"] and flow["destination_networks"])
    }
    ends = _port_matrix.ends()
    left = sorted(missing.keys() - there, key=lambda row: (ends.index(row[1]), ends.index(row[0]), row[2], row[3] or 0, row[4:]))
    return [missing[row] for row in left]


def read(file: str) -> dict[str, Any]:
    """Return the report that was written to ``file``, its texts printable. Raises HandoverError naming variable, file and what is wrong."""
    where = f"{VARIABLE}: {file}"
    try:
        former = json.loads(Path(file).read_bytes())
    except OSError as exc:
        raise HandoverError(f"{where} cannot be read: {exc.strerror}") from None
    except (ValueError, RecursionError) as exc:
        raise HandoverError(f"{where} is not JSON: {exc}") from None
    written = re.fullmatch(r"avi\.firewall/handover/([0-9]{1,9})", str(former.get("format"))) if isinstance(former, dict) else None
    if not written:
        raise HandoverError(f"{where} is no report.json of this collection: its format is not {FORMAT}")
    if int(written[1]) != VERSION:
        age = "a newer" if int(written[1]) > VERSION else "an older"
        raise HandoverError(f"{where} is of {age} format, {written[0]}, and this collection reads {FORMAT}")
    try:
        releases, flows = former["releases"], former["flows"]
        if not _texts(releases) or not isinstance(flows, list):
            raise TypeError
        for flow in flows:
            _check(flow)
    except (KeyError, TypeError, ValueError):
        raise HandoverError(f"{where} is a damaged {FORMAT}: a flow of it lacks a key, or a value has another type") from None
    readable: dict[str, Any] = _verify_result.printable(former)
    return readable


def _check(flow: Any) -> None:
    """Raise KeyError, TypeError or ValueError unless ``flow`` has what a difference is made of."""
    texts = [flow[name] for name in ("source", "destination", "protocol", "name", "why", "document", "release")]
    lists = [flow[f"{end}_networks"] for end in ENDS]
    is_port = flow["port"] is None or (isinstance(flow["port"], int) and not isinstance(flow["port"], bool))
    is_feature = flow["feature"] is None or isinstance(flow["feature"], str)
    if not (all(map(_texts, [texts, *lists])) and is_port and is_feature):
        raise TypeError
    for network in itertools.chain(*lists):
        ipaddress.ip_network(network)


def _texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(text, str) for text in value)


def against(now: Mapping[str, Any], former: Mapping[str, Any]) -> dict[str, Any]:
    """Return the report ``now`` with its difference to ``former``, both as :func:`report` returns them.

    ``{"releases": […], "added": [flow, …], "removed": [flow, …], "changed": [{"before": flow, "after": flow, "source_added": […],
    "source_removed": […], "destination_added": […], "destination_removed": […]}, …], "same": 12}``: ``releases`` are those of ``former``,
    ``same`` counts flows; added and removed networks are exact, whatever neighbours they were merged with.
    """
    before, after = _by_key(former["flows"]), _by_key(now["flows"])
    added: list[Flow] = []
    removed: list[Flow] = []
    changed: list[dict[str, Any]] = []
    same = 0
    for key in [*after, *(key for key in before if key not in after)]:
        old, new = list(before.get(key, [])), list(after.get(key, []))
        pairs = _paired(old, new)
        same += sum(_rectangle(one) == _rectangle(other) for one, other in pairs)
        changed += [_change(one, other) for one, other in pairs if _rectangle(one) != _rectangle(other)]
        added += new
        removed += old
    found = {"releases": former["releases"], "added": added, "removed": removed, "changed": changed, "same": same}
    return {**now, "difference": found}


def _by_key(flows: Iterable[Flow]) -> dict[tuple[Any, ...], list[Flow]]:
    found: dict[tuple[Any, ...], list[Flow]] = {}
    for flow in flows:
        found.setdefault(tuple(flow[name] for name in SAME), []).append(flow)
    return found


def _rectangle(flow: Flow) -> tuple[list[str], list[str]]:
    return flow["source_networks"], flow["destination_networks"]


def _paired(old: list[Flow], new: list[Flow]) -> list[tuple[Flow, Flow]]:
    """Take from ``old`` and ``new`` the flows that are each other's: equal ones, then those with one end equal, then whatever is left."""
    tests: list[Callable[[Flow, Flow], bool]] = [
        lambda one, other: _rectangle(one) == _rectangle(other),
        lambda one, other: any(one[f"{end}_networks"] == other[f"{end}_networks"] for end in ENDS),
        lambda _one, _other: True,
    ]
    pairs = []
    for alike in tests:
        for flow in list(new):
            if match := next((one for one in old if alike(one, flow)), None):
                old.remove(match)
                new.remove(flow)
                pairs.append((match, flow))
    return pairs


def _change(before: Flow, after: Flow) -> dict[str, Any]:
    found: dict[str, Any] = {"before": before, "after": after}
    for end in ENDS:
        was, now = before[f"{end}_networks"], after[f"{end}_networks"]
        found[f"{end}_added"], found[f"{end}_removed"] = _addresses.minus(now, was), _addresses.minus(was, now)
    return found


def summary(report: Mapping[str, Any]) -> str:
    """Return the report in one line."""
    flows = len(report["flows"])
    said = f"{flows:,} {'flow' if flows == 1 else 'flows'} between {len(report['ends']):,} ends"
    return f"{said}; {told(report['difference'])}" if report["difference"] else said


def told(difference: Mapping[str, Any]) -> str:
    """Return ``difference``, as :func:`against` makes it, in a few words."""
    counts = [f"{len(difference[kind]):,} {kind}" for kind in ("added", "removed", "changed") if difference[kind]]
    return f"{', '.join(counts) or 'nothing added, removed or changed'}; {difference['same']:,} as before"
