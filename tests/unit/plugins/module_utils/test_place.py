# Copyright: (c) 2026, avi.firewall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.avi.firewall.plugins.module_utils import _place

ACCEPT = _place.Rule("other")
DENY = _place.Rule("stop")
FINAL = _place.Rule("stop", conditional=False)
RESET = _place.Rule("stop", kind="new")
INVALID = _place.Rule("stop", kind="odd")
LOG = _place.Rule("log", conditional=False)
OURS = _place.Rule("jump", "avi-con-in", conditional=False)


def to(chain, conditional=False):
    return _place.Rule("jump", chain, conditional)


CHAINS = {
    "final": [LOG, FINAL],
    "deeper": [to("final")],
    "banned": [ACCEPT, DENY],
    "counted": [ACCEPT],
    "around": [to("banned")],
    "one": [to("two")],
    "two": [to("one")],
    "avi-con-in": [ACCEPT],
}


@pytest.mark.parametrize(
    ("rules", "place"),
    [
        ([], 0),
        ([ACCEPT], 1),
        ([ACCEPT, FINAL], 1),
        ([DENY], 1),
        ([ACCEPT, LOG, LOG, FINAL], 1),
        ([ACCEPT, LOG], 2),
        # What follows a catch-all is dead, whatever it says.
        ([FINAL, DENY, ACCEPT], 0),
        ([ACCEPT, to("final")], 1),
        ([ACCEPT, to("deeper")], 1),
        ([ACCEPT, to("final", conditional=True)], 2),
        ([ACCEPT, to("banned")], 2),
        # A loop is refused by the kernel, not by us; it must not hang us either.
        ([to("one")], 1),
    ],
)
def test_the_place_of_a_jump_is_before_the_final_catch_all(rules, place):
    assert _place.end(CHAINS, rules) == place


def limited(chain):
    return _place.Rule("jump", chain, kind="new")


@pytest.mark.parametrize(
    ("rules", "drops", "place"),
    [
        ([ACCEPT, RESET, RESET, FINAL], False, 1),
        ([ACCEPT, RESET, LOG, RESET], True, 1),
        ([ACCEPT, LOG], True, 1),
        ([ACCEPT, limited("deeper"), FINAL], False, 1),
        # A deny, though of what begins no connection, is a deny: ours stand behind it, and so behind what is in front of it.
        ([ACCEPT, INVALID, RESET, FINAL], False, 2),
        ([RESET, INVALID, FINAL], False, 2),
        ([RESET, DENY, RESET, FINAL], False, 2),
        ([RESET, ACCEPT, FINAL], False, 2),
        ([ACCEPT, limited("banned"), FINAL], False, 2),
        # Where nothing stops all, nothing leads up to that.
        ([ACCEPT, RESET], False, 2),
    ],
)
def test_what_stops_a_kind_of_packets_just_before_the_catch_all_is_part_of_it(rules, drops, place):
    assert _place.end(CHAINS, rules, drops) == place


@pytest.mark.parametrize(("met", "kind"), [([], "new"), ([True, True], "new"), ([True, False], "odd"), ([True, False, None], "who")])
def test_a_condition_that_may_say_who_calls_decides_on_the_kind_of_a_rule(met, kind):
    assert _place.kind(met) == kind


def test_a_jump_behind_what_leads_up_to_the_policy_is_misplaced():
    rules = [ACCEPT, RESET, OURS]
    assert _place.well_placed(CHAINS, rules, 2, frozenset({2}))
    assert not _place.well_placed(CHAINS, rules, 2, frozenset({2}), drops=True)


@pytest.mark.parametrize(
    ("rules", "good"),
    [
        ([OURS, RESET, RESET, FINAL], True),
        ([RESET, OURS, FINAL], False),
        ([OURS, INVALID, RESET, FINAL], False),
        ([OURS], True),
        ([DENY, OURS, FINAL], True),
        ([OURS, ACCEPT, FINAL], True),
        ([OURS, DENY, FINAL], False),
        ([FINAL, OURS], False),
        ([OURS, to("banned")], False),
        ([OURS, to("banned", conditional=True)], False),
        ([OURS, to("counted")], True),
        ([OURS, to("around")], False),
        ([OURS, to("one")], True),
        # Where a verdict of the firewall's own is said as a jump, as ACCEPT of iptables, there is no such chain.
        ([OURS, to("ACCEPT"), FINAL], True),
        ([OURS, LOG, FINAL], True),
        ([OURS, OURS, FINAL], True),
    ],
)
def test_a_jump_stands_after_specific_denies_and_before_the_catch_all(rules, good):
    ours = frozenset(index for index, rule in enumerate(rules) if rule == OURS)
    assert {_place.well_placed(CHAINS, rules, index, ours) for index in ours} == {good}


@pytest.mark.parametrize(
    ("rules", "found"),
    [
        ([DENY, FINAL], None),
        ([ACCEPT, FINAL, ACCEPT, LOG], None),
        ([FINAL, FINAL], None),
        ([ACCEPT, FINAL, ACCEPT, DENY], (1, 3)),
        ([to("deeper"), to("banned")], (0, 1)),
    ],
)
def test_a_deny_behind_a_catch_all_is_found(rules, found):
    assert _place.unreached(CHAINS, rules) == found


INSIDE = {
    **CHAINS,
    "listed": [LOG, DENY, to("ACCEPT", conditional=True), to("final")],
    "odd": [INVALID, ACCEPT, RESET, FINAL],
    "caller": [ACCEPT, FINAL],
    "nested": [to("caller", conditional=True), limited("listed"), FINAL],
    "loop": [to("loop"), DENY, FINAL],
}


@pytest.mark.parametrize(
    ("rules", "drops", "found"),
    [
        ([to("listed")], False, [(0, (("listed", 1),))]),
        ([ACCEPT, limited("listed"), LOG, FINAL], False, [(1, (("listed", 1),))]),
        ([ACCEPT, limited("listed"), LOG], True, [(1, (("listed", 1),))]),
        # Whatever stops all of some that come to it: who these are was told on the way.
        ([to("nested")], False, [(0, (("nested", 0), ("caller", 1))), (0, (("nested", 1), ("listed", 1)))]),
        ([to("loop")], False, [(0, (("loop", 1),))]),
        # What is odd is denied whoever calls, and the rest leads up to the catch-all or is it.
        ([to("odd")], False, []),
        ([to("final"), to("listed")], False, []),
        # Ours stand behind these.
        ([to("banned"), to("listed", conditional=True), FINAL], False, []),
        ([ACCEPT, DENY], False, []),
    ],
)
def test_a_deny_of_some_in_a_chain_that_stops_all_is_found(rules, drops, found):
    assert list(_place.inside(INSIDE, rules, drops)) == found
