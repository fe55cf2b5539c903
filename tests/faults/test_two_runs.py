# Copyright: (c) 2026, avi.firewall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Two runs at the same time on one host: the result is one of the two plans, whole."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator

import pytest
from faults.admin import BACKENDS, close
from faults.interruptions import Play, held
from faults.machines import Machine, entry, machines, only
from faults.plays import management, site

ONE, OTHER = ("client", "newcomer"), ("client", "unwanted")


@pytest.fixture(scope="module")
def hosts() -> Iterator[dict[str, Machine]]:
    with machines(*BACKENDS) as found:
        close(found)
        yield found


def test_they_start_together(hosts: dict[str, Machine]) -> None:
    plays = [Play(hosts.values(), **management(*ONE)), Play(hosts.values(), **management(*OTHER))]
    for code, output in [play.end() for play in plays]:
        assert code == 0, output
    for found in entry(hosts.values()).values():
        assert found in (only(*ONE), only(*OTHER))


def test_no_other_user_keeps_a_run_out(hosts: dict[str, Machine]) -> None:
    """Who knows its name tries to hold the lock all the time, by whatever it may be."""
    hold = """
import fcntl, os, socket
os.setuid(65534)
name = socket.socket(socket.AF_UNIX)
name.bind("\\0avi.firewall")
print("held", flush=True)
while True:
    try:
        held = os.open("/run/avi-firewall.lock", os.O_RDONLY | os.O_CREAT)
        fcntl.flock(held, fcntl.LOCK_EX)
    except OSError:
        pass
"""
    command = ["podman", "exec", hosts["nftables"].container, "python3", "-c", hold]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as holder:
        try:
            assert holder.stdout.readline() == "held\n"
            site([hosts["nftables"]], **management(*ONE))
        finally:
            hosts["nftables"].sh('kill $(ps -e -o pid=,user=,comm= | awk \'$2 == "nobody" && $3 == "python3" {print $1}\')')


def test_one_waits_until_the_other_is_settled(hosts: dict[str, Machine]) -> None:
    site(hosts.values(), **management("client"))
    with held(hosts, dict.fromkeys(BACKENDS, ("after",)), **management(*ONE), avi_firewall_confirm_timeout=5) as first:
        second = Play(hosts.values(), **management(*OTHER))
        first.kill()
    code, output = second.end()
    assert code == 0, output
    assert entry(hosts.values()) == dict.fromkeys(BACKENDS, only(*OTHER))
