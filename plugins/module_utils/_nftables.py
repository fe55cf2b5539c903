# Copyright: (c) 2026, avi.firewall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""nftables: a chain of ours for each direction, a named set for each flow and family, inside the table and base chain that drops.

To open a port the accept must stand in the chain that would drop it: an accept in a table of one's own does not override a drop in
another. So sets, chain and jump go into the user's table, all in one transaction that is checked first. No module binds it.

The kernel forgets it at a reboot, and the user's own ruleset begins with `flush ruleset`. A drop-in of nftables.service brings it
back after that; files for include lines in the user's ruleset do so within the user's own transaction.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from . import _boot, _host, _nft_rule, _nft_words, _place
from ._nft_words import ADDRESS_TYPES, FAMILIES, PROTOCOLS

MODULES = (_host, _place, _boot, _nft_rule, _nft_words, sys.modules[__name__])
UNITS = (_boot.DropIn("nftables.service"),)

# Rulesets of other programs, which look after them themselves.
FOREIGN_TABLES = ("firewalld", "netavark", "docker-bridges", "f2b-table")
IPTABLES_TABLES = ("filter", "nat", "mangle", "raw", "security")
HOOKS = {"in": "input", "out": "output"}

# A chain by the words of its command: family, table, name.
Chain = tuple[str, str, str]


@dataclass(frozen=True)
class Line:
    """A rule in the kernel: its text if it is of a shape of ours, its handle, what matters for its place, and what nft says it compares."""

    text: str
    handle: int
    judged: _place.Rule
    matches: Sequence[Mapping[str, Any]] = ()


@dataclass
class Ruleset:
    """What is in the kernel."""

    base: dict[Chain, tuple[str, bool]] = field(default_factory=dict)  # hook of each base chain, and whether its policy is drop
    chains: dict[Chain, list[Line]] = field(default_factory=dict)
    sets: dict[Chain, frozenset[str]] = field(default_factory=dict)

    def judged(self, chain: Chain) -> _place.Chains:
        """Return the chains of the table of ``chain`` as far as the place of a jump matters."""
        return {name[2]: [line.judged for line in lines] for name, lines in self.chains.items() if name[:2] == chain[:2]}

    def place(self, chain: Chain, without: Sequence[int] = ()) -> int:
        """Return the place of a jump of ours in the base chain ``chain``, counting only rules whose handles are not ``without``."""
        lines = [line.judged for line in self.chains[chain] if line.handle not in without]
        return _place.end(self.judged(chain), lines, self.base[chain][1])

    def drops(self, chain: Chain) -> bool:
        """Say whether the base chain ``chain`` lets nothing through that no rule accepts."""
        judged = self.judged(chain)
        return self.base[chain][1] or _place.catch_all(judged, judged[chain[2]]) is not None


def parse(text: str) -> Ruleset:
    """Return the ruleset that ``nft -j list ruleset`` printed as ``text``."""
    ruleset, entries = Ruleset(), json.loads(text)["nftables"]
    maps: dict[tuple[str, str], dict[str, Any]] = {}
    for found in (entry["map"] for entry in entries if "map" in entry):
        maps.setdefault((found["family"], found["table"]), {})[found["name"]] = found.get("elem")
    for entry in entries:
        if "chain" in entry:
            chain = entry["chain"]
            name = (chain["family"], chain["table"], chain["name"])
            ruleset.chains[name] = []
            if "hook" in chain:
                ruleset.base[name] = (chain["hook"], chain.get("policy") == "drop")
        elif "rule" in entry:
            rule = entry["rule"]
            statements = _nft_rule.statements(rule, maps.get((rule["family"], rule["table"]), {}))
            matches = [value for key, value in statements if key == "match"]
            line = Line(_text(rule), rule["handle"], _nft_rule.judge(statements), matches)
            ruleset.chains[rule["family"], rule["table"], rule["chain"]].append(line)
        elif "set" in entry:
            found = entry["set"]
            ruleset.sets[found["family"], found["table"], found["name"]] = frozenset(
                _nft_rule.element(one) for one in found.get("elem", [])
            )
    return ruleset


def _text(rule: Mapping[str, Any]) -> str:
    """Return ``rule`` in the words that :class:`Part` writes, if it is made of those; else its JSON."""
    words = []
    for expression in rule["expr"]:
        (key, value), *_more = expression.items()
        left = value["left"] if key == "match" and value["op"] == "==" else {}
        payload, meta = left.get("payload", {}), left.get("meta", {}).get("key")
        if "field" in payload:  # not by its offset
            words += [payload["protocol"], payload["field"], str(value["right"])]
        elif meta == "nfproto":
            words += ["meta", "nfproto", str(value["right"])]
        elif meta in ("iifname", "oifname"):
            words += [meta, f'"{value["right"]}"']
        elif key == "jump":
            words += ["jump", value["target"]]
        elif key == "accept":
            words.append("accept")
        else:
            words.append(json.dumps(expression))
    if "comment" in rule:
        words += ["comment", f'"{rule["comment"]}"']
    return " ".join(words)


def _listing() -> Ruleset:
    return parse(_host.run("nft", "-j", "list", "ruleset"))


def _candidates(ruleset: Ruleset, hook: str) -> list[Chain]:
    """Return the base chains on ``hook`` that drop and are a person's: not made by iptables or another program."""
    return [
        chain
        for chain, (where, _policy) in ruleset.base.items()
        if where == hook
        and chain[0] in FAMILIES
        and chain[1] not in FOREIGN_TABLES
        and not (chain[0] != "inet" and chain[1] in IPTABLES_TABLES and chain[2] == hook.upper())
        and ruleset.drops(chain)
    ]


def evidence() -> str | None:
    """Return what shows that a plain nftables ruleset is in charge of this host, or None."""
    try:
        found = _candidates(_listing(), "input")
    except _host.HostError:
        return None
    return f"chain {', '.join(' '.join(chain) for chain in found)} drops what no rule accepts" if found else None


def _base_chains(ruleset: Ruleset, hook: str, named: str | None) -> list[Chain]:
    """Return the base chains on ``hook`` that get the jump: one for all, or one for each family.

    ``named`` is ``avi_firewall_nftables_chain``, which names the one on the input hook; the one on the output hook is in its table.
    """
    found = _candidates(ruleset, hook)
    if named is not None:
        chain = tuple(named.split())
        there = {base: where for base, (where, _policy) in ruleset.base.items()}
        if there.get(chain) != "input":
            allowed = ", ".join(" ".join(base) for base, where in there.items() if where == "input") or "nothing, for there is none"
            raise _host.HostError(f"avi_firewall_nftables_chain {named!r} is no base chain on the input hook; there is {allowed}")
        found = [chain] if hook == "input" else [other for other in found if other[:2] == chain[:2]]
    families = [chain[0] for chain in found]
    if len(families) != len(set(families)) or ("inet" in families and len(families) > 1):
        shown = ", ".join(" ".join(chain) for chain in found)
        raise _host.HostError(
            f"more than one chain of nftables drops on the {hook} hook: {shown}; name one with avi_firewall_nftables_chain"
        )
    return found


class Part:
    """The sets, chains and jumps of one request, wanted and found; wanted is what ``former`` was, if that is given."""

    def __init__(self, request: _host.Request, former: Mapping[str, Any] | None = None) -> None:
        self.request = request
        try:
            self.ruleset = _listing()
        except _host.HostError:
            # Where nft was removed before, what has to go only is not to be had.
            if (request.flows if former is None else any(former.values())) or not _host.missing("nft"):
                raise
            self.ruleset = Ruleset()
        self.sets: dict[Chain, frozenset[str]] = {}
        self.rules: dict[Chain, list[str]] = {}
        self.jumps: dict[Chain, list[str]] = {}
        self.warnings: list[str] = [] if request.flows else _host.left_in_kernel("nft")
        if former is None:
            self._plan()
        else:
            self.sets = {_chain(name): frozenset(elements) for name, elements in former["sets"].items()}
            self.rules, self.jumps = ({_chain(name): rules for name, rules in former[what].items()} for what in ("rules", "jumps"))

    def _plan(self) -> None:
        request = self.request
        for direction, hook in HOOKS.items():
            flows = request.in_direction(direction)
            bases = _base_chains(self.ruleset, hook, request.nftables_chain) if flows else []
            if flows and not bases and direction == "in":
                raise _host.HostError("no chain of nftables on the input hook drops what no rule accepts: there is nothing to open")
            if flows and not bases:
                self.warnings.append("no chain of nftables drops outgoing traffic: there is nothing to open for it")
            for base in bases:
                for flow in flows:
                    self._add(base, flow, direction)

    def _add(self, base: Chain, flow: Mapping[str, Any], direction: str) -> None:
        family, table, _name = base
        chain = (family, table, f"{self.request.prefix}{direction}")
        end = {"in": "saddr", "out": "daddr"}[direction]
        for version in FAMILIES[family]:
            networks = flow[f"ipv{version}"]
            if not networks:
                continue
            match = f"meta nfproto ipv{version} " if family == "inet" else ""
            if not _host.is_everyone(networks):
                name = f"{flow['name']}-{version}"
                self.sets[family, table, name] = frozenset(map(_host.short, networks))
                match = f"{PROTOCOLS[version]} {end} @{name} "
            self.rules.setdefault(chain, []).extend(
                f'{match}{port["protocol"]} dport {port["port"]} accept comment "avi:{port["row"]}"' for port in flow["ports"]
            )
            device = {"in": "iifname", "out": "oifname"}[direction]
            self.jumps[base] = [
                f'{f"{device} {json.dumps(interface)} " if interface else ""}jump {chain[2]} comment "{self.request.mark}"'
                for interface in self.request.interfaces or [""]
            ]

    def _is_ours(self, name: str) -> bool:
        return name.startswith(self.request.prefix)

    def found_sets(self) -> dict[Chain, frozenset[str]]:
        """Return the sets of this part in the kernel."""
        return {name: elements for name, elements in self.ruleset.sets.items() if self._is_ours(name[2])}

    def found_rules(self) -> dict[Chain, list[str]]:
        """Return the chains of this part in the kernel."""
        return {chain: [line.text for line in lines] for chain, lines in self.ruleset.chains.items() if self._is_ours(chain[2])}

    def found_jumps(self) -> dict[Chain, list[tuple[Line, bool]]]:
        """Return the jumps to this part by base chain, and whether each is in its place; a second one never is."""
        found: dict[Chain, list[tuple[Line, bool]]] = {}
        for base, (_hook, drops) in self.ruleset.base.items():
            lines, chains = self.ruleset.chains[base], self.ruleset.judged(base)
            judged, texts = [line.judged for line in lines], [line.text for line in lines]
            ours = frozenset(index for index, rule in enumerate(judged) if rule.target.startswith("avi-"))
            jumps = [
                (line, line.text not in texts[:index] and _place.well_placed(chains, judged, index, ours, drops))
                for index, line in enumerate(lines)
                if self._is_ours(line.judged.target)
            ]
            if jumps:
                found[base] = jumps
        return found

    def state(self) -> dict[str, Any]:
        """Return what stands, as JSON can hold it: what ``former`` takes. What somebody else wrote into a chain of ours is not kept."""
        return {
            "sets": {" ".join(name): sorted(" ".join(elements).split()) for name, elements in self.found_sets().items()},
            "rules": {" ".join(name): [rule for rule in rules if "{" not in rule] for name, rules in self.found_rules().items()},
            "jumps": {" ".join(base): [line.text for line, _good in jumps] for base, jumps in self.found_jumps().items()},
        }

    def lets_in(self) -> list[_host.Access]:
        """Return who gets in by the rules that stand."""
        sets, found = self.found_sets(), []
        for chain, rules in self.found_rules().items():
            for words in map(str.split, rules if chain[2].endswith("-in") else []):
                if "dport" not in words:
                    continue
                at = words.index("dport")
                named = next((word[1:] for word in words if word.startswith("@")), None)
                families = [f"ipv{version}" for version in FAMILIES[chain[0]]]
                everyone = [_host.EVERYONE[family] for family in families if "nfproto" not in words or family in words]
                networks = sets.get((*chain[:2], named), ()) if named else everyone
                found += [(words[at - 1], int(words[at + 1]), network) for network in networks]
        return found

    def refuse_foreign(self) -> None:
        """Stop when a set or chain bears a name of ours and there is no record that we made it."""
        found = [f"set {' '.join(name)}" for name in self.found_sets()] + [f"chain {' '.join(name)}" for name in self.found_rules()]
        if found and not _boot.record("nftables", self.request).exists():
            raise _host.HostError(
                f"{', '.join(found)}: not ours, for {_boot.record('nftables', self.request)} is not there; rename or remove"
            )

    def refuse_unreached(self) -> None:
        """Stop when a jump would have to stand both before and behind rules of others."""
        for base in self.jumps:
            where, chains = f"chain {' '.join(base)}", self.ruleset.judged(base)
            lines = [line for line in self.ruleset.chains[base] if not line.judged.target.startswith("avi-")]
            judged = [line.judged for line in lines]
            if found := _place.unreached(chains, judged):
                stopping, behind = (f"rule handle {lines[index].handle}" for index in found)
                _host.refuse_unreached(where, stopping, behind)
            hook, drops = self.ruleset.base[base]
            for index, way in _place.inside(chains, judged, drops):
                passed = [self.ruleset.chains[base[0], base[1], chain][place] for chain, place in way]
                if self._concerns(hook, passed):
                    inside = f"rule handle {passed[-1].handle} of chain {way[-1][0]}"
                    _host.refuse_inside(where, f"rule handle {lines[index].handle}", inside)

    def _concerns(self, hook: str, lines: Sequence[Line]) -> bool:
        """Say whether something that ours let pass may match each of ``lines``."""
        return any(
            HOOKS[flow["direction"]] == hook and all(_nft_rule.may_match(line.matches, flow, port) for line in lines)
            for flow in self.request.flows
            for port in flow["ports"]
        )

    def wanted_lines(self) -> list[str]:
        """Return what shall be, a line each."""
        return [*_set_lines(self.sets), *_rule_lines(self.rules), *_rule_lines(self.jumps)]

    def found_lines(self) -> list[str]:
        """Return what is, a line each; a jump that stands in the wrong place says so."""
        jumps = {base: [line.text + ("" if good else " (misplaced)") for line, good in lines] for base, lines in self.found_jumps().items()}
        return [*_set_lines(self.found_sets()), *_rule_lines(self.found_rules()), *_rule_lines(jumps)]

    def commands(self) -> list[str]:
        """Return the commands that turn what is into what shall be, for one transaction."""
        sets, rules, jumps = self.found_sets(), self.found_rules(), self.found_jumps()
        gone: dict[Chain, list[Line]] = {
            base: [line for line, good in lines if not good or line.text not in self.jumps.get(base, [])] for base, lines in jumps.items()
        }
        commands = [f"delete rule {' '.join(base)} handle {line.handle}" for base, lines in gone.items() for line in lines]
        stale = [chain for chain in rules if chain not in self.rules]
        commands += [f"flush chain {' '.join(chain)}" for chain in stale]
        for name, elements in self.sets.items():
            if sets.get(name) != elements:
                commands += _set_commands(name, elements, name in sets)
        for chain, wanted in self.rules.items():
            if rules.get(chain) != wanted:
                commands += _chain_commands(chain, wanted)
        for base, wanted in self.jumps.items():
            handles = [line.handle for line in gone.get(base, [])]
            kept = [line.text for line, _good in jumps.get(base, []) if line.handle not in handles]
            left = [line for line in self.ruleset.chains[base] if line.handle not in handles]
            place = self.ruleset.place(base, handles)
            where = f"insert rule {' '.join(base)} position {left[place].handle}" if place < len(left) else f"add rule {' '.join(base)}"
            commands += [f"{where} {jump}" for jump in wanted if jump not in kept]
        commands += [f"delete chain {' '.join(chain)}" for chain in stale]
        return commands + [f"delete set {' '.join(name)}" for name in sets if name not in self.sets]

    def includes(self) -> dict[Path, str]:
        """Return the files for include lines in the user's ruleset: one in the block of the table, one in that of each base chain.

        They hold no place by number: a number that the user's next edit makes wrong would fail the whole ruleset, and leave the
        host open.
        """
        tables: dict[Chain, list[str]] = {}
        for name, elements in self.sets.items():
            block = ["type " + _kind(name), "flags interval", f"elements = {{ {', '.join(sorted(elements))} }}"]
            tables.setdefault((*name[:2], ""), []).extend(_block(f"set {name[2]}", block))
        for chain, rules in self.rules.items():
            tables.setdefault((*chain[:2], ""), []).extend(_block(f"chain {chain[2]}", rules))
        found = {**tables, **self.jumps}
        return {
            include_file(self.request, name): "".join(f"{line}\n" for line in [f"# {_host.MARK}", *lines]) for name, lines in found.items()
        }

    def apply(self) -> None:
        """Check the transaction, then make it."""
        if commands := self.commands():
            text = "".join(f"{command}\n" for command in commands)
            _host.run("nft", "-c", "-f", "-", stdin=text)
            _host.run("nft", "-f", "-", stdin=text)


def _chain(words: str) -> Chain:
    family, table, name = words.split()
    return family, table, name


def _kind(name: Chain) -> str:
    return ADDRESS_TYPES[6 if name[2].endswith("-6") else 4]


def _block(head: str, lines: Sequence[str]) -> list[str]:
    return [f"{head} {{", *(f"\t{line}" for line in lines), "}"]


def _set_commands(name: Chain, elements: frozenset[str], there: bool) -> list[str]:
    words = " ".join(name)
    return [
        f"flush set {words}" if there else f"add set {words} {{ type {_kind(name)}; flags interval; }}",
        f"add element {words} {{ {', '.join(sorted(elements))} }}",
    ]


def _chain_commands(chain: Chain, rules: Sequence[str]) -> list[str]:
    words = " ".join(chain)
    return [f"add chain {words}", f"flush chain {words}", *(f"add rule {words} {rule}" for rule in rules)]


def _set_lines(sets: Mapping[Chain, frozenset[str]]) -> list[str]:
    return [f"set {' '.join(name)}: {element}" for name, elements in sorted(sets.items()) for element in sorted(elements)]


def _rule_lines(rules: Mapping[Chain, Sequence[str]]) -> list[str]:
    return [f"rule {' '.join(chain)} {rule}" for chain, lines in sorted(rules.items()) for rule in lines]


def holds(request: _host.Request) -> bool:
    """Say whether a record tells of anything of this part."""
    return _boot.record("nftables", request).exists()


def prepare(request: _host.Request, former: _host.Snapshot | None = None) -> _host.Change:
    """Return the change that brings sets, chains, jumps and boot files in line with ``request``, or back to what ``former`` holds.

    It is one transaction, with nothing left to bind. Raises HostError when nft is missing though rules are wanted, no chain or more than
    one is in charge, or something foreign bears a name of ours.
    """
    part = Part(request, former and former.state)
    if former is None:
        part.refuse_foreign()
        part.refuse_unreached()
        _boot.refuse_saved("nftables", request)
        files = _boot.files("nftables", request, MODULES, UNITS)
        files |= {**dict.fromkeys(include_files(request)), **part.includes()}
    else:
        files = _boot.former_files(former)
    return _boot.change(
        _boot.record("nftables", request),
        files,
        (part.found_lines(), part.wanted_lines()),
        _boot.snapshot("nftables", request, part.state(), files),
        lambda _bind: _host.persist(lambda: Part(request, former and former.state).apply()),
        lets_in=part.lets_in(),
        warnings=part.warnings,
    )


def include_file(request: _host.Request, chain: Chain) -> Path:
    """Return the file that is for an include line in the block of ``chain``, or of the table if that has no name."""
    where = "-".join(word.replace("/", "_") for word in chain if word)
    return _boot.RECORDS / "nftables" / f"{request.part}.{where}.nft"


def include_files(request: _host.Request) -> list[Path]:
    """Return the files for include lines that are there."""
    return sorted((_boot.RECORDS / "nftables").glob(f"{request.part}.*.nft"))


def boot() -> None:
    """Bring back what the records ask for."""
    for request in _boot.requests("nftables"):
        Part(request).apply()


if __name__ == "__main__":
    boot()
