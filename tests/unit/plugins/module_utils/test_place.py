# Copyright: (c) 2026, avi.firewall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.avi.firewall.plugins.module_utils import _place

ACCEPT = _place.Rule("other")
DENY = _place.Rule("stop")
FINAL = _place.Rule("stop", conditional=False)
LOG = _place.Rule("log", conditional=False)
OURS = _place.Rule("jump", "avi-con-in", conditional=False)


def to(chain, conditional=False):
    return _place.Rule("jump", chain, conditional)


CHAINS = {
    "final": [LOG, FINAL],
    "deeper": [to("final")],
    "banned": [ACCEPT, DENY],
    "counted": [ACCEPT],
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


@pytest.mark.parametrize(
    ("rules", "good"),
    [
        ([OURS], True),
        ([DENY, OURS, FINAL], True),
        ([OURS, ACCEPT, FINAL], True),
        ([OURS, DENY, FINAL], False),
        ([FINAL, OURS], False),
        ([OURS, to("banned")], False),
        ([OURS, to("banned", conditional=True)], False),
        ([OURS, to("counted")], True),
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
