# Copyright: (c) 2026, avi.firewall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where a jump of ours belongs in a chain of rules that are not ours: after those that stop some, before the one that stops all."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Rule:
    """A rule as far as its place matters.

    ``verdict`` is ``stop`` (drop, reject), ``jump`` (to ``target``, or goto), ``log`` (it only takes note) or ``other``; a rule without
    conditions is for every packet. ``kind`` is what conditions tell apart: ``who`` calls, or at which port, as far as we know; else
    kinds of packets, ``new`` where such as begin a connection meet them, ``odd`` where only others do: invalid ones, broadcasts.
    """

    verdict: str
    target: str = ""
    conditional: bool = True
    kind: str = "who"


Chains = Mapping[str, Sequence[Rule]]
# The chain and the place in it of each rule that leads to another one, and of that one.
Way = tuple[tuple[str, int], ...]


def stops(chains: Chains, rule: Rule, seen: frozenset[str] = frozenset()) -> bool:
    """Say whether ``rule`` can stop a packet: by itself, or in a chain it leads to."""
    if rule.verdict != "jump" or rule.target in seen:
        return rule.verdict == "stop"
    return any(stops(chains, inner, seen | {rule.target}) for inner in chains.get(rule.target, ()))


def kind(met: Iterable[bool | None]) -> str:
    """Return the kind of a rule by its conditions: whether a new connection meets each, None where it says who calls or at which port."""
    found = set(met)
    return "who" if None in found else "odd" if False in found else "new"


def catches_all(chains: Chains, rule: Rule, seen: frozenset[str] = frozenset()) -> bool:
    """Say whether no packet gets past ``rule``: it stops every one, or leads to a chain that ends so."""
    return not rule.conditional and _stops_what_meets(chains, rule, seen)


def _stops_what_meets(chains: Chains, rule: Rule, seen: frozenset[str] = frozenset()) -> bool:
    """Say whether no packet that meets the conditions of ``rule`` gets past it."""
    if rule.verdict != "jump" or rule.target in seen:
        return rule.verdict == "stop"
    return catch_all(chains, chains.get(rule.target, ()), seen | {rule.target}) is not None


def catch_all(chains: Chains, rules: Sequence[Rule], seen: frozenset[str] = frozenset()) -> int | None:
    """Return the place of the first of ``rules`` that no packet gets past, None without such."""
    return next((index for index, rule in enumerate(rules) if catches_all(chains, rule, seen)), None)


def end(chains: Chains, rules: Sequence[Rule], drops: bool = False) -> int:
    """Return the place before what stops all that is left of ``rules``; their number if nothing does.

    That is the catch-all, or the policy of the chain if it ``drops``, with what leads up to it: logging, and rules that stop the same
    packets in a way of their own, as a reset for TCP or a reject with a limit, whoever calls and at whichever port.
    """
    place = catch_all(chains, rules)
    if place is None:
        place = len(rules)
        if not drops:
            return place
    while place and _leads_up(chains, rules[place - 1]):
        place -= 1
    return place


def _leads_up(chains: Chains, rule: Rule) -> bool:
    # What is odd may be denied without a word of who, but a new connection has no need to come before that.
    return rule.verdict == "log" or (rule.kind == "new" and _stops_what_meets(chains, rule))


def well_placed(chains: Chains, rules: Sequence[Rule], index: int, ours: frozenset[int], drops: bool = False) -> bool:
    """Say whether the jump at ``index`` is in its place; ``ours`` are the places of all jumps of ours."""
    before = [rule for place, rule in enumerate(rules[:index]) if place not in ours]
    foreign = [rule for place, rule in enumerate(rules) if place not in ours]
    last = end(chains, foreign, drops)
    return len(before) <= last and not any(stops(chains, rule) for rule in foreign[len(before) : last])


def unreached(chains: Chains, rules: Sequence[Rule]) -> tuple[int, int] | None:
    """Return the places of the rule that stops all and of a first one behind it that is meant to stop some, None without such.

    No jump can stand before the former and behind the latter.
    """
    last = catch_all(chains, rules)
    if last is None:
        return None
    for index in range(last + 1, len(rules)):
        if stops(chains, rules[index]) and not catches_all(chains, rules[index]):
            return last, index
    return None


def inside(chains: Chains, rules: Sequence[Rule], drops: bool) -> Iterator[tuple[int, Way]]:
    """Yield each deny of some in a chain that the end of ``rules`` leads to: the place of the rule that does, and the way to the deny.

    A jump before the former overrides the latter.
    """
    last = catch_all(chains, rules)
    for index in range(end(chains, rules, drops), len(rules) if last is None else last + 1):
        yield from ((index, way) for way in _denies(chains, rules[index]))


def _denies(chains: Chains, rule: Rule, seen: frozenset[str] = frozenset(), some: bool = False) -> Iterator[Way]:
    """Yield the ways from ``rule`` to what stops some; ``some`` are all that come here. What is odd is stopped whoever calls."""
    some = some or (rule.conditional and rule.kind == "who")
    if rule.verdict == "stop" and some:
        yield ()
    if rule.verdict == "jump" and rule.target not in seen:
        for index, inner in enumerate(chains.get(rule.target, ())):
            for way in _denies(chains, inner, seen | {rule.target}, some):
                yield ((rule.target, index), *way)
