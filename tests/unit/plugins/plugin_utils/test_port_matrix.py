# Copyright: (c) 2026, avi.firewall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import copy

import pytest
from ansible_collections.avi.firewall.plugins.plugin_utils import _plan, _port_matrix

# The document of release 16.3, cell by cell, written by hand: who, to whom, protocol, port.
SEED = {
    ("controller", "controller", "tcp", 22),
    ("controller", "controller", "tcp", 8443),
    ("controller", "controller", "tcp", 5098),
    ("service_engine", "controller", "tcp", 22),
    ("service_engine", "controller", "tcp", 8443),
    ("service_engine", "controller", "udp", 123),
    ("service_engine", "controller", "tcp", 5098),
    ("management_client", "controller", "tcp", 22),
    ("management_client", "controller", "tcp", 80),
    ("management_client", "controller", "tcp", 443),
    ("management_client", "controller", "tcp", 5054),
    ("management_client", "controller", "udp", 161),
    ("controller", "smtp_server", "tcp", 25),
    ("controller", "tacacs_server", "tcp", 49),
    ("controller", "dns_server", "udp", 53),
    ("controller", "ntp_server", "udp", 123),
    ("controller", "snmp_trap_receiver", "udp", 162),
    ("controller", "ldap_server", "tcp", 389),
    ("controller", "ldap_server", "udp", 389),
    ("controller", "syslog_server", "udp", 514),
    ("controller", "ldap_server", "tcp", 636),
    ("controller", "ldap_server", "udp", 636),
    ("controller", "openstack_keystone", "tcp", 5000),
    ("controller", "openstack_keystone", "tcp", 35357),
    ("controller", "openstack_glance", "tcp", 9292),
    ("controller", "openstack_nova", "tcp", 8774),
    ("controller", "openstack_neutron", "tcp", 9696),
    ("controller", "openstack_heat", "tcp", 8004),
    ("controller", "esxi_host", "tcp", 443),
    ("controller", "openshift_master", "tcp", 8443),
    ("controller", "kubernetes_master", "tcp", 8080),
    ("controller", "mesos_master", "tcp", 5050),
    ("controller", "marathon", "tcp", 80),
    ("controller", "openshift_node", "tcp", 22),
    ("controller", "kubernetes_node", "tcp", 22),
    ("controller", "mesos_node", "tcp", 22),
}
# In no document's table, but in the vendor's recipes: a client reaches a Controller in a container on 5098 as well.
CONTAINER_CLIENT = {("management_client", "controller", "tcp", 5098)}
# What the page of 16.2 does not have yet.
LATER_THAN_16_2 = {"tacacs_server", "ldap_server", "esxi_host", *_port_matrix.cluster_node_kinds()}

CELLS = {
    "16.2": {cell for cell in SEED if cell[1] not in LATER_THAN_16_2} | CONTAINER_CLIENT,
    "16.3": SEED | CONTAINER_CLIENT,
    "17.1": SEED | CONTAINER_CLIENT,
}


def held(release):
    return {(row["source"], row["destination"], row["protocol"], row["port"]) for row in _port_matrix.table() if release in row["releases"]}


@pytest.mark.parametrize("release", CELLS)
def test_the_table_holds_the_cells_of_the_document_and_no_other(release):
    assert held(release) == CELLS[release]


def test_no_release_is_held_beside_those_that_were_read():
    assert _port_matrix.releases() == list(CELLS)


def names(*args, **kwargs):
    return [row["name"] for row in _port_matrix.rows(*args, **kwargs)]


def test_an_optional_row_comes_only_with_its_feature():
    assert "http" not in names("controller", "16.3")
    assert "http" in names("controller", "16.3", chosen=["http"])
    assert "cli_server" not in names("controller", "16.3", chosen=["http"])


@pytest.mark.parametrize(("runtime", "port", "other"), [("host", 22, 5098), ("container", 5098, 22)])
def test_a_container_moves_ssh_to_5098(runtime, port, other):
    rows = _port_matrix.rows("controller", "16.3", runtime=runtime)
    assert [row["source"] for row in rows if row["port"] == port] == [
        "controller",
        "service_engine",
        "management_client",
    ]
    assert not [row for row in rows if row["port"] == other]


def test_direction_turns_the_question_round():
    assert names("service_engine", "16.3") == []
    assert names("service_engine", "16.3", "out") == ["secure_channel", "system_portal", "time"]


@pytest.mark.parametrize(
    ("question", "message"),
    [
        (
            ("controler", "16.3"),
            "end 'controler' is not one of controller, service_engine, management_client, smtp_server",
        ),
        (("controller", "18.1"), "release '18.1' is not one of 16.2, 16.3, 17.1"),
        (("controller", "16.3", "up"), "direction 'up' is not one of in, out"),
        (
            ("controller", "16.3", "in", ["ftp"]),
            "feature: release 16.3 has no such feature: 'ftp' is not one of http, cli_shell",
        ),
        (("controller", "16.3", "in", [], "lxc"), "runtime 'lxc' is not one of host, container"),
    ],
)
def test_a_question_without_an_answer_lists_what_exists(question, message):
    with pytest.raises(_port_matrix.PortMatrixError) as caught:
        _port_matrix.rows(*question)
    assert str(caught.value).startswith(message)


def changed(**keys):
    matrix = copy.deepcopy(dict(_port_matrix.load()))
    row = matrix["ports"]["smtp_server"][0]
    row.update(keys)
    for key in [key for key, value in keys.items() if value is None]:
        del row[key]
    return matrix


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"port": 0}, "row 'smtp' of smtp_server: port 0 is not a number from 1 to 65535"),
        ({"port": 65536}, "port 65536"),
        ({"port": "25"}, "port '25'"),
        ({"port": True}, "port True"),
        ({"protocol": "sctp"}, "protocol 'sctp' is not one of tcp, udp"),
        ({"releases": ["18.1"]}, "release '18.1' is not one of 16.2, 16.3, 17.1"),
        ({"releases": []}, "names no release"),
        ({"when": "fax"}, "feature 'fax' is not one of http, cli_shell"),
        ({"runtime": "docker"}, "runtime 'docker' is not one of host, container"),
        ({"why": None}, "lacks why"),
        ({"since": "16.2"}, "has the unknown key since"),
    ],
)
def test_a_malformed_row_is_refused(keys, message):
    with pytest.raises(_port_matrix.PortMatrixError, match=message.replace("(", r"\(")):
        _port_matrix.check(changed(**keys))


def test_the_table_as_it_stands_is_well_formed():
    _port_matrix.check(changed())


def test_a_row_said_twice_is_refused():
    matrix = changed()
    matrix["ports"]["smtp_server"].append({**matrix["ports"]["smtp_server"][0], "name": "mail"})
    with pytest.raises(_port_matrix.PortMatrixError, match=r"row 'mail' of smtp_server stands twice in release 16\.2"):
        _port_matrix.check(matrix)


def test_a_name_given_twice_is_refused():
    matrix = changed()
    matrix["ports"]["smtp_server"].append({**matrix["ports"]["smtp_server"][0], "port": 26})
    with pytest.raises(_port_matrix.PortMatrixError, match="two rows of smtp_server are named 'smtp'"):
        _port_matrix.check(matrix)


def test_an_unknown_key_of_the_matrix_is_refused():
    with pytest.raises(_port_matrix.PortMatrixError, match="'notes'"):
        _port_matrix.check({**changed(), "notes": []})


def test_every_set_name_fits_into_an_ipset():
    for part in _plan.PARTS.values():
        for end in _port_matrix.ends():
            assert len(f"avi-{part}-{end}-4") <= 31
    for end in {row["destination"] for row in _port_matrix.table() if row["source"] == "controller"}:
        assert len(f"avi-con-to-{end}-4") <= 31
