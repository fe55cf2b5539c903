# Copyright: (c) 2026, avi.firewall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json

import pytest
from ansible.errors import AnsibleActionFail

VARIABLES = {"inventory_hostname": "con1", "groups": {"controllers": ["con1"]}, "hostvars": {"con1": {"ansible_host": "192.0.2.11"}}}
PLACES = {"files": "192.0.2.21", ".": "192.0.2.22", "here": "192.0.2.23", "elsewhere": "192.0.2.24"}


@pytest.fixture
def collect(act, tmp_path, monkeypatch):
    """Return a function that runs collect in a directory of its own; the fixture ``act`` has the playbook in ``tmp_path``."""
    for place, address in PLACES.items():
        tmp_path.joinpath(place).mkdir(exist_ok=True)
        answer = {"count": 1, "results": [{"config": {"mgmt_ip_address": {"addr": address, "type": "V4"}}}]}
        tmp_path.joinpath(place, "se.json").write_text(json.dumps(answer), encoding="utf-8")
    monkeypatch.chdir(tmp_path / "here")
    return lambda **options: act("collect", {"groups": {"controller": "controllers"}, **options}, VARIABLES)


def test_files_are_looked_for_like_those_to_be_copied_and_last_where_we_are(collect, tmp_path):
    for place in ("files", ".", "here"):
        assert collect(peers_from="se.json")["exported"]["service_engine"][0]["addresses"] == [PLACES[place]]
        tmp_path.joinpath(place, "se.json").unlink()
    found = collect(peers_from=[str(tmp_path / "elsewhere" / "se.json")])
    assert found["exported"]["service_engine"][0]["addresses"] == ["192.0.2.24"]
    with pytest.raises(AnsibleActionFail, match=r"^avi_firewall_peers_from: se\.json cannot be read: No such file or directory$"):
        collect(peers_from="se.json")


def test_without_files_there_is_what_the_inventory_has(collect):
    found = collect()
    assert found["exported"] == {}
    assert [entry["addresses"] for entry in found["nodes"]["controller"]] == [["192.0.2.11"]]
