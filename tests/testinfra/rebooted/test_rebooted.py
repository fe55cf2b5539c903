# Copyright: (c) 2026, avi.firewall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The managed hosts booted anew since the first look at them: else the matrix says nothing about a reboot."""

from __future__ import annotations

import time

import pytest
from expectation import MANAGED
from lab_hosts import KEPT, machine


@pytest.mark.parametrize("name", MANAGED)
def test_it_is_a_new_boot(name):
    booted = time.time() - int(machine(name).check_output("ps -o etimes= -p 1"))
    assert booted > KEPT.joinpath("listings.json").stat().st_mtime
