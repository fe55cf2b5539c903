# Copyright: (c) 2026, avi.firewall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.avi.firewall.plugins.module_utils import _iptables, _place


def test_a_listing_is_read_with_its_quotes():
    found = _iptables.parse('-P INPUT DROP\n-N mine\n-A INPUT -m comment --comment "a b" -j mine\n-A mine -j RETURN')
    assert found.policies == {"INPUT": "DROP"}
    assert found.chains == {"INPUT": [("-m", "comment", "--comment", "a b", "-j", "mine")], "mine": [("-j", "RETURN")]}


@pytest.mark.parametrize(
    ("rule", "judged"),
    [
        ("-j DROP", _place.Rule("stop", "DROP", False)),
        ("-j REJECT --reject-with icmp-port-unreachable", _place.Rule("stop", "REJECT", False)),
        ('-m comment --comment "the end" -j DROP', _place.Rule("stop", "DROP", False)),
        ("-s 203.0.113.1/32 -j DROP", _place.Rule("stop", "DROP", True)),
        ("-m limit --limit 5/min -j LOG --log-prefix x", _place.Rule("log", "LOG", True)),
        ("-j NFLOG", _place.Rule("log", "NFLOG", False)),
        ("-g mine", _place.Rule("jump", "mine", False)),
        ("-i lo -j ACCEPT", _place.Rule("jump", "ACCEPT", True)),
        ("-p tcp", _place.Rule("jump", "", True)),
    ],
)
def test_a_rule_is_judged_by_its_target_and_conditions(rule, judged):
    found = _iptables.parse(f"-P INPUT ACCEPT\n-A INPUT {rule}")
    assert _iptables.judge(found.chains["INPUT"][0]) == judged


def test_the_place_is_before_a_chain_that_stops_all():
    found = _iptables.parse("-P INPUT ACCEPT\n-N final\n-A INPUT -i lo -j ACCEPT\n-A INPUT -j final\n-A final -j LOG\n-A final -j DROP")
    assert _iptables.place(found, found.chains["INPUT"]) == 1
