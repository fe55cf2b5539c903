# Copyright: (c) 2026, avi.firewall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Something foreign that bears a name of ours stops the play before any change, and is never taken for ours."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterator

import pytest
from faults.admin import BACKENDS, close
from faults.machines import Machine, each, machines
from faults.plays import attempt
from faults.state import changes, look
from lab.runs import Run


@dataclasses.dataclass(frozen=True)
class Thing:
    """Something foreign: how it comes and goes, and what the message must call it."""

    make: str
    drop: str
    called: str


THINGS = {
    "firewalld": {
        "service": Thing(
            "firewall-cmd --permanent --new-service=avi-con-management_client; firewall-cmd --reload",
            "firewall-cmd --permanent --delete-service=avi-con-management_client; firewall-cmd --reload",
            "service avi-con-management_client",
        ),
        "ipset": Thing(
            "firewall-cmd --permanent --new-ipset=avi-con-management_client-4 --type=hash:net; firewall-cmd --reload",
            "firewall-cmd --permanent --delete-ipset=avi-con-management_client-4; firewall-cmd --reload",
            "ipset avi-con-management_client-4",
        ),
        "policy": Thing(
            "firewall-cmd --permanent --new-policy=avi-con-out; firewall-cmd --reload",
            "firewall-cmd --permanent --delete-policy=avi-con-out; firewall-cmd --reload",
            "policy avi-con-out",
        ),
    },
    "ufw": {
        "profile": Thing(
            "printf '[avi-con-management_client]\ntitle=a\ndescription=b\nports=9100/tcp\n' > /etc/ufw/applications.d/site",
            "rm /etc/ufw/applications.d/site",
            "avi-con-management_client",
        ),
        "file of profiles": Thing(
            "printf '[site]\ntitle=a\ndescription=b\nports=9100/tcp\n' > /etc/ufw/applications.d/avi-con",
            "rm /etc/ufw/applications.d/avi-con",
            "/etc/ufw/applications.d/avi-con",
        ),
    },
    "iptables": {
        "chain": Thing("ip6tables -N avi-con-in", "ip6tables -X avi-con-in", "chain avi-con-in"),
        "ipset": Thing(
            "ipset create avi-con-management_client-4 hash:ip",
            "ipset destroy avi-con-management_client-4",
            "ipset avi-con-management_client-4",
        ),
    },
    "nftables": {
        "chain": Thing("nft add chain inet filter avi-con-in", "nft delete chain inet filter avi-con-in", "chain inet filter avi-con-in"),
        "set": Thing(
            "nft add set inet filter avi-con-management_client-4 '{ type ipv4_addr; }'",
            "nft delete set inet filter avi-con-management_client-4",
            "set inet filter avi-con-management_client-4",
        ),
    },
}
CASES = [(backend, kind) for backend, things in THINGS.items() for kind in things]


@dataclasses.dataclass
class Told:
    """What two runs said, that should open and should take away, and what they changed."""

    opening: Run
    removing: Run
    changes: list[str]


def _meet(hosts: dict[str, Machine], things: dict[str, Thing]) -> dict[str, Told]:
    """Run against one foreign thing on each host."""
    here = {backend: hosts[backend] for backend in things}
    each(lambda backend: here[backend].sh(things[backend].make), here)
    before = each(look, here.values())
    opening = attempt(here.values())
    removing = attempt(here.values(), avi_firewall_state="absent")
    after = each(look, here.values())
    each(lambda backend: here[backend].sh(things[backend].drop), here)
    return {backend: Told(opening, removing, changes(*states)) for backend, *states in zip(here, before, after, strict=True)}


@pytest.fixture(scope="module")
def told() -> Iterator[dict[tuple[str, str], Told]]:
    found = {}
    with machines(*BACKENDS) as hosts:
        close(hosts)
        for row in itertools.zip_longest(*([(backend, kind) for kind in THINGS[backend]] for backend in BACKENDS)):
            cases = [case for case in row if case]
            met = _meet(hosts, {backend: THINGS[backend][kind] for backend, kind in cases})
            found |= {case: met[case[0]] for case in cases}
        yield found


@pytest.mark.parametrize(("backend", "kind"), CASES)
def test_the_play_stops_and_names_it(told, backend, kind):
    run = told[backend, kind].opening
    assert run.failed[backend] == 1, str(run)
    assert THINGS[backend][kind].called in run.message(backend)


@pytest.mark.parametrize(("backend", "kind"), CASES)
def test_nothing_is_changed_and_it_is_not_taken_away(told, backend, kind):
    assert told[backend, kind].changes == []
