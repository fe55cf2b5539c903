# Copyright: (c) 2026, avi.firewall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import sys

import pytest
from ansible_collections.avi.firewall.plugins.module_utils import _boot, _host, _iptables, _nftables, _rollback

REQUEST = _host.Request("controller", "con", [{"name": "avi-con-x"}])


@pytest.fixture
def system(monkeypatch, tmp_path):
    """Return how to have a Python of the system that says of itself whether it is recent; None: there is none."""

    def make(code):
        path = tmp_path / "python3"
        if code is not None:
            path.write_text(f"#!/bin/sh\nexit {code}\n", encoding="utf-8")
            path.chmod(0o755)
        monkeypatch.setattr(_boot, "SYSTEM_PYTHON", str(path))
        _boot.python.cache_clear()
        return str(path)

    yield make
    _boot.python.cache_clear()


def test_a_boot_runs_the_python_of_the_system(system):
    python = system(0)
    texts = _boot.files("iptables", REQUEST, _iptables.MODULES, _iptables.UNITS)
    assert f"ExecStart={python} -m avi_firewall._iptables sets\n" in texts[_boot.UNITS / "avi-firewall-sets.service"]
    assert f"ExecStart={python} -m avi_firewall._iptables rules\n" in texts[_boot.UNITS / "avi-firewall.service"]
    drop_in = _boot.files("nftables", REQUEST, _nftables.MODULES, _nftables.UNITS)[_nftables.UNITS[0].path]
    assert drop_in.count(f"PYTHONDONTWRITEBYTECODE=1 {python} -m avi_firewall._nftables\n") == 2
    assert f"ExecStart={python} -m avi_firewall._rollback boot\n" in _rollback._unit()


@pytest.mark.parametrize("code", [1, None], ids=["too old", "missing"])
def test_a_boot_runs_the_python_of_ansible_where_that_of_the_system_cannot(system, code):
    system(code)
    assert _boot.python() == sys.executable


def test_the_python_of_the_system_is_asked_for_its_version(system, monkeypatch):
    system(None)
    monkeypatch.setattr(_boot, "SYSTEM_PYTHON", sys.executable)
    monkeypatch.setattr(sys, "executable", "/opt/other/python3")
    assert _boot.python() != "/opt/other/python3"
