# Copyright: (c) 2026, avi.firewall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs an action plugin as a task would, without a playbook and without a host."""

from __future__ import annotations

import importlib
from types import SimpleNamespace
from unittest.mock import MagicMock

import pytest
from ansible.parsing.dataloader import DataLoader


@pytest.fixture
def act(tmp_path, monkeypatch):
    """Return a function that runs an action by its name; what it would run on the host is ``host``, from arguments to a result."""

    def acted(name, options, variables, host=None):
        loader = DataLoader()
        loader.set_basedir(str(tmp_path))
        task = MagicMock(args=options, check_mode=False, async_val=0)
        task.get_search_path.return_value = [str(tmp_path)]
        connection = SimpleNamespace(_shell=SimpleNamespace(tmpdir=None))
        templar = SimpleNamespace(template=lambda value: value)
        plugin = importlib.import_module(f"ansible_collections.avi.firewall.plugins.action.{name}")
        action = plugin.ActionModule(task, connection, None, loader, templar, None)
        monkeypatch.setattr(action, "_execute_module", lambda module_args, **_more: host(module_args))
        return action.run(task_vars=variables)

    return acted
