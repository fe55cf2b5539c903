# Copyright: (c) 2026, avi.firewall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The plan changes: what it no longer holds closes, what it newly holds opens, and nothing else moves.

Each change starts from the one before it and runs on the Controllers only: the other hosts are peers all the same.
"""

from __future__ import annotations

import pytest
from expectation import CONTROLLERS, EVERYONE, Told, differences
from lab_hosts import peers
from plays import run

CHANGES = {
    "HTTP and the CLI shell go": ({"avi_firewall_features": []}, Told(features=())),
    "everyone may manage": (
        {"avi_firewall_peers": {**peers(), "management_client": ["0.0.0.0/0", "::/0"]}},
        Told(clients=EVERYONE),
    ),
    # The narrow sources come back with it.
    "SSH moves into the container": ({"avi_controller_runtime": "docker"}, Told(in_container=True)),
    "the management clients leave": ({"avi_firewall_peers": {**peers(), "management_client": []}}, Told(clients=())),
}


@pytest.fixture(scope="module", params=CHANGES.values(), ids=CHANGES)
def found(request) -> dict[str, list[str]]:
    variables, told = request.param
    run("--limit=avi_controllers", variables=variables)
    return differences(told, CONTROLLERS)


@pytest.mark.parametrize("destination", CONTROLLERS)
def test_cells(found, destination):
    assert not found[destination], "\n".join(found[destination])
