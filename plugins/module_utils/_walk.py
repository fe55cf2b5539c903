# Copyright: (c) 2026, avi.firewall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Chains of rules, whoever wrote them, and the way of a packet through them.

A rule that cannot be judged is passed by, and what it would have led to is kept beside: the way is certain where that is nothing else.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace

from ._packet import Packet, PathError, Step, Tri, World


@dataclass(frozen=True)
class Verdict:
    """What a rule does with a packet: accept, drop, reject, dnat, redirect, jump, goto, return, or unknown.

    ``target`` is the chain of a jump; ``to`` is the new destination, None where it is not a single one.
    """

    kind: str
    target: str = ""
    to: tuple[str, int] | None = None


@dataclass
class Rule:
    """A rule as it is read; ``number`` is its place from 1 on."""

    text: str
    number: int
    counter: int | None = None

    def judge(self, packet: Packet, world: World) -> list[tuple[Tri, Verdict]]:
        """Return the verdicts the rule may have for ``packet``, and whether each applies; marks that it sets are set in ``world``."""
        raise NotImplementedError

    def verdicts(self) -> list[Verdict]:
        """Return every verdict the rule has for some packet."""
        raise NotImplementedError


@dataclass
class Base:
    """A chain on a hook of the kernel. ``nat``: it rewrites, and what a rule accepts there is only not rewritten."""

    chain: str
    hook: str
    priority: int
    policy: str
    text: str
    counter: int | None = None
    nat: bool = False


@dataclass
class Table:
    """A table of rules of one ``manager``; ``name`` includes the family where nftables does so."""

    manager: str
    name: str
    bases: list[Base] = field(default_factory=list)
    chains: dict[str, list[Rule]] = field(default_factory=dict)

    def step(self, chain: str, rule: Rule, verdict: Verdict, certain: bool = True) -> Step:
        """Return the step that ``rule`` makes with ``verdict``."""
        return Step(self.manager, self.name, chain, rule.text, rule.number, rule.counter, verdict.kind, certain, verdict.to)

    def reachable(self, chain: str) -> dict[str, list[Rule]]:
        """Return the chains that jumps lead to from ``chain``, itself first, whatever the packet."""
        found: dict[str, list[Rule]] = {}
        waiting = [chain]
        while waiting:
            name = waiting.pop()
            if name not in found and name in self.chains:
                found[name] = self.chains[name]
                waiting += [verdict.target for rule in found[name] for verdict in rule.verdicts() if verdict.target]
        return found


@dataclass
class Outcome:
    """How the way through a chain ends.

    ``first``: where no rule in doubt matches; None when the packet gets through to the end. ``others``: what it may be instead;
    ``through``: it may get through to the end instead. ``doubts`` are the rules in question.
    """

    first: Step | None = None
    others: list[Step] = field(default_factory=list)
    through: bool = False
    doubts: list[str] = field(default_factory=list)


def decide(table: Table, base: Base, packet: Packet, world: World) -> Outcome:
    """Return what the chain on a hook does with ``packet``: ``first`` is always a step, not certain when there are ``others``."""
    outcome = _walk(table, base.chain, packet, world, ())
    policy = Step(table.manager, table.name, base.chain, base.text, 0, base.counter, f"policy {base.policy}")
    if outcome.first is None:
        outcome.first = policy
    elif outcome.through:
        outcome.others.append(policy)
    outcome.first = replace(outcome.first, certain=not outcome.others)
    return outcome


def _walk(table: Table, chain: str, packet: Packet, world: World, path: tuple[str, ...]) -> Outcome:
    if chain in path or chain not in table.chains:
        raise PathError(
            f"{table.manager}, table {table.name}: a jump leads to {chain}, which {'loops' if chain in path else 'is not there'}"
        )
    outcome, ended = Outcome(), False
    for rule in table.chains[chain]:
        for matches, verdict in rule.judge(packet, world):
            if matches is False:
                continue
            with world.unless(matches):
                inner = _follow(table, chain, rule, verdict, packet, world, path)
            leaves = verdict.kind in ("return", "goto")
            passes = inner.first is None or inner.through
            if matches is None and (leaves or inner.first or inner.others):
                outcome.doubts.append(f"{table.manager} {table.name} {chain}: {rule.text}")
            outcome.doubts += inner.doubts
            outcome.others += inner.others
            if matches is None or ended:
                outcome.others += [inner.first] if inner.first else []
                outcome.through |= leaves and passes
            else:
                outcome.first = inner.first
                outcome.through |= leaves and inner.through
                ended = inner.first is not None or leaves
            if matches and not (passes and not leaves):
                return outcome
            if matches:
                break
    outcome.through |= ended
    return outcome


def _follow(table: Table, chain: str, rule: Rule, verdict: Verdict, packet: Packet, world: World, path: tuple[str, ...]) -> Outcome:
    if verdict.kind in ("jump", "goto"):
        return _walk(table, verdict.target, packet, world, (*path, chain))
    return Outcome() if verdict.kind == "return" else Outcome(table.step(chain, rule, verdict))


def carriers(table: Table, hook: str, packet: Packet, world: World) -> Iterator[Step]:
    """Yield the accepting rules of ours for ``packet``, reached or not: first those behind jumps that it takes, then those behind none."""
    world = copy.deepcopy(world)
    bases = [base for base in table.bases if base.hook == hook and not base.nat]
    for base in bases:
        yield from _accepting(table, base.chain, packet, world, ())
    elsewhere = {chain for base in table.bases if base not in bases for chain in table.reachable(base.chain)}
    # A direction is in the name of chains of ours: what has lost its jump is not to be taken for the other one.
    for chain in (name for name in table.chains if name not in elsewhere and not name.endswith("-out")):
        yield from _ours(table, chain, table.chains[chain], packet, world)


def _accepting(table: Table, chain: str, packet: Packet, world: World, path: tuple[str, ...]) -> Iterator[Step]:
    if chain in path:
        return
    for rule in table.chains.get(chain, ()):
        yield from _ours(table, chain, [rule], packet, world)
        for matches, verdict in rule.judge(packet, world):
            if verdict.target and matches is not False:
                yield from _accepting(table, verdict.target, packet, world, (*path, chain))


def _ours(table: Table, chain: str, rules: Iterable[Rule], packet: Packet, world: World) -> Iterator[Step]:
    for rule in rules:
        for matches, verdict in rule.judge(packet, world):
            step = table.step(chain, rule, verdict, certain=matches is True)
            if matches is not False and verdict.kind == "accept" and step.ours:
                yield step
