# Copyright: (c) 2026, avi.firewall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rows of the user's own, ``avi_firewall_extra_rows``: checked like those of the matrix, and like them from then on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from . import _port_matrix

VARIABLE = "avi_firewall_extra_rows"
KEYS = ("name", "source", "destination", "protocol", "port", "why")
OPTIONAL_KEYS = ("runtime", "cloud")
LONGEST_WHY = 200


def rows(value: Any) -> list[_port_matrix.Row]:
    """Return the rows of ``value``, a list of mappings with KEYS and perhaps OPTIONAL_KEYS, as :func:`_port_matrix.table` returns its own.

    They hold in every release. Raises PortMatrixError naming the variable, the row, the value and what is allowed.
    """
    if not isinstance(value, (list, tuple)):
        raise _port_matrix.PortMatrixError(f"{VARIABLE} is {value!r}, not a list of rows")
    found = [_row(position, row) for position, row in enumerate(value, 1)]
    named = {(row["destination"], row["name"]) for row in _port_matrix.table()}
    for row in found:
        name = (row["destination"], row["name"])
        if name in named:
            raise _port_matrix.PortMatrixError(f"{VARIABLE}: two rows of {name[0]} are named {name[1]!r}: give yours a name of its own")
        named.add(name)
    return found


def _row(position: int, row: Any) -> _port_matrix.Row:
    where = f"{VARIABLE}: row {position}"
    if not isinstance(row, Mapping):
        raise _port_matrix.PortMatrixError(f"{where} is {row!r}, not a mapping")
    if missing := [key for key in KEYS if key not in row]:
        raise _port_matrix.PortMatrixError(f"{where} lacks {', '.join(missing)}")
    if unknown := [key for key in row if key not in (*KEYS, *OPTIONAL_KEYS)]:
        allowed = ", ".join((*KEYS, *OPTIONAL_KEYS))
        raise _port_matrix.PortMatrixError(f"{where} has the unknown key {', '.join(map(str, unknown))}; its keys are {allowed}")
    _port_matrix.check_name(where, row["name"])
    where = f"{where} ({row['name']})"
    for end in ("source", "destination"):
        _port_matrix.require(f"{where}: {end}", row[end], _port_matrix.ends())
    hosts = _port_matrix.host_ends()
    if row["source"] not in hosts and row["destination"] not in hosts:
        raise _port_matrix.PortMatrixError(f"{where}: neither {row['source']} nor {row['destination']} is one of {', '.join(hosts)}")
    port = _port_matrix.number(row["port"])
    _port_matrix.check_port(where, row["protocol"], port)
    why, cloud = row["why"], row.get("cloud")
    if not isinstance(why, str) or not 1 <= len(why) <= LONGEST_WHY or not why.isprintable():
        raise _port_matrix.PortMatrixError(f"{where}: why {why!r} is not a line of 1 to {LONGEST_WHY} printable characters")
    if row.get("runtime") is not None:
        _port_matrix.require(f"{where}: runtime", row["runtime"], _port_matrix.RUNTIMES)
    if cloud is not None and (not isinstance(cloud, (list, tuple)) or not cloud):
        raise _port_matrix.PortMatrixError(f"{where}: cloud {cloud!r} is not a list of types of cloud")
    for one in cloud or ():
        _port_matrix.require(f"{where}: cloud", one, _port_matrix.clouds())
    return {
        **{key: row[key] for key in KEYS},
        "port": port,
        "port_setting": None,
        "feature": None,
        "runtime": row.get("runtime"),
        "cloud": None if cloud is None else list(cloud),
        "releases": _port_matrix.releases(),
        "evidence": VARIABLE,
    }
