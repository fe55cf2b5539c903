# Copyright: (c) 2026, avi.firewall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import re

from ansible_collections.avi.firewall.plugins.plugin_utils import _handover_page, _handover_report
from ansible_collections.avi.firewall.tests.unit import handover_golden, handover_site


def rows(page, section):
    """Return the cells of every line that the filter sees in a section, as HTML."""
    (found,) = re.findall(rf'<section id="{section}">(.*?)</section>', page, re.DOTALL)
    return [re.findall(r"<td.*?</td>", line, re.DOTALL) for line in re.findall(r"<tr data-find=.*?</tr>", found, re.DOTALL)]


def code(cell):
    return re.findall(r'class="code[^"]*">([^<]*)<', cell)


def text(cell):
    return " ".join(re.sub(r"<[^>]*>", " ", cell).split())


def test_the_page_lets_through_what_the_flows_do():
    told = rows(_handover_page.make(handover_site.report()), "flows")
    assert [(*(code(cell)[0].split(", ") for cell in cells[:2]), text(cells[2])) for cells in told] == [
        (
            flow["source_networks"],
            flow["destination_networks"],
            "icmp echo" if flow["port"] is None else f"{flow['protocol']} {flow['port']}",
        )
        for flow in handover_site.flows()
    ]
    assert [text(cell) for cell in told[8][2:]] == [
        "tcp 80",
        "http optional: http Web portal and REST API over plain HTTP",
        "matrix_page 22.1",
    ]


def test_the_page_of_the_realistic_site_is_the_one_that_was_looked_at():
    # Its style and its script are tested in a browser; their digests change with them.
    page = re.sub(r"(?s)(<(style|script)[^>]*>).*?(</\2>)", r"\1\3", _handover_page.make(handover_site.report()))
    handover_golden.check("report.html", re.sub(r"'sha256-[^']+'", "'sha256-…'", page))


def test_many_networks_are_folded_with_what_they_are_in_short():
    told = rows(_handover_page.make(handover_site.report()), "flows")
    summary = "40 networks: 50 in 10.16.1.0/24, 155 in 10.16.2.0/24, 203.0.113.8/30, 50 in 2001:db8:1::/64, 50 in 2001:db8:4::/64"
    assert f"<details><summary>{summary}</summary>" in told[3][0]
    assert "<details>" not in told[3][1]


def test_names_and_what_is_left_out():
    page = _handover_page.make(handover_site.report())
    assert [[text(cell) for cell in cells] for cells in rows(page, "names")] == [["ldap.example.com", "192.0.2.40, 2001:db8::40"]]
    assert ["controller", "ntp server", "udp 123", "ntp", "ntp server"] in [
        [text(cell) for cell in cells] for cells in rows(page, "left-out")
    ]
    bare = _handover_page.make(_handover_report.report(handover_site.flows(), {}, {}, {}))
    assert 'id="names"' not in bare
    assert 'id="left-out"' not in bare
    assert 'id="difference"' not in bare


def test_a_difference_shows_what_comes_and_goes():
    page = _handover_page.make(_handover_report.against(handover_site.report(), handover_site.former()))
    assert "<strong>1 added, 1 removed, 6 changed; 13 as before</strong>" in page
    told = [[text(cell) for cell in cells] for cells in rows(page, "difference")]
    assert [cells[:4] for cells in told[:3]] == [
        ["+ added", "controller", "vcenter", "tcp 443"],
        ["- removed", "management client", "controller", "tcp 5054"],
        ["± changed", "service engine", "controller", "tcp 22"],
    ]
    assert told[0][5].endswith("destination: 192.0.2.80/30")
    assert told[2][5].startswith("source added : 13 networks: 50 in 2001:db8:4::/64 2001:db8:4::101/128, ")
    assert "removed" not in told[2][5]
    none = _handover_page.make(_handover_report.against(handover_site.report(), handover_site.report()))
    assert "None: every flow is as it was." in none


def test_the_filter_finds_a_change_by_its_kind_and_all_that_the_line_tells():
    page = _handover_page.make(_handover_report.against(handover_site.report(), handover_site.former()))
    (found,) = re.findall(r'<section id="difference">(.*?)</section>', page, re.DOTALL)
    told = re.findall(r'<tr data-find="([^"]*)"', found)
    assert told[0] == (
        "controller vcenter vcenter vmware vcenter or nsx-t cloud: controller to vcenter port_sheet 22.1 tcp 443 tcp/443  added "
        "192.0.2.11/32 192.0.2.12/31 2001:db8::11/128 2001:db8::12/127 192.0.2.80/30"
    )
    assert " tcp 5054 tcp/5054 cli_shell removed 198.51.100.0/24 " in told[1]
    assert " tcp 22 tcp/22  changed 10.16.1.101/32 " in told[2]


def test_releases_are_named_and_so_is_what_names_none():
    flow, none = handover_site.flows()[0], _handover_report.report([], {}, {}, {})
    several = _handover_report.report([flow, {**flow, "port": 80, "release": "16.3"}], {}, {}, {})
    page = _handover_page.make(_handover_report.against(several, several))
    assert "Release 16.3, 22.1 · 2 flows that" in page
    assert "Against the former report, of release 16.3, 22.1. Of" in page
    page = _handover_page.make(_handover_report.against(none, none))
    assert "Release unknown · 0 flows that" in page
    assert "Against the former report, of release unknown. Of" in page


def test_six_networks_are_shown_and_seven_are_folded():
    networks = [f"10.0.{number}.0/24" for number in range(0, 14, 2)]
    flow = {**handover_site.flows()[0], "source_networks": networks[:6], "destination_networks": networks}
    ((source, destination, *_more),) = rows(_handover_page.make(_handover_report.report([flow], {}, {}, {})), "flows")
    assert ("<details>" in source, "<details>" in destination) == (False, True)


def test_texts_are_only_texts():
    flow = {**handover_site.flows()[0], "why": "<script>alert(1)</script>\"'"}
    page = _handover_page.make(_handover_report.report([flow], {}, {}, {"<b>": ["192.0.2.1"]}))
    assert "<script>alert" not in page
    assert "<b>" not in page.partition("</style>")[2].partition("<script>")[0]
    assert "&lt;script&gt;alert(1)" in page


def test_an_empty_report_is_a_page():
    assert "No two ends have addresses yet." in _handover_page.make(_handover_report.report([], {}, {}, {}))
