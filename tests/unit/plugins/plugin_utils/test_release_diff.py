# Copyright: (c) 2026, avi.firewall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.avi.firewall.plugins.plugin_utils import _port_matrix, _release_diff


def cells(rows):
    return [(row["source"], row["destination"], row["protocol"], row["port"]) for row in rows]


def kinds(found):
    return {name: cells(found[name]) for name in ("added", "removed")}


# Typed from what changed between the documents.
ADDED_IN_16_3 = {
    ("controller", "tacacs_server", "tcp", 49),
    *(("controller", "ldap_server", protocol, port) for protocol in ("tcp", "udp") for port in (389, 636)),
    ("controller", "esxi_host", "tcp", 443),
    ("controller", "openshift_master", "tcp", 8443),
    ("controller", "kubernetes_master", "tcp", 8080),
    ("controller", "mesos_master", "tcp", 5050),
    ("controller", "marathon", "tcp", 80),
    *(("controller", f"{kind}_node", "tcp", 22) for kind in ("openshift", "kubernetes", "mesos")),
}


def test_16_3_adds_authentication_servers_and_orchestrators():
    found = _release_diff.diff("16.2", "16.3")
    assert set(cells(found["added"])) == ADDED_IN_16_3
    assert (found["removed"], found["changed"], found["unknown"]) == ([], [], [])
    back = _release_diff.diff("16.3", "16.2")
    assert set(cells(back["removed"])) == ADDED_IN_16_3
    assert (back["added"], back["changed"], back["unknown"]) == ([], [], [])


def test_17_1_changes_no_port():
    found = _release_diff.diff("16.3", "17.1")
    assert [found[name] for name in ("added", "removed", "changed", "unknown")] == [[], [], [], []]
    assert _release_diff.markdown(found) == "# Ports of Avi, release 16.3 to 17.1\n\nRows: 0 added, 0 changed, 0 removed. Features: none.\n"


def test_20_1_adds_https_between_controllers_and_echo():
    found = _release_diff.diff("17.1", "20.1")
    assert kinds(found) == {"added": [("controller", "controller", "tcp", 443)], "removed": []}
    assert found["changed"] == []
    found = _release_diff.diff("17.1", "20.1", ["icmp_echo", "object_sync"])
    assert kinds(found) == {
        "added": [
            ("controller", "controller", "tcp", 443),
            ("service_engine", "controller", "icmp", None),
            ("service_engine", "service_engine", "tcp", 9001),
            ("controller", "service_engine", "icmp", None),
        ],
        "removed": [],
    }


def test_what_was_not_read_of_a_release_is_no_removal():
    unknown = _release_diff.diff("17.1", "20.1")["unknown"]
    dns = next(pair for pair in unknown if pair["before"]["destination"] == "dns_server")
    assert (dns["before"]["port"], dns["after"]) == (53, None)
    smtp = next(pair for pair in unknown if pair["before"]["destination"] == "smtp_server")
    assert (smtp["before"]["feature"], smtp["after"]["feature"]) == (None, "api_defaults")
    ends = {pair["before"]["destination"] for pair in unknown}
    assert not ends & {"controller", "service_engine"}


def test_22_1_moves_the_secure_channel_and_no_port_of_it():
    found = _release_diff.diff("21.1", "22.1")
    assert kinds(found) == {"added": [], "removed": []}
    changed = [(pair["after"]["source"], pair["after"]["port"], pair["after"]["why"]) for pair in found["changed"]]
    assert [(source, port) for source, port, _why in changed] == [("service_engine", 22), ("service_engine", 8443)]
    assert "for debugging" in changed[0][2]
    assert "HTTP/2 over TLS" in changed[1][2]
    assert all(pair["before"]["port"] == pair["after"]["port"] for pair in found["changed"])
    assert ("controller", "gcp_api", "tcp", 443) in cells(pair["after"] for pair in found["unknown"] if pair["after"])


def test_21_1_lists_object_sync_by_cloud():
    found = _release_diff.diff("20.1", "21.1")
    assert cells(found["added"]) == [("service_engine", "service_engine", "tcp", port) for port in (4001, 9001, None)]


def test_the_table_tells_what_was_otherwise_before():
    text = _release_diff.markdown(_release_diff.diff("21.1", "22.1"))
    assert "\nRows: 0 added, 2 changed, 0 removed. Features: none.\n" in text
    assert [line for line in text.splitlines() if line.startswith("| changed")] == [
        "| changed | service_engine | controller | tcp 22 | Controller on its host "
        "| SSH tunnel of the SE, for debugging: its secure channel is on 8443 | SE opens its secure channel over SSH |",
        "| changed | service_engine | controller | tcp 8443 | always "
        "| Secure channel of the SE (HTTP/2 over TLS), and the system portal | SE reaches the system portal |",
    ]


def test_the_table_for_a_change_board():
    text = _release_diff.markdown(_release_diff.diff("17.1", "20.1"))
    assert text.startswith(
        """\
# Ports of Avi, release 17.1 to 20.1

Rows: 1 added, 0 changed, 0 removed. Features: none.

| change | from | to | port | only with | why | in 17.1 |
| --- | --- | --- | --- | --- | --- | --- |
| added | controller | controller | tcp 443 | always | Controllers of a cluster reach each other's REST API |  |

Of 20.1 only the management plane was read. So of these rows no change is known; keep what is needed:
"""
    )
    assert "| controller | dns_server | udp 53 | Name resolution | always | not read |\n" in text
    text = _release_diff.markdown(_release_diff.diff("16.3", "16.2"))
    assert "| removed | controller | tacacs_server | tcp 49 | always | TACACS+ authentication |  |\n" in text
    assert text.endswith("*Removed* means: not found written for 16.2. It does not say that the port is not needed.\n")


@pytest.mark.parametrize(
    ("question", "message"),
    [
        (("17.2", "20.1"), "release '17.2' is not one of 16.2, 16.3, 17.1, 20.1, 21.1, 22.1: no page that lists its ports was found"),
        (("20.1", "30.2"), "release '30.2' is not one of"),
        (("16.2", "16.3", ["ako"]), "feature: neither 16.2 nor 16.3 has such a feature: 'ako' is not one of http, cli_shell, gslb, hsm"),
    ],
)
def test_a_question_without_an_answer_is_refused(question, message):
    with pytest.raises(_port_matrix.PortMatrixError) as caught:
        _release_diff.diff(*question)
    assert str(caught.value).startswith(message)
