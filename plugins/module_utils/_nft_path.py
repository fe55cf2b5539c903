# Copyright: (c) 2026, avi.firewall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rules of nftables, as nft -j prints them, for the way of a packet through them."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from . import _nft_value, _walk
from ._nft_words import FAMILIES, pairs
from ._packet import Packet, PathError, Tri, World, both

MANAGER = "nftables"
ENDS = frozenset({"accept", "drop", "reject", "return"})
# Statements that say nothing on whether the packet goes on.
PASSING = frozenset(
    {"counter", "log", "comment", "notrack", "ct helper", "ct timeout", "ct expectation", "secmark", "flow", "dup", "last", "continue"}
    | {"masquerade", "snat"}
)
# Those after which others, in user space or another hook, decide.
UNKNOWN = frozenset({"queue", "tproxy", "synproxy", "fwd"})
# Where they are in priority when named by a word.
PRIORITIES = {"raw": -300, "mangle": -150, "dstnat": -100, "filter": 0, "security": 50, "srcnat": 100}

# Family, table, and handle or name of chain.
Key = tuple[str, str, Any]


@dataclass
class Rule(_walk.Rule):
    """A rule of nftables."""

    statements: list[Any] = field(default_factory=list)
    # Sets and maps of its table.
    named: Mapping[str, Any] = field(default_factory=dict)

    def judge(self, packet: Packet, world: World) -> list[tuple[Tri, _walk.Verdict]]:
        """Return the verdicts the rule may have, and whether each applies."""
        try:
            return self._judge(packet, world)
        except (AttributeError, IndexError, KeyError, TypeError, ValueError):
            return [(None, _walk.Verdict("unknown"))]  # of a shape that is not known here

    def _judge(self, packet: Packet, world: World) -> list[tuple[Tri, _walk.Verdict]]:
        matches: Tri = True
        for kind, detail in map(_statement, self.statements):
            if kind == "vmap":
                # What is not in the map does not match.
                return [(both(matches, fits), verdict) for fits, verdict in self._mapped(detail, packet, world)]
            if verdict := self._verdict(kind, detail):
                return [(matches, verdict)]
            if kind in ("dnat", "redirect"):
                return self._rewritten(kind, detail or {}, matches, packet, world)
            if kind == "mangle":
                _mangle(detail, packet, world, sure=bool(matches and world.sure))
            elif kind == "notrack":
                world.tracked = False if matches and world.sure else None
            else:
                matches = both(matches, self._holds(kind, detail, packet, world))
            if matches is False:
                break
        return []

    def verdicts(self) -> list[_walk.Verdict]:
        """Return every verdict the rule has for some packet."""
        found = []
        for kind, detail in map(_statement, self.statements):
            if kind == "vmap" and isinstance(detail, dict):
                found += [verdict for _key, verdict in self._elements(detail.get("data"))]
            elif kind in ENDS | UNKNOWN | {"dnat", "redirect", "jump", "goto", "xt"}:
                found += [_verdict(kind, detail)]
        return found

    def _holds(self, kind: str, detail: Any, packet: Packet, world: World) -> Tri:
        if kind == "match" and isinstance(detail, dict):
            left = _nft_value.labels(detail.get("left"), world) or _nft_value.value(detail.get("left"), packet, world)
            return _nft_value.compare(detail.get("op", "=="), left, detail.get("right"), self.named)
        if kind in PASSING:
            return True
        if kind in ("set", "map") and isinstance(detail, dict):
            return None if detail.get("stmt") or detail.get("op") == "delete" else True
        return None  # a limit, a quota, a match of iptables' own, and what is not known here

    def _verdict(self, kind: str, detail: Any) -> _walk.Verdict | None:
        is_target = kind == "xt" and isinstance(detail, dict) and detail.get("type") == "target"
        return _verdict(kind, detail) if kind in ENDS | UNKNOWN | {"jump", "goto"} or is_target else None

    def _rewritten(
        self, kind: str, detail: Mapping[str, Any], matches: Tri, packet: Packet, world: World
    ) -> list[tuple[Tri, _walk.Verdict]]:
        """Return where the packet is rewritten to, None where that is not one address and port; nothing if it is in none of the maps."""
        if FAMILIES.get(detail.get("family", "inet")) not in (FAMILIES["inet"], (packet.version,)):
            return []
        where, port = (self._looked_up(detail.get(name), packet, world) for name in ("addr", "port"))
        if _nft_value.ABSENT in (where, port):
            return []
        if isinstance(where, dict) and isinstance(where.get("concat"), list) and len(where["concat"]) == 2:
            where, port = where["concat"]
        if where is None:
            where = "" if kind == "redirect" else packet.destination
        port = packet.port if port is None else port
        to = (where, port) if isinstance(where, str) and isinstance(port, int) else None
        return [(matches if to else both(matches, None if _nft_value.UNKNOWN in (where, port) else True), _walk.Verdict(kind, to=to))]

    def _looked_up(self, expression: Any, packet: Packet, world: World) -> Any:
        if not (isinstance(expression, dict) and "map" in expression):
            return expression
        key = _nft_value.value(expression["map"]["key"], packet, world)
        fitting = [(_nft_value.contains(element, key, self.named), to) for element, to in pairs(expression["map"]["data"], self.named)]
        if any(fits is None for fits, _to in fitting):
            return _nft_value.UNKNOWN
        return next((to for fits, to in fitting if fits), _nft_value.ABSENT)

    def _mapped(self, detail: Any, packet: Packet, world: World) -> list[tuple[Tri, _walk.Verdict]]:
        if not isinstance(detail, dict):
            return [(None, _walk.Verdict("unknown"))]
        key = _nft_value.value(detail.get("key"), packet, world)
        # What stands for all the rest comes last.
        elements = sorted(self._elements(detail.get("data")), key=lambda element: element[0] == "*")
        fitting = [(_nft_value.contains(element, key, self.named), verdict) for element, verdict in elements]
        return [(fits, verdict) for fits, verdict in fitting if fits is not False]

    def _elements(self, data: Any) -> list[tuple[Any, _walk.Verdict]]:
        return [(element, _verdict(*_statement(verdict))) for element, verdict in pairs(data, self.named)]


def _statement(statement: Any) -> tuple[str, Any]:
    """Return the kind of a statement and what it says."""
    if isinstance(statement, dict) and len(statement) == 1:
        return next(iter(statement.items()))
    return (statement, None) if isinstance(statement, str) else ("", statement)


def _verdict(kind: str, detail: Any) -> _walk.Verdict:
    if kind in ("jump", "goto") and isinstance(detail, dict):
        return _walk.Verdict(kind, str(detail.get("target")))
    return _walk.Verdict(kind if kind in ENDS or kind in ("dnat", "redirect") else "unknown")


def _mangle(detail: Any, packet: Packet, world: World, sure: bool) -> None:
    key, to = (detail.get("key"), detail.get("value")) if isinstance(detail, dict) else (None, None)
    if key == {"ct": {"key": "label"}}:
        world.labels[str(to)] = True if sure or world.labels.get(str(to)) else None
    for name, expression in (("mark", {"meta": {"key": "mark"}}), ("connection_mark", {"ct": {"key": "mark"}})):
        if key == expression:
            new = _nft_value.value(to, packet, world)
            setattr(world, name, new if sure and isinstance(new, int) else None)


def texts(listing: str) -> dict[Key, str]:
    """Return the rules that ``nft --stateless --handle list ruleset`` printed, by family, table and handle."""
    found: dict[Key, str] = {}
    family = table = ""
    for line in listing.splitlines():
        if head := re.match(r"table (\S+) (\S+) \{", line):
            family, table = head.groups()
        elif rule := re.fullmatch(r"\t\t(.*) # handle (\d+)", line):
            found[family, table, int(rule.group(2))] = rule.group(1)
    return found


def chains(text: str) -> dict[tuple[str, str], set[str]]:
    """Return the names of the chains on a hook, by family and table."""
    found: dict[tuple[str, str], set[str]] = {}
    for chain in (entry["chain"] for entry in _entries(text) if "hook" in entry.get("chain", ())):
        found.setdefault((chain["family"], chain["table"]), set()).add(chain["name"])
    return found


def early(text: str) -> list[str]:
    """Return the chains that see a packet before any hook that is judged here: those at a device, of any family."""
    devices = [entry["chain"] for entry in _entries(text) if entry.get("chain", {}).get("hook") == "ingress"]
    return [f"{chain['family']} {chain['table']} {chain['name']}" for chain in devices]


def _entries(text: str) -> list[dict[str, Any]]:
    try:
        entries = json.loads(text)["nftables"] if text.strip() else []
    except (ValueError, KeyError, TypeError) as exc:
        raise PathError(f"{MANAGER}: not what nft -j prints: {exc!r}") from exc
    if not isinstance(entries, list) or not all(
        isinstance(entry, dict) and all(isinstance(it, dict) for it in entry.values()) for entry in entries
    ):
        raise PathError(f"{MANAGER}: not what nft -j prints")
    return entries


def parse(text: str, listing: str, version: int, without: Collection[tuple[str, str]] = ()) -> list[_walk.Table]:
    """Return the tables that ``nft -j list ruleset`` printed as ``text``, for a version of IP.

    ``listing`` is the same ruleset in words; ``without`` are the family and name of tables that another reader knows. Raises PathError
    for what nft does not print.
    """
    words = texts(listing)
    named: dict[tuple[str, str], dict[str, Any]] = {}
    counters: dict[Key, int] = {}
    tables: dict[tuple[str, str], _walk.Table] = {}
    try:
        for entry in _entries(text):
            for kind, it in entry.items():
                home = (it.get("family", ""), it.get("table", ""))
                if home in without or version not in FAMILIES.get(home[0], ()):
                    continue
                if kind in ("set", "map"):
                    named.setdefault(home, {})[it["name"]] = it.get("elem", [])
                elif kind == "counter":
                    counters[(*home, it["name"])] = it["packets"]
                elif kind == "chain":
                    _chain(tables.setdefault(home, _walk.Table(MANAGER, " ".join(home))), it)
                elif kind == "rule":
                    rules = tables[home].chains[it["chain"]]
                    counter = _counter(it["expr"], home, counters)
                    phrase = words.get((*home, it["handle"])) or json.dumps(it["expr"])
                    rules.append(Rule(phrase, len(rules) + 1, counter, it["expr"], named.setdefault(home, {})))
    except (KeyError, TypeError, AttributeError) as exc:
        raise PathError(f"{MANAGER}: not what nft -j prints: {exc!r}") from exc
    return list(tables.values())


def _chain(table: _walk.Table, chain: Mapping[str, Any]) -> None:
    table.chains.setdefault(chain["name"], [])
    if "hook" in chain:
        policy = chain.get("policy", "accept")
        text = f"type {chain['type']} hook {chain['hook']} priority {chain['prio']}; policy {policy};"
        priority = chain["prio"] if isinstance(chain["prio"], int) else PRIORITIES.get(chain["prio"], 0)
        table.bases.append(_walk.Base(chain["name"], chain["hook"], priority, policy, text, nat=chain["type"] == "nat"))


def _counter(statements: Iterable[Any], home: tuple[str, str], counters: Mapping[Key, int]) -> int | None:
    for kind, detail in map(_statement, statements):
        if kind == "counter":
            return detail.get("packets") if isinstance(detail, dict) else counters.get((*home, detail))
    return None
