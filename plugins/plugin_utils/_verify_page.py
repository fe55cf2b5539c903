# Copyright: (c) 2026, avi.firewall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The result of a verification as an HTML page: the verdict, a picture of who reaches what, and every difference with its causes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any

from . import _page, _verify_result
from ._verify_result import Cell, Difference

#: what a cell of the picture shows: (symbol, meaning)
LEGEND = {
    "open": ("●", "open as planned"),
    "shut": ("·", "shut as planned"),
    "mixed": ("◐", "open for some, as planned"),
    "exposed": ("▲", "open but should be shut"),
    "blocked": ("✕", "shut but should be open"),
    "unknown": ("?", "unknown"),
    "untried": ("○", "not tried"),
}

# In larger groups, hosts that look alike share a line. The worst of pictures stays legible, and the page a small file.
LARGE = 12
MOST_ROWS = 40
MOST_COLUMNS = 8
MOST_DIFFERENCES = 500
MOST_PATHS = 5000
MOST_PATHS_EACH = 400
SHORT_LABEL = 26

Unit = tuple[str, ...]
Ports = list[tuple[int, str]]
Looks = dict[str, set[tuple[str, str, str]]]
Shared = dict[tuple[Unit, Unit], dict[tuple[int, str], list[Cell]]]


def page(result: Mapping[str, Any], title: str = "Who reaches whom") -> str:
    """Return the page for ``result``, which docs/verify_json.md describes: one file, for any browser, with and without scripts.

    Raises VerifyResultError.
    """
    result = _verify_result.read(result)
    counted = _verify_result.counts(result)
    found = _verify_result.differences(result)
    groups = _verify_result.groups(result)
    return _page.render(
        "verify.html.j2",
        _verify_result.printable(title),
        [
            {"name": name, "symbol": symbol, "meaning": meaning, "count": counted["not_tried" if name == "untried" else name]}
            for name, (symbol, meaning) in LEGEND.items()
            if name != "mixed"
        ],
        symbols={name: symbol for name, (symbol, _meaning) in LEGEND.items()},
        meanings={name: meaning for name, (_symbol, meaning) in LEGEND.items()},
        result=result,
        verdict=_verify_result.verdict(counted),
        mood=_mood(counted),
        sizes={name: len(hosts) for name, hosts in groups.items()},
        tally=_verify_result.tally(result),
        destinations=list(dict.fromkeys(to for _of, to in _verify_result.tally(result))),
        sources=list(dict.fromkeys(of for of, _to in _verify_result.tally(result))),
        pictures=_pictures(result, groups),
        differences=_differences(found),
        more_differences=max(0, len(found) - MOST_DIFFERENCES),
        untried=_untried(result),
        hosts=_hosts(result, groups),
    )


def _mood(counted: Counter[str]) -> str:
    if any(counted[word] for word in (*_verify_result.DIFFERENT, "dropped_out")):
        return "bad"
    return "good" if counted["open"] or counted["shut"] else "none"


def _pictures(result: Mapping[str, Any], groups: Mapping[str, list[str]]) -> list[dict[str, Any]]:
    """Return a picture for each group of destinations: ``to``, ``size``, ``columns``, and ``blocks`` of ``rows``, each ``of`` a group.

    A column is ``label``, ``names``, ``size`` and ``ports``. A row is ``label``, ``names``, ``size``, ``find`` (what the filter looks
    through) and ``cells``, one for each port of each column: ``state`` (a key of LEGEND, self or none), ``mark`` and ``title``.
    """
    columns = _units(groups, _looks(result["cells"], "destination", "source", groups), MOST_COLUMNS)
    of_host = {name: of for of, hosts in groups.items() for name in hosts}
    towards: dict[str, list[Cell]] = {}
    for cell in result["cells"]:
        towards.setdefault(of_host[cell["destination"]], []).append(cell)
    pictures = []
    for to, units in columns.items():
        seen = towards.get(to, [])
        absent = [entry for entry in result["not_tried"] if entry["destination"] in groups[to]]
        rows = _units(groups, _looks(seen, "source", "destination", groups), MOST_ROWS)
        cells = _shared(seen, rows, units)
        shown = [(unit, _ports(unit, cells, absent)) for unit in units]
        shown = [(unit, ports) for unit, ports in shown if ports]
        if not shown:
            continue
        blocks = [
            {
                "of": of,
                "rows": [_row(unit, shown, cells, of) for unit in sources if any((unit, column) in cells for column, _ports in shown)],
            }
            for of, sources in rows.items()
        ]
        blocks = [block for block in blocks if block["rows"]]
        if absent:
            blocks.append({"of": "not tried", "rows": _absent_rows(absent, shown)})
        pictures.append(
            {
                "to": to,
                "size": len(groups[to]),
                "columns": [{**_label(unit), "ports": [_port_label(*port) for port in ports]} for unit, ports in shown],
                "blocks": blocks,
            }
        )
    return pictures


def _shared(seen: Iterable[Cell], rows: Mapping[str, list[Unit]], columns: list[Unit]) -> Shared:
    """Return the cells that share a place in the picture, by row and column, then by port."""
    row_of = {name: unit for units in rows.values() for unit in units for name in unit}
    column_of = {name: unit for unit in columns for name in unit}
    shared: Shared = {}
    for cell in seen:
        pair = row_of[cell["source"]], column_of[cell["destination"]]
        shared.setdefault(pair, {}).setdefault((cell["port"], cell["protocol"]), []).append(cell)
    return shared


def _looks(cells: Iterable[Cell], end: str, other: str, groups: Mapping[str, list[str]]) -> Looks:
    """Return what each host looks like from ``end``: (host or large group at the ``other`` end, port, state)."""
    at = {name: of if len(hosts) > LARGE else name for of, hosts in groups.items() for name in hosts}
    looks: Looks = {}
    for cell in cells:
        looks.setdefault(cell[end], set()).add((at[cell[other]], _verify_result.port(cell), _verify_result.state(cell)))
    return looks


def _units(groups: Mapping[str, list[str]], looks: Looks, most: int) -> dict[str, list[Unit]]:
    """Return the hosts of every group as they are drawn: one by one; in large groups alike ones together, differing ones first."""
    units: dict[str, list[Unit]] = {}
    for of, hosts in groups.items():
        if len(hosts) <= LARGE:
            units[of] = [(name,) for name in hosts]
            continue
        alike: dict[frozenset[tuple[str, str, str]], list[str]] = {}
        for name in hosts:
            alike.setdefault(frozenset(looks.get(name, ())), []).append(name)
        differ = sorted(alike.items(), key=lambda item: not any(state in _verify_result.DIFFERENT for _at, _port, state in item[0]))
        ordered = [tuple(names) for _look, names in differ]
        rest = [name for unit in ordered[most - 1 :] for name in unit]
        units[of] = [*ordered[: most - 1], *([tuple(sorted(rest, key=_verify_result.natural))] if rest else [])]
    return units


def _ports(unit: Unit, cells: Shared, absent: Iterable[Mapping[str, Any]]) -> Ports:
    ports = {key for (_row, column), found in cells.items() if column == unit for key in found}
    for entry in absent:
        if entry["destination"] in unit:
            ports |= {(int(number), protocol) for protocol, _slash, number in (text.partition("/") for text in entry["ports"])}
    return sorted(ports)


def _port_label(number: int, protocol: str) -> str:
    return f"{number}" if protocol == "tcp" else f"{number}/{protocol}"


def _label(unit: Unit) -> dict[str, Any]:
    names = _verify_result.ranges(unit)
    short = len(names) <= SHORT_LABEL or len(unit) == 1
    return {"label": names if short else f"{len(unit)} hosts", "names": "" if short else names, "size": len(unit)}


def _row(unit: Unit, shown: Sequence[tuple[Unit, Ports]], cells: Shared, of: str) -> dict[str, Any]:
    drawn = [_cell(unit, column, port, cells.get((unit, column), {}).get(port, [])) for column, ports in shown for port in ports]
    wrong = {
        word
        for column, _ports in shown
        for found in cells.get((unit, column), {}).values()
        for cell in found
        if not cell["passed"]
        for word in (cell["destination"], _verify_result.port(cell), cell["observed"])
    }
    return {**_label(unit), "find": _find([*unit, of, *sorted(wrong)]), "cells": drawn}


def _find(words: Collection[str]) -> str:
    return " ".join(words).lower()


def _cell(row: Unit, column: Unit, port: tuple[int, str], cells: list[Cell]) -> dict[str, str]:
    if not cells:
        return {"state": "self" if row == column and len(row) == 1 else "none", "mark": "", "title": ""}
    states = Counter(map(_verify_result.state, cells))
    worst = next((word for word in _verify_result.DIFFERENT if states[word]), None)
    wrong = [cell for cell in cells if not cell["passed"]]
    where = f"{_verify_result.ranges(row)} → {_verify_result.ranges(column)} {port[1]}/{port[0]}"
    if len(row) == len(column) == 1:
        mark = ", ".join(f"v{_verify_result.family(cell)[-1]}" for cell in wrong)
        said = [_said(cell) for cell in cells]
    else:
        mark = f"{len(wrong):,}"
        said = [f"{states[word]:,} of {len(cells):,} paths {LEGEND[word][1]}" for word in _verify_result.STATES if states[word]]
    return {
        "state": worst or (next(iter(states)) if len(states) == 1 else "mixed"),
        "mark": mark if wrong and len(wrong) < len(cells) else "",
        "title": "\n".join([where, *said]),
    }


def _said(cell: Cell) -> str:
    path = f"{cell['source_address']} → {cell['address']}"
    if cell["passed"]:
        return f"{path}: {cell['expected']} as planned"
    return f"{path}: expected {cell['expected']}, observed {cell['observed']}"


def _absent_rows(absent: Sequence[Mapping[str, Any]], shown: Sequence[tuple[Unit, Ports]]) -> list[dict[str, Any]]:
    peers: dict[str, list[Mapping[str, Any]]] = {}
    for entry in absent:
        peers.setdefault(entry["peer"], []).append(entry)
    return [
        {
            "label": peer.replace("_", " "),
            "names": "",
            "size": 1,
            "find": _find([peer, "not tried", *(network for entry in entries for network in entry["networks"])]),
            "cells": [_absent_cell(entries, column, f"{protocol}/{number}") for column, ports in shown for number, protocol in ports],
        }
        for peer, entries in peers.items()
    ]


def _absent_cell(entries: Iterable[Mapping[str, Any]], column: Unit, port: str) -> dict[str, str]:
    said = [
        f"{entry['peer']} {', '.join(entry['networks'])} → {entry['destination']} {port}\nnot tried: {entry['why']}"
        for entry in entries
        if entry["destination"] in column and port in entry["ports"]
    ]
    more = [f"and {len(said) - 1:,} more"] if len(said) > 1 else []
    return {"state": "untried" if said else "none", "mark": "", "title": "\n".join([*said[:1], *more])}


def _differences(found: Sequence[Difference]) -> list[dict[str, Any]]:
    """Return what the page says of each difference, with as many of its paths as fit into the file."""
    left = MOST_PATHS
    shown = []
    for item in found[:MOST_DIFFERENCES]:
        cells = item.cells[: min(left, MOST_PATHS_EACH)]
        left -= len(cells)
        names = [*item.sources, *item.destinations, *item.ports, *item.families, item.expected, item.observed, LEGEND[item.state][1]]
        rows = sorted({cell["row"] for cell in item.cells if cell["row"]})
        addresses = [cell[key] for cell in cells for key in ("source_address", "address")]
        shown.append(
            {
                "state": item.state,
                "sources": _ends(item.sources),
                "destinations": _ends(item.destinations),
                "ports": ", ".join(item.ports),
                "families": ", ".join(item.families),
                "expected": item.expected,
                "observed": item.observed,
                "rows": rows,
                "causes": item.causes,
                "details": item.details[:5],
                "cells": cells,
                "count": len(item.cells),
                "find": _find([*names, *rows, *item.causes, *dict.fromkeys(addresses)]),
            }
        )
    return shown


def _ends(names: Sequence[str]) -> dict[str, Any]:
    return {"names": _verify_result.ranges(names), "size": len(names)}


def _untried(result: Mapping[str, Any]) -> list[dict[str, Any]]:
    alike: dict[tuple[str, str, str, str], list[Mapping[str, Any]]] = {}
    for entry in result["not_tried"]:
        alike.setdefault((entry["peer"], ", ".join(entry["networks"]), ", ".join(entry["ports"]), entry["why"]), []).append(entry)
    return [
        {
            "peer": peer,
            "networks": networks,
            "ports": ports,
            "why": why,
            "destinations": _ends([entry["destination"] for entry in entries]),
            "count": sum(map(_verify_result.paths, entries)),
            "find": _find([peer, networks, ports, why, "not tried", *(entry["destination"] for entry in entries)]),
        }
        for (peer, networks, ports, why), entries in alike.items()
    ]


def _hosts(result: Mapping[str, Any], groups: Mapping[str, list[str]]) -> list[dict[str, Any]]:
    """Return every host, in the order of the groups, with how many paths differ from it and to it."""
    count: dict[str, Callable[[str], int]] = {
        end: Counter(cell[end] for cell in result["cells"] if not cell["passed"]).__getitem__ for end in ("source", "destination")
    }
    known = {host["name"]: host for host in result["hosts"]}
    return [
        {
            "name": name,
            "of": of,
            "addresses": known[name]["addresses"],
            "backend": known[name].get("backend") or "",
            "wrong_from": count["source"](name),
            "wrong_to": count["destination"](name),
            "find": _find([name, of, known[name].get("backend") or "", *known[name]["addresses"]]),
        }
        for of, names in groups.items()
        for name in names
    ]
