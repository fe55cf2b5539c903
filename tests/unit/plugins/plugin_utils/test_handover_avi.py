# Copyright: (c) 2026, avi.firewall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Avi's own access lists: who is in them, that every Controller is, and that the tasks change nothing else."""

from __future__ import annotations

import copy
import http.server
import ipaddress
import json
import re
import sys

import pytest
from ansible_collections.avi.firewall.plugins.plugin_utils import _handover_avi, _handover_loadable
from ansible_collections.avi.firewall.tests.unit import commands, handover_golden, handover_parsers, handover_site
from ansible_collections.avi.firewall.tests.unit.controller import Controller, serve, url
from ansible_collections.avi.firewall.tests.unit.handover_flows import CLUSTER, CONTROLLERS, ECHO, HTTPS, PORTAL, PORTS, SMTP, SNMP

SITES = {"few": lambda: [*PORTS, ECHO], "site": handover_site.flows}
# Which ports each list is for, after the vendor's page on management access and that on ports.
PORTS_OF = {
    "api_access": {("tcp", 80), ("tcp", 443)},
    "ssh_access": {("tcp", 22)},
    "shell_server_access": {("tcp", 5054)},
    "snmp_access": {("udp", 161)},
}
NODES = [
    {"addr": "192.0.2.11", "type": "V4"},
    {"addr": "2001:db8::11", "type": "V6"},
]
PAIRS = [
    {"ip_addr": {"addr": "192.0.2.12", "type": "V4"}, "mask": 31},
    {"ip_addr": {"addr": "2001:db8::12", "type": "V6"}, "mask": 127},
]


def networks(values):
    found = [ipaddress.ip_network(value) for value in values]
    return {one for version in (4, 6) for one in ipaddress.collapse_addresses([network for network in found if network.version == version])}


@pytest.mark.parametrize("site", SITES)
def test_each_list_has_who_is_planned_and_the_controllers(site):
    flows = SITES[site]()
    text = _handover_avi.as_json(flows)
    handover_golden.check(f"loadable/{site}.avi.json", text)
    lists = json.loads(text)["mgmt_ip_access_control"]
    assert lists.keys() == PORTS_OF.keys()
    for name, ports in PORTS_OF.items():
        coming = [flow for flow in flows if flow["destination"] == "controller" and (flow["protocol"], flow["port"]) in ports]
        planned = [network for flow in coming for network in flow["source_networks"]]
        assert handover_parsers.access_list(lists[name]) == networks([*planned, *CONTROLLERS])


def test_service_engines_keep_their_secure_channel():
    """They log on to the Controllers by SSH: a list without them would cut off all of them."""
    channel = {**PORTAL, "name": "secure_channel", "port": 22}
    assert handover_parsers.access_list(_handover_avi.access([channel])["ssh_access"]) == networks(
        [*PORTAL["source_networks"], *CONTROLLERS]
    )


def test_the_lists_in_the_words_of_the_api():
    assert _handover_avi.access([HTTPS]) == {
        "api_access": {
            "match_criteria": "IS_IN",
            "prefixes": [
                PAIRS[0],
                {"ip_addr": {"addr": "198.51.100.0", "type": "V4"}, "mask": 24},
                PAIRS[1],
                {"ip_addr": {"addr": "2001:db8:5::", "type": "V6"}, "mask": 48},
            ],
            "addrs": NODES,
        },
        **{
            name: {"match_criteria": "IS_IN", "addrs": NODES, "prefixes": PAIRS}
            for name in ("ssh_access", "shell_server_access", "snmp_access")
        },
    }


def test_a_controller_behind_nat_is_in_by_both_addresses():
    seen = {**CLUSTER, "source_networks": ["203.0.113.8/32"], "destination_networks": ["192.0.2.11/32"]}
    for match in _handover_avi.access([seen]).values():
        assert handover_parsers.access_list(match) == networks(["203.0.113.8", "192.0.2.11"])


def test_everyone_is_everyone():
    assert handover_parsers.access_list(_handover_avi.access([SNMP])["snmp_access"]) == networks(["0.0.0.0/0", "::/0"])


EACH = [_handover_avi.as_json, _handover_avi.tasks]


def test_a_cluster_that_is_defined_by_names_is_refused():
    message = (
        "the Controllers are known by host names (con1.example.com, con2.example.com): Avi supports no access list for SSH where the "
        "cluster is defined by names. Define it by addresses, or take avi_access and avi_access_tasks out of avi_report_formats"
    )
    message = f"^{re.escape(message)}$"
    names = {"con1.example.com": ["192.0.2.11"], "con2.example.com": ["233.252.0.1", "2001:db8::12"], "mail.example.com": ["192.0.2.25"]}
    with pytest.raises(_handover_loadable.LoadableError, match=message):
        _handover_avi.refuse_names([HTTPS, CLUSTER, SMTP], names, ["con1"])
    # One that calls nobody.
    with pytest.raises(_handover_loadable.LoadableError, match=r"known by host names \(con1\.example\.com\)"):
        _handover_avi.refuse_names([HTTPS], {"con1.example.com": ["192.0.2.11"]}, [])


def test_other_names_are_nothing_to_the_cluster():
    """Such as that of a mail server, that at which a Controller is dialled through a NAT, and those of the inventory."""
    public = {**PORTAL, "destination_networks": ["203.0.113.9/32", *CONTROLLERS]}
    names = {"mail.example.com": ["192.0.2.25"], "avi.example.com": ["203.0.113.9"], "con1": ["192.0.2.11"]}
    assert _handover_avi.refuse_names([CLUSTER, public, SMTP], names, ["con1", "se1"]) is None


@pytest.mark.parametrize("told", EACH)
@pytest.mark.parametrize("name", ["cluster_ssh_container", "ssh_container"])
def test_controllers_in_containers_are_refused(told, name):
    message = (
        f"the Controllers run in containers ({name}): their access lists are for appliances. "
        "Take avi_access and avi_access_tasks out of avi_report_formats"
    )
    with pytest.raises(_handover_loadable.LoadableError, match=f"^{re.escape(message)}$"):
        told([HTTPS, {**CLUSTER, "name": name, "port": 5098}])


@pytest.mark.parametrize("told", EACH)
@pytest.mark.parametrize("flows", [[], [SMTP]])
def test_no_controller_is_refused(told, flows):
    message = "no flow names a Controller: an access list without all of them breaks the cluster"
    with pytest.raises(_handover_loadable.LoadableError, match=f"^{message}$"):
        told(flows)


CONFIGURATION = {
    "uuid": "default",
    "_last_modified": "1700000000000000",
    "ssh_ciphers": ["aes128-ctr"],
    "mgmt_ip_access_control": {
        "snmp_access": {"match_criteria": "IS_IN", "addrs": [{"addr": "233.252.0.9", "type": "V4"}]},
        "sysint_access": {"match_criteria": "IS_IN", "addrs": [{"addr": "233.252.0.8", "type": "V4"}]},
    },
}


class Configured(Controller, http.server.BaseHTTPRequestHandler):
    """As much of a Controller as the tasks need."""

    def do_GET(self):
        self.answer(200 if self.path == "/api/systemconfiguration" and self.sound() else 401, self.server.configuration)

    def do_PUT(self):
        sent = self.body()
        trusted = (self.headers["X-CSRFToken"], self.headers["Referer"]) == ("t1", f"http://{self.headers['Host']}/")
        if self.path != "/api/systemconfiguration" or not self.sound() or not trusted:
            return self.answer(403)
        self.server.puts.append(sent)
        self.server.configuration = sent
        return self.answer(200, sent)


@pytest.fixture
def controller():
    with serve(Configured, configuration=copy.deepcopy(CONFIGURATION), puts=[]) as server:
        yield server


def play(tmp_path, server, *options):
    (tmp_path / "tasks.yml").write_text(_handover_avi.tasks([*PORTS, ECHO]), encoding="utf-8")
    (tmp_path / "play.yml").write_text(
        "- {hosts: localhost, gather_facts: false, tasks: [{ansible.builtin.import_tasks: tasks.yml}]}", encoding="utf-8"
    )
    known = {
        "avi_url": url(server),
        "avi_username": "admin",
        "avi_password": "secret",
        "avi_api_version": "22.1.7",
        "ansible_python_interpreter": sys.executable,
    }
    options = ["-i", "localhost,", "-c", "local", "-e", json.dumps(known), *options]
    ran = commands.ansible("playbook", *options, "play.yml", cwd=tmp_path, no_proxy="*")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "secret" not in ran.stdout
    return int(re.search(r"changed=(\d+)", ran.stdout)[1])


def test_the_tasks_are_those_that_were_looked_at():
    handover_golden.check("loadable/few.avi.yml", _handover_avi.tasks([*PORTS, ECHO]))


def test_the_tasks_change_the_lists_and_nothing_else(tmp_path, controller):
    play(tmp_path, controller, "--check")
    assert controller.puts == []
    assert play(tmp_path, controller) == 1
    known = CONFIGURATION["mgmt_ip_access_control"]
    lists = {**known, **_handover_avi.access([*PORTS, ECHO])}
    assert controller.puts == [{**CONFIGURATION, "mgmt_ip_access_control": lists}]
    assert play(tmp_path, controller) == 0
    assert len(controller.puts) == 1


def test_the_tasks_make_lists_where_there_are_none(tmp_path, controller):
    del controller.configuration["mgmt_ip_access_control"]
    assert play(tmp_path, controller) == 1
    assert controller.puts[0]["mgmt_ip_access_control"] == _handover_avi.access([*PORTS, ECHO])


def test_the_same_flows_make_the_same_file():
    for told in EACH:
        assert told(PORTS) == told(list(PORTS))
        assert not re.search(r"20\d\d-\d\d|Because", told(PORTS))
