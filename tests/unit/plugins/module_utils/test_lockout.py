# Copyright: (c) 2026, avi.firewall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os

import pytest
from ansible_collections.avi.firewall.plugins.module_utils import _host, _lockout

FLOW = {
    "name": "avi-con-x",
    "direction": "in",
    "peer": "x",
    "ports": [{"row": "r", "protocol": "tcp", "port": 22}],
    "ipv4": ["192.0.2.0/24"],
    "ipv6": [],
}
KEPT, GONE = _host.Request("controller", "con", [FLOW]), _host.Request("controller", "con")
BEFORE = [("tcp", 22, "192.0.2.9"), ("udp", 22, "203.0.113.1"), ("tcp", 22, "2001:db8::/64")]


@pytest.fixture
def came_from(monkeypatch):
    """Let this process have come over SSH from an address, to a port."""
    return lambda client, port=22: monkeypatch.setattr(_lockout, "connection", lambda: _lockout.Connection(client, port))


@pytest.mark.parametrize("client", ["192.0.2.9", "::ffff:192.0.2.9", "2001:db8::5"])
def test_the_connection_in_use_must_not_lose_its_rule(came_from, client):
    came_from(client)
    with pytest.raises(_host.HostError, match=f"from {client} to port 22, .* avi_firewall_allow_lockout"):
        _lockout.refuse(BEFORE, GONE)


@pytest.mark.parametrize(
    ("client", "port", "request_"),
    [
        ("192.0.2.9", 22, KEPT),
        ("192.0.2.10", 22, GONE),  # let in by somebody else's rule
        ("203.0.113.1", 22, GONE),
        ("192.0.2.9", 2222, GONE),
        ("fe80::1%eth0", 22, GONE),
    ],
)
def test_it_may_go_on_where_it_keeps_its_rule_or_never_had_one(came_from, client, port, request_):
    came_from(client, port)
    _lockout.refuse(BEFORE, request_)


def test_a_connection_that_is_not_ssh_has_nothing_to_lose(monkeypatch):
    monkeypatch.setattr(_lockout, "connection", lambda: None)
    _lockout.refuse(BEFORE, GONE)


def process(proc, pid, parent, environment):
    folder = proc / str(pid)
    folder.mkdir()
    (folder / "stat").write_text(f"{pid} (a ) b) S {parent} 1 1", encoding="utf-8")
    (folder / "environ").write_bytes(environment)


@pytest.mark.parametrize(
    ("upper", "found"),
    [
        (b"HOME=/root\0SSH_CONNECTION=192.0.2.9 50022 192.0.2.11 22\0", ("192.0.2.9", 22)),
        (b"HOME=/root\0", None),
        (b"SSH_CONNECTION=fe80::9%eth0 50022 fe80::b%eth0 2222\0", ("fe80::9%eth0", 2222)),
        # As sshd says it of what came by no address.
        (b"SSH_CONNECTION=UNKNOWN 65535 UNKNOWN 65535\0", None),
        (b"SSH_CONNECTION=\0", None),
        (b"SSH_CONNECTION=192.0.2.9 22\0", None),
        (b"SSH_CONNECTION=192.0.2.9 50022 192.0.2.11 x\xe9\0", None),
    ],
)
def test_the_connection_is_found_past_sudo(monkeypatch, tmp_path, upper, found):
    monkeypatch.setattr(_lockout, "PROC", tmp_path)
    process(tmp_path, os.getpid(), 70, b"SUDO_USER=x\0")
    process(tmp_path, 70, 60, upper)
    process(tmp_path, 60, 1, b"")
    assert _lockout.connection() == found


def test_processes_beyond_this_namespace_are_not_asked(monkeypatch, tmp_path):
    monkeypatch.setattr(_lockout, "PROC", tmp_path)
    process(tmp_path, os.getpid(), 0, b"")
    assert _lockout.connection() is None
