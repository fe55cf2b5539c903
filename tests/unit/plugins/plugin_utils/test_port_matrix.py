# Copyright: (c) 2026, avi.firewall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import copy
from collections import Counter
from pathlib import Path

import pytest
import yaml
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


OF_THE_DOCUMENT = (None, "http", "cli_shell")


def held(release):
    """Return the cells that somebody gets who asks for no feature but those of the document."""
    return {
        (row["source"], row["destination"], row["protocol"], row["port"])
        for row in _port_matrix.table()
        if release in row["releases"] and row["feature"] in OF_THE_DOCUMENT
    }


@pytest.mark.parametrize("release", CELLS)
def test_the_table_holds_the_cells_of_the_document_and_no_other(release):
    assert held(release) == CELLS[release]


EXPECTED = {
    release: [line.split() for line in lines]
    for release, lines in yaml.safe_load(Path(__file__).with_name("expected_matrix.yml").read_text(encoding="utf-8")).items()
}
RUNTIMES = {"host": ["on", "its", "host"], "container": ["in", "a", "container"], None: []}


def told(row):
    """Return ``row`` as the expectation writes it, without its level."""
    port = [] if row["protocol"] == "icmp" or row["protocol"].startswith("ip-") else [str(row["port"] or "set")]
    only_with = [*filter(None, [row["feature"]]), *RUNTIMES[row["runtime"]], *filter(None, ["+".join(row["cloud"] or ())])]
    return (row["source"], row["destination"], "/".join([row["protocol"], *port]), *only_with)


@pytest.mark.parametrize("release", EXPECTED)
def test_every_row_that_was_read_is_there_and_no_other(release):
    rows = [told(row) for row in _port_matrix.table() if release in row["releases"]]
    assert Counter(rows) == Counter(tuple(line[1:]) for line in EXPECTED[release])


@pytest.mark.parametrize("release", EXPECTED)
def test_what_is_implied_only_is_marked_and_belongs_to_a_feature(release):
    implied = {tuple(line[1:]) for line in EXPECTED[release] if line[0] == "C"}
    rows = [row for row in _port_matrix.table() if release in row["releases"]]
    marks = ("api_defaults", "gslb_guide", "linux_server_guide")
    assert {told(row) for row in rows if row["evidence"] in marks} == implied
    assert all(row["feature"] for row in rows if row["evidence"] in marks)


@pytest.mark.parametrize("release", EXPECTED)
def test_a_question_for_each_end_gets_every_row(release):
    wanted = {tuple(line[1:]) for line in EXPECTED[release]}
    by_setting = {row for row in wanted if row[2] == "tcp/set"}
    found = set()
    for cloud in _port_matrix.clouds():
        site = _port_matrix.Site(cloud, 4321 if by_setting and cloud == "no_orchestrator" else None)
        for runtime in _port_matrix.RUNTIMES:
            for end in _port_matrix.ends():
                rows = _port_matrix.rows(end, release, chosen=_port_matrix.features(release), runtime=runtime, site=site)
                found |= {told(row) for row in rows}
    assert found == wanted - by_setting | {(*row[:2], "tcp/4321", *row[3:]) for row in by_setting}


def test_no_release_is_held_beside_those_that_were_read():
    assert _port_matrix.releases() == list(EXPECTED)


@pytest.mark.parametrize(
    ("release", "message"),
    [
        ("17.2", "no page that lists its ports was found, only code that tells some of them. The nearest held: 17.1 and 20.1;"),
        (
            "18.2.13",
            "no page that lists its ports was found, only what a container publishes and defaults of the API. The nearest held: 17.1 and",
        ),
        (
            "30.1",
            "no page that lists its ports was found, only what a container publishes and defaults of the API. The nearest held: 22.1;",
        ),
        (
            "30.2.1",
            "its page was not read whole, for the tables were missing, and its sources contradict each other on the object-sync port.",
        ),
        ("31.1", "no page, code or API model of it was found. The nearest held: 22.1; nothing is inferred from a neighbour"),
        ("16.1", "nothing was read of it. The nearest held: 16.2;"),
        ("22.1.3", "the rows are those of every 22.1: write 22.1"),
        ("latest", "a release is two numbers, as 16.3"),
        ("1" * 5000 + ".1", "a release is two numbers, as 16.3"),
        (16.3, "a release is two numbers, as 16.3"),
    ],
)
def test_a_release_that_is_not_held_is_refused_with_the_reason_and_the_nearest(release, message):
    with pytest.raises(_port_matrix.PortMatrixError) as caught:
        _port_matrix.rows("controller", release)
    start = f"release {release!r} is not one of 16.2, 16.3, 17.1, 20.1, 21.1, 22.1: "
    assert str(caught.value).startswith(start + message)


def sync(release, chosen=(), **site):
    rows = _port_matrix.rows("service_engine", release, chosen=chosen, site=_port_matrix.Site(**site))
    return [row["port"] for row in rows if row["name"] == "object_sync"]


@pytest.mark.parametrize(
    ("clouds", "port"),
    [(("aws", "azure", "gcp", "openstack"), 4001), (("vcenter", "linux_server", "nsx_t"), 9001), (("no_orchestrator",), 1024)],
)
def test_the_cloud_or_the_setting_tells_the_port_of_object_sync(clouds, port):
    for cloud in clouds:
        for release in ("21.1", "22.1"):
            if cloud != "no_orchestrator":
                assert sync(release, cloud=cloud) == [port]
            assert sync(release, cloud=cloud, object_sync_port="1024") == [1024]
        assert sync("20.1", ["object_sync"], cloud=cloud) == [9001]
        assert sync("17.1", cloud=cloud, object_sync_port=4001) == []


def test_a_row_that_depends_on_the_cloud_is_not_left_out_in_silence():
    with pytest.raises(_port_matrix.PortMatrixError) as caught:
        sync("22.1")
    assert str(caught.value) == (
        "avi_firewall_cloud is not set, and object_sync of service_engine in release 22.1 depends on it: "
        "one of aws, azure, gcp, openstack, vcenter, linux_server, nsx_t, no_orchestrator is allowed"
    )
    own = next(row for row in _port_matrix.table() if row["cloud"]) | {"name": "own", "releases": ["22.1"]}
    with pytest.raises(_port_matrix.PortMatrixError, match=r"^avi_firewall_cloud is not set, and object_sync, own of service_engine in"):
        sync("22.1", extra=[own, own])


def test_a_port_that_the_sources_contradict_each_other_on_must_be_set():
    with pytest.raises(_port_matrix.PortMatrixError) as caught:
        sync("21.1", cloud="no_orchestrator")
    assert str(caught.value) == (
        "avi_firewall_object_sync_port is not set, and for avi_firewall_cloud no_orchestrator the sources of release 21.1 contradict each "
        "other on the port of object_sync: set it to the port of the Service Engine group (objsync_port)"
    )


@pytest.mark.parametrize(
    ("site", "message"),
    [
        (
            {"cloud": "aliyun"},
            "avi_firewall_cloud 'aliyun' is not one of aws, azure, gcp, openstack, vcenter, linux_server, nsx_t, no_orchestrator",
        ),
        ({"cloud": ["aws"]}, "avi_firewall_cloud ['aws'] is not one of aws"),
        ({"object_sync_port": 80}, "avi_firewall_object_sync_port 80 is not a port for it: a number from 1024 to 65535"),
        ({"object_sync_port": 65536}, "avi_firewall_object_sync_port 65536 is not"),
        ({"object_sync_port": "4001 "}, "avi_firewall_object_sync_port '4001 ' is not"),
        ({"object_sync_port": True}, "avi_firewall_object_sync_port True is not"),
        ({"object_sync_port": 4001.0}, "avi_firewall_object_sync_port 4001.0 is not"),
    ],
)
def test_a_setting_of_the_site_that_cannot_be_is_refused(site, message):
    with pytest.raises(_port_matrix.PortMatrixError) as caught:
        _port_matrix.Site(**site)
    assert str(caught.value).startswith(message)


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
        ({"cloud": ["aliyun"]}, "cloud 'aliyun' is not one of aws, azure"),
        ({"port_setting": "ssh_port"}, "port_setting 'ssh_port' is not one of object_sync_port"),
        ({"protocol": "icmp"}, "port 25, but icmp knows no ports: null is allowed"),
        ({"protocol": "ip-97"}, "port 25, but ip-97 knows no ports"),
        ({"name": "Mail!"}, "row 'Mail!' of smtp_server: name 'Mail!' is not at most 40 lower-case letters"),
        ({"runtime": "docker"}, "runtime 'docker' is not one of host, container"),
        ({"why": None, "evidence": None}, "row 'smtp' of smtp_server lacks evidence, why"),
        ({"since": "16.2", "note": "mail"}, "row 'smtp' of smtp_server has the unknown key note, since"),
    ],
)
def test_a_malformed_row_is_refused(keys, message):
    with pytest.raises(_port_matrix.PortMatrixError, match=message.replace("(", r"\(")):
        _port_matrix.check(changed(**keys))


@pytest.mark.parametrize("keys", [{}, {"port": 1}, {"port": 65535}, {"port_setting": "object_sync_port"}])
def test_a_row_as_it_may_be_is_well_formed(keys):
    _port_matrix.check(changed(**keys))


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


def test_rows_for_different_clouds_or_releases_may_be_one_port_and_one_name():
    matrix = changed(cloud=["aws"], releases=["16.2"])
    row = matrix["ports"]["smtp_server"][0]
    del matrix["ports"]["smtp_server"][1:]
    matrix["ports"]["smtp_server"] += [{**row, "cloud": ["gcp"]}, {**row, "releases": ["16.3"]}]
    _port_matrix.check(matrix)
    matrix["ports"]["smtp_server"].append({**row, "cloud": ["azure", "gcp"]})
    with pytest.raises(_port_matrix.PortMatrixError, match=r"row 'smtp' of smtp_server stands twice in release 16\.2"):
        _port_matrix.check(matrix)


def test_a_container_may_have_the_port_of_a_host_under_another_name():
    matrix = changed(runtime="host")
    row = matrix["ports"]["smtp_server"][0]
    matrix["ports"]["smtp_server"].append({**row, "runtime": "container", "name": "smtp_container"})
    _port_matrix.check(matrix)


def test_an_unknown_key_of_the_matrix_is_refused():
    with pytest.raises(_port_matrix.PortMatrixError, match="'notes'"):
        _port_matrix.check({**changed(), "notes": []})


@pytest.mark.parametrize(
    "entry",
    [
        {"protocol": "tcp", "port": 443},
        {"protocol": "tcp", "port": 443, "variable": "v", "since": "16.2"},
        {"protocol": "udp", "port": 443, "variable": "v"},
        {"protocol": "tcp", "port": 444, "variable": "v"},
        {"protocol": "tcp", "port": 443, "variable": "v", "on_host": 444},
    ],
)
def test_a_published_port_that_no_row_has_is_refused(entry):
    with pytest.raises(_port_matrix.PortMatrixError) as caught:
        _port_matrix.check({**changed(), "published": {"https": entry}})
    assert str(caught.value) == f"published: https: {entry} is no protocol, port and variable of a row of controller"


def test_every_set_name_fits_into_an_ipset():
    for part in _plan.PARTS.values():
        for end in _port_matrix.ends():
            assert len(f"avi-{part}-{end}-4") <= 31
    for end in {row["destination"] for row in _port_matrix.table() if row["source"] == "controller"}:
        assert len(f"avi-con-to-{end}-4") <= 31
