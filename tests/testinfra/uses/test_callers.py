# Copyright: (c) 2026, avi.firewall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Someone else's playbook uses the roles one by one: by ``roles``, ``import_role`` and ``include_role``."""

from __future__ import annotations

import pytest
from expectation import CONTROLLERS, Told, differences
from lab_hosts import ROOT
from plays import run


@pytest.fixture(scope="module")
def found() -> dict[str, list[str]]:
    # Without features, so that what closes tells that each way was taken.
    run(
        playbook=str(ROOT / "extensions" / "molecule" / "shared" / "callers.yml"),
        variables={"avi_firewall_features": []},
    )
    return differences(Told(features=()), CONTROLLERS)


@pytest.mark.parametrize("destination", CONTROLLERS)
def test_cells(found, destination):
    assert not found[destination], "\n".join(found[destination])
