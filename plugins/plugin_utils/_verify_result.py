# Copyright: (c) 2026, avi.firewall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The result of a verification: checked, counted, and its differences put together. What the text, the XML and the page have in common.

A result is one dict, written as JSON as it stands; docs/verify_json.md describes it.
"""

from __future__ import annotations

import functools
import re
from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

FORMAT = "avi.firewall/verify/1"
EXPECTED = ("open", "shut")
OBSERVED = ("open", "closed", "filtered", "rejected", "unknown")
CELL_KEYS = {
    "source",
    "destination",
    "source_address",
    "address",
    "protocol",
    "port",
    "row",
    "peer",
    "expected",
    "observed",
    "passed",
    "detail",
    "causes",
}

#: what a tried path amounts to, the worst first
STATES = ("exposed", "blocked", "unknown", "open", "shut")
DIFFERENT = STATES[:3]

Cell = Mapping[str, Any]


class VerifyResultError(ValueError):
    """The result is malformed, or contradicts itself."""


def read(result: Mapping[str, Any]) -> dict[str, Any]:
    """Return ``result`` with its texts made printable.

    Raises VerifyResultError for another format, a key that is missing, a host without an entry in ``hosts``, a word that is not allowed,
    and ``passed`` that does not follow from ``expected`` and ``observed``.
    """
    if result.get("format") != FORMAT:
        raise VerifyResultError(f"format {result.get('format')!r} is not {FORMAT}")
    if missing := {"release", "hosts", "cells", "not_tried"} - result.keys():
        raise VerifyResultError(f"the result lacks {', '.join(sorted(missing))}")
    known = {host["name"] for host in result["hosts"]}
    if len(known) != len(result["hosts"]):
        raise VerifyResultError("a host stands twice in hosts")
    for cell in result["cells"]:
        _check(cell, known)
    checked: dict[str, Any] = printable(result)
    return checked


def _check(cell: Cell, known: set[str]) -> None:
    if missing := CELL_KEYS - cell.keys():
        raise VerifyResultError(f"a cell lacks {', '.join(sorted(missing))}: {dict(cell)!r}")
    where = f"{cell['source']} to {cell['destination']} {cell['protocol']}/{cell['port']}"
    for end in ("source", "destination"):
        if cell[end] not in known:
            raise VerifyResultError(f"{where}: the {end} is not in hosts")
    for key, allowed in (("expected", EXPECTED), ("observed", OBSERVED)):
        if cell[key] not in allowed:
            raise VerifyResultError(f"{where}: {key} {cell[key]!r} is not one of {', '.join(allowed)}")
    if cell["passed"] is not passes(cell["expected"], cell["observed"]):
        raise VerifyResultError(f"{where}: passed is {cell['passed']!r}, with {cell['expected']} expected and {cell['observed']} observed")


def printable(value: Any) -> Any:
    """Return ``value`` with every character in its texts that no person can see written as an escape, so that none can act on a reader."""
    if isinstance(value, str):
        return "".join(sign if sign.isprintable() else sign.encode("unicode_escape").decode() for sign in value)
    if isinstance(value, Mapping):
        return {key: printable(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [printable(item) for item in value]
    return value


def passes(expected: str, observed: str) -> bool:
    """Return whether ``observed`` is what was planned. A closed port is no shut one: the firewall let the packet through to it."""
    return observed == "open" if expected == "open" else observed in ("filtered", "rejected")


def state(cell: Cell) -> str:
    """Return one of STATES."""
    if cell["observed"] == "unknown":
        return "unknown"
    if cell["passed"]:
        return str(cell["expected"])
    return "blocked" if cell["expected"] == "open" else "exposed"


def port(cell: Cell) -> str:
    return f"{cell['protocol']}/{cell['port']}"


def family(cell: Cell) -> str:
    return "IPv6" if ":" in cell["address"] else "IPv4"


def group(host: Mapping[str, Any]) -> str:
    """Return what ``host`` is: its node type, else what peer it stands for."""
    return host.get("node") or ", ".join(host.get("peers") or []) or "other"


def groups(result: Mapping[str, Any]) -> dict[str, list[str]]:
    """Return the hosts of every group, groups as they come in ``hosts``, hosts in the order in which people count."""
    found: dict[str, list[str]] = {}
    for host in result["hosts"]:
        found.setdefault(group(host), []).append(host["name"])
    return {name: sorted(hosts, key=natural) for name, hosts in found.items()}


def tally(result: Mapping[str, Any]) -> dict[tuple[str, str], Counter[str]]:
    """Return how many paths came to each state, for every pair of groups (source, destination) between which any was tried."""
    of = {host["name"]: group(host) for host in result["hosts"]}
    counted: dict[tuple[str, str], Counter[str]] = {}
    for cell in result["cells"]:
        counted.setdefault((of[cell["source"]], of[cell["destination"]]), Counter())[state(cell)] += 1
    order = list(groups(result))
    return dict(sorted(counted.items(), key=lambda item: tuple(map(order.index, item[0]))))


def counts(result: Mapping[str, Any]) -> Counter[str]:
    """Return how many paths came to each state, how many were ``not_tried``, and how many hosts ``dropped_out``."""
    left = result["not_tried"]
    return Counter(map(state, result["cells"])) + Counter(not_tried=sum(map(paths, left)), dropped_out=sum(map(dropped_out, left)))


def paths(entry: Mapping[str, Any]) -> int:
    """Return how many paths an entry of ``not_tried`` stands for: from each network, or from a peer without any, to each port."""
    return max(1, len(entry["networks"])) * len(entry["ports"])


def dropped_out(entry: Mapping[str, Any]) -> bool:
    """Say whether an entry of ``not_tried`` stands for a host of which nothing is known, not even the ports to be tried there."""
    return not entry["ports"]


def verdict(counted: Mapping[str, int]) -> str:
    """Return the whole result in one line. Nothing tried is never called as planned, nor a host that dropped out."""
    tried = sum(counted.get(word, 0) for word in STATES)
    differ, unknown = counted.get("exposed", 0) + counted.get("blocked", 0), counted.get("unknown", 0)
    lost = counted.get("dropped_out", 0)
    parts = ([f"{differ:,} differ"] if differ else []) + ([f"{unknown:,} unknown"] if unknown else [])
    parts += [f"{lost:,} {'host' if lost == 1 else 'hosts'} failed"] if lost else []
    said = f"{tried:,} {'path' if tried == 1 else 'paths'} tried: {', '.join(parts) or 'all as planned'}" if tried else "no path was tried"
    return f"{said}; {counted['not_tried']:,} not tried" if counted.get("not_tried") else said


@dataclass(frozen=True)
class Difference:
    """Differences that are the same but for their ends: every one of ``sources`` to every one of ``destinations``
    (but itself) and ``ports``.

    ``details`` are those of the cells, each once; ``cells`` are the differing cells themselves.
    """

    sources: tuple[str, ...]
    destinations: tuple[str, ...]
    ports: tuple[str, ...]
    families: tuple[str, ...]
    expected: str
    observed: str
    causes: tuple[str, ...]
    details: tuple[str, ...]
    cells: tuple[Cell, ...]

    @property
    def state(self) -> str:
        return state(self.cells[0])

    @property
    def rows(self) -> tuple[str, ...]:
        """The rows by which its paths shall be open; none where they shall be shut."""
        return tuple(dict.fromkeys(cell["row"] for cell in self.cells if cell["row"]))


def differences(result: Mapping[str, Any]) -> list[Difference]:
    """Return all that did not pass, in few entries that say it exactly: first what should be shut, then what should be open."""
    found = [
        Difference(
            (cell["source"],),
            (cell["destination"],),
            (port(cell),),
            (family(cell),),
            cell["expected"],
            cell["observed"],
            tuple(cell["causes"]),
            (cell["detail"],) if cell["detail"] else (),
            (cell,),
        )
        for cell in result["cells"]
        if not cell["passed"]
    ]
    for end in ("families", "sources", "destinations"):
        found = _merge(found, functools.partial(_but_one, end))
    found = _merge(found, lambda item: (*_but(item, "sources", "destinations"), frozenset(item.sources + item.destinations)), _full)
    found = _merge(found, lambda item: _but(item, "ports"))
    return sorted(found, key=lambda item: (DIFFERENT.index(item.state), *(list(map(natural, ends)) for ends in _but(item)[:4])))


def _but_one(end: str, item: Difference) -> tuple[Any, ...]:
    return _but(item, end)


def _but(item: Difference, *left_out: str) -> tuple[Any, ...]:
    """Return what makes ``item`` the same as another, but for the fields ``left_out``."""
    fields = ("sources", "destinations", "ports", "families", "expected", "observed", "causes")
    return tuple(getattr(item, name) for name in fields if name not in left_out)


def _full(item: Difference) -> bool:
    """Return whether every source differs to every destination but itself, as a merged entry claims."""
    pairs = {(cell["source"], cell["destination"]) for cell in item.cells}
    return len(pairs) == len(item.sources) * len(item.destinations) - len(set(item.sources) & set(item.destinations))


def _merge(
    items: list[Difference],
    key: Callable[[Difference], Hashable],
    holds: Callable[[Difference], bool] = lambda _item: True,
) -> list[Difference]:
    alike: dict[Hashable, list[Difference]] = {}
    for item in items:
        alike.setdefault(key(item), []).append(item)
    merged = []
    for same in alike.values():
        words: dict[str, Any] = {
            name: tuple(sorted({word for item in same for word in getattr(item, name)}, key=natural))
            for name in ("sources", "destinations", "ports", "families", "details")
        }
        one = replace(
            same[0],
            **words,
            cells=tuple(cell for item in same for cell in item.cells),
        )
        merged += [one] if holds(one) else same
    return merged


def natural(text: str) -> list[tuple[int, int, str]]:
    """Return a sort key that counts as people do: se2 before se10."""
    return [(0, int(part), part) if part.isdecimal() else (1, 0, part) for part in re.findall(r"[0-9]+|[^0-9]+", text)]


def ranges(names: Iterable[str]) -> str:
    """Return ``names`` as a person would write them: ``se1…se97``, and separated by commas those that do not follow each other."""
    runs: list[list[str]] = []
    place = None
    for name in sorted(set(names), key=natural):
        step = _step(runs[-1][-1], name) if runs else None
        if step is not None and (len(runs[-1]) == 1 or step == place):
            runs[-1].append(name)
        else:
            runs.append([name])
        place = step
    return ", ".join(f"{run[0]}…{run[-1]}" if len(run) > 2 else ", ".join(run) for run in runs)


def _step(first: str, second: str) -> int | None:
    """Return which part of the names is counted on by one from ``first`` to ``second``; None if that is not all that changes."""
    one, two = (re.findall(r"[0-9]+|[^0-9]+", name) for name in (first, second))
    changed = [place for place, (left, right) in enumerate(zip(one, two, strict=False)) if left != right]
    if len(one) != len(two) or len(changed) != 1:
        return None
    left, right = one[changed[0]], two[changed[0]]
    padded = left.startswith("0") or right.startswith("0")
    counted = left.isdecimal() and right.isdecimal() and int(right) == int(left) + 1 and (not padded or len(left) == len(right))
    return changed[0] if counted else None
