# Copyright: (c) 2026, avi.firewall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.avi.firewall.plugins.plugin_utils import _port_matrix, _published_ports

VENDORS = {"ssh": 5098, "http": 80, "https": 443, "system_portal": 8443, "cli": 5054, "snmp": 161}


@pytest.mark.parametrize(
    ("chosen", "vendor", "moved"),
    [
        ({}, {}, {}),
        ({}, {"con_ssh_port": 6098}, {"ssh": 6098}),
        ({"ssh": 7098}, {"con_ssh_port": 6098, "con_snmp_port": 1161}, {"ssh": 7098, "snmp": 1161}),
        ({"cli": "5055"}, {}, {"cli": 5055}),
        ({"snmp": 443, "https": 161}, {}, {"snmp": 443, "https": 161}),  # tcp and udp do not meet
        ({"ssh": 443, "https": 5098}, {}, {"ssh": 443, "https": 5098}),
        ({"ssh": 22}, {}, {"ssh": 22}),  # the host's own daemon has made place
    ],
)
def test_a_port_is_where_the_user_says_else_where_the_vendors_role_says(chosen, vendor, moved):
    assert _published_ports.ports(chosen, vendor) == {**VENDORS, **moved}


@pytest.mark.parametrize(
    ("chosen", "vendor", "message"),
    [
        (["ssh"], {}, "avi_controller_ports is ['ssh'], not a mapping from service to port"),
        (None, {}, "avi_controller_ports is None, not a mapping"),
        ({"ftp": 21}, {}, "avi_controller_ports: service 'ftp' is not one of ssh, http, https, system_portal, cli, snmp"),
        ({"ssh": 0}, {}, "avi_controller_ports: ssh 0 is not a port: a number from 1 to 65535"),
        ({"ssh": "65536"}, {}, "avi_controller_ports: ssh '65536' is not a port"),
        ({"ssh": True}, {}, "avi_controller_ports: ssh True is not a port"),
        ({"ssh": "ssh"}, {}, "avi_controller_ports: ssh 'ssh' is not a port"),
        ({"ssh": None}, {}, "avi_controller_ports: ssh None is not a port"),
        ({}, {"con_cli_port": 1.5}, "con_cli_port 1.5 is not a port"),
        ({"ssh": 443}, {}, "avi_controller_ports: https is 443, which is the tcp port of ssh as well"),
        ({"ssh": 6098}, {"con_cli_port": 6098}, "con_cli_port is 6098, which is the tcp port of ssh as well"),
        ({"snmp": 123}, {}, "avi_controller_ports: snmp is 123, which is the udp port of time of the host as well"),
    ],
)
def test_a_mistake_names_the_variable_the_value_and_what_is_allowed(chosen, vendor, message):
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - each kind of error is one of ours, and the message tells which
        _published_ports.ports(chosen, vendor)
    assert str(caught.value).startswith(message)


def test_only_what_a_host_defines_is_asked_of_it():
    variables = {"con_ssh_port": "{{ 6000 + 98 }}", "con_other": 1}
    assert _published_ports.given(variables, {"{{ 6000 + 98 }}": 6098}.get) == {"con_ssh_port": 6098}


def test_every_port_of_a_controller_in_a_container_is_published_but_the_time_of_its_host():
    for release in _port_matrix.releases():
        rows = _port_matrix.rows("controller", release, chosen=["http", "cli_shell"], runtime="container")
        moved = {row["name"] for row in rows if _published_ports.moved(row, dict.fromkeys(VENDORS, 7))["port"] == 7}
        assert {row["name"] for row in rows} - moved == {"time"}
    assert [row["name"] for row in _port_matrix.unpublished()] == ["time"]


def test_variables_of_a_service_engine_count_only_where_its_role_is_in_use():
    variables = {"ssh_port": 2222, "sysint_port": 8443, "con_cli_port": 5055}
    assert _published_ports.given(variables) == {"con_cli_port": 5055}
    assert _published_ports.given({**variables, "se_master_ctl_ip": "192.0.2.11"}) == variables
