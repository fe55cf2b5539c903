# Copyright: (c) 2026, avi.firewall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import re

from ansible_collections.avi.firewall.plugins.plugin_utils import _handover_markdown, _handover_report
from ansible_collections.avi.firewall.tests.unit import handover_golden, handover_site

PORTS = {"icmp echo": ("icmp", None)}


def tables(text):
    """Return the tables of a page by their heading, each a list of mappings."""
    found = {}
    for part in re.split(r"^##+ ", text, flags=re.MULTILINE)[1:]:
        rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in part.splitlines() if line.startswith("|")]
        found[part.partition("\n")[0]] = [dict(zip(rows[0], row, strict=True)) for row in rows[2:]]
    return found


def test_the_page_of_the_realistic_site_is_the_one_that_was_looked_at():
    handover_golden.check("report.md", _handover_markdown.make(handover_site.report()))


def test_the_page_lets_through_what_the_flows_do():
    found = tables(_handover_markdown.make(handover_site.report()))
    lists = {row["list"]: row["networks"].split(", ") for row in found["Addresses"]}
    told = []
    for row in found["Flows"]:
        protocol, _space, port = row["port"].partition(" ")
        told.append((lists[row["from"]], lists[row["to"]], *PORTS.get(row["port"], (protocol, int(port) if port.isdigit() else port))))
    assert told == [
        (flow["source_networks"], flow["destination_networks"], flow["protocol"], flow["port"]) for flow in handover_site.flows()
    ]


def test_names_are_told_with_their_addresses():
    found = tables(_handover_markdown.make(handover_site.report()))
    assert found["Host names"] == [{"name": "ldap.example.com", "addresses": "192.0.2.40, 2001:db8::40"}]
    assert {row["no address of"] for row in found["Left out"]} >= {"ntp_server", "esxi_host"}


def test_a_difference_comes_first():
    text = _handover_markdown.make(_handover_report.against(handover_site.report(), handover_site.former()))
    assert text.index("## Difference") < text.index("## Flows")
    assert "Against the former report, of release 21.1: 1 added, 1 removed, 6 changed; 13 as before.\n" in text
    found = tables(text)
    assert [(row["to"], row["port"]) for row in found["Added"]] == [("vcenter", "tcp 443")]
    assert [(row["from"], row["to"], row["port"]) for row in found["Removed"]] == [("management_client", "controller", "tcp 5054")]
    assert found["Changed"][0]["source added"].split(", ")[0] == "2001:db8:4::101/128"
    assert found["Changed"][0]["destination added"] == found["Changed"][0]["source removed"] == ""
    assert "Added" not in tables(_handover_markdown.make(_handover_report.against(handover_site.report(), handover_site.report())))


def test_an_empty_report_is_a_page():
    made = _handover_report.report([], {}, {}, {})
    assert tables(_handover_markdown.make(made))["Flows"] == []


def test_no_cell_ends_its_table():
    flow = {**handover_site.flows()[0], "why": "one | two\n# three"}
    assert "| one \\| two # three |" in _handover_markdown.make(_handover_report.report([flow], {}, {}, {}))
