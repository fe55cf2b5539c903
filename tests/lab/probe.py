# Copyright: (c) 2026, avi.firewall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Say what this host gets from each target: JSON in, JSON out. Runs on the probing host, standard library only.

In: ``{"targets": [["10.16.3.11", "tcp", 22], ...], "timeout": 1.0}``. Out: one word for each target, in the same order:
open, closed (nothing listens), rejected (a firewall said no), filtered (silence), or ``unknown: ...``.
"""

from __future__ import annotations

import errno
import json
import secrets
import socket
import sys
from concurrent.futures import ThreadPoolExecutor

AT_ONCE = 256

MEANINGS = {
    errno.ECONNREFUSED: "closed",
    errno.EHOSTUNREACH: "rejected",
    errno.EACCES: "rejected",
    # What this host's own firewall drops on the way out never becomes a packet; for UDP the kernel says so at once.
    errno.EPERM: "filtered",
}


def tcp(address, port, timeout):
    socket.create_connection((address, port), timeout).close()
    return "open"


def udp(address, port, timeout):
    # conntrack lets a pair of ports pass beyond the rule that allowed it. Each socket is fresh, but the kernel may pick a port
    # again: hardly twice.
    word = ask(address, port, timeout)
    return ask(address, port, timeout) if word == "open" else word


def ask(address, port, timeout):
    nonce = secrets.token_bytes(16)
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as client:
        client.connect((address, port))
        client.settimeout(timeout / 2)
        for _attempt in range(2):
            client.send(nonce)
            try:
                if client.recv(64) != nonce:
                    return "unknown: somebody else's answer"
            except socket.timeout:
                continue
            return "open"
    return "filtered"


def probe(target, timeout):
    address, protocol, port = target
    try:
        return {"tcp": tcp, "udp": udp}[protocol](address, port, timeout)
    except socket.timeout:
        return "filtered"
    except OSError as error:
        return MEANINGS.get(error.errno) or f"unknown: {error}"


def main():
    order = json.load(sys.stdin)
    targets, timeout = order["targets"], order["timeout"]
    with ThreadPoolExecutor(max_workers=AT_ONCE) as pool:
        json.dump(list(pool.map(probe, targets, [timeout] * len(targets))), sys.stdout)


if __name__ == "__main__":
    main()
