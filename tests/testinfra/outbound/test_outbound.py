# Copyright: (c) 2026, avi.firewall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a host that drops outgoing traffic by itself may send after the play: the document's cells, nothing else."""

from __future__ import annotations

import pytest
from expectation import CONTROLLERS, EXPECTED, MANAGED, compare
from lab_hosts import addresses, group, peers

PEERS = {peer: places for peer, places in peers().items() if peer != "management_client"}
# Hosts that no rule names as a destination.
OTHERS = {name: addresses(name) for role in ("clients", "strangers", "service_hosts") for name in group(role)}


@pytest.fixture(scope="module")
def found() -> dict[str, list[str]]:
    return compare(
        {
            (source, address): EXPECTED["outbound"].get(end, ()) if source in CONTROLLERS else ()
            for source in MANAGED
            for end, places in {**PEERS, **OTHERS}.items()
            for address in places
        }
    )


@pytest.mark.parametrize("peer", EXPECTED["outbound"])
def test_peers_get_their_ports_from_controllers_only(found, peer):
    wrong = [line for address in PEERS[peer] for line in found[address]]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("name", OTHERS)
def test_others_get_nothing(found, name):
    wrong = [line for address in OTHERS[name] for line in found[address]]
    assert not wrong, "\n".join(wrong)
