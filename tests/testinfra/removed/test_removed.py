# Copyright: (c) 2026, avi.firewall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""After ``avi_firewall_state: absent`` a host is as it was before the first run."""

from __future__ import annotations

import pytest
from expectation import MANAGED, differences
from lab_hosts import changes, everywhere, kept, listing


@pytest.fixture(scope="module")
def now():
    return everywhere(listing, MANAGED)


@pytest.fixture(scope="module")
def found():
    return differences(told=None)


@pytest.mark.parametrize("name", MANAGED)
def test_rules_and_files_are_as_before(now, name):
    differing = changes(kept()[name], now[name])
    assert not differing, "\n".join(differing)


@pytest.mark.parametrize("destination", MANAGED)
def test_nobody_gets_in(found, destination):
    assert not found[destination], "\n".join(found[destination])
