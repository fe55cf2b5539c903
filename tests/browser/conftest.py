# Copyright: (c) 2026, avi.firewall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Lets plain pytest import the collection, as for the unit tests; one browser for all tests. One that is missing is an error."""

import pytest
from browser.chromium import chromium
from unit.conftest import pytest_configure

__all__ = ["browser", "pytest_configure"]


@pytest.fixture(scope="session")
def browser():
    with chromium() as started:
        yield started
