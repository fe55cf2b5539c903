# Copyright: (c) 2026, avi.firewall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A short-lived process that answers on the ports where nothing listens, so that a port that does not answer is the firewall's work.

It is ended through a socket whose name holds its token, and ends itself at its deadline, whatever becomes of who started it.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import re
import selectors
import socket
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from . import _datagram, _host

Cell = tuple[str, int]

NOBODY = 65534
BACKLOG = 1024
# users:(("sshd",pid=815,fd=3))
PROCESS = re.compile(r'"([^"]+)",pid=')


def start(cells: Iterable[Cell], token: str, seconds: float) -> list[Cell]:
    """Listen on those of ``cells`` (protocol, port) that nobody listens on, for ``seconds``, and return them.

    ``token`` is 16 hexadecimal digits. Raises HostError when a listener of this token is there, or none can be started.
    """
    servers = {}
    with contextlib.ExitStack() as stack:
        control = stack.enter_context(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM))
        try:
            control.bind(_name(token))
        except OSError as exc:
            raise _host.HostError(f"a listener of token {token} cannot be started: {exc.strerror}") from exc
        control.listen()
        for protocol, port in cells:
            with contextlib.suppress(OSError):  # in use: :func:`holders` says by whom
                servers[protocol, port] = stack.enter_context(_open(protocol, port))
        child = os.fork()
        if child == 0:
            _become_daemon(control, servers, token, time.monotonic() + seconds)
        os.waitpid(child, 0)
    return list(servers)


def stop(token: str) -> list[str]:
    """End the listener of ``token`` and return the nonces of the datagrams that reached it, as hexadecimal digits.

    Raises HostError when it is not there: it has ended at its deadline.
    """
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as control:
        try:
            control.connect(_name(token))
        except OSError as exc:
            raise _host.HostError("the listener on this host ended before all was tried, at its deadline") from exc
        with control.makefile(encoding="utf-8") as answer:
            return json.load(answer)


def holders(cells: Iterable[Cell]) -> list[dict[str, Any]]:
    """Return who listens on ``cells``: dicts with ``protocol``, ``port``, ``address`` (``*``: all) and ``process`` (empty: not known)."""
    wanted = set(cells)
    found = []
    for line in _host.run("ss", "-Hlntup").splitlines():
        protocol, _state, _received, _sent, local, _peer, *rest = line.split(None, 6)
        address, _colon, port = local.rpartition(":")
        if (protocol, int(port)) in wanted:
            process = PROCESS.search(" ".join(rest))
            address = address.strip("[]").partition("%")[0]
            found.append(
                {
                    "protocol": protocol,
                    "port": int(port),
                    "address": "*" if address in ("0.0.0.0", "::") else address,
                    "process": process[1] if process else "",
                }
            )
    return found


def _name(token: str) -> str:
    # An abstract name: it belongs to the network namespace, as the ports do, and leaves no file.
    return f"\0avi.firewall.listener.{token}"


def _open(protocol: str, port: int) -> socket.socket:
    """Return a socket that listens on ``port``, over both families where there is IPv6. Raises OSError when one is in the way."""
    try:
        server = _bound(socket.AF_INET6, protocol, "::", port)
    except OSError as exc:
        if exc.errno not in (errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL):
            raise
        server = _bound(socket.AF_INET, protocol, "0.0.0.0", port)
    return server


def _bound(family: socket.AddressFamily, protocol: str, address: str, port: int) -> socket.socket:
    server = socket.socket(family, socket.SOCK_STREAM if protocol == "tcp" else socket.SOCK_DGRAM)
    try:
        if family == socket.AF_INET6:
            server.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        if protocol == "tcp":
            # Past connections of the port that are still waited for do not matter; one who listens does all the same.
            server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        elif family == socket.AF_INET6:
            server.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_RECVPKTINFO, 1)
        else:
            server.setsockopt(socket.IPPROTO_IP, getattr(socket, "IP_PKTINFO", 8), 1)
        server.bind((address, port))
        if protocol == "tcp":
            server.listen(BACKLOG)
        server.setblocking(False)
    except OSError:
        server.close()
        raise
    return server


def _become_daemon(control: socket.socket, servers: dict[Cell, socket.socket], token: str, deadline: float) -> None:
    """Leave the process that called, its terminal and its rights, and answer. Never returns."""
    try:
        os.setsid()
        if os.fork():
            os._exit(0)
        os.chdir("/")
        keep = {control.fileno(), *(server.fileno() for server in servers.values())}
        null = os.open(os.devnull, os.O_RDWR)
        for number in range(3):
            os.dup2(null, number)
        # A connection or a pipe of who called would stay open with us.
        for number in [int(path.name) for path in Path("/proc/self/fd").iterdir()]:
            if number > 2 and number not in keep:
                with contextlib.suppress(OSError):
                    os.close(number)
        if os.geteuid() == 0:
            os.setgroups([])
            os.setgid(NOBODY)
            os.setuid(NOBODY)
        _serve(control, servers, bytes.fromhex(token), deadline)
    finally:
        os._exit(1)


def _serve(control: socket.socket, servers: dict[Cell, socket.socket], token: bytes, deadline: float) -> None:
    """Answer until somebody asks for the nonces, or ``deadline`` comes."""
    seen: set[str] = set()
    # Not epoll, whose own descriptor the sweep above would have closed had it been made before.
    selector = selectors.PollSelector()
    for (protocol, _port), server in servers.items():
        selector.register(server, selectors.EVENT_READ, protocol)
    selector.register(control, selectors.EVENT_READ, "control")
    while (left := deadline - time.monotonic()) > 0:
        for key, _events in selector.select(left):
            if key.data == "control":
                asked = control.accept()[0]
                # Who hears the report may want name and ports at once.
                for server in (control, *servers.values()):
                    server.close()
                with asked:
                    asked.sendall(json.dumps(sorted(seen)).encode())
                return
            with contextlib.suppress(OSError):  # who asked has gone, or a firewall refuses the answer
                if key.data == "tcp":
                    key.fileobj.accept()[0].close()
                else:
                    _echo(key.fileobj, token, seen)


def _echo(server: socket.socket, token: bytes, seen: set[str]) -> None:
    """Repeat a datagram that is for us, from the address that was asked; anything else gets no answer."""
    data, ancillary, _flags, peer = server.recvmsg(2048, 256)
    if nonce := _datagram.nonce_of(data, token):
        seen.add(nonce.hex())
        server.sendmsg([data], ancillary, 0, peer)
