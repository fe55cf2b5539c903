# Copyright: (c) 2026, avi.firewall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What every test of this folder shares: the network, and those who look."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from faults.machines import network


@pytest.fixture(scope="session", autouse=True)
def lab() -> Iterator[None]:
    with network():
        yield
