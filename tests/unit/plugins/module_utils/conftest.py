# Copyright: (c) 2026, avi.firewall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest


@pytest.fixture(autouse=True)
def lock(monkeypatch, tmp_path_factory):
    """Return the file of the lock, in a folder that whoever runs the tests may write to."""
    path = tmp_path_factory.mktemp("run") / "avi-firewall.lock"
    monkeypatch.setattr("ansible_collections.avi.firewall.plugins.module_utils._host.LOCK", path)
    return path
