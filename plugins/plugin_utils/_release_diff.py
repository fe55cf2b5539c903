# Copyright: (c) 2026, avi.firewall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What changes in the matrix from one release to another, as data and as a table for a change board."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from . import _matrix_text, _port_matrix

# A row as each of two releases has it; None where one does not.
Pair = dict[str, "_port_matrix.Row | None"]

# What a change of is a change of the row. Its evidence is not: the port stays as it was.
COMPARED = ("protocol", "port", "feature", "runtime", "why")


def diff(before: Any, after: Any, chosen: Collection[Any] = ()) -> dict[str, Any]:
    """Return what is different in release ``after``, with the features ``chosen``, which one of the two has.

    ``{"from": "16.2", "to": "16.3", "features": […], "added": [row, …], "removed": [row, …], "changed": [{"before": row, "after": row}, …],
    "unknown": [{"before": row or None, "after": row or None}, …]}``, rows as :func:`_port_matrix.table` returns them, in its order. Unknown
    is what differs for the one reason that the part of one release it belongs to was not read. A row belongs to all this if it is needed,
    or its feature chosen, in either release. Raises PortMatrixError for a release that is not held, and a feature that neither has.
    """
    _port_matrix.require_release("release", before)
    _port_matrix.require_release("release", after)
    both = {*_port_matrix.features(before), *_port_matrix.features(after)}
    for feature in chosen:
        known = [name for name in _port_matrix.load()["features"] if name in both]
        _port_matrix.require(f"feature: neither {before} nor {after} has such a feature:", feature, known)
    old, new = _held(before), _held(after)
    pairs = [{"before": old.get(key), "after": new.get(key)} for key in {**new, **old}]
    wanted = [pair for pair in pairs if _differs(pair) and any(row and row["feature"] in (None, *chosen) for row in pair.values())]
    told: list[Pair] = []
    unknown: list[Pair] = []
    for pair in wanted:
        row = pair["after"] or pair["before"] or {}
        (told if _port_matrix.was_read(before, row) and _port_matrix.was_read(after, row) else unknown).append(pair)
    return {
        "from": before,
        "to": after,
        "features": list(chosen),
        "added": [pair["after"] for pair in told if not pair["before"]],
        "removed": [pair["before"] for pair in told if not pair["after"]],
        "changed": [pair for pair in told if pair["before"] and pair["after"]],
        "unknown": unknown,
    }


def _differs(pair: Mapping[str, Any]) -> bool:
    before, after = pair["before"], pair["after"]
    return not before or not after or any(before[name] != after[name] for name in COMPARED)


def _held(release: str) -> dict[tuple[Any, ...], _port_matrix.Row]:
    """Return the rows of ``release`` by what makes a row the same in another."""
    return {
        (row["source"], row["destination"], row["name"], tuple(row["cloud"] or ())): row
        for row in _port_matrix.table()
        if release in row["releases"]
    }


def markdown(found: Mapping[str, Any]) -> str:
    """Return what :func:`diff` found as a page in Markdown."""
    before, after = found["from"], found["to"]
    lines = [
        *(_line("added", row, "") for row in found["added"]),
        *(_line("changed", pair["after"], _was(pair["before"], pair["after"])) for pair in found["changed"]),
        *(_line("removed", row, "") for row in found["removed"]),
    ]
    counts = ", ".join(f"{len(found[kind])} {kind}" for kind in ("added", "changed", "removed"))
    features = ", ".join(found["features"]) or "none"
    parts = [f"# Ports of Avi, release {before} to {after}\n", f"Rows: {counts}. Features: {features}.\n"]
    if lines:
        parts.append(_matrix_text.table(["change", "from", "to", "port", "only with", "why", f"in {before}"], lines))
    if found["removed"]:
        parts.append(f"*Removed* means: not found written for {after}. It does not say that the port is not needed.\n")
    if found["unknown"]:
        partly = " and ".join(sorted({before, after} & set(_port_matrix.load()["partial"]["releases"])))
        parts.append(f"Of {partly} only the management plane was read. So of these rows no change is known; keep what is needed:\n")
        head = ["from", "to", "port", "why", f"in {before}", f"in {after}"]
        parts.append(_matrix_text.table(head, [_unknown(pair) for pair in found["unknown"]]))
    return "\n".join(parts)


def _unknown(pair: Mapping[str, Any]) -> list[str]:
    row = pair["after"] or pair["before"]
    held = [_matrix_text.condition(one) or "always" if one else "not read" for one in (pair["before"], pair["after"])]
    return [row["source"], row["destination"], _matrix_text.port(row), row["why"], *held]


def _line(change: str, row: _port_matrix.Row, was: str) -> list[str]:
    return [change, row["source"], row["destination"], _matrix_text.port(row), _matrix_text.condition(row) or "always", row["why"], was]


def _was(before: _port_matrix.Row, after: _port_matrix.Row) -> str:
    """Return what was otherwise before."""
    pairs = [(told(before), told(after)) for told in (_matrix_text.port, lambda row: _matrix_text.condition(row) or "always")]
    pairs.append((before["why"], after["why"]))
    return "; ".join(old for old, new in pairs if old != new)
