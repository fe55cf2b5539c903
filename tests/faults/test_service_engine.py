# Copyright: (c) 2026, avi.firewall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Beside a process that adds and removes iptables rules all the time, as a Service Engine does, and on some interfaces only."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from faults.admin import BACKENDS, close
from faults.machines import Machine, each, entry, machines, only
from faults.plays import absent, management, site

# Before and behind all others, of a chain of its own; and one that denies somebody, which ours belong behind.
WRITER = """\
#!/bin/sh
while :; do
  for command in iptables ip6tables; do
    {
      $command -w -N se-data && $command -w -A se-data -p tcp --dport 9999 -j ACCEPT &&
      $command -w -I INPUT 1 -j se-data && $command -w -A INPUT -p udp --dport 9998 -j DROP &&
      $command -w -D INPUT -j se-data && $command -w -D INPUT -p udp --dport 9998 -j DROP &&
      $command -w -F se-data && $command -w -X se-data && echo done
    } >> /root/writer.log 2>&1 || echo failed >> /root/writer.log
  done
done
"""


# In a container systemd is not told that a control group is empty, and waits for its time-out.
ENDING = "--property=KillSignal=SIGKILL --property=TimeoutStopSec=1"

# What a writer that was stopped has left.
CLEAR = """
while {command} -w -D INPUT -j se-data 2>/dev/null; do :; done
while {command} -w -D INPUT -p udp --dport 9998 -j DROP 2>/dev/null; do :; done
if {command} -w -F se-data 2>/dev/null; then {command} -w -X se-data; fi
"""


@pytest.fixture(scope="module")
def hosts() -> Iterator[dict[str, Machine]]:
    with machines(*BACKENDS) as found:
        close(found)
        yield found


@pytest.fixture
def written(hosts: dict[str, Machine]) -> Iterator[dict[str, Machine]]:
    """Return hosts on which the process is at work. A reload of firewalld would flush its rules: there, ours exist before it starts."""
    site([hosts["firewalld"]], **management("client"))
    for host in hosts.values():
        host.write("/root/writer", WRITER)
        host.sh(f"rm -f /root/writer.log; systemd-run --quiet --collect --unit=writer {ENDING} sh /root/writer")
    yield hosts
    for host in hosts.values():
        host.sh("systemctl stop writer")
        for command in ("iptables", "ip6tables"):
            host.sh(CLEAR.format(command=command))
        absent([host])


def test_neither_hurts_the_other(written: dict[str, Machine]) -> None:
    hosts = written.values()
    for names in (("client",), ("client", "newcomer"), ("client",)):
        site(hosts, **management(*names))
        assert entry(hosts) == dict.fromkeys(BACKENDS, only(*names))
    others = [host for backend, host in written.items() if backend != "firewalld"]
    absent(others)
    assert entry(others) == {host.name: only() for host in others}
    for host in hosts:
        log = host.read("/root/writer.log").split("\n")
        assert log.count("done") > 20
        assert set(log) <= {"done", ""}, log


# firewalld knows interfaces by their zone only.
OTHER_ZONE = {"firewalld": "for scope in '' --permanent; do firewall-cmd --quiet $scope --zone=work --change-interface=mgmt0; done"}


@pytest.mark.parametrize(("interface", "who"), [("eth0", ("client",)), ("mgmt0", ())])
def test_rules_hold_for_the_named_interface_only(hosts: dict[str, Machine], interface: str, who: tuple[str, ...]) -> None:
    absent(hosts.values())
    for backend, host in hosts.items():
        host.sh("ip link show mgmt0 >/dev/null 2>&1 || ip link add mgmt0 type bridge")
        host.sh(OTHER_ZONE.get(backend, ""))
    site(hosts.values(), avi_firewall_interfaces=[interface], **management("client"))
    assert entry(hosts.values()) == dict.fromkeys(BACKENDS, only(*who))
    assert site(hosts.values(), avi_firewall_interfaces=[interface], **management("client")).changed == dict.fromkeys(BACKENDS, 0)


def test_nothing_of_ours_drops(hosts: dict[str, Machine]) -> None:
    site(hosts.values(), **management("client"))
    each(lambda host: host.sh("! nft list ruleset | sed -n '/chain avi-/,/}/p' | grep -E 'drop|reject'"), hosts.values())
    assert "ACCEPT" in hosts["iptables"].sh("iptables -S avi-con-in; ip6tables -S avi-con-in")
    assert "accept" in hosts["nftables"].sh("nft list chain inet filter avi-con-in")
