# Copyright: (c) 2026, avi.firewall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The port matrix: the table of ``plugins/port_matrix.yml``, checked once, and the questions it answers."""

from __future__ import annotations

import functools
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml

MATRIX_FILE = Path(__file__).parent.parent / "port_matrix.yml"

Row = dict[str, Any]

PROTOCOLS = ("tcp", "udp")
RUNTIMES = ("host", "container")
ROW_KEYS = {"name", "from", "protocol", "port", "releases", "evidence", "why"}
OPTIONAL_ROW_KEYS = {"when", "runtime"}


class PortMatrixError(ValueError):
    """The matrix is malformed, or has no answer to this question."""


def require(kind: str, value: Any, allowed: Iterable[Any]) -> None:
    """Raise :class:`PortMatrixError` unless ``value`` is one of ``allowed``; ``kind`` names the variable or option."""
    allowed = list(allowed)
    if value not in allowed:
        raise PortMatrixError(f"{kind} {value!r} is not one of {', '.join(map(str, allowed))}")


@functools.cache
def load() -> Mapping[str, Any]:
    """Return the matrix as it stands in the file.

    Raises PortMatrixError when a row is malformed, naming the row and the fault.
    """
    matrix = yaml.safe_load(MATRIX_FILE.read_text(encoding="utf-8"))
    check(matrix)
    return matrix


def check(matrix: Mapping[str, Any]) -> None:
    """Raise PortMatrixError for the first fault in ``matrix``: a key, port, release, feature, or a row said twice."""
    expected = {"releases", "features", "node_types", "cluster_node_kinds", "published", "ports"}
    if matrix.keys() != expected:
        raise PortMatrixError(f"the matrix has the keys {sorted(matrix)} in place of {sorted(expected)}")
    inbound = {(row["protocol"], row["port"]) for row in matrix["ports"]["controller"]}
    for service, entry in matrix["published"].items():
        if entry.keys() != {"protocol", "port", "variable"} or (entry["protocol"], entry["port"]) not in inbound:
            raise PortMatrixError(f"published: {service}: {entry} is no protocol, port and variable of a row of controller")
    cells: set[tuple[Any, ...]] = set()
    names: set[tuple[str, str]] = set()
    for end, block in matrix["ports"].items():
        for row in block:
            _check_row(matrix, end, row)
            for release in row["releases"]:
                cell = (end, row["from"], row["protocol"], row["port"], row.get("runtime"), release)
                if cell in cells:
                    raise PortMatrixError(f"row {row['name']!r} of {end} stands twice in release {release}")
                cells.add(cell)
            if (end, row["name"]) in names:
                raise PortMatrixError(f"two rows of {end} are named {row['name']!r}")
            names.add((end, row["name"]))


def _check_row(matrix: Mapping[str, Any], end: str, row: Row) -> None:
    where = f"row {row.get('name')!r} of {end}"
    if missing := ROW_KEYS - row.keys():
        raise PortMatrixError(f"{where} lacks {', '.join(sorted(missing))}")
    if unknown := row.keys() - ROW_KEYS - OPTIONAL_ROW_KEYS:
        raise PortMatrixError(f"{where} has the unknown key {', '.join(sorted(unknown))}")
    require(f"{where}: protocol", row["protocol"], PROTOCOLS)
    if not isinstance(row["port"], int) or isinstance(row["port"], bool) or not 1 <= row["port"] <= 65535:
        raise PortMatrixError(f"{where}: port {row['port']!r} is not a number from 1 to 65535")
    if not row["releases"]:
        raise PortMatrixError(f"{where} names no release")
    for release in row["releases"]:
        require(f"{where}: release", release, matrix["releases"])
    if "when" in row:
        require(f"{where}: feature", row["when"], matrix["features"])
    if "runtime" in row:
        require(f"{where}: runtime", row["runtime"], RUNTIMES)


def table() -> list[Row]:
    """Return every row with both of its ends.

    Each row is a flat dict with the keys ``name``, ``source``, ``destination``, ``protocol`` (tcp or udp), ``port``
    (integer), ``feature`` and ``runtime`` (None: whatever they are), ``releases`` (list), ``why`` and ``evidence``.
    """
    return [
        {
            "name": row["name"],
            "source": row["from"],
            "destination": end,
            "protocol": row["protocol"],
            "port": row["port"],
            "feature": row.get("when"),
            "runtime": row.get("runtime"),
            "releases": list(row["releases"]),
            "why": row["why"],
            "evidence": row["evidence"],
        }
        for end, block in load()["ports"].items()
        for row in block
    ]


def releases() -> list[str]:
    """Return the releases whose matrix was read whole, oldest first."""
    return list(load()["releases"])


def node_types() -> list[str]:
    """Return the types of the hosts this collection manages."""
    return list(load()["node_types"])


def cluster_node_kinds() -> list[str]:
    """Return the kinds a host of the type ``cluster_node`` can be."""
    return list(load()["cluster_node_kinds"])


def published() -> dict[str, dict[str, Any]]:
    """Return what a Controller in a container publishes: ``protocol``, ``port`` and ``variable`` of each service."""
    return dict(load()["published"])


def unpublished() -> list[Row]:
    """Return the rows that the host of a Controller in a container answers itself."""
    cells = [(entry["protocol"], entry["port"]) for entry in published().values()]
    inbound = [row for row in table() if row["destination"] == "controller" and row["runtime"] in (None, "container")]
    return [row for row in inbound if (row["protocol"], row["port"]) not in cells]


def ends() -> list[str]:
    """Return every name that stands at either end of a row, in the order of the table."""
    return list(dict.fromkeys(end for row in table() for end in (row["destination"], row["source"])))


def features(release: str) -> list[str]:
    """Return the features that ``release`` has a row for."""
    known = {row["feature"] for row in table() if release in row["releases"]}
    return [feature for feature in load()["features"] if feature in known]


def check_question(release: Any, chosen: Collection[Any], names: Mapping[str, str] | None = None) -> None:
    """Raise PortMatrixError unless ``release`` is held and has every feature of ``chosen``.

    ``names`` maps ``release`` and ``features`` to what the user calls them, for the message.
    """
    names = names or {"release": "release", "features": "feature"}
    require(names["release"], release, releases())
    for feature in chosen:
        require(f"{names['features']}: release {release} has no such feature:", feature, features(release))


def rows(
    end: str,
    release: str,
    direction: str = "in",
    chosen: Collection[str] = (),
    runtime: str = "host",
) -> list[Row]:
    """Return what ``end`` must accept (``in``) or reach (``out``) in ``release``, in the order of the table.

    ``chosen`` are the features in use; ``runtime`` says where the Controller runs (``host`` or ``container``).
    Raises PortMatrixError for a release, end, direction, feature or runtime that does not exist.
    """
    require("end", end, ends())
    require("direction", direction, ("in", "out"))
    require("runtime", runtime, RUNTIMES)
    check_question(release, chosen)
    here = {"in": "destination", "out": "source"}[direction]
    return [
        row
        for row in table()
        if row[here] == end and release in row["releases"] and row["feature"] in (None, *chosen) and row["runtime"] in (None, runtime)
    ]
