# Copyright: (c) 2026, avi.firewall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from pathlib import Path

from ansible_collections.avi.firewall.plugins.plugin_utils import _matrix_text, _port_matrix

ROOT = Path(_port_matrix.__file__).parents[2]


def test_the_page_is_fresh():
    assert (ROOT / "docs" / "port_matrix.md").read_text(encoding="utf-8") == _matrix_text.page(), "run make docs-matrix"


def test_a_cell_stays_a_cell():
    assert _matrix_text.table(["a"], [["x | y\nz"]]) == "| a |\n| --- |\n| x \\| y z |\n"


def test_what_knows_no_port_is_named():
    row = {"port": None, "port_setting": None}
    assert [_matrix_text.port({**row, "protocol": name}) for name in ("icmp", "ip-97")] == ["icmp echo", "IP protocol 97"]
    setting = {"protocol": "tcp", "port": None, "port_setting": "object_sync_port"}
    assert _matrix_text.port(setting) == "tcp avi_firewall_object_sync_port"
