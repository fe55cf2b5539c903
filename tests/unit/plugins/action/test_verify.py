# Copyright: (c) 2026, avi.firewall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The tasks of avi_verify where one of them does not come to its end."""

from __future__ import annotations

import pytest
from ansible.errors import AnsibleError
from ansible_collections.avi.firewall.plugins.plugin_utils import _reach

HOSTVARS = {
    host: {"inventory_hostname": host, "ansible_host": address} for host, address in (("con1", "192.0.2.11"), ("se1", "192.0.2.21"))
}
GROUPS = {"controllers": ["con1"], "engines": ["se1"]}
QUESTION = {"nodes": "nodes", "release": "16.3", "peers": {"management_client": ["198.51.100.0/24"]}}


@pytest.fixture
def variables(act):
    names = {"controller": "controllers", "service_engine": "engines"}
    nodes = act("collect", {"groups": names}, {"groups": GROUPS, "hostvars": HOSTVARS})
    return {**HOSTVARS["con1"], "groups": GROUPS, "hostvars": HOSTVARS, "nodes": nodes}


def listening(_arguments):
    return {"listening": ["tcp/22", "tcp/8443", "udp/123"], "holders": []}


def paths(act, variables, **registered):
    hostvars = {host: {**known, **registered.get(host, {})} for host, known in HOSTVARS.items()}
    known = {**variables, "hostvars": hostvars, "ansible_play_hosts": list(HOSTVARS), "ansible_play_hosts_all": list(HOSTVARS)}
    return act("verify_paths", {"nodes": "nodes", "targets": "there"}, known)


def test_a_port_that_is_none_stops_before_anything_listens(act, variables):
    asked = []
    with pytest.raises(AnsibleError, match="avi_verify_also_open: 'ssh' is not a port"):
        act("verify_listen", {**QUESTION, "also_open": ["ssh"]}, variables, asked.append)
    assert asked == []


def test_what_a_host_that_fails_would_have_said_is_unknown(act, variables):
    known = paths(
        act, variables, con1={"there": act("verify_listen", dict(QUESTION), variables, listening)}, se1={"there": {"target": None}}
    )
    failed = act(
        "verify_probe",
        {"paths": "paths"},
        {"inventory_hostname": "se1", "paths": known},
        lambda _arguments: {"failed": True, "msg": "no thread"},
    )
    assert failed["failed"]
    cells = _reach.judge_registered(known, {"se1": {"got": failed}, "con1": {"saw": {"seen": []}, "got": {"answers": []}}}, "got", "saw")
    assert {cell["source"] for cell in cells} == {"se1"}
    assert len(cells) > 8
    assert {(cell["observed"], cell["detail"]) for cell in cells} == {("unknown", "se1 did not say what it got")}


def test_hosts_that_come_later_are_named(act, variables):
    with pytest.raises(AnsibleError, match=r"1 of 2 hosts are not ready to be probed, se1: .* without serial, with the strategy linear"):
        paths(act, variables, con1={"there": act("verify_listen", dict(QUESTION), variables, listening)})


def test_a_host_is_asked_for_causes_as_what_it_is(act, variables):
    question = {
        "source_address": "192.0.2.21",
        "address": "192.0.2.11",
        "protocol": "tcp",
        "port": 22,
        "expected": "open",
        "observed": "rejected",
    }
    asked = []
    known = {**variables, "there": act("verify_listen", dict(QUESTION), variables, listening), "found": {"questions": {"con1": [question]}}}
    act("verify_explain", {"questions": "found", "target": "there"}, known, lambda arguments: asked.append(arguments) or {"causes": []})
    assert asked == [{"questions": [question], "parts": [{"node": "controller", "part": "con"}]}]
