# Copyright: (c) 2026, avi.firewall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json

import pytest
from ansible_collections.avi.firewall.plugins.module_utils import _host, _iptables, _place


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


STANDING = {
    "iptables": "-P INPUT DROP\n-N avi-con-in\n-A INPUT -j avi-con-in\n"
    "-A avi-con-in -p tcp -m set --match-set avi-con-x-4 src -m tcp --dport 22 -j ACCEPT\n"
    "-A avi-con-in -p udp -m udp --dport 161 -j ACCEPT",
    "ip6tables": "-P INPUT DROP",
    "ipset": "create avi-con-x-4 hash:net family inet\nadd avi-con-x-4 192.0.2.21",
}


def test_who_gets_in_is_read_from_the_rules_that_stand(monkeypatch):
    monkeypatch.setattr(_host, "run", lambda command, *arguments: STANDING[command])
    part = _iptables.Part(_host.Request("controller", "con"))
    assert part.lets_in() == [("tcp", 22, "192.0.2.21"), ("udp", 161, "0.0.0.0/0")]


def test_a_former_state_comes_back(monkeypatch):
    monkeypatch.setattr(_host, "run", lambda command, *arguments: STANDING[command])
    state = _iptables.Part(_host.Request("controller", "con")).state()
    monkeypatch.setattr(_host, "run", lambda command, *arguments: "" if command == "ipset" else "-P INPUT DROP")
    part = _iptables.Part(_host.Request("controller", "con"), json.loads(json.dumps(state)))
    assert part.sets == {"avi-con-x-4": {"192.0.2.21"}}
    assert part._restore(4, jumps_too=True) == [
        ":avi-con-in - [0:0]",
        "-A avi-con-in -p tcp -m set --match-set avi-con-x-4 src -m tcp --dport 22 -j ACCEPT",
        "-A avi-con-in -p udp -m udp --dport 161 -j ACCEPT",
        "-I INPUT 1 -j avi-con-in",
    ]
