# Copyright: (c) 2026, avi.firewall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A run that is cut off leaves the old rules or the new ones, never half of each, and the next ordinary run succeeds."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from faults.admin import BACKENDS, close
from faults.interruptions import PENDING, crash, held, settled
from faults.machines import Machine, each, entry, machines, only
from faults.plays import absent, management, site

# Short, for the tests' sake; the time runs from the end of the change.
SOON = {"avi_firewall_confirm_timeout": 4}
# From these rules to those: one peer leaves, one comes, one stays.
OLD, NEW = ("client", "newcomer"), ("client", "unwanted")
ARMED = dict.fromkeys(BACKENDS, ("during", PENDING))
# What a change from OLD to NEW writes first, with more to come.
HALFWAY = {
    "firewalld": ("during", "/etc/firewalld/ipsets/avi-con-management_client-4.xml"),
    "ufw": ("during", "/etc/ufw/user.rules"),
    "iptables": ("during", "/etc/avi-firewall/iptables/con.json"),
    "nftables": ("during", "/etc/avi-firewall/nftables/con.json"),
}
MADE = dict.fromkeys(BACKENDS, ("after",))
MOMENTS = pytest.mark.parametrize("moments", [ARMED, HALFWAY, MADE], ids=["armed", "halfway", "made"])


@pytest.fixture(scope="module")
def closed() -> Iterator[dict[str, Machine]]:
    with machines(*BACKENDS) as found:
        close(found)
        yield found


@pytest.fixture
def hosts(closed: dict[str, Machine]) -> dict[str, Machine]:
    """Return hosts with the old rules."""
    site(closed.values(), **management(*OLD))
    assert entry(closed.values()) == dict.fromkeys(BACKENDS, only(*OLD))
    return closed


def works_again(hosts: dict[str, Machine]) -> None:
    """An ordinary run succeeds, and leaves nothing of what it needed meanwhile."""
    site(hosts.values(), **management(*NEW))
    assert entry(hosts.values()) == dict.fromkeys(BACKENDS, only(*NEW))
    left = each(lambda host: host.sh("find /var/lib /etc/systemd -name 'avi-firewall' -o -name 'avi-firewall-rollback*'"), hosts.values())
    assert "".join(left) == ""


@MOMENTS
def test_the_run_dies(hosts: dict[str, Machine], moments: dict[str, tuple[str, ...]]) -> None:
    with held(hosts, moments, **management(*NEW), **SOON) as run:
        run.kill()
    each(settled, hosts.values())
    assert entry(hosts.values()) == dict.fromkeys(BACKENDS, only(*OLD))
    works_again(hosts)


@MOMENTS
def test_the_host_loses_its_power(hosts: dict[str, Machine], moments: dict[str, tuple[str, ...]]) -> None:
    with held(hosts, moments, **management(*NEW), **SOON) as run:
        run.play.kill()
        each(crash, hosts.values())
    assert entry(hosts.values()) == dict.fromkeys(BACKENDS, only(*OLD))
    works_again(hosts)


@pytest.mark.parametrize("moments", [ARMED, MADE], ids=["armed", "made"])
@pytest.mark.parametrize("power_fails", [True, False], ids=["power", "run"])
def test_absent_is_cut_off(hosts: dict[str, Machine], power_fails: bool, moments: dict[str, tuple[str, ...]]) -> None:
    with held(hosts, moments, avi_firewall_state="absent", **SOON) as run:
        if power_fails:
            run.play.kill()
            each(crash, hosts.values())
        else:
            run.kill()
    each(settled, hosts.values())
    assert entry(hosts.values()) == dict.fromkeys(BACKENDS, only(*OLD))
    absent(hosts.values())
    assert entry(hosts.values()) == dict.fromkeys(BACKENDS, only())
    works_again(hosts)


def test_the_first_run_is_cut_off_by_a_power_failure(closed: dict[str, Machine]) -> None:
    absent(closed.values())
    with held(closed, MADE, **management(*NEW), **SOON) as run:
        run.play.kill()
        each(crash, closed.values())
    assert entry(closed.values()) == dict.fromkeys(BACKENDS, only())
    assert "".join(each(lambda host: host.sh("find /etc /usr/local /var/lib -name 'avi*'"), closed.values())) == ""
    works_again(closed)
