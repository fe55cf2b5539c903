# Copyright: (c) 2026, avi.firewall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The result of a verification as a person reads it in a terminal."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

from . import _verify_result
from ._verify_result import Difference

PLAIN = str.maketrans({"…": "...", "→": "->", "·": "-"})
CLOSED = "closed: the host answered that nothing listens there, so its firewall let the packet through"
MOST_DETAILS = 3
NARROWEST = 8
GAP = "  "

Row = Sequence[str]


def summary(result: Mapping[str, Any], width: int = 100, plain: bool = False) -> str:
    """Return counts by group, every difference with its causes, what was not tried, and last the verdict in one line.

    ``result`` is what docs/verify_json.md describes, ``width`` the columns of the terminal (lines keep to it from 72 on); ``plain`` is for
    terminals without UTF-8. Raises VerifyResultError.
    """
    result = _verify_result.read(result)
    counted = _verify_result.counts(result)
    parts = [_groups(result, width), _differences(result, width), _not_tried(result, width), [_verify_result.verdict(counted)]]
    text = "\n\n".join("\n".join(part) for part in parts if part) + "\n"
    return text.translate(PLAIN).encode("ascii", "backslashreplace").decode() if plain else text


def _groups(result: Mapping[str, Any], width: int) -> list[str]:
    sizes = {name: len(hosts) for name, hosts in _verify_result.groups(result).items()}
    rows = [
        [
            *(f"{end} ({sizes[end]})" for end in ends),
            f"{counted.total():,}",
            f"{counted['open'] + counted['shut']:,}",
            *(f"{number:,}" if number else "" for number in (counted["exposed"] + counted["blocked"], counted["unknown"])),
        ]
        for ends, counted in _verify_result.tally(result).items()
    ]
    return _table([["from", "to", "tried", "as planned", "differ", "unknown"], *rows], width, numbers=range(2, 6)) if rows else []


def _differences(result: Mapping[str, Any], width: int) -> list[str]:
    found = _verify_result.differences(result)
    if not found:
        return []
    table = [["from", "to", "port", "over", "expected", "observed"]]
    table += [
        [
            _hosts(item.sources),
            _hosts(item.destinations),
            ", ".join(item.ports),
            ", ".join(item.families),
            f"{item.expected}: {', '.join(item.rows)}" if item.rows else item.expected,
            item.observed,
        ]
        for item in found
    ]
    below = [[], *(_why(item, width) for item in found)]
    closed = ["", *textwrap.wrap(CLOSED, width)] if any(item.observed == "closed" for item in found) else []
    return ["Differences", "", *_table(table, width, below), *closed]


def _why(item: Difference, width: int) -> list[str]:
    said = [*item.causes, *(f"seen: {detail}" for detail in item.details[:MOST_DETAILS])]
    if (more := len(item.details) - MOST_DETAILS) > 0:
        said.append(f"and {more:,} more of the kind")
    return [line for text in said for line in textwrap.wrap(text, width, initial_indent="    · ", subsequent_indent="      ")]


def _hosts(names: Sequence[str]) -> str:
    shown = _verify_result.ranges(names)
    return f"{shown} ({len(names)})" if len(names) > 2 else shown


def _not_tried(result: Mapping[str, Any], width: int) -> list[str]:
    peers: dict[tuple[str, str], list[Mapping[str, Any]]] = {}
    gone = [entry for entry in result["not_tried"] if _verify_result.dropped_out(entry)]
    for entry in (entry for entry in result["not_tried"] if entry not in gone):
        peers.setdefault((entry["peer"], entry["why"]), []).append(entry)
    lines = [line for entry in gone for line in textwrap.wrap(f"{entry['destination']}: {entry['why']}", width)]
    for (peer, why), entries in peers.items():
        lines += textwrap.wrap(f"{peer}: {_count(sum(map(_verify_result.paths, entries)), 'path')}, {why}", width)
        to: dict[tuple[str, str], list[str]] = {}
        for entry in entries:
            to.setdefault((", ".join(entry["networks"]) or "any address", ", ".join(entry["ports"])), []).append(entry["destination"])
        for (networks, ports), destinations in to.items():
            text = f"{networks} → {_hosts(destinations)} {ports}"
            lines += textwrap.wrap(text, width, initial_indent="    ", subsequent_indent="      ", break_on_hyphens=False)
    return ["Not tried", "", *lines] if lines else []


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}" if number == 1 else f"{number:,} {what}s"


def _table(rows: Sequence[Row], width: int, below: Sequence[list[str]] = (), numbers: Sequence[int] = ()) -> list[str]:
    """Return ``rows`` (first the heading) in aligned columns, at most ``width`` wide; ``below`` holds lines to follow each."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    # The widest columns give way, never a short one.
    while sum(widths) + len(GAP) * (len(widths) - 1) > width and max(widths) > NARROWEST:
        widths[widths.index(max(widths))] -= 1
    lines = []
    for place, row in enumerate(rows):
        wrapped = [textwrap.wrap(text, size, break_on_hyphens=False) or [""] for text, size in zip(row, widths, strict=True)]
        for level in range(max(map(len, wrapped))):
            texts = [text[level] if level < len(text) else "" for text in wrapped]
            padded = [
                text.rjust(size) if at in numbers else text.ljust(size) for at, (text, size) in enumerate(zip(texts, widths, strict=True))
            ]
            lines.append(GAP.join(padded).rstrip())
        lines += below[place] if below else []
    return lines
