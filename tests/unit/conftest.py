# Copyright: (c) 2026, avi.firewall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Lets plain pytest import the collection from any clone, as ansible-test units does."""

from __future__ import annotations

import tempfile
from pathlib import Path

import hypothesis
import pytest
import yaml

# A loaded machine is no fault of the code.
hypothesis.settings.register_profile("patient", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow])
hypothesis.settings.load_profile("patient")

ROOT = Path(__file__).parent.parent.parent


def pytest_configure(config: pytest.Config) -> None:
    try:
        from ansible.plugins.loader import init_plugin_loader
        from ansible.utils.collection_loader import AnsibleCollectionConfig
    except ImportError:
        return  # ansible-test, which lets tests of module code see no more of Ansible than a managed host has
    if AnsibleCollectionConfig.collection_finder is not None:
        return  # ansible-test again, which has set the paths up
    galaxy = yaml.safe_load((ROOT / "galaxy.yml").read_text(encoding="utf-8"))
    base = tempfile.TemporaryDirectory(prefix="collections-")
    config.add_cleanup(base.cleanup)
    link = Path(base.name, "ansible_collections", galaxy["namespace"], galaxy["name"])
    link.parent.mkdir(parents=True)
    link.symlink_to(ROOT, target_is_directory=True)
    init_plugin_loader([base.name])
