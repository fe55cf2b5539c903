# Copyright: (c) 2026, avi.firewall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The flows as a page in Markdown, for a ticket or a repository."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from . import _handover_report, _matrix_text
from ._handover import Flow


def addresses(report: Mapping[str, Any]) -> dict[tuple[str, tuple[str, ...]], str]:
    """Return a name for every list of networks at an end of a flow: the end, with a number from the second on that it has."""
    found: dict[tuple[str, tuple[str, ...]], str] = {}
    counted: dict[str, int] = {}
    for flow in [*report["flows"], *((report["difference"] or {}).get("removed", []))]:
        for end in _handover_report.ENDS:
            key = flow[end], tuple(flow[f"{end}_networks"])
            if key not in found:
                counted[flow[end]] = counted.get(flow[end], 0) + 1
                found[key] = flow[end] if counted[flow[end]] == 1 else f"{flow[end]} ({counted[flow[end]]})"
    return found


def make(report: Mapping[str, Any]) -> str:
    """Return the page of ``report``, as :func:`_handover_report.report` makes it."""
    named = addresses(report)
    parts = [f"# Flows of Avi, release {', '.join(report['releases']) or 'unknown'}\n"]
    if report["difference"] is not None:
        parts += _difference(report["difference"], named)
    parts.append(f"## Flows\n\n{_table(report['flows'], named)}")
    lists = [[name, ", ".join(networks)] for (_end, networks), name in named.items()]
    parts.append(f"## Addresses\n\n{_matrix_text.table(['list', 'networks'], lists)}")
    if report["resolved"]:
        names = [[name, ", ".join(found)] for name, found in report["resolved"].items()]
        told = "Host names, as they were resolved on the control node."
        parts.append(f"## Host names\n\n{told}\n\n{_matrix_text.table(['name', 'addresses'], names)}")
    if report["left_out"]:
        rows = [
            [row["source"], row["destination"], _matrix_text.port(row), row["name"], row["without_address"]] for row in report["left_out"]
        ]
        told = "Rows of the matrix of which one end has no address yet."
        parts.append(f"## Left out\n\n{told}\n\n{_matrix_text.table(['from', 'to', 'port', 'service', 'no address of'], rows)}")
    return "\n".join(parts)


def _table(flows: Iterable[Flow], named: Mapping[tuple[str, tuple[str, ...]], str]) -> str:
    return _matrix_text.table(
        ["from", "to", "port", "service", "why", "document", "optional", "release"], [_cells(flow, named) for flow in flows]
    )


def _cells(flow: Flow, named: Mapping[tuple[str, tuple[str, ...]], str]) -> list[str]:
    ends = [named[flow[end], tuple(flow[f"{end}_networks"])] for end in _handover_report.ENDS]
    more = [flow["name"], flow["why"], flow["document"], flow["feature"] or "", flow["release"]]
    return [*ends, _matrix_text.port(flow), *more]


def _difference(difference: Mapping[str, Any], named: Mapping[tuple[str, tuple[str, ...]], str]) -> list[str]:
    former = ", ".join(difference["releases"]) or "unknown"
    parts = [f"## Difference\n\nAgainst the former report, of release {former}: {_handover_report.told(difference)}.\n"]
    for kind in ("added", "removed"):
        if difference[kind]:
            parts.append(f"### {kind.capitalize()}\n\n{_table(difference[kind], named)}")
    if difference["changed"]:
        head = ["from", "to", "port", "service", "source added", "source removed", "destination added", "destination removed"]
        rows = [
            [*_cells(change["after"], named)[:4], *(", ".join(change[name.replace(" ", "_")]) for name in head[4:])]
            for change in difference["changed"]
        ]
        parts.append(f"### Changed\n\n{_matrix_text.table(head, rows)}")
    return parts
