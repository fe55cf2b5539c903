# Copyright: (c) 2026, avi.firewall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Accept on every TCP port and echo on every UDP port of a JSON file, over IPv4 and IPv6.

With something listening everywhere, a port that does not answer is the firewall's work.
"""

from __future__ import annotations

import json
import selectors
import socket
import sys
from pathlib import Path


def tcp(port):
    return socket.create_server(("::", port), family=socket.AF_INET6, dualstack_ipv6=True, backlog=1024)


def udp(port):
    server = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    server.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
    server.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_RECVPKTINFO, 1)
    server.bind(("::", port))
    return server


def greet(server):
    connection, _peer = server.accept()
    connection.close()


def echo(server):
    data, ancillary, _flags, peer = server.recvmsg(2048, 256)
    # The answer leaves from the address that was asked; a host with many would otherwise take its first.
    server.sendmsg([data], ancillary, 0, peer)


def main():
    ports = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    selector = selectors.DefaultSelector()
    for opener, answer, numbers in ((tcp, greet, ports["tcp"]), (udp, echo, ports["udp"])):
        for port in numbers:
            selector.register(opener(port), selectors.EVENT_READ, answer)
    while True:
        for key, _events in selector.select():
            try:
                key.data(key.fileobj)
            except OSError as error:
                # A prober that hangs up early, or a firewall that refuses the answer, must not end the listener.
                print(f"{key.fileobj.getsockname()}: {error}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
