# Copyright: (c) 2026, avi.firewall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

# By name, for this is read before the collection can be imported.
MODULE_UTILS = "ansible_collections.avi.firewall.plugins.module_utils"


@pytest.fixture(autouse=True)
def lock(monkeypatch, tmp_path_factory):
    """Return the file of the lock, in a folder that whoever runs the tests may write to."""
    path = tmp_path_factory.mktemp("run") / "avi-firewall.lock"
    monkeypatch.setattr(f"{MODULE_UTILS}._host.LOCK", path)
    return path


@pytest.fixture
def no_files(monkeypatch, tmp_path):
    """Let the host have no file of ours, and take none."""
    monkeypatch.setattr(f"{MODULE_UTILS}._boot.RECORDS", tmp_path / "records")
    monkeypatch.setattr(f"{MODULE_UTILS}._boot.ETC", tmp_path)
    # What is about units and the library has tests of its own.
    monkeypatch.setattr(f"{MODULE_UTILS}._boot._library", lambda modules, units: {})
    monkeypatch.setattr(f"{MODULE_UTILS}._boot.keep", lambda files: None)
