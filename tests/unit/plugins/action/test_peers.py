# Copyright: (c) 2026, avi.firewall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What collect found out of the peers of a host gets to everything that plans or looks."""

from __future__ import annotations

import pytest
from ansible_collections.avi.firewall.plugins.plugin_utils import _addresses

HOSTVARS = {
    "con1": {"inventory_hostname": "con1", "ansible_host": "192.0.2.11"},
    "se1": {"inventory_hostname": "se1", "ansible_host": "192.0.2.21", "avi_firewall_address_seen_as": {"controller": "203.0.113.8/29"}},
    "jump": {"inventory_hostname": "jump", "ansible_host": "192.0.2.99", "avi_firewall_address_seen_as": "203.0.113.99"},
}
GROUPS = {"controllers": ["con1"], "engines": ["se1"]}
NAMES = {"controller": "controllers", "service_engine": "engines"}


@pytest.fixture
def variables(act):
    collected = act("collect", {"groups": NAMES}, {"groups": GROUPS, "hostvars": HOSTVARS})
    listed = {"name": "se9", "host": None, "addresses": ["192.0.2.29"], "public": [], "resolved": {"se9.example": ["192.0.2.29"]}}
    return {**HOSTVARS["con1"], "groups": GROUPS, "hostvars": HOSTVARS, "nodes": {**collected, "exported": {"service_engine": [listed]}}}


QUESTION = {"nodes": "nodes", "release": "16.3", "peers": {"management_client": ["desk.example", "198.51.100.64/28"], "controller": []}}
RESOLVED = {"desk.example": ["198.51.100.1"], "se9.example": ["192.0.2.29"]}


@pytest.fixture(autouse=True)
def names(monkeypatch):
    # The default of a parameter is what it was when the function was made.
    monkeypatch.setattr("socket.getaddrinfo", lambda *_arguments, **_more: [(0, 0, 6, "", ("198.51.100.1", 0))])
    _addresses.resolve.cache_clear()
    yield
    _addresses.resolve.cache_clear()


def test_the_plan_tells_which_name_became_which_addresses(act, variables):
    assert act("plan", {"node": "controller", **QUESTION}, variables)["resolved"] == RESOLVED


def listening(act, variables):
    return act("verify_listen", dict(QUESTION), variables, lambda _arguments: {"listening": [], "holders": []})


def test_what_is_looked_at_knows_its_peers(act, variables):
    target = listening(act, variables)["target"]
    assert target["resolved"] == RESOLVED
    assert target["peers"]["service_engine"] == ["192.0.2.29/32", "203.0.113.8/29"]


def test_whoever_looks_is_known_by_the_address_it_is_seen_as(act, variables):
    hostvars = {host: {**known, "there": {"target": None}} for host, known in HOSTVARS.items()}
    hostvars["con1"]["there"] = listening(act, variables)
    hosts = list(HOSTVARS)
    known = {**variables, "hostvars": hostvars, "ansible_play_hosts": hosts, "ansible_play_hosts_all": hosts}
    paths = act("verify_paths", {"nodes": "nodes", "targets": "there"}, known)
    assert paths["sources"] == {"con1": ["192.0.2.11"], "se1": ["192.0.2.21"], "jump": ["192.0.2.99"]}
    assert paths["targets"][0]["seen"] == {"se1": ["203.0.113.8"], "jump": ["203.0.113.99"]}
    assert paths["members"] == {"se1": {"con1": {"203.0.113.8": ["service_engine"]}}}


def test_an_explanation_is_for_the_address_that_is_seen(act, variables):
    asked = []

    def host(arguments):
        asked.extend(arguments["questions"])
        return {"failed": True}

    act("explain", {**QUESTION, "source": "se1", "dport": "8443"}, variables, host)
    assert [(one["source_address"], one["address"], one["expected"]) for one in asked] == [("203.0.113.8", "192.0.2.11", "open")]
