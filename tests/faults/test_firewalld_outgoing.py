# Copyright: (c) 2026, avi.firewall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a host may send stays open on firewalld when an administrator later lets nothing out, by a policy that comes before ours."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from faults.admin import close
from faults.interruptions import held, settled
from faults.machines import PEERS, Machine, addresses, machines, peer
from faults.plays import absent, site
from faults.state import State, changes, look
from lab.reach import reach

TOLD = {"avi_firewall_outbound": True, "avi_firewall_peers": {"management_client": peer("client"), "smtp_server": peer("client")}}
# What a Controller may dial of a mail server, and what not. Nobody listens there: who gets out is told "closed".
DIALLED, NOT_DIALLED = 25, 26
# Lets out neighbour discovery only.
LOCK = """
    new() { firewall-cmd --quiet --permanent --policy=lock "$@"; }
    firewall-cmd --quiet --permanent --new-policy=lock
    new --set-priority=-10
    new --add-ingress-zone=HOST
    new --add-egress-zone=ANY
    new --set-target=DROP
    new --add-rich-rule='rule family=ipv6 protocol value=ipv6-icmp accept'
    """
RELOAD = "firewall-cmd --quiet --reload\n"
UNLOCK = "firewall-cmd --quiet --permanent --delete-policy=lock\nrm -f /etc/firewalld/policies/lock.xml.old\n" + RELOAD
OPEN, SHUT = {"closed"}, {"filtered"}


def out(host: Machine) -> tuple[set[str], set[str]]:
    """Return what becomes of a call to the port that may be dialled, and to the other, of both families."""
    source = host.container.removeprefix("avi-firewall-")
    found = reach([source], [(address, "tcp", port) for address in addresses(PEERS["client"]) for port in (DIALLED, NOT_DIALLED)])
    words = [{word for (_source, target), word in found.items() if target[2] == port} for port in (DIALLED, NOT_DIALLED)]
    return words[0], words[1]


@pytest.fixture(scope="module")
def closed() -> Iterator[tuple[Machine, State]]:
    """Return a host, and all that is on it."""
    with machines("firewalld") as found:
        close(found)
        host = found["firewalld"]
        # What firewalld makes of a file when somebody takes something away again.
        site([host], **TOLD)
        absent([host])
        yield host, look(host)


@pytest.fixture
def host(closed: tuple[Machine, State]) -> Iterator[Machine]:
    host, before = closed
    yield host
    absent([host])
    host.sh(UNLOCK)
    assert changes(before, look(host)) == []


def test_ours_goes_ahead_of_what_lets_nothing_out(host: Machine) -> None:
    site([host], **TOLD)
    assert out(host) == (OPEN, OPEN)
    host.sh(LOCK + RELOAD)
    assert out(host) == (SHUT, SHUT)
    predicted = site([host], "--check", "--diff", **TOLD)
    assert predicted.changed == {"firewalld": 1}
    assert [line for line in predicted.diff if "policy" in line] == ["+policy: priority -11", "-policy: priority -1"]
    assert site([host], **TOLD).changed == {"firewalld": 1}
    assert out(host) == (OPEN, SHUT)
    assert site([host], **TOLD).changed == {"firewalld": 0}


def test_what_the_next_reload_will_bring_counts_as_well(host: Machine) -> None:
    host.sh(LOCK)
    site([host], **TOLD)
    assert out(host) == (OPEN, SHUT)
    assert site([host], **TOLD).changed == {"firewalld": 0}


def test_a_change_of_its_place_is_taken_back(host: Machine) -> None:
    site([host], **TOLD)
    host.sh(LOCK + RELOAD)
    assert site([host], "--check", **TOLD).changed == {"firewalld": 1}, "there is nothing to be held"
    with held({"firewalld": host}, {"firewalld": ("after",)}, **TOLD, avi_firewall_confirm_timeout=4) as run:
        assert out(host) == (OPEN, SHUT)
        run.kill()
    settled(host)
    assert out(host) == (SHUT, SHUT)
    assert site([host], **TOLD).changed == {"firewalld": 1}
    assert out(host) == (OPEN, SHUT)
