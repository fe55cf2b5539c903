# Copyright: (c) 2026, avi.firewall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.avi.firewall.plugins.plugin_utils import _extra_rows, _port_matrix

GOOD = {"name": "exporter", "source": "management_client", "destination": "controller", "protocol": "tcp", "port": 9100, "why": "Metrics"}


def test_a_row_of_ones_own_is_one_of_every_release():
    site = _port_matrix.Site(extra=_extra_rows.rows([GOOD]))
    for release in _port_matrix.releases():
        row = _port_matrix.rows("controller", release, site=site)[-1]
        assert (row["name"], row["source"], row["port"], row["evidence"]) == (
            "exporter",
            "management_client",
            9100,
            "avi_firewall_extra_rows",
        )
        assert row.keys() == _port_matrix.table()[0].keys()
    assert "exporter" in [row["name"] for row in _port_matrix.rows("management_client", "16.3", "out", site=site)]


def test_a_number_from_a_template_is_one():
    """Before ansible-core 2.19 what a template makes is a string."""
    assert _extra_rows.rows([{**GOOD, "port": "9100"}]) == _extra_rows.rows([GOOD])


def test_it_holds_where_it_says():
    site = _port_matrix.Site("gcp", extra=_extra_rows.rows([{**GOOD, "runtime": "container", "cloud": ["gcp"]}]))
    names = [[row["name"] for row in _port_matrix.rows("controller", "16.3", runtime=where, site=site)] for where in ("host", "container")]
    assert ["exporter" in found for found in names] == [False, True]
    elsewhere = _port_matrix.Site("aws", extra=site.extra)
    assert "exporter" not in [row["name"] for row in _port_matrix.rows("controller", "16.3", runtime="container", site=elsewhere)]


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("tcp/9100", "avi_firewall_extra_rows is 'tcp/9100', not a list of rows"),
        ({"exporter": 9100}, "avi_firewall_extra_rows is {'exporter': 9100}, not a list of rows"),
        (["tcp/9100"], "avi_firewall_extra_rows: row 1 is 'tcp/9100', not a mapping"),
        ([GOOD, {"name": "x"}], "avi_firewall_extra_rows: row 2 lacks source, destination, protocol, port, why"),
        (
            [{**GOOD, "from": "x"}],
            "avi_firewall_extra_rows: row 1 has the unknown key from; its keys are name, source, destination, protocol",
        ),
        ([{**GOOD, "name": "Ex porter"}], "avi_firewall_extra_rows: row 1: name 'Ex porter' is not at most 40 lower-case letters"),
        ([{**GOOD, "name": 7}], "avi_firewall_extra_rows: row 1: name 7 is not"),
        ([{**GOOD, "source": "me"}], "avi_firewall_extra_rows: row 1 (exporter): source 'me' is not one of controller, service_engine"),
        ([{**GOOD, "destination": ["a"]}], "avi_firewall_extra_rows: row 1 (exporter): destination ['a'] is not one of controller"),
        (
            [{**GOOD, "destination": "hsm"}],
            "avi_firewall_extra_rows: row 1 (exporter): neither management_client nor hsm is one of controller",
        ),
        ([{**GOOD, "protocol": "sctp"}], "avi_firewall_extra_rows: row 1 (exporter): protocol 'sctp' is not one of tcp, udp, icmp, ip-63"),
        ([{**GOOD, "port": 0}], "avi_firewall_extra_rows: row 1 (exporter): port 0 is not a number from 1 to 65535"),
        ([{**GOOD, "port": "9100-9200"}], "avi_firewall_extra_rows: row 1 (exporter): port '9100-9200' is not a number"),
        ([{**GOOD, "port": None}], "avi_firewall_extra_rows: row 1 (exporter): port None is not a number"),
        ([{**GOOD, "protocol": "icmp"}], "avi_firewall_extra_rows: row 1 (exporter): port 9100, but icmp knows no ports: null is allowed"),
        ([{**GOOD, "why": ""}], "avi_firewall_extra_rows: row 1 (exporter): why '' is not a line of 1 to 200 printable characters"),
        ([{**GOOD, "why": "a\nb"}], "avi_firewall_extra_rows: row 1 (exporter): why 'a\\nb' is not a line"),
        ([{**GOOD, "runtime": "docker"}], "avi_firewall_extra_rows: row 1 (exporter): runtime 'docker' is not one of host, container"),
        ([{**GOOD, "cloud": "gcp"}], "avi_firewall_extra_rows: row 1 (exporter): cloud 'gcp' is not a list"),
        ([{**GOOD, "cloud": ["moon"]}], "avi_firewall_extra_rows: row 1 (exporter): cloud 'moon' is not one of aws"),
        ([GOOD, {**GOOD, "port": 9101}], "avi_firewall_extra_rows: two rows of controller are named 'exporter'"),
        ([{**GOOD, "name": "https"}], "avi_firewall_extra_rows: two rows of controller are named 'https'"),
    ],
)
def test_a_mistake_names_the_variable_the_row_the_value_and_what_is_allowed(value, message):
    with pytest.raises(_port_matrix.PortMatrixError) as caught:
        _extra_rows.rows(value)
    assert str(caught.value).startswith(message)
