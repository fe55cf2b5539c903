# Copyright: (c) 2026, avi.firewall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.avi.firewall.plugins.module_utils import _iptables

JUMP = "-m comment --comment avi:controller -j avi-con-in"


def table(*rules, policy="ACCEPT", **chains):
    lines = [f"-P INPUT {policy}", *(f"-N {name}" for name in chains)]
    lines += [f"-A INPUT {rule}" for rule in rules]
    lines += [f"-A {name} {rule}" for name, inner in chains.items() for rule in inner]
    return _iptables.parse("\n".join(lines))


def place(*rules, **chains):
    found = table(*rules, **chains)
    return _iptables.end(found, found.chains["INPUT"])


def test_a_listing_is_read_with_its_quotes():
    found = _iptables.parse('-P INPUT DROP\n-N mine\n-A INPUT -m comment --comment "a b" -j mine\n-A mine -j RETURN')
    assert found.policies == {"INPUT": "DROP"}
    assert found.chains == {"INPUT": [("-m", "comment", "--comment", "a b", "-j", "mine")], "mine": [("-j", "RETURN")]}


@pytest.mark.parametrize(
    ("rules", "chains", "expected"),
    [
        ([], {}, 0),
        (["-i lo -j ACCEPT"], {}, 1),
        (["-i lo -j ACCEPT", "-j DROP"], {}, 1),
        (["-s 203.0.113.1/32 -j DROP"], {}, 1),
        (["-i lo -j ACCEPT", "-j REJECT --reject-with icmp-port-unreachable"], {}, 1),
        (["-i lo -j ACCEPT", '-m comment --comment "the end" -j DROP'], {}, 1),
        (["-i lo -j ACCEPT", "-m limit --limit 5/min -j LOG --log-prefix x", "-j NFLOG", "-j DROP"], {}, 1),
        (["-i lo -j ACCEPT", "-j LOG"], {}, 2),
        # What follows a catch-all is dead, whatever it says.
        (["-j DROP", "-s 203.0.113.1/32 -j DROP", "-p tcp -j ACCEPT"], {}, 0),
        (["-i lo -j ACCEPT", "-j final"], {"final": ["-j LOG", "-j DROP"]}, 1),
        (["-i lo -j ACCEPT", "-g final"], {"final": ["-j deeper"], "deeper": ["-j REJECT"]}, 1),
        (["-i lo -j ACCEPT", "-j some"], {"some": ["-p tcp -j DROP"]}, 2),
        # A loop is refused by the kernel, not by us; it must not hang us either.
        (["-j one"], {"one": ["-j two"], "two": ["-j one"]}, 1),
    ],
)
def test_the_place_of_a_jump_is_before_the_final_catch_all(rules, chains, expected):
    assert place(*rules, **chains) == expected


@pytest.mark.parametrize(
    ("rules", "chains", "good"),
    [
        ([JUMP], {}, True),
        (["-s 203.0.113.1/32 -j DROP", JUMP, "-j DROP"], {}, True),
        ([JUMP, "-p icmp -j ACCEPT", "-j DROP"], {}, True),
        ([JUMP, "-s 203.0.113.1/32 -j DROP", "-j DROP"], {}, False),
        (["-j DROP", JUMP], {}, False),
        ([JUMP, "-p tcp -j banned"], {"banned": ["-s 203.0.113.1/32 -j REJECT"]}, False),
        ([JUMP, "-p tcp -j counted"], {"counted": ["-j RETURN"]}, True),
        ([JUMP, "-j LOG", "-j DROP"], {}, True),
    ],
)
def test_a_jump_stands_after_specific_denies_and_before_the_catch_all(rules, chains, good):
    found = table(*rules, **chains)
    jump = tuple(JUMP.split())
    inside = found.chains["INPUT"]
    assert _iptables.well_placed(found, inside, inside.index(jump), frozenset([jump])) is good


def test_jumps_of_two_parts_do_not_misplace_each_other():
    other = JUMP.replace("con-in", "node-in")
    found = table(JUMP, other, "-j DROP")
    inside = found.chains["INPUT"]
    ours = frozenset(inside[:2])
    assert all(_iptables.well_placed(found, inside, index, ours) for index in (0, 1))
