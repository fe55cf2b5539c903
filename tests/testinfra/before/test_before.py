# Copyright: (c) 2026, avi.firewall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Before the play: every managed host is shut, and a rehearsal leaves it so."""

from __future__ import annotations

import os

import pytest
from expectation import EVERYONE, EXPECTED, MANAGED, PROBED, compare, differences
from lab_hosts import addresses, changes, everywhere, group, keep, kept, listing
from plays import run


@pytest.fixture(scope="module")
def found() -> dict[str, list[str]]:
    return differences(told=None)


@pytest.mark.parametrize("destination", MANAGED)
def test_nobody_gets_in(found, destination):
    assert not found[destination], "\n".join(found[destination])


def test_the_probe_sees_open_ports():
    """Where no firewall stands every port answers: what is not open elsewhere is shut, not unanswered."""
    askers = group("clients") + group("strangers")
    unfiltered = {(source, address): PROBED for source in askers for name in group("service_hosts") for address in addresses(name)}
    assert compare(unfiltered) == {address: [] for name in group("service_hosts") for address in addresses(name)}


def test_managed_hosts_send_what_their_firewalls_let_out():
    """Nothing where outgoing traffic is shut, everything elsewhere: else what is shut for them later would say nothing of others."""
    sent = () if os.environ.get("LAB_OUTGOING") == "closed" else PROBED
    answering = [address for role in ("service_hosts", "clients") for name in group(role) for address in addresses(name)]
    assert compare({(source, address): sent for source in MANAGED for address in answering}) == {address: [] for address in answering}


def test_the_lab_is_whole():
    """An empty group would make its cells pass unseen."""
    assert {name: len(group(name)) for name in ("avi_controllers", "avi_service_engines", "avi_cluster_nodes")} == {
        "avi_controllers": 3,
        "avi_service_engines": 3,
        "avi_cluster_nodes": 3,
    }
    assert len(EVERYONE) == 12


@pytest.fixture(scope="module")
def rehearsal():
    keep(everywhere(listing, MANAGED))
    return run("--check", "--diff")


@pytest.fixture(scope="module")
def rehearsed(rehearsal):
    return everywhere(listing, MANAGED)


@pytest.fixture(scope="module")
def added(rehearsal):
    return [line for line in rehearsal.output.splitlines() if line.lstrip().startswith("+")]


@pytest.mark.parametrize("name", MANAGED)
def test_a_rehearsal_changes_nothing(rehearsed, name):
    differing = changes(kept()[name], rehearsed[name])
    assert not differing, "\n".join(differing)


@pytest.mark.parametrize("name", group("avi_controllers") + group("avi_cluster_nodes"))
def test_a_rehearsal_announces_a_change(rehearsal, name):
    assert rehearsal.changed[name] > 0


@pytest.mark.parametrize("cell", EXPECTED["controller"]["clients"])
def test_a_rehearsal_prints_the_ports(added, cell):
    assert any(cell.split("/")[1] in line for line in added)


@pytest.mark.parametrize("address", [address for client in group("clients") for address in addresses(client)])
def test_a_rehearsal_prints_the_peers(added, address):
    assert any(address in line for line in added)
