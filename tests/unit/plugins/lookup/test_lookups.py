# Copyright: (c) 2026, avi.firewall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The lookups as a playbook calls them: through the loader, with options checked by their documentation."""

from __future__ import annotations

import re

import jmespath
import pytest
import yaml
from ansible.errors import AnsibleError
from ansible.parsing.dataloader import DataLoader
from ansible.plugins.loader import lookup_loader
from ansible.template import Templar
from ansible_collections.avi.firewall.plugins.doc_fragments import site
from ansible_collections.avi.firewall.plugins.lookup import host_plan, port_matrix
from ansible_collections.avi.firewall.plugins.plugin_utils import _port_matrix
from ansible_collections.avi.firewall.tests.unit.trust import trust_as_template

INVENTORY = {
    "con1": {"ansible_host": "192.0.2.11"},
    "con2": {"ansible_host": "192.0.2.12"},
    "se1": {"ansible_host": "192.0.2.21"},
}
COMMON = {"avi_firewall_release": "16.3", "avi_firewall_peers": {"management_client": ["198.51.100.0/24"]}}
VARIABLES = {
    "inventory_hostname": "con1",
    "groups": {"avi_controllers": ["con1", "con2"], "avi_service_engines": ["se1"]},
    "hostvars": {host: {**COMMON, **variables} for host, variables in INVENTORY.items()},
    **COMMON,
}


def ask(name, *terms, variables=VARIABLES, **options):
    loader = DataLoader()
    plugin = lookup_loader.get(f"avi.firewall.{name}", loader=loader, templar=Templar(loader=loader, variables=variables))
    return plugin.run(list(terms), variables=variables, **options)


def test_rows_of_several_ends_come_in_their_order():
    rows = ask("port_matrix", "smtp_server", "dns_server", release="16.3")
    assert [(row["destination"], row["protocol"], row["port"]) for row in rows] == [("smtp_server", "tcp", 25), ("dns_server", "udp", 53)]


@pytest.mark.parametrize(
    ("options", "ports"),
    [
        ({"source": "service_engine"}, [22, 8443, 123]),
        ({"source": "service_engine", "protocol": "udp"}, [123]),
        ({"source": "management_client"}, [22, 443, 161]),
        ({"source": "management_client", "features": ["http", "cli_shell"]}, [22, 80, 443, 5054, 161]),
        ({"source": "management_client", "runtime": "podman"}, [5098, 443, 161]),
        ({"direction": "out", "destination": "ldap_server"}, [389, 389, 636, 636]),
    ],
)
def test_options_narrow_the_question(options, ports):
    assert [row["port"] for row in ask("port_matrix", "controller", release="16.3", **options)] == ports


@pytest.mark.parametrize(
    ("terms", "options", "message"),
    [
        (["controler"], {}, "end 'controler' is not one of controller, service_engine"),
        (["controller"], {"release": "18.1"}, "release '18.1' is not one of 16.2, 16.3, 17.1"),
        (["controller"], {"features": ["ftp"]}, "'ftp' is not one of http, cli_shell"),
        (["controller"], {"source": "someone"}, "source 'someone' is not one of controller"),
        (["controller"], {"feature": "http"}, "has no option feature; its options are cloud, destination, direction, extra_rows, features"),
        (["controller"], {"release": None}, "release"),
    ],
)
def test_a_slip_is_refused(terms, options, message):
    with pytest.raises(AnsibleError, match=re.escape(message)):
        ask("port_matrix", *terms, **{"release": "16.3", **options})


def test_a_direction_that_there_is_not_is_refused():
    with pytest.raises(AnsibleError, match=r"""Invalid value ["']up["'] for config.*\bdirection\b"""):
        ask("port_matrix", "controller", release="16.3", direction="up")


def queries():
    """Return the jmespath queries of the documentation's examples with the options they are asked with."""
    found = {}
    for example in yaml.safe_load(port_matrix.EXAMPLES):
        text = example["ansible.builtin.debug"]["msg"]
        if query := re.search(r"json_query\((['\"])(.*)\1\)", text):
            options = dict(re.findall(r"(\w+)='([^']*)'", text.partition("json_query")[0]))
            if "features" in text:
                options["features"] = ["http", "cli_shell"]
            found[query[2]] = options
    return found


def test_the_documented_queries_answer_what_they_say():
    answers = [jmespath.search(query, ask("port_matrix", "controller", **options)) for query, options in queries().items()]
    assert answers == [
        [
            {"port": 22, "protocol": "tcp", "why": "SSH to the Controller"},
            {"port": 80, "protocol": "tcp", "why": "Web portal and REST API over plain HTTP"},
            {"port": 443, "protocol": "tcp", "why": "Web portal and REST API"},
            {"port": 5054, "protocol": "tcp", "why": "CLI server, for the remote CLI shell"},
            {"port": 161, "protocol": "udp", "why": "SNMP agent"},
        ],
        [
            ["controller", "tcp", 22],
            ["smtp_server", "tcp", 25],
            ["tacacs_server", "tcp", 49],
            ["dns_server", "udp", 53],
            ["ntp_server", "udp", 123],
            ["snmp_trap_receiver", "udp", 162],
            ["ldap_server", "tcp", 389],
            ["ldap_server", "udp", 389],
            ["ldap_server", "tcp", 636],
            ["ldap_server", "udp", 636],
            ["syslog_server", "udp", 514],
            ["esxi_host", "tcp", 443],
            ["marathon", "tcp", 80],
            ["openshift_node", "tcp", 22],
            ["kubernetes_node", "tcp", 22],
            ["mesos_node", "tcp", 22],
        ],
        ["cluster_ssh_container", "secure_channel_container", "ssh_container"],
    ]


def cells(rules):
    return [(rule["host"], rule["peer"], f"{rule['protocol']}/{rule['port']}", *rule["networks"]) for rule in rules]


def test_a_site_is_asked_for_where_a_row_depends_on_it():
    assert [row["port"] for row in ask("port_matrix", "service_engine", release="22.1", cloud="gcp")] == [4001]
    variables = {
        **VARIABLES,
        "avi_firewall_cloud": trust_as_template("{{ 'nsx' ~ '_t' }}"),
        "avi_firewall_object_sync_port": trust_as_template("{{ 9000 + 5 }}"),
    }
    assert [row["port"] for row in ask("port_matrix", "service_engine", release="22.1", variables=variables)] == [9005]
    with pytest.raises(AnsibleError, match="avi_firewall_cloud is not set"):
        ask("port_matrix", "service_engine", release="22.1")


EXPORTER = {
    "name": "exporter",
    "source": "management_client",
    "destination": "controller",
    "protocol": "tcp",
    "port": 9100,
    "why": "Metrics",
}


def test_rows_of_ones_own_are_answered_like_ours():
    variables = {**VARIABLES, "avi_firewall_extra_rows": [{**EXPORTER, "port": trust_as_template("{{ 9000 + 100 }}")}]}
    assert ask("port_matrix", "controller", release="16.3", variables=variables)[-1]["port"] == 9100
    assert cells(ask("host_plan", "con1", variables=variables))[-1] == ("con1", "management_client", "tcp/9100", "198.51.100.0/24")
    for name, options in (("port_matrix", {"release": "16.3"}), ("host_plan", {})):
        with pytest.raises(AnsibleError, match=r"avi_firewall_extra_rows: row 1 \(exporter\): port 0 is not a number"):
            ask(name, "controller" if name == "port_matrix" else "con1", extra_rows=[{**EXPORTER, "port": 0}], **options)


def test_rows_without_a_port_are_answered():
    rows = ask("port_matrix", "service_engine", release="22.1", cloud="aws", features=["icmp_echo", "se_tunnels"])
    assert [(row["protocol"], row["port"]) for row in rows] == [
        ("tcp", 4001),
        ("ip-97", None),
        ("ip-73", None),
        ("ip-63", None),
        ("icmp", None),
    ]
    assert ask("port_matrix", "controller", release="22.1", features=["icmp_echo"], protocol="icmp")[0]["name"] == "echo"


def test_the_difference_of_two_releases():
    [found] = ask("release_diff", **{"from": "17.1", "to": "20.1"})
    assert [(row["source"], row["destination"], row["port"]) for row in found["added"]] == [("controller", "controller", 443)]
    assert found["markdown"].startswith("# Ports of Avi, release 17.1 to 20.1\n")


@pytest.mark.parametrize(
    ("terms", "options", "message"),
    [
        ([], {"to": "18.1"}, "release_diff: release '18.1' is not one of 16.2, 16.3, 17.1, 20.1, 21.1, 22.1: no page that lists its ports"),
        ([], {"feature": "ako"}, "release_diff has no option feature; its options are features, from, to"),
        (["16.2"], {}, "release_diff has no option 16.2"),
        ([], {"to": None}, "to"),
    ],
)
def test_a_difference_that_cannot_be_told_says_why(terms, options, message):
    with pytest.raises(AnsibleError, match=re.escape(message)):
        ask("release_diff", *terms, **{"from": "17.1", "to": "20.1", **options})


def test_the_plan_of_this_host_and_of_another():
    assert cells(ask("host_plan", "con1"))[:3] == [
        ("con1", "controller", "tcp/22", "192.0.2.12/32"),
        ("con1", "controller", "tcp/8443", "192.0.2.12/32"),
        ("con1", "service_engine", "tcp/22", "192.0.2.21/32"),
    ]
    assert cells(ask("host_plan", "con2"))[0] == ("con2", "controller", "tcp/22", "192.0.2.11/32")
    assert cells(ask("host_plan", "se1", outbound=True))[0] == ("se1", "controller", "tcp/22", "192.0.2.11/32", "192.0.2.12/32")


def test_nodes_of_a_file_are_in_the_plan(tmp_path):
    file = tmp_path / "cluster.json"
    file.write_text('{"nodes": [{"ip": {"addr": "192.0.2.11", "type": "V4"}}, {"ip": {"addr": "192.0.2.13", "type": "V4"}}]}', "utf-8")
    first = ("con1", "controller", "tcp/22", "192.0.2.12/31")
    assert cells(ask("host_plan", "con1", peers_from=[str(file)]))[0] == first
    assert cells(ask("host_plan", "con1", variables={**VARIABLES, "avi_firewall_peers_from": str(file)}))[0] == first
    with pytest.raises(AnsibleError, match=r"host_plan of con1: avi_firewall_peers_from: no\.json cannot be read"):
        ask("host_plan", "con1", peers_from="no.json")


def test_variables_of_the_play_count_for_its_own_host():
    variables = {**VARIABLES, "clients": "203.0.113.5", "avi_firewall_peers": {"management_client": ["203.0.113.5"]}}
    assert ("con1", "management_client", "tcp/443", "203.0.113.5/32") in cells(ask("host_plan", "con1", variables=variables))
    assert ("con2", "management_client", "tcp/443", "198.51.100.0/24") in cells(ask("host_plan", "con2", variables=variables))


@pytest.mark.parametrize(
    ("host", "options", "message"),
    [
        ("con9", {}, "the inventory has no host 'con9'"),
        ("con1", {"release": "18.1"}, "host_plan of con1: avi_firewall_release '18.1' is not one of 16.2, 16.3, 17.1"),
        ("con1", {"peer": {}}, "host_plan has no option peer; its options are cloud, extra_rows, features, groups, kinds"),
        ("con1", {"peers": {"management_client": ["x y"]}}, "avi_firewall_peers: management_client: 'x y' is not an address"),
        ("con1", {"groups": {"controller": "others"}}, "host con1 is in no group of others"),
    ],
)
def test_a_plan_that_cannot_be_made_says_why(host, options, message):
    with pytest.raises(AnsibleError, match=re.escape(message)):
        ask("host_plan", host, **options)


def test_the_documentation_offers_what_the_matrix_holds():
    options = yaml.safe_load(port_matrix.DOCUMENTATION)["options"]
    for release in _port_matrix.releases():
        assert f"V({release})" in options["release"]["description"]
    for feature in _port_matrix.load()["features"]:
        assert any(f"V({feature})" in line for line in options["features"]["description"])
    assert yaml.safe_load(host_plan.DOCUMENTATION)["options"]["node"]["choices"] == _port_matrix.node_types()
    for plugin in (host_plan, port_matrix):
        assert yaml.safe_load(plugin.DOCUMENTATION)["extends_documentation_fragment"] == ["avi.firewall.site"]
    assert yaml.safe_load(site.ModuleDocFragment.DOCUMENTATION)["options"]["cloud"]["choices"] == _port_matrix.clouds()
    assert options["protocol"]["choices"] == list(_port_matrix.PROTOCOLS)
