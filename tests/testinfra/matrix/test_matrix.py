# Copyright: (c) 2026, avi.firewall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""After the play: from every host to every managed host, the document's cells are open and every other one is shut."""

from __future__ import annotations

import pytest
from expectation import MANAGED, Told, differences


@pytest.fixture(scope="module")
def found() -> dict[str, list[str]]:
    return differences(Told())


@pytest.mark.parametrize("destination", MANAGED)
def test_cells(found, destination):
    assert not found[destination], "\n".join(found[destination])
