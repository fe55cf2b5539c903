# Copyright: (c) 2026, avi.firewall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a rule of nftables is as far as the place of ours beside it matters: what it does, and with which packets."""

from __future__ import annotations

import ipaddress
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from . import _host, _nft_words, _place

VERDICTS = ("drop", "reject", "jump", "goto")
NOTES = ("counter", "log", "limit", "match")
# What a rule that iptables made has of iptables' own, in words of nft; any other match of that kind is a condition that we do not see.
XT = {
    ("match", "comment"): {},
    ("target", "REJECT"): {"reject": None},
    ("target", "LOG"): {"log": None},
    ("target", "NFLOG"): {"log": None},
}
# What tells neither who calls nor at which port, and is met by some new connections whatever it is compared with.
PROTOCOL = [
    *({"meta": {"key": key}} for key in ("l4proto", "nfproto", "protocol")),
    {"payload": {"protocol": "ip", "field": "protocol"}},
    {"payload": {"protocol": "ip6", "field": "nexthdr"}},
]
# What tells such kinds of packets apart, and what it is for one that begins a connection.
OF_NEW = [
    ({"ct": {"key": "state"}}, "new"),
    ({"meta": {"key": "pkttype"}}, "host"),
    ({"fib": {"result": "type", "flags": ["daddr"]}}, "local"),
]
DEVICES = [{"meta": {"key": key}} for key in ("iif", "iifname", "oif", "oifname")]
TCP_FLAGS = {"payload": {"protocol": "tcp", "field": "flags"}}
HANDSHAKE = {"fin", "syn", "rst", "ack"}

# What a rule compares and does, one by one: the word of nft, and what comes with it.
Statements = Sequence[tuple[str, Any]]


def element(told: Any) -> str:
    """Return an element of a set, or what a rule compares with, as text: a range of addresses as networks with spaces between."""
    if isinstance(told, dict) and "prefix" in told:
        return f"{told['prefix']['addr']}/{told['prefix']['len']}"
    if isinstance(told, dict) and "range" in told:
        first, last = (ipaddress.ip_address(end) for end in told["range"])
        return " ".join(_host.short(str(network)) for network in ipaddress.summarize_address_range(first, last))
    return told if isinstance(told, str) else json.dumps(told)


def statements(rule: Mapping[str, Any], maps: Mapping[str, Any]) -> Statements:
    """Return the statements of ``rule``, as nft -j prints it; ``maps`` are the elements of its table's maps by name."""
    return [item for expression in rule["expr"] for item in _in_words(expression, maps).items()]


def judge(statements: Statements) -> _place.Rule:
    """Return a rule of ``statements`` as far as its place matters."""
    found = dict(statements)
    conditional = bool(found.keys() - {"counter", "log", "limit", *VERDICTS})
    if found.keys() & {*VERDICTS}:
        # A limit lets what is above it pass by; before a log it is only thrift.
        conditional = conditional or "limit" in found
        to = next((found[jump]["target"] for jump in ("jump", "goto") if jump in found), "")
        return _place.Rule("jump" if to else "stop", to, conditional, _place.kind(_met(statements)))
    return _place.Rule("log" if found.keys() <= {*NOTES} else "other", conditional=conditional)


def _in_words(expression: Mapping[str, Any], maps: Mapping[str, Any]) -> Mapping[str, Any]:
    xt = expression.get("xt") or {}
    if dropped := _dropped(expression.get("vmap") or {}, maps):
        return {"match": {"op": "==", "left": expression["vmap"]["key"], "right": {"set": dropped}}, "drop": None}
    return XT.get((xt.get("type"), xt.get("name")), expression)


def _dropped(vmap: Mapping[str, Any], maps: Mapping[str, Any]) -> list[Any]:
    """Return the values that the verdict map ``vmap`` drops. What it lets pass, and the chains it leads to, are not looked at."""
    return [value for value, verdict in _nft_words.pairs(vmap.get("data"), maps) if "drop" in verdict]


def _met(statements: Iterable[tuple[str, Any]]) -> Iterator[bool | None]:
    """Yield whether a new connection meets each condition among ``statements``, None where one says who calls or at which port."""
    for key, value in statements:
        if key == "match":
            yield _is_met(value["left"], _words(value["right"]), value["op"] == "!=")
        elif key == "limit":
            yield None if value.get("inv") else True  # what is over a limit is told apart by who sends that much
        elif key not in (*VERDICTS, "counter", "log"):
            yield None


def _is_met(left: Any, values: set[str], negated: bool) -> bool | None:
    if left in PROTOCOL:
        return True
    if left in DEVICES:
        return True if negated and values == {"lo"} else None
    if isinstance(left, dict) and "&" in left and left["&"][0] == TCP_FLAGS and _words(left["&"][1]) == HANDSHAKE:
        return (values == {"syn"}) != negated
    return next(((value in values) != negated for told, value in OF_NEW if left == told), None)


def _words(right: Any) -> set[str]:
    """Return the words that a condition compares with."""
    if isinstance(right, dict):
        right = right.get("set", right.get("|"))
    return {right} if isinstance(right, str) else {word for word in right if isinstance(word, str)} if isinstance(right, list) else set()


def may_match(matches: Sequence[Mapping[str, Any]], flow: Mapping[str, Any], port: Mapping[str, Any]) -> bool:
    """Say whether ``matches`` may be met by what comes by ``flow`` at one of its ports, as far as addresses, protocol and ports tell."""
    end = {"in": "saddr", "out": "daddr"}[flow["direction"]]
    for match in matches:
        left, values = match["left"], _values(match["right"])
        payload = left.get("payload", {})
        protocol, what = payload.get("protocol"), payload.get("field")
        if protocol in ("tcp", "udp") and protocol != port["protocol"]:
            return False
        if match["op"] != "==" or not all(map(_is_plain, values)):
            continue
        if left == PROTOCOL[0] and port["protocol"] not in values:
            return False
        if what == "dport" and not any(first <= port["port"] <= last for first, last in map(_span, values)):
            return False
        networks = [network for value in values for network in element(value).split()] if what == end else []
        if networks and not any(_host.may_meet(network, [*flow["ipv4"], *flow["ipv6"]]) for network in networks):
            return False
    return True


def _values(right: Any) -> list[Any]:
    """Return what a condition compares with, one by one."""
    return right["set"] if isinstance(right, dict) and "set" in right else [right]


def _is_plain(value: Any) -> bool:
    """Say whether we see what ``value`` holds, as of a set with a name, and of all the rest, we do not."""
    return bool(value.keys() & {"prefix", "range"}) if isinstance(value, dict) else not str(value).startswith(("@", "*"))


def _span(ports: Any) -> tuple[int, int]:
    first, last = ports["range"] if isinstance(ports, dict) else (ports, ports)
    return first, last
