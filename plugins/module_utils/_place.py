# Copyright: (c) 2026, avi.firewall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where a jump of ours belongs in a chain of rules that are not ours: after those that stop some, before the one that stops all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Rule:
    """A rule as far as its place matters.

    ``verdict`` is ``stop`` (drop, reject), ``jump`` (to ``target``, or goto), ``log`` or ``other``; a rule without conditions
    is for every packet.
    """

    verdict: str
    target: str = ""
    conditional: bool = True


Chains = Mapping[str, Sequence[Rule]]


def stops(chains: Chains, rule: Rule, seen: frozenset[str] = frozenset()) -> bool:
    """Say whether ``rule`` can stop a packet: by itself, or in a chain it leads to."""
    if rule.verdict != "jump" or rule.target in seen:
        return rule.verdict == "stop"
    return any(stops(chains, inner, seen | {rule.target}) for inner in chains.get(rule.target, ()))


def catches_all(chains: Chains, rule: Rule, seen: frozenset[str] = frozenset()) -> bool:
    """Say whether no packet gets past ``rule``: it stops every one, or leads to a chain that ends so."""
    if rule.conditional or rule.target in seen:
        return False
    inner = chains.get(rule.target, ())
    return rule.verdict == "stop" or end(chains, inner, seen | {rule.target}) < len(inner)


def end(chains: Chains, rules: Sequence[Rule], seen: frozenset[str] = frozenset()) -> int:
    """Return the place before the catch-all of ``rules`` and the logging that leads up to it; their number if there is none."""
    place = next((index for index, rule in enumerate(rules) if catches_all(chains, rule, seen)), None)
    if place is None:
        return len(rules)
    while place and rules[place - 1].verdict == "log":
        place -= 1
    return place


def well_placed(chains: Chains, rules: Sequence[Rule], index: int, ours: frozenset[int]) -> bool:
    """Say whether the jump at ``index`` is in its place; ``ours`` are the places of all jumps of ours."""
    before = [rule for place, rule in enumerate(rules[:index]) if place not in ours]
    foreign = [rule for place, rule in enumerate(rules) if place not in ours]
    last = end(chains, foreign)
    return len(before) <= last and not any(stops(chains, rule) for rule in foreign[len(before) : last])


def unreached(chains: Chains, rules: Sequence[Rule]) -> tuple[int, int] | None:
    """Return the places of the rule that stops all and of a first one behind it that is meant to stop some, None without such.

    No jump can stand before the former and behind the latter.
    """
    last = next((index for index, rule in enumerate(rules) if catches_all(chains, rule)), len(rules))
    for index in range(last + 1, len(rules)):
        if stops(chains, rules[index]) and not catches_all(chains, rules[index]):
            return last, index
    return None
