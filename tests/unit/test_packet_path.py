# Copyright: (c) 2026, avi.firewall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The rulesets in data/packet_path were printed by firewalld 1.3, ufw 0.36, iptables 1.8.9 and nft 1.0.6, and cut down."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path

import pytest
from ansible_collections.avi.firewall.plugins.module_utils import _nft_path, _packet, _path, _xtables
from hypothesis import given
from hypothesis import strategies as st

DATA = Path(__file__).parent / "data" / "packet_path"
ADDRESSES = json.dumps(
    [
        {"ifname": name, "addr_info": [{"local": local, "prefixlen": length}]}
        for name, local, length in (
            ("lo", "127.0.0.1", 8),
            ("eth0", "192.0.2.1", 24),
            ("eth0", "2001:db8::1", 64),
            ("docker0", "172.17.0.1", 16),
        )
    ]
)
PEER, STRANGER, PEER6, STRANGER6 = "192.0.2.9", "192.0.2.77", "2001:db8::9", "2001:db8:1::9"
HEAD = "*filter\n:INPUT DROP [5:300]\n:FORWARD DROP [0:0]\n:avi-con-in - [0:0]\n:other - [0:0]\n"


def stored(name: str) -> str:
    return (DATA / name).read_text(encoding="utf-8")


def host(nft: str = "", **saves: str) -> _path.Host:
    """Return a host with a ruleset of nftables out of data/packet_path, and rules of iptables."""
    words = {"nft": stored(f"{nft}.json"), "nft_words": stored(f"{nft}.nft")} if nft else {}
    saves = {manager.replace("_", "-"): text for manager, text in saves.items()}
    return _path.Host(**words, saves=saves, ipset=stored("docker.ipset"), addresses=ADDRESSES)


def call(where: _path.Host, source: str, port: int = 8443, protocol: str = "tcp", **other) -> _packet.Path:
    destination = "2001:db8::1" if ":" in source else "192.0.2.1"
    where.routes[source] = '[{"dev": "eth0"}]'
    return _path.judge(where, _packet.Packet(source, destination, protocol, port, **other))


def rules(*lines: str) -> _path.Host:
    return host(iptables=HEAD + "".join(f"[3:180] -A {line}\n" for line in lines) + "COMMIT\n")


FIREWALLD = host("firewalld")
UFW = host(iptables=stored("ufw.rules"), ip6tables=stored("ufw6.rules"))
DOCKER = host("guard", iptables=stored("docker.rules"))
NFTABLES = host("nftables")


@pytest.mark.parametrize(
    ("where", "source", "port", "protocol", "decision", "chain"),
    [
        (FIREWALLD, PEER, 8443, "tcp", "accept", "filter_IN_public_allow"),
        (FIREWALLD, PEER, 123, "udp", "accept", "filter_IN_public_allow"),
        (FIREWALLD, PEER6, 8443, "tcp", "accept", "filter_IN_public_allow"),
        (FIREWALLD, STRANGER, 8443, "tcp", "reject", "filter_IN_public"),
        (FIREWALLD, STRANGER6, 8443, "tcp", "reject", "filter_IN_public"),
        (FIREWALLD, "203.0.113.4", 22, "tcp", "reject", "filter_IN_public_deny"),
        (FIREWALLD, "10.9.1.1", 22, "tcp", "drop", "filter_IN_drop"),
        (UFW, PEER, 8443, "tcp", "accept", "ufw-user-input"),
        (UFW, PEER6, 123, "udp", "accept", "ufw6-user-input"),
        (UFW, STRANGER, 8443, "tcp", "drop", "INPUT"),
        (UFW, STRANGER, 445, "tcp", "drop", "ufw-skip-to-policy-input"),
        (UFW, "203.0.113.4", 8443, "tcp", "drop", "ufw-user-input"),
        (DOCKER, PEER, 8443, "tcp", "accept", "published"),
        (DOCKER, STRANGER, 8443, "tcp", "drop", "published"),
        (DOCKER, PEER, 161, "udp", "drop", "published"),
        (DOCKER, PEER, 123, "udp", "accept", "avi-con-in"),
        (DOCKER, "192.0.2.5", 123, "udp", "reject", "INPUT"),
        (DOCKER, PEER, 2005, "tcp", "accept", "INPUT"),
        (DOCKER, PEER, 2011, "tcp", "reject", "INPUT"),
        (DOCKER, "203.0.113.66", 8443, "tcp", "drop", "PREROUTING"),
        (NFTABLES, PEER, 8443, "tcp", "accept", "avi-con-in"),
        (NFTABLES, "198.51.100.8", 8443, "tcp", "accept", "avi-con-in"),
        (NFTABLES, "198.51.100.10", 8443, "tcp", "drop", "input"),
        (NFTABLES, PEER6, 8443, "tcp", "accept", "avi-con-in"),
        (NFTABLES, STRANGER6, 8443, "tcp", "drop", "input"),
        (NFTABLES, "192.0.2.66", 22, "tcp", "drop", "input"),
        (NFTABLES, PEER, 25, "tcp", "drop", "input"),
        (NFTABLES, PEER, 26, "tcp", "reject", "special"),
        (NFTABLES, "192.0.2.200", 26, "tcp", "accept", "input"),
        (NFTABLES, "192.0.2.200", 27, "tcp", "drop", "input"),
        (NFTABLES, PEER, 7005, "tcp", "accept", "input"),
        (NFTABLES, PEER, 7011, "tcp", "drop", "input"),
        (NFTABLES, PEER, 5005, "udp", "accept", "input"),
        (NFTABLES, PEER, 5005, "tcp", "drop", "input"),
        (NFTABLES, PEER, 5555, "tcp", "reject", "input"),
        (NFTABLES, PEER6, 5555, "tcp", "drop", "input"),
        (NFTABLES, "10.1.2.3", 5555, "tcp", "drop", "input"),
        (NFTABLES, PEER, 6672, "udp", "accept", "input"),
        (NFTABLES, PEER, 8444, "tcp", "drop", "input"),
    ],
)
def test_the_rule_that_decides(where, source, port, protocol, decision, chain):
    found = call(where, source, port, protocol)
    assert (found.decision, found.deciding.chain, found.doubts) == (decision, chain, [])


def test_an_accept_of_ours_with_its_counter():
    found = call(UFW, PEER)
    assert found.deciding == found.carrier
    assert (found.deciding.manager, found.deciding.number, found.deciding.counter) == ("iptables", 3, 42)
    assert (found.deciding.ours, found.deciding.certain, found.reached) == (True, True, True)


def test_a_policy_decides_with_its_counter():
    step = call(UFW, STRANGER).deciding
    assert (step.verdict, step.text, step.number, step.counter, step.ours) == ("policy drop", "-P INPUT DROP", 0, 7, False)


def test_a_rule_of_nftables_in_the_words_of_nft():
    assert call(NFTABLES, PEER).deciding.text == (
        'ip saddr @avi-con-service_engine-4 tcp dport 8443 counter accept comment "avi:secure_channel"'
    )


def test_a_later_table_drops_what_ours_accepts():
    found = call(NFTABLES, PEER, 8444)
    assert (found.deciding.table, found.deciding.text) == ("inet late", "tcp dport 8444 drop")
    assert (found.carrier.table, found.carrier.chain, found.reached) == ("inet host", "avi-con-in", True)


def test_a_dead_accept_behind_a_foreign_reject():
    ours = 'avi-con-in -p tcp -m tcp --dport 8443 -m comment --comment "avi:secure_channel" -j ACCEPT'
    where = rules("INPUT -p tcp -j REJECT --reject-with tcp-reset", 'INPUT -m comment --comment "avi:controller" -j avi-con-in', ours)
    found = call(where, PEER)
    assert (found.decision, found.deciding.text) == ("reject", "-A INPUT -p tcp -j REJECT --reject-with tcp-reset")
    assert (found.carrier.text, found.reached) == (f"-A {ours}", False)


def test_an_accept_that_no_jump_leads_to():
    found = call(rules('avi-con-in -p tcp -m tcp --dport 8443 -m comment --comment "avi:secure_channel" -j ACCEPT'), PEER)
    assert (found.decision, found.deciding.verdict, found.carrier.chain, found.reached) == ("drop", "policy drop", "avi-con-in", False)


def test_a_published_port_is_forwarded_and_never_passes_input():
    found = call(DOCKER, PEER)
    assert (found.hook, found.forwarded_to) == ("forward", ("172.17.0.2", 443))
    assert [(step.table, step.chain, step.verdict) for step in found.steps] == [
        ("raw", "PREROUTING", "policy accept"),
        ("inet avi-firewall", "called", "policy accept"),
        ("nat", "DOCKER", "dnat"),
        ("filter", "DOCKER", "accept"),
        ("inet avi-firewall", "published", "accept"),
    ]


def test_what_is_called_elsewhere_is_no_business_of_the_guard():
    guarded = DOCKER
    guarded.routes[STRANGER] = '[{"dev": "eth0"}]'
    there = _packet.Packet(STRANGER, "198.51.100.1", "tcp", 8443, interface="docker0", out="eth0")
    found = _path.judge(guarded, there)
    assert (found.decision, found.hook, found.deciding.table, found.forwarded_to) == ("accept", "forward", "filter", None)


def test_the_label_of_the_guard_lets_pass():
    labelled = _path.Host(
        nft=stored("guard.json"),
        addresses=ADDRESSES,
        saves={"iptables": "*nat\n:PREROUTING ACCEPT [0:0]\n-A PREROUTING -p tcp --dport 8443 -j DNAT --to-destination 172.17.0.2\n"},
    )
    found = _path.judge(labelled, _packet.Packet(STRANGER, "198.51.100.1", "tcp", 8443))
    assert (found.decision, found.deciding.chain, found.deciding.number) == ("accept", "published", 1)
    found = _path.judge(labelled, _packet.Packet(STRANGER, "192.0.2.1", "tcp", 8443))
    assert (found.decision, found.deciding.number) == ("drop", 4)


def test_redirected_to_another_port_of_this_host():
    found = call(NFTABLES, PEER, 9000)
    assert (found.decision, found.forwarded_to, found.deciding.chain) == ("accept", ("192.0.2.1", 8443), "avi-con-in")


def test_a_map_says_where_to():
    found = call(NFTABLES, PEER, 9011)
    assert (found.decision, found.forwarded_to, found.deciding.chain) == ("accept", ("172.17.0.3", 9011), "forward")
    assert call(NFTABLES, PEER, 9012).forwarded_to is None


def test_a_limit_gives_a_doubt_and_no_guess():
    found = call(NFTABLES, PEER, 6666)
    assert (found.decision, found.deciding.verdict, found.deciding.certain) == ("unknown", "policy drop", False)
    assert found.doubts == ["nftables inet host input: tcp dport 6666 limit rate 5/minute accept"]
    found = call(UFW, PEER, 2222)
    assert (found.decision, found.deciding.chain, len(found.doubts)) == ("unknown", "ufw-user-limit-accept", 1)


@pytest.mark.parametrize(
    ("rule", "decision"),
    [
        ("-s 192.0.2.0/28", "accept"),
        ("! -s 192.0.2.0/28", "drop"),
        ("-i eth+", "accept"),
        ("! -i eth0", "drop"),
        ("-p udp", "drop"),
        ("-p tcp -m tcp --dport 8000:9000", "accept"),
        ("-p tcp -m tcp ! --dport 8000:9000", "drop"),
        ("-p tcp -m multiport --dports 1,8440:8450", "accept"),
        ("-p tcp -m multiport ! --dports 1,8440:8450", "drop"),
        ("-p tcp -m tcp --sport 1000", "unknown"),
        ("-p tcp -m tcp --tcp-flags FIN,SYN,RST,ACK SYN", "accept"),
        ("-p icmp -m icmp --icmp-type 8", "drop"),
        ("-m conntrack --ctstate NEW", "accept"),
        ("-m conntrack ! --ctstate NEW", "drop"),
        ("-m state --state RELATED,ESTABLISHED", "drop"),
        ("-m conntrack --ctorigdstport 8443 --ctdir ORIGINAL", "accept"),
        ("-m conntrack --ctstate DNAT", "drop"),
        ("-m set --match-set avi-con-service_engine-4 src", "accept"),
        ("-m set ! --match-set avi-con-service_engine-4 src", "drop"),
        ("-m set --match-set avi-con-service_engine-4 dst", "accept"),
        ("-m set --match-set ports src,dst", "unknown"),
        ("-m set --match-set gone src", "unknown"),
        ("-m addrtype --dst-type LOCAL", "accept"),
        ("-m addrtype ! --dst-type LOCAL", "drop"),
        ("-m mark --mark 0x1/0x1", "drop"),
        ("-m rt --rt-type 0", "drop"),
        ("-m limit --limit 3/min", "unknown"),
        ("-m newfangled --shape round", "unknown"),
        ("-m socket", "unknown"),
        ('-m comment --comment "-j DROP"', "accept"),
    ],
)
def test_a_condition_of_iptables(rule, decision):
    assert call(rules(f"INPUT {rule} -j ACCEPT"), PEER).decision == decision


@pytest.mark.parametrize(
    ("lines", "decision", "chain"),
    [
        (["INPUT -j other", "other -j RETURN", "other -j REJECT", "INPUT -j ACCEPT"], "accept", "INPUT"),
        (["INPUT -g other", "other -p udp -j ACCEPT", "INPUT -j ACCEPT"], "drop", "INPUT"),
        (["INPUT -j RETURN", "INPUT -j ACCEPT"], "drop", "INPUT"),
        (["INPUT -j LOG --log-prefix x", "INPUT -m limit --limit 1/sec -j NFLOG", "INPUT -j ACCEPT"], "accept", "INPUT"),
        (["INPUT -j other", "other -m limit --limit 1/sec -j RETURN", "other -j DROP", "INPUT -j ACCEPT"], "unknown", "other"),
        (
            [
                "INPUT -j other",
                "other -j avi-con-in",
                "avi-con-in -m limit --limit 1/sec -j RETURN",
                "avi-con-in -j DROP",
                "INPUT -j ACCEPT",
            ],
            "unknown",
            "avi-con-in",
        ),
        (["INPUT -m limit --limit 1/sec -j other", "other -j LOG", "INPUT -j ACCEPT"], "accept", "INPUT"),
        (["INPUT -m limit --limit 1/sec -j DROP"], "drop", "INPUT"),
        (["INPUT -j MARK --set-xmark 0x8/0x8", "INPUT -m mark --mark 0x8/0x8 -j ACCEPT"], "accept", "INPUT"),
        (["INPUT -j NFQUEUE --queue-num 0"], "unknown", "INPUT"),
        (["INPUT -j other", "other -j other"], "unknown", "INPUT"),
    ],
)
def test_the_way_through_chains_of_iptables(lines, decision, chain):
    found = call(rules(*lines), PEER)
    assert (found.decision, found.deciding and found.deciding.chain) == (decision, chain if found.deciding else None)


def test_without_any_firewall_all_is_accepted():
    found = call(_path.Host(addresses=ADDRESSES), PEER)
    assert (found.decision, found.deciding, found.steps, found.doubts) == ("accept", None, [], [])


def test_what_could_not_be_read_may_decide():
    assert call(_path.Host(addresses=ADDRESSES, unread=["nft failed"]), PEER).decision == "unknown"
    assert call(_path.Host(addresses=ADDRESSES, nft="{"), PEER).decision == "unknown"


def test_both_variants_of_iptables_have_to_accept():
    both = host(
        iptables="*filter\n:INPUT ACCEPT [0:0]\n[0:0] -A INPUT -j ACCEPT\n", iptables_legacy=HEAD + "[0:0] -A INPUT -i lo -j ACCEPT\n"
    )
    found = call(both, PEER)
    assert (found.decision, found.deciding.manager) == ("drop", "iptables-legacy")
    assert any("iptables and iptables-legacy are both in the kernel" in finding for finding in _path.findings(both))


def test_findings_name_each_firewall_that_stops():
    assert _path.findings(FIREWALLD) == _path.findings(UFW) == []
    (four,) = _path.findings(host("firewalld", iptables=stored("ufw.rules")))
    assert four.startswith("IPv4: several firewalls stop")
    assert "(ufw)" in four
    assert "inet firewalld" in four
    assert any("inet late (1 rule)" in finding for finding in _path.findings(NFTABLES))


def test_a_table_of_iptables_is_not_judged_twice():
    nft = {"nftables": [{"chain": {"family": "ip", "table": "filter", "name": "INPUT", "type": "filter", "hook": "input", "prio": 0}}]}
    both = _path.Host(nft=json.dumps(nft), saves={"iptables": HEAD}, addresses=ADDRESSES)
    assert [table.manager for table in both.tables(4)[0]] == ["iptables"]
    assert [table.manager for table in _path.Host(nft=json.dumps(nft)).tables(4)[0]] == ["nftables"]


def test_the_route_back():
    lost = host("firewalld")
    lost.unrouted[PEER6] = "RTNETLINK answers: Network is unreachable"
    found = _path.judge(lost, _packet.Packet(PEER6, "2001:db8::1", "tcp", 8443, interface="eth0"))
    assert found.route_back == f"no route to {PEER6}: RTNETLINK answers: Network is unreachable"
    assert (found.decision, found.deciding.chain) == ("drop", "filter_PREROUTING")
    lost.routes[PEER] = '[{"dst": "192.0.2.9", "gateway": "192.0.2.254", "dev": "eth0", "prefsrc": "192.0.2.1"}]'
    assert lost.route_back(PEER) == "192.0.2.9 via 192.0.2.254 dev eth0 src 192.0.2.1"


def test_the_route_back_is_that_from_the_address_that_was_called(monkeypatch):
    """As where rules of routing send each address of a host out by a device of its own."""
    answers = {
        f"ip -json route get {PEER} from 192.0.2.1": '[{"dst": "192.0.2.9", "dev": "eth0"}]',
        f"ip -json route get {PEER} from 172.17.0.1": '[{"dst": "192.0.2.9", "dev": "docker0"}]',
        f"ip -json route get {PEER}": '[{"dst": "192.0.2.9", "dev": "eth9"}]',
    }
    monkeypatch.setattr(_path._host, "run", lambda *command: answers.pop(" ".join(command)))
    where = host("firewalld")
    called = ["192.0.2.1", "172.17.0.1", "203.0.113.5", "192.0.2.1"]
    found = [_path.path(_packet.Packet(PEER, own, "tcp", 8443, interface="eth0"), where).route_back for own in called]
    assert found == [f"{PEER} dev {device}" for device in ("eth0", "docker0", "eth9", "eth0")]


@pytest.mark.parametrize("wrong", [("192.0.2.9", "2001:db8::1", "tcp", 1), ("x", "192.0.2.1", "tcp", 1), (PEER, "192.0.2.1", "icmp", 1)])
def test_what_is_no_packet(wrong):
    with pytest.raises(_packet.PathError):
        _packet.Packet(*wrong)


WORDS = st.sampled_from(
    [
        "tcp",
        "set",
        "mark",
        "1:2",
        "a/b",
        "999",
        "0x1/x",
        "ACCEPT",
        "DNAT",
        "MARK",
        '"',
        "-A",
        "INPUT",
        "other",
        "-j",
        "-g",
        "-m",
        "-p",
        "!",
        "--dport",
        "--ctstate",
        "--match-set",
        "--mark",
        "--to-destination",
        "-s",
    ]
)


@given(st.lists(st.one_of(st.lists(WORDS, max_size=9).map(" ".join), st.text(max_size=20)), max_size=8))
def test_any_line_is_refused_or_judged(lines):
    text = HEAD + "".join(f"-A INPUT {line}\n" for line in lines)
    with contextlib.suppress(_packet.PathError):
        _xtables.parse("iptables", text, {})
    assert call(host(iptables=text), PEER).decision in ("accept", "drop", "reject", "unknown")
    assert call(host(iptables="\n".join(lines)), PEER).decision in ("accept", "drop", "reject", "unknown")


NAMES = st.sampled_from(
    [
        "match",
        "vmap",
        "payload",
        "meta",
        "ct",
        "fib",
        "key",
        "field",
        "left",
        "right",
        "op",
        "set",
        "range",
        "prefix",
        "dnat",
        "addr",
        "port",
        "jump",
        "target",
        "accept",
        "map",
        "elem",
    ]
)
JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=3), NAMES),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(NAMES, inner, max_size=2)),
    max_leaves=8,
)


@given(st.lists(JSON, max_size=4), JSON)
def test_any_expression_is_judged(statements, other):
    home = {"family": "inet", "table": "t"}
    chain = {**home, "name": "c", "type": "filter", "hook": "input", "prio": 0, "policy": "drop"}
    rule = {**home, "chain": "c", "handle": 1, "expr": statements}
    for text in (json.dumps({"nftables": [{"chain": chain}, {"rule": rule}]}), json.dumps({"nftables": other}), json.dumps(other)):
        with contextlib.suppress(_packet.PathError):
            _nft_path.parse(text, "", 4)
        assert call(_path.Host(nft=text, addresses=ADDRESSES), PEER).decision in ("accept", "drop", "reject", "unknown")
