# Copyright: (c) 2026, avi.firewall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json

import pytest
from ansible_collections.avi.firewall.plugins.module_utils import _host, _nftables


def chain(name, table="filter", family="inet", **base):
    return {"chain": {"family": family, "table": table, "name": name, **base}}


def rule(*expressions, of="input", handle=1, table="filter", family="inet", **more):
    return {"rule": {"family": family, "table": table, "chain": of, "handle": handle, "expr": list(expressions), **more}}


SADDR = {"match": {"op": "==", "left": {"payload": {"protocol": "ip", "field": "saddr"}}, "right": "@avi-con-service_engine-4"}}
FAMILY = {"match": {"op": "==", "left": {"meta": {"key": "nfproto"}}, "right": "ipv4"}}
PORT = {"match": {"op": "==", "left": {"payload": {"protocol": "tcp", "field": "dport"}}, "right": 22}}
DEVICE = {"match": {"op": "==", "left": {"meta": {"key": "iifname"}}, "right": "eth0"}}
DROP, REJECT, ACCEPT = {"drop": None}, {"reject": {"type": "icmpx", "expr": "admin-prohibited"}}, {"accept": None}
COUNTER, LIMIT, LOG = {"counter": {"packets": 0, "bytes": 0}}, {"limit": {"rate": 5, "per": "minute"}}, {"log": {"prefix": "x"}}


def parse(*entries):
    return _nftables.parse(json.dumps({"nftables": [{"metainfo": {}}, *entries]}))


@pytest.mark.parametrize(
    ("entry", "text"),
    [
        (
            rule(SADDR, PORT, ACCEPT, comment="avi:secure_channel"),
            'ip saddr @avi-con-service_engine-4 tcp dport 22 accept comment "avi:secure_channel"',
        ),
        (rule(FAMILY, PORT, ACCEPT), "meta nfproto ipv4 tcp dport 22 accept"),
        (
            rule(DEVICE, {"jump": {"target": "avi-con-in"}}, comment="avi:controller"),
            'iifname "eth0" jump avi-con-in comment "avi:controller"',
        ),
    ],
)
def test_a_rule_of_ours_is_read_in_the_words_it_was_written_in(entry, text):
    assert _nftables._text(entry["rule"]) == text


@pytest.mark.parametrize(
    ("expressions", "verdict", "conditional"),
    [
        ([DROP], "stop", False),
        ([COUNTER, REJECT], "stop", False),
        ([LOG, DROP], "stop", False),
        ([LIMIT, DROP], "stop", True),
        ([SADDR, DROP], "stop", True),
        ([LIMIT, LOG], "log", False),
        ([{"jump": {"target": "x"}}], "jump", False),
        ([PORT, {"goto": {"target": "x"}}], "jump", True),
        ([PORT, ACCEPT], "other", True),
        ([{"vmap": {}}], "other", True),
    ],
)
def test_a_rule_is_judged_by_its_verdict_and_conditions(expressions, verdict, conditional):
    judged = _nftables._judge(rule(*expressions)["rule"])
    assert (judged.verdict, judged.conditional) == (verdict, conditional)


@pytest.mark.parametrize(
    ("element", "written"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ({"prefix": {"addr": "192.0.2.0", "len": 24}}, "192.0.2.0/24"),
        ({"range": ["192.0.2.0", "192.0.2.127"]}, "192.0.2.0/25"),
        ({"range": ["192.0.2.1", "192.0.2.2"]}, "192.0.2.1 192.0.2.2"),
    ],
)
def test_an_element_of_a_set_is_read_as_it_was_written(element, written):
    assert _nftables._element(element) == written


def candidates(*entries):
    return [" ".join(name) for name in _nftables._candidates(parse(*entries), "input")]


INPUT = {"type": "filter", "hook": "input", "prio": 0}


@pytest.mark.parametrize(
    ("entries", "found"),
    [
        ([chain("input", **INPUT, policy="drop")], ["inet filter input"]),
        ([chain("input", **INPUT, policy="accept")], []),
        ([chain("input", **INPUT, policy="accept"), rule(COUNTER, REJECT)], ["inet filter input"]),
        ([chain("input", **INPUT, policy="accept"), rule(SADDR, DROP)], []),
        ([chain("output", type="filter", hook="output", prio=0, policy="drop")], []),
        # Made by iptables, firewalld, fail2ban: theirs to look after.
        ([chain("INPUT", family="ip", **INPUT, policy="drop")], []),
        ([chain("filter_INPUT", table="firewalld", **INPUT, policy="drop")], []),
        ([chain("f2b-chain", table="f2b-table", **INPUT, policy="drop")], []),
        # A person's own, though the table's name is one of iptables'.
        ([chain("input", family="ip", **INPUT, policy="drop")], ["ip filter input"]),
    ],
)
def test_the_chain_in_charge_is_a_persons_and_drops(entries, found):
    assert candidates(*entries) == found


TWO = parse(chain("input", **INPUT, policy="drop"), chain("input", table="other", **INPUT, policy="drop"))


def test_two_chains_in_charge_must_be_told_apart():
    with pytest.raises(
        _host.HostError, match=r"more than one chain .*: inet filter input, inet other input; name one with avi_firewall_nftables_chain"
    ):
        _nftables._base_chains(TWO, "input", None)
    assert _nftables._base_chains(TWO, "input", "inet other input") == [("inet", "other", "input")]


def test_one_chain_for_each_family_is_fine():
    found = parse(chain("input", family="ip", **INPUT, policy="drop"), chain("input", family="ip6", **INPUT, policy="drop"))
    assert [name[0] for name in _nftables._base_chains(found, "input", None)] == ["ip", "ip6"]


@pytest.mark.parametrize("named", ["inet filter forward", "filter input", "", "inet filter input extra words"])
def test_a_chain_that_is_not_there_is_refused(named):
    with pytest.raises(_host.HostError, match=r"is no base chain on the input hook; there is inet filter input, inet other input"):
        _nftables._base_chains(TWO, "input", named)


JUMP = {"jump": {"target": "avi-con-in"}}
MARKED = {"comment": "avi:controller"}


def commands(monkeypatch, *handles):
    """Return what a part without flows' sets but with its jump would do where jumps stand at ``handles``."""
    jumps = [rule(JUMP, handle=handle, **MARKED) for handle in handles]
    ruleset = parse(chain("input", **INPUT, policy="accept"), chain("avi-con-in"), *jumps, rule(DROP, handle=99))
    monkeypatch.setattr(_nftables, "_listing", lambda: ruleset)
    part = _nftables.Part(_host.Request("controller", "con"))
    part.rules = {("inet", "filter", "avi-con-in"): []}
    part.jumps = {("inet", "filter", "input"): ['jump avi-con-in comment "avi:controller"']}
    return part.commands()


@pytest.mark.parametrize(
    ("handles", "expected"),
    [
        ([7], []),
        ([7, 8], ["delete rule inet filter input handle 8"]),
        ([], ['insert rule inet filter input position 99 jump avi-con-in comment "avi:controller"']),
    ],
)
def test_a_jump_stands_once(monkeypatch, handles, expected):
    assert commands(monkeypatch, *handles) == expected


def test_who_gets_in_is_read_from_the_rules_that_stand(monkeypatch):
    everyone = rule(FAMILY, PORT, ACCEPT, of="avi-con-in")
    peer = rule(SADDR, PORT, ACCEPT, of="avi-con-in", comment="avi:ssh")
    own = {"set": {"family": "inet", "table": "filter", "name": "avi-con-service_engine-4", "elem": ["192.0.2.21"]}}
    ruleset = parse(chain("input", **INPUT, policy="drop"), chain("avi-con-in"), own, peer)
    monkeypatch.setattr(_nftables, "_listing", lambda: ruleset)
    part = _nftables.Part(_host.Request("controller", "con"))
    assert part.lets_in() == [("tcp", 22, "192.0.2.21")]
    ruleset.chains["inet", "filter", "avi-con-in"] = parse(chain("avi-con-in"), everyone).chains["inet", "filter", "avi-con-in"]
    assert ("tcp", 22, "0.0.0.0/0") in part.lets_in()


def test_a_former_state_comes_back_but_for_what_others_wrote_into_it(monkeypatch):
    peer = rule(SADDR, PORT, ACCEPT, of="avi-con-in", comment="avi:ssh")
    own = {
        "set": {"family": "inet", "table": "filter", "name": "avi-con-service_engine-4", "elem": [{"range": ["192.0.2.1", "192.0.2.2"]}]}
    }
    foreign = rule({"vmap": {}}, of="avi-con-in")
    held = parse(chain("input", **INPUT, policy="drop"), chain("avi-con-in"), own, peer, foreign, rule(JUMP, handle=7, **MARKED))
    monkeypatch.setattr(_nftables, "_listing", lambda: held)
    state = _nftables.Part(_host.Request("controller", "con")).state()
    monkeypatch.setattr(_nftables, "_listing", lambda: parse(chain("input", **INPUT, policy="drop")))
    assert _nftables.Part(_host.Request("controller", "con"), state).commands() == [
        "add set inet filter avi-con-service_engine-4 { type ipv4_addr; flags interval; }",
        "add element inet filter avi-con-service_engine-4 { 192.0.2.1, 192.0.2.2 }",
        "add chain inet filter avi-con-in",
        "flush chain inet filter avi-con-in",
        'add rule inet filter avi-con-in ip saddr @avi-con-service_engine-4 tcp dport 22 accept comment "avi:ssh"',
        'add rule inet filter input jump avi-con-in comment "avi:controller"',
    ]
