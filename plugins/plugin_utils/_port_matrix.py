# Copyright: (c) 2026, avi.firewall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The port matrix: the table of ``plugins/port_matrix.yml``, checked once, and the questions it answers."""

from __future__ import annotations

import bisect
import functools
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

try:  # the one of libyaml, nine times faster: the matrix is read in every run
    from yaml import CSafeLoader as SafeLoader
except ImportError:
    from yaml import SafeLoader  # type: ignore[assignment]

MATRIX_FILE = Path(__file__).parent.parent / "port_matrix.yml"

Row = dict[str, Any]

# What knows no ports: no rule of a host is made for it.
PORTLESS = ("icmp", "ip-63", "ip-73", "ip-75", "ip-97")
PROTOCOLS = ("tcp", "udp", *PORTLESS)
RUNTIMES = ("host", "container")
PORT_SETTINGS = ("object_sync_port",)
ROW_KEYS = {"name", "from", "protocol", "port", "releases", "evidence", "why"}
OPTIONAL_ROW_KEYS = {"when", "runtime", "cloud", "port_setting"}
# The evidence of rows that stand in the page of their release, or belong to it: what a verification holds to be Avi's on every host.
OF_THE_PAGE = ("matrix_page", "container_ssh")
NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")
# What the API of the product takes as objsync_port.
OBJECT_SYNC_PORTS = range(1024, 65536)


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
    matrix: dict[str, Any] = yaml.load(MATRIX_FILE.read_text(encoding="utf-8"), Loader=SafeLoader)
    check(matrix)
    return matrix


def check(matrix: Mapping[str, Any]) -> None:
    """Raise PortMatrixError for the first fault in ``matrix``: a key, port, release, feature, or a row said twice."""
    expected = {"releases", "partial", "refused", "features", "clouds", "node_types", "cluster_node_kinds", "published", "ports"}
    if matrix.keys() != expected:
        raise PortMatrixError(f"the matrix has the keys {sorted(matrix)} in place of {sorted(expected)}")
    inbound = {(row["protocol"], row["port"]) for row in matrix["ports"]["controller"]}
    for service, entry in matrix["published"].items():
        known = {"protocol", "port", "variable"} <= entry.keys() <= {"protocol", "port", "variable", "called_by", "on_host"}
        if not known or any((entry["protocol"], entry[key]) not in inbound for key in ("port", "on_host") if key in entry):
            raise PortMatrixError(f"published: {service}: {entry} is no protocol, port and variable of a row of controller")
    cells: set[tuple[Any, ...]] = set()
    names: set[tuple[Any, ...]] = set()
    for end, block in matrix["ports"].items():
        for row in block:
            _check_row(matrix, end, row)
            held = {(release, cloud) for release in row["releases"] for cloud in row.get("cloud", matrix["clouds"])}
            if twice := cells & (mine := {(end, row["from"], row["protocol"], row["port"], row.get("runtime"), *one) for one in held}):
                raise PortMatrixError(f"row {row['name']!r} of {end} stands twice in release {min(twice)[5]}")
            if names & (named := {(end, row["name"], *one) for one in held}):
                raise PortMatrixError(f"two rows of {end} are named {row['name']!r}")
            cells |= mine
            names |= named


def _check_row(matrix: Mapping[str, Any], end: str, row: Row) -> None:
    where = f"row {row.get('name')!r} of {end}"
    if missing := ROW_KEYS - row.keys():
        raise PortMatrixError(f"{where} lacks {', '.join(sorted(missing))}")
    if unknown := row.keys() - ROW_KEYS - OPTIONAL_ROW_KEYS:
        raise PortMatrixError(f"{where} has the unknown key {', '.join(sorted(unknown))}")
    check_name(where, row["name"])
    check_port(where, row["protocol"], row["port"], may_be_set="port_setting" in row)
    if not row["releases"]:
        raise PortMatrixError(f"{where} names no release")
    for release in row["releases"]:
        require(f"{where}: release", release, matrix["releases"])
    if "when" in row:
        require(f"{where}: feature", row["when"], matrix["features"])
    if "runtime" in row:
        require(f"{where}: runtime", row["runtime"], RUNTIMES)
    for cloud in row.get("cloud", ()):
        require(f"{where}: cloud", cloud, matrix["clouds"])
    if "port_setting" in row:
        require(f"{where}: port_setting", row["port_setting"], PORT_SETTINGS)


def number(value: Any) -> Any:
    """Return ``value``, as an integer where it is a string of digits: what an INI inventory, the command line or a template may give."""
    return int(value) if isinstance(value, str) and re.fullmatch(r"[0-9]{1,5}", value) else value


def check_name(where: str, name: Any) -> None:
    """Raise PortMatrixError unless ``name`` is one that a row may have: it stands in the comments of rules."""
    if not isinstance(name, str) or not NAME.fullmatch(name):
        raise PortMatrixError(f"{where}: name {name!r} is not at most 40 lower-case letters, digits and '_' that begin with a letter")


def check_port(where: str, protocol: Any, port: Any, may_be_set: bool = False) -> None:
    """Raise PortMatrixError unless ``port`` is one of ``protocol``: null for what knows none, or where a setting may say it."""
    require(f"{where}: protocol", protocol, PROTOCOLS)
    if protocol in PORTLESS:
        if port is not None:
            raise PortMatrixError(f"{where}: port {port!r}, but {protocol} knows no ports: null is allowed")
    elif not (port is None and may_be_set) and (not isinstance(port, int) or isinstance(port, bool) or not 1 <= port <= 65535):
        raise PortMatrixError(f"{where}: port {port!r} is not a number from 1 to 65535")


@functools.cache
def table() -> tuple[Row, ...]:
    """Return every row with both of its ends. All callers share them: none may change one.

    Each row is a dict with the keys ``name``, ``source``, ``destination``, ``protocol`` (one of PROTOCOLS), ``port`` (integer; None for
    what knows none, and where ``port_setting`` alone tells it), ``port_setting`` (one of PORT_SETTINGS, or None), ``feature``, ``runtime``
    and ``cloud`` (a list of types; None: whatever they are), ``releases`` (list), ``why`` and ``evidence``.
    """
    return tuple(
        {
            "name": row["name"],
            "source": row["from"],
            "destination": end,
            "protocol": row["protocol"],
            "port": row["port"],
            "port_setting": row.get("port_setting"),
            "feature": row.get("when"),
            "runtime": row.get("runtime"),
            "cloud": list(row["cloud"]) if "cloud" in row else None,
            "releases": list(row["releases"]),
            "why": row["why"],
            "evidence": row["evidence"],
        }
        for end, block in load()["ports"].items()
        for row in block
    )


def releases() -> list[str]:
    """Return the releases that are held, oldest first."""
    return list(load()["releases"])


def was_read(release: str, row: Row) -> bool:
    """Return whether what was read of ``release`` would have ``row``: of some, only what is between certain ends was."""
    partial = load()["partial"]
    return release not in partial["releases"] or {row["source"], row["destination"]}.issubset(partial["ends"])


def clouds() -> list[str]:
    """Return the types of cloud that rows hold for."""
    return list(load()["clouds"])


def node_types() -> list[str]:
    """Return the types of the hosts this collection manages."""
    return list(load()["node_types"])


def cluster_node_kinds() -> list[str]:
    """Return the kinds a host of the type ``cluster_node`` can be."""
    return list(load()["cluster_node_kinds"])


def host_ends() -> list[str]:
    """Return the ends of rows that hosts of the inventory are: node types, and kinds of cluster nodes."""
    return [*node_types(), *cluster_node_kinds()]


def published() -> dict[str, dict[str, Any]]:
    """Return what a Controller in a container publishes: ``protocol``, ``port`` and ``variable`` of each service.

    Where there are such: ``called_by``, the variable by which a Service Engine knows the port, ``on_host``, the port without a container.
    """
    return dict(load()["published"])


def unpublished() -> list[Row]:
    """Return the rows that the host of a Controller in a container answers itself, whatever the features."""
    cells = [(entry["protocol"], entry["port"]) for entry in published().values()]
    inbound = [row for row in table() if row["destination"] == "controller" and row["runtime"] != "host"]
    return [row for row in inbound if row["feature"] is None and (row["protocol"], row["port"]) not in cells]


@functools.cache
def ends() -> tuple[str, ...]:
    """Return every name that stands at either end of a row, in the order of the table; last what stands in rows of features alone."""
    by_need = sorted(table(), key=lambda row: row["feature"] is not None)
    return tuple(dict.fromkeys(end for row in by_need for end in (row["destination"], row["source"])))


def features(release: str) -> list[str]:
    """Return the features that ``release`` has a row for."""
    known = {row["feature"] for row in table() if release in row["releases"]}
    return [feature for feature in load()["features"] if feature in known]


def require_release(kind: str, value: Any) -> None:
    """Raise PortMatrixError unless ``value`` is held, with what is known of it and the nearest that are; ``kind`` names the variable."""
    if value not in releases():
        raise PortMatrixError(f"{kind} {value!r} is not one of {', '.join(releases())}: {_why_not(value)}")


def _why_not(value: Any) -> str:
    written = re.fullmatch(r"(\d{1,3})\.(\d{1,3})(\.\S*)?", value) if isinstance(value, str) else None
    if not written:
        return "a release is two numbers, as 16.3"
    first_two = f"{written[1]}.{written[2]}"
    if first_two in releases():
        return f"the rows are those of every {first_two}: write {first_two}"
    known = load()["refused"]
    reason = known.get(first_two) or known.get(written[1]) or "nothing was read of it"
    place = bisect.bisect(releases(), _number(first_two), key=_number)
    nearest = releases()[max(place - 1, 0) : place + 1]
    return f"{reason}. The nearest held: {' and '.join(nearest)}; nothing is inferred from a neighbour"


def _number(release: str) -> tuple[int, ...]:
    return tuple(map(int, release.split(".")))


def check_question(release: Any, chosen: Collection[Any], names: Mapping[str, str] | None = None) -> None:
    """Raise PortMatrixError unless ``release`` is held and has every feature of ``chosen``.

    ``names`` maps ``release`` and ``features`` to what the user calls them, for the message.
    """
    names = names or {"release": "release", "features": "feature"}
    require_release(names["release"], release)
    for feature in chosen:
        require(f"{names['features']}: release {release} has no such feature:", feature, features(release))


@dataclass(frozen=True)
class Site:
    """What is so at a site, and decides on rows: ``avi_firewall_cloud``, ``avi_firewall_object_sync_port`` and rows of the user's own.

    ``extra`` are rows as :func:`table` returns them. Raises PortMatrixError naming variable, value and what is allowed.
    """

    cloud: Any = None
    object_sync_port: Any = None
    extra: Sequence[Row] = ()

    def __post_init__(self) -> None:
        if self.cloud is not None:
            require("avi_firewall_cloud", self.cloud, clouds())
        object.__setattr__(self, "object_sync_port", number(self.object_sync_port))
        port = self.object_sync_port
        if port is not None and not (isinstance(port, int) and port in OBJECT_SYNC_PORTS):
            first, last = OBJECT_SYNC_PORTS[0], OBJECT_SYNC_PORTS[-1]
            raise PortMatrixError(f"avi_firewall_object_sync_port {port!r} is not a port for it: a number from {first} to {last}")


def rows(
    end: str,
    release: str,
    direction: str = "in",
    chosen: Collection[str] = (),
    runtime: str = "host",
    site: Site | None = None,
) -> list[Row]:
    """Return what ``end`` must accept (``in``) or reach (``out``) in ``release``, in the order of the table.

    ``chosen`` are the features in use; ``runtime`` says where the Controller runs (``host`` or ``container``); ``site`` what else decides.
    Raises PortMatrixError for a release, end, direction, feature or runtime that does not exist, and where ``site`` lacks what a row needs.
    """
    site = site or Site()
    require("end", end, ends())
    require("direction", direction, ("in", "out"))
    require("runtime", runtime, RUNTIMES)
    check_question(release, chosen)
    here = {"in": "destination", "out": "source"}[direction]
    found = [
        row
        for row in [*table(), *site.extra]
        if row[here] == end and release in row["releases"] and row["feature"] in (None, *chosen) and row["runtime"] in (None, runtime)
    ]
    if site.cloud is None and (asking := [row["name"] for row in found if row["cloud"]]):
        raise PortMatrixError(
            f"avi_firewall_cloud is not set, and {', '.join(dict.fromkeys(asking))} of {end} in release {release} depends on it: "
            f"one of {', '.join(clouds())} is allowed"
        )
    return [_with_port(row, release, site) for row in found if row["cloud"] is None or site.cloud in row["cloud"]]


def _with_port(row: Row, release: str, site: Site) -> Row:
    """Return ``row`` with the port that a setting says for it, if any."""
    if row["port_setting"] is None:
        return row
    port = site.object_sync_port or row["port"]
    if port is None:
        raise PortMatrixError(
            f"avi_firewall_object_sync_port is not set, and for avi_firewall_cloud {site.cloud} the sources of release {release} "
            f"contradict each other on the port of {row['name']}: set it to the port of the Service Engine group (objsync_port)"
        )
    return {**row, "port": port}
