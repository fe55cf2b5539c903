# Copyright: (c) 2026, avi.firewall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A run on hosts that are not all there, or not all free."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from faults.admin import close
from faults.machines import PERSISTENT, Machine, entry, machines, only, podman
from faults.plays import attempt

# s, for which somebody else holds the lock of iptables while we wait for it.
HELD = 8


def test_a_host_that_is_down_keeps_no_other_from_its_rules():
    with machines("iptables", "nftables", "firewalld") as hosts:
        close(hosts)
        podman("stop", "--time", "0", hosts["iptables"].container)
        run = attempt(hosts.values())
        up = [hosts["nftables"], hosts["firewalld"]]
        assert run.code != 0
        assert run.unreachable == {"iptables": 1, "nftables": 0, "firewalld": 0}
        assert run.failed == {"iptables": 0, "nftables": 0, "firewalld": 0}
        assert entry(up) == {host.name: only("client") for host in up}


@pytest.fixture
def legacy() -> Iterator[Machine]:
    """A host whose iptables takes the lock, as the variant that is made of nftables does not.

    It has no ufw: that asks iptables before we do, and would do the waiting for us.
    """
    with machines("iptables", image=PERSISTENT) as hosts:
        hosts["iptables"].sh("""
            update-alternatives --set iptables /usr/sbin/iptables-legacy
            update-alternatives --set ip6tables /usr/sbin/ip6tables-legacy
            """)
        close(hosts)
        yield hosts["iptables"]


def _waiting(host: Machine) -> bool:
    return "iptables" in host.sh("ps -e -o comm=")


def _until(condition: Callable[[], bool], seconds: float) -> bool:
    """Say whether ``condition`` comes true in time."""
    end = time.monotonic() + seconds
    while not (true := condition()) and time.monotonic() < end:
        time.sleep(0.2)
    return true


def test_the_lock_of_iptables_is_waited_for(legacy):
    hold = ["podman", "exec", "--interactive", legacy.container, "flock", "/run/xtables.lock", "sh", "-c", "echo held; cat"]
    with ThreadPoolExecutor() as pool, subprocess.Popen(hold, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout.readline() == "held\n"
        running = pool.submit(attempt, [legacy])
        seen = _until(lambda: _waiting(legacy), 30)
        time.sleep(HELD)
        still = _waiting(legacy) and not running.done()
        holder.stdin.close()
        run = running.result()
    assert (seen, still) == (True, True), f"nobody waited for the lock:\n{run!s}"
    assert run.code == 0, str(run)
    assert entry([legacy]) == {"iptables": only("client")}
