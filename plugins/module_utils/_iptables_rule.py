# Copyright: (c) 2026, avi.firewall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a rule of iptables is as far as the place of ours beside it matters: where it leads, and with which packets."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from . import _host, _place

# Matches that say neither who calls nor at which port, but for an option that does.
KINDS_OF_PACKETS = ("addrtype", "comment", "conntrack", "limit", "pkttype", "state", "tcp", "udp")
BEGINS = ("FIN,SYN,RST,ACK", "SYN")

Tokens = tuple[str, ...]


def target(rule: Tokens) -> str | None:
    """Return where ``rule`` leads: a chain, ACCEPT, DROP, …"""
    return next((after for word, after in zip(rule, rule[1:]) if word in ("-j", "-g")), None)


def judge(rule: Tokens) -> _place.Rule:
    """Return ``rule`` as far as its place matters."""
    words = list(itertools.takewhile(lambda word: word not in ("-j", "-g"), rule))
    comment = 4 if "--comment" in words else 0  # -m comment --comment …
    conditional = len(words) > comment
    to = target(rule) or ""
    verdict = {"DROP": "stop", "REJECT": "stop", "LOG": "log", "NFLOG": "log"}.get(to, "jump")
    if not conditional or not to or verdict == "log":
        return _place.Rule(verdict, to, conditional)
    return _place.Rule(verdict, to, conditional, _place.kind(_met(words)))


def _met(words: Sequence[str]) -> Iterator[bool | None]:
    """Yield whether a new connection meets each of the conditions ``words``, None where one says who calls or at which port."""
    rest = iter(words)
    for word in rest:
        negated = word == "!"
        option = next(rest, "") if negated else word
        value = next(rest, "")
        if option == "-m":
            yield True if value in KINDS_OF_PACKETS else None
        elif option in ("-p", "--comment", "--limit", "--limit-burst"):
            yield True
        elif option in ("--ctstate", "--state"):
            yield ("NEW" in value.split(",")) != negated
        elif option in ("--pkt-type", "--dst-type"):
            yield bool({"unicast", "LOCAL"} & set(value.split(","))) != negated
        elif option == "--tcp-flags":
            begins = (value, next(rest, "")) == BEGINS
            yield None if negated and not begins else begins != negated
        else:
            yield True if negated and option in ("-i", "-o") and value == "lo" else None


def may_match(rule: Tokens, flow: Mapping[str, Any], family: str, port: Mapping[str, Any]) -> bool:
    """Say whether ``rule`` may match what comes by ``flow`` at one of its ports, as far as its addresses, protocol and ports tell."""
    words = ("", *itertools.takewhile(lambda word: word != "-j", rule))
    told = {option: value for before, option, value in zip(words, words[1:], words[2:]) if before not in ("!", "--comment")}
    network = told.get("-s" if flow["direction"] == "in" else "-d")
    spans = told.get("--dport", told.get("--dports", "0:65535")).split(",")
    return (
        told.get("-p", port["protocol"]) == port["protocol"]
        and any(first <= port["port"] <= last for first, last in map(_span, spans))
        and (network is None or _host.may_meet(network, flow[family]))
    )


def _span(ports: str) -> tuple[int, int]:
    first, _colon, last = ports.partition(":")
    return int(first), int(last or first)
