# Copyright: (c) 2026, avi.firewall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.avi.firewall.plugins.module_utils import _explain
from ansible_collections.avi.firewall.plugins.module_utils._packet import Path, Step

OURS = Step("iptables", "filter", "avi-con-in", '-A avi-con-in --comment "avi:https" -j ACCEPT', 4, 7, "accept")
THEIRS = Step("iptables", "filter", "INPUT", "-A INPUT -p tcp --dport 443 -j ACCEPT", 2, None, "accept")
REJECT = Step("iptables", "filter", "INPUT", "-A INPUT -s 192.0.2.1 -j REJECT", 1, 3, "reject")
LATER = Step("nftables", "inet late", "in", "tcp dport 443 drop", 1, None, "drop")
POLICY = Step("iptables", "filter", "INPUT", "-P INPUT DROP", 0, 9, "policy drop")
OPEN = Step("iptables", "filter", "INPUT", "-P INPUT ACCEPT", 0, None, "policy accept")

TOLD = 'rule 4 of iptables, table filter, chain avi-con-in: -A avi-con-in --comment "avi:https" -j ACCEPT (packets: 7)'


def asked(expected, observed, port=443):
    return {
        "source_address": "192.0.2.1",
        "address": "192.0.2.11",
        "protocol": "tcp",
        "port": port,
        "expected": expected,
        "observed": observed,
    }


@pytest.mark.parametrize(
    ("path", "cause"),
    [
        (
            Path("drop", POLICY),
            "no rule of ours lets it in: the policy of iptables, table filter, chain INPUT: -P INPUT DROP (packets: 9) stops it",
        ),
        (
            Path("reject", REJECT, [REJECT], OURS),
            "rule 1 of iptables, table filter, chain INPUT: -A INPUT -s 192.0.2.1 -j REJECT (packets: 3) stops it, "
            f"before ours lets it in, {TOLD}",
        ),
        (
            Path("drop", LATER, [OURS, LATER], OURS),
            f"rule 1 of nftables, table inet late, chain in: tcp dport 443 drop stops it, although ours lets it in, {TOLD}",
        ),
        (
            Path("drop", POLICY, forwarded_to=("172.17.0.2", 443)),
            "no rule of ours lets it in: it goes to 172.17.0.2 port 443, past INPUT, where the policy of iptables, table filter, chain "
            "INPUT: -P INPUT DROP (packets: 9) stops it",
        ),
        (Path("accept", OURS, [OURS], OURS), f"this host lets it in, by {TOLD}: it is stopped on the way, before or behind this host"),
        (Path("accept"), "no rule of this host stops it: it is stopped on the way, before or behind this host"),
        (Path("unknown", doubts=["a", "b"]), "it cannot be told what the rules of this host do; a; b may decide"),
        (
            Path("accept", OURS, [OURS], OURS, route_back="unreachable 192.0.2.1 dev lo"),
            "this host has no way back: unreachable the source dev lo",
        ),
    ],
)
@pytest.mark.parametrize("observed", ["filtered", "rejected"])
def test_why_it_does_not_get_in(path, cause, observed):
    assert _explain.causes(asked("open", observed), path, []) == [cause]


def test_a_stop_and_a_missing_way_back_are_both_told():
    path = Path("drop", POLICY, route_back="no route to 192.0.2.1: RTNETLINK answers: Network is unreachable")
    assert [cause.split(":")[0] for cause in _explain.causes(asked("open", "filtered"), path, [])] == [
        "no rule of ours lets it in",
        "this host has no way back",
    ]


@pytest.mark.parametrize(
    ("path", "cause"),
    [
        (
            Path("accept", THEIRS),
            "a rule that is not ours lets it in: rule 2 of iptables, table filter, chain INPUT: -A INPUT -p tcp --dport 443 -j ACCEPT",
        ),
        (Path("accept", OURS), f"a rule of ours that is not of the plan lets it in: {TOLD}"),
        (Path("accept", OPEN), "no rule of this host stops it: the policy of iptables, table filter, chain INPUT: -P INPUT ACCEPT"),
        (Path("accept"), "no rule of this host stops it"),
        (
            Path("accept", THEIRS, forwarded_to=("172.17.0.2", 443)),
            "it goes to 172.17.0.2 port 443, past INPUT, and no guard of ours stops it there",
        ),
        (Path("drop", POLICY), "the policy of iptables, table filter, chain INPUT: -P INPUT DROP (packets: 9) stops it now"),
        (Path("unknown", doubts=["a"]), "it cannot be told what the rules of this host do; a may decide"),
    ],
)
@pytest.mark.parametrize("observed", ["open", "closed"])
def test_why_it_gets_in(path, cause, observed):
    assert _explain.causes(asked("shut", observed), path, []) == [cause]


@pytest.mark.parametrize(
    ("holders", "cause"),
    [
        ([], "nobody listens on tcp port 443"),
        ([{"protocol": "udp", "port": 443, "address": "*", "process": "x"}], "nobody listens on tcp port 443"),
        (
            [{"protocol": "tcp", "port": 443, "address": "127.0.0.1", "process": "nginx"}],
            "nobody listens on 192.0.2.11, tcp port 443, only nginx on 127.0.0.1",
        ),
        (
            [{"protocol": "tcp", "port": 443, "address": "127.0.0.1", "process": ""}],
            "nobody listens on 192.0.2.11, tcp port 443, only somebody on 127.0.0.1",
        ),
    ],
)
def test_a_closed_port_is_the_services_fault(holders, cause):
    assert _explain.causes(asked("open", "closed"), Path("accept", OURS), holders) == [cause]


def test_what_is_not_known_has_no_cause():
    assert _explain.causes(asked("open", "unknown"), Path("drop", POLICY), []) == []
