# Copyright: (c) 2026, avi.firewall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import re

from ansible_collections.avi.firewall.plugins.plugin_utils import _handover_markdown, _handover_report
from ansible_collections.avi.firewall.tests.unit import handover_golden, handover_site

DIFFERENCE = """\
# Flows of Avi, release 16.3, 17.1

## Difference

Against the former report, of release 16.3, 17.1: 1 added, 1 removed, 1 changed; 0 as before.

### Added

| from | to | port | service | why | document | optional | release |
| --- | --- | --- | --- | --- | --- | --- | --- |
| service_engine | controller | icmp echo | echo | Pings | matrix_page | icmp_echo | 17.1 |

### Removed

| from | to | port | service | why | document | optional | release |
| --- | --- | --- | --- | --- | --- | --- | --- |
| controller (2) | smtp_server | tcp 465 | smtps | Mail | matrix_page |  | 16.3 |

### Changed

| from | to | port | service | source added | source removed | destination added | destination removed |
| --- | --- | --- | --- | --- | --- | --- | --- |
| controller | smtp_server | tcp 25 | smtp |  | 192.0.2.9/32, 192.0.2.19/32 | 192.0.2.25/32 | 192.0.2.24/32 |

## Flows

| from | to | port | service | why | document | optional | release |
| --- | --- | --- | --- | --- | --- | --- | --- |
| service_engine | controller | icmp echo | echo | Pings | matrix_page | icmp_echo | 17.1 |
| controller | smtp_server | tcp 25 | smtp | Mail | matrix_page |  | 16.3 |

## Addresses

| list | networks |
| --- | --- |
| service_engine | 192.0.2.11/32 |
| controller | 192.0.2.11/32 |
| smtp_server | 192.0.2.25/32 |
| controller (2) | 192.0.2.9/32 |
"""
NOTHING = """\
# Flows of Avi, release unknown

## Difference

Against the former report, of release unknown: nothing added, removed or changed; 0 as before.

## Flows

| from | to | port | service | why | document | optional | release |
| --- | --- | --- | --- | --- | --- | --- | --- |

## Addresses

| list | networks |
| --- | --- |
"""
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


def flow(**more):
    return {
        "source": "controller",
        "source_networks": ["192.0.2.11/32"],
        "destination": "smtp_server",
        "destination_networks": ["192.0.2.25/32"],
        "protocol": "tcp",
        "port": 25,
        "name": "smtp",
        "why": "Mail",
        "document": "matrix_page",
        "feature": None,
        "release": "16.3",
        **more,
    }


def test_the_whole_page_of_a_small_difference():
    ping = {"protocol": "icmp", "port": None, "name": "echo", "why": "Pings", "feature": "icmp_echo", "release": "17.1"}
    now = [flow(), flow(source="service_engine", destination="controller", destination_networks=["192.0.2.11/32"], **ping)]
    before = [
        flow(port=465, name="smtps", source_networks=["192.0.2.9/32"]),
        flow(source_networks=["192.0.2.9/32", "192.0.2.11/32", "192.0.2.19/32"], destination_networks=["192.0.2.24/32"], release="17.1"),
    ]
    found = _handover_report.against(_handover_report.report(now, {}, {}, {}), _handover_report.report(before, {}, {}, {}))
    assert _handover_markdown.make(found) == DIFFERENCE


def test_the_whole_page_of_nothing_at_all():
    nothing = _handover_report.report([], {}, {}, {})
    assert _handover_markdown.make(_handover_report.against(nothing, nothing)) == NOTHING


def test_an_empty_report_is_a_page():
    made = _handover_report.report([], {}, {}, {})
    assert tables(_handover_markdown.make(made))["Flows"] == []


def test_no_cell_ends_its_table():
    flow = {**handover_site.flows()[0], "why": "one | two\n# three"}
    assert "| one \\| two # three |" in _handover_markdown.make(_handover_report.report([flow], {}, {}, {}))
