# Copyright: (c) 2026, avi.firewall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Says what this host gets from ports of others: many at once, each within its time."""

from __future__ import annotations

import errno
import secrets
import socket
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, NamedTuple

from . import _datagram

AT_ONCE = 128
# A packet may get lost, and a host be busy: who should answer and does not is asked again, and waited for longer.
PATIENCE = 3
SENDS = 2

MEANINGS = {
    errno.ECONNREFUSED: "closed",
    # A firewall's word, for hosts that cannot be reached at all have been asked about before.
    errno.EHOSTUNREACH: "rejected",
    errno.EACCES: "rejected",
}


class Target(NamedTuple):
    """Where to ask, from which of this host's addresses, and whether an answer is expected. ``token``: of the listener there."""

    source: str
    address: str
    protocol: str
    port: int
    expected: bool
    token: str


@dataclass(frozen=True)
class Answer:
    """``word``: open, closed (nothing listens), rejected (a firewall said no), filtered (silence) or unknown; ``detail`` says more.

    ``nonce``: what a listener may have got although nothing came back, as hexadecimal digits.
    """

    word: str
    detail: str = ""
    nonce: str = ""


NOT_TRIED = Answer("unknown", "not tried: there was no time left")


def probe(targets: Sequence[Target], timeout: float, deadline: float) -> list[Answer]:
    """Return the answer of each of ``targets``, in their order. ``timeout`` are the seconds for one, ``deadline`` those for all."""
    end = time.monotonic() + deadline
    with ThreadPoolExecutor(AT_ONCE) as pool:
        answers = list(pool.map(lambda target: _ask(target, timeout, end), targets))
        again = [index for index, answer in enumerate(answers) if answer.word == "filtered" and targets[index].expected]
        for index, answer in zip(again, pool.map(lambda index: _ask(targets[index], PATIENCE * timeout, end), again)):
            answers[index] = answers[index] if answer is NOT_TRIED else answer
    return answers


def ask_holders(holders: Sequence[dict[str, Any]], addresses: Sequence[str], token: str) -> list[dict[str, Any]]:
    """Return ``holders``, who listen on this host, each with ``answers``: whether it answers the host itself at one of ``addresses``."""
    asked = {holder["port"] for holder in holders if holder["protocol"] == "udp"}
    targets = [Target(address, address, "udp", port, True, token) for port in sorted(asked) for address in addresses]
    answers = zip(targets, probe(targets, 0.5, 10))
    answering = {("udp", target.port) for target, answer in answers if answer.word == "open"}
    return [{**holder, "answers": (holder["protocol"], holder["port"]) in answering} for holder in holders]


def _ask(target: Target, timeout: float, end: float) -> Answer:
    if time.monotonic() + timeout > end:
        return NOT_TRIED
    family = socket.AF_INET6 if ":" in target.address else socket.AF_INET
    if trouble := _no_way(family, target):
        return Answer("unknown", trouble)
    kind = socket.SOCK_STREAM if target.protocol == "tcp" else socket.SOCK_DGRAM
    # A fresh socket each time: conntrack remembers an allowed pair of ports beyond the rule that allowed it.
    with socket.socket(family, kind) as client:
        client.settimeout(timeout)
        detail = _bind(client, target.source)
        try:
            if target.protocol == "udp":
                return _udp(client, target, timeout, detail)
            client.connect((target.address, target.port))
        except socket.timeout:
            return Answer("filtered", detail)
        except OSError as exc:
            if exc.errno == errno.EPERM:
                return Answer("filtered", "the firewall of the source itself drops what goes out")
            return Answer(MEANINGS.get(exc.errno, "unknown"), detail if exc.errno in MEANINGS else str(exc))
        return Answer("open", detail)


def _no_way(family: socket.AddressFamily, target: Target) -> str:
    """Say why no packet can leave this host for ``target``; connecting a datagram socket asks the routes and sends nothing."""
    with socket.socket(family, socket.SOCK_DGRAM) as client:
        try:
            client.connect((target.address, target.port))
        except OSError as exc:
            return f"the source has no route to {target.address}: {exc.strerror}"
    return ""


def _bind(client: socket.socket, source: str) -> str:
    """Send from ``source`` where this host has it; behind NAT it has not, and others see it all the same."""
    try:
        client.bind((source, 0))
    except OSError as exc:
        if exc.errno != errno.EADDRNOTAVAIL:
            raise
        return f"sent from another address than {source}, which the source does not have"
    return ""


def _udp(client: socket.socket, target: Target, timeout: float, detail: str) -> Answer:
    nonce = bytes([1 + secrets.randbelow(127)]) + secrets.token_bytes(_datagram.NONCE - 1)
    datagram = _datagram.question(target.port, bytes.fromhex(target.token), nonce)
    client.connect((target.address, target.port))
    client.settimeout(timeout / SENDS)
    for _attempt in range(SENDS):
        client.send(datagram)
        try:
            if nonce in client.recv(2048):
                return Answer("open", detail)
        except socket.timeout:
            continue
        return Answer("unknown", "something else answers there")
    return Answer("filtered", detail, nonce.hex())
