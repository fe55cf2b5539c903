# Copyright: (c) 2026, avi.firewall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether a change would shut out the SSH connection that it is made over."""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from . import _host

PROC = Path("/proc")


class Connection(NamedTuple):
    """An SSH connection as this host sees it: who called, and the port that was called."""

    client: str
    port: int


def connection() -> Connection | None:
    """Return the SSH connection that this process came over, None if it came another way.

    sudo and its like drop the variable that tells: the first process up the line that has it, counts.
    """
    pid = os.getpid()
    while pid > 1:
        try:
            variables = (PROC / str(pid) / "environ").read_bytes().split(b"\0")
            # The name of the command stands in parentheses, and may hold anything.
            pid = int((PROC / str(pid) / "stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()[1])
        except OSError:
            return None
        for variable in variables:
            if variable.startswith(b"SSH_CONNECTION="):
                return _read(variable.partition(b"=")[2].decode(errors="replace").split())
    return None


def _read(words: list[str]) -> Connection | None:
    """Return the connection that sshd tells of in ``words``; one that came by no address, through vsock or a local socket, is none."""
    try:
        client, _client_port, _server, port = words
        ipaddress.ip_address(client.partition("%")[0])
        return Connection(client, int(port))
    except ValueError:
        return None


def lets_in(accesses: Iterable[_host.Access], connection: Connection) -> bool:
    """Say whether one of ``accesses`` lets ``connection`` in."""
    address = ipaddress.ip_address(connection.client.partition("%")[0])
    address = getattr(address, "ipv4_mapped", None) or address
    return any(
        (protocol, port) == ("tcp", connection.port) and address in ipaddress.ip_network(network) for protocol, port, network in accesses
    )


def refuse(before: Iterable[_host.Access], request: _host.Request) -> None:
    """Stop when the SSH connection in use is let in by a rule of ours now, or by want of one, and by none of ``request``."""
    used = connection()
    if used and lets_in(before, used) and not lets_in(_wanted(request), used):
        raise _host.HostError(
            f"the SSH connection in use, from {used.client} to port {used.port}, gets in now, and not by the rules of this run. "
            f"Put {used.client} among the peers, or set avi_firewall_allow_lockout to true if another rule or another way lets you in"
        )


def _wanted(request: _host.Request) -> Iterable[_host.Access]:
    for flow in request.in_direction("in"):
        for port in flow["ports"]:
            for network in [*flow["ipv4"], *flow["ipv6"]]:
                yield port["protocol"], port["port"], network
