# Copyright: (c) 2026, avi.firewall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import builtins
import csv
import datetime
import io
import itertools
import re
import time
import zipfile

import openpyxl
import pytest
from ansible_collections.avi.firewall.plugins.plugin_utils import _handover_report, _handover_sheet
from ansible_collections.avi.firewall.tests.unit import handover_golden, handover_site

COLUMNS = [
    *("source", "source addresses", "destination", "destination addresses"),
    *("protocol", "port", "service", "why", "document", "optional", "release"),
]


def flow(**more):
    return {
        "source": "controller",
        "source_networks": ["192.0.2.11/32"],
        "destination": "smtp_server",
        "destination_networks": ["192.0.2.25/32"],
        "protocol": "tcp",
        "port": 25,
        "name": "smtp",
        "why": "Mail notifications",
        "document": "matrix_page",
        "feature": None,
        "release": "16.3",
        **more,
    }


def report(*flows, resolved=None):
    return {**_handover_report.report(flows, {}, {}, {}), "resolved": resolved or {}}


def read_csv(text):
    return list(csv.reader(io.StringIO(text, newline="")))


def read_xlsx(content):
    book = openpyxl.load_workbook(io.BytesIO(content))
    return {sheet.title: [["" if cell is None else cell for cell in row] for row in sheet.iter_rows(values_only=True)] for sheet in book}


def tuples(lines):
    """Return what the lines of a sheet let through: (source, destination, protocol, port) of one family each."""
    return {
        (source, destination, line["protocol"], str(line["port"]))
        for line in lines
        for source in line["source addresses"].split(" ")
        for destination in line["destination addresses"].split(" ")
        if (":" in source) == (":" in destination)
    }


def planned(flows):
    return {
        (source, destination, flow["protocol"], "" if flow["port"] is None else str(flow["port"]))
        for flow in flows
        for source in flow["source_networks"]
        for destination in flow["destination_networks"]
        if (":" in source) == (":" in destination)
    }


def test_the_csv_of_the_realistic_site_is_the_one_that_was_looked_at():
    text = _handover_sheet.make_csv(handover_site.report())
    # RFC 4180 ends lines with CRLF; a file of the collection must not.
    assert text.count("\n") == text.count("\r\n") > 0
    handover_golden.check("report.csv", text.replace("\r\n", "\n"))


def test_the_workbook_of_the_realistic_site_is_the_one_that_was_looked_at():
    book = openpyxl.load_workbook(io.BytesIO(_handover_sheet.make_xlsx(handover_site.report())))
    lines = [repr([sheet.title, *row]) for sheet in book for row in sheet.iter_rows(values_only=True)]
    handover_golden.check("report.xlsx.txt", "\n".join(lines) + "\n")


def test_a_line_is_a_flow():
    first, last = ["controller", "192.0.2.11/32", "smtp_server", "192.0.2.25/32"], ["Mail notifications", "matrix_page"]
    assert read_csv(_handover_sheet.make_csv(report(flow(feature="gslb"), flow(protocol="icmp", port=None, name="echo")))) == [
        COLUMNS,
        [*first, "tcp", "25", "smtp", *last, "gslb", "16.3"],
        [*first, "icmp", "", "echo", *last, "", "16.3"],
    ]


def test_a_line_has_no_change_where_there_is_no_former_report():
    addresses = {"source addresses": "192.0.2.11/32", "destination addresses": "192.0.2.25/32"}
    change = dict.fromkeys(["change", "source added", "source removed", "destination added", "destination removed"], "")
    row = {"service": "smtp", "why": "Mail notifications", "document": "matrix_page", "optional": "", "release": "16.3"}
    ends = {"source": "controller", "destination": "smtp_server", "protocol": "tcp", "port": 25}
    assert _handover_sheet.lines(report(flow())) == [{**ends, **addresses, **row, **change}]


def test_both_sheets_let_through_what_the_flows_do():
    made = handover_site.report()
    head, *lines = read_csv(_handover_sheet.make_csv(made))
    assert tuples(dict(zip(head, line, strict=True)) for line in lines) == planned(handover_site.flows())
    head, *lines = read_xlsx(_handover_sheet.make_xlsx(made))["flows"]
    assert tuples(dict(zip(head, line, strict=True)) for line in lines) == planned(handover_site.flows())
    assert head == COLUMNS


def test_the_workbook_tells_names_and_what_is_left_out():
    sheets = read_xlsx(_handover_sheet.make_xlsx(handover_site.report()))
    assert list(sheets) == ["flows", "host names", "left out"]
    assert sheets["host names"] == [["name", "addresses"], ["ldap.example.com", "192.0.2.40 2001:db8::40"]]
    assert sheets["left out"][2] == ["controller", "ntp_server", "udp", 123, "ntp", "Time of the Controller", "ntp_server"]
    assert list(read_xlsx(_handover_sheet.make_xlsx(report(flow())))) == ["flows"]


def test_the_workbook_can_be_read_on_a_screen_and_on_paper():
    book = openpyxl.load_workbook(io.BytesIO(_handover_sheet.make_xlsx(handover_site.report())))
    look = {
        sheet.title: (
            {letter: column.width for letter, column in sheet.column_dimensions.items()},
            sheet.auto_filter.ref,
            sheet.freeze_panes,
            sheet.print_title_rows,
            (sheet.page_setup.orientation, sheet.sheet_properties.pageSetUpPr.fitToPage, sheet.page_setup.fitToHeight),
        )
        for sheet in book
    }
    ends, more = {"A": 18, "B": 44, "C": 18, "D": 44}, {"E": 12, "F": 12, "G": 20, "H": 48, "I": 18, "J": 12, "K": 12}
    paper = "A2", "$1:$1", ("landscape", True, 0)
    assert look == {
        "flows": ({**ends, **more}, "A1:K21", *paper),
        "host names": ({"A": 12, "B": 44}, "A1:B2", *paper),
        "left out": ({"A": 18, "B": 18, "C": 12, "D": 12, "E": 12, "F": 48, "G": 12}, "A1:G7", *paper),
    }
    assert {(cell.row == 1, cell.font.bold) for row in book["flows"].iter_rows() for cell in row} == {(True, True), (False, False)}
    assert {(cell.alignment.vertical, cell.alignment.wrap_text) for row in book["flows"].iter_rows() for cell in row} == {("top", True)}


@pytest.mark.parametrize("first", ["=", "+", "-", "@"])
def test_no_cell_is_a_formula(first):
    text = f"{first}HYPERLINK(0)"
    made = report(flow(why=text), resolved={text: ["192.0.2.1"]})
    assert read_csv(_handover_sheet.make_csv(made))[1][7] == f"'{text}"
    book = openpyxl.load_workbook(io.BytesIO(_handover_sheet.make_xlsx(made)))
    for cell in (book["flows"]["H2"], book["host names"]["A2"]):
        assert (cell.value, cell.data_type, cell.quotePrefix) == (text, "s", True)
    assert not book["flows"]["G2"].quotePrefix
    assert (book["flows"]["F2"].value, book["flows"]["F2"].data_type) == (25, "n")


def test_the_workbook_does_not_tell_when_it_was_made(monkeypatch):
    once = _handover_sheet.make_xlsx(handover_site.report())
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + 100_000)
    monkeypatch.setattr(time, "localtime", lambda *_seconds: time.gmtime(now + 100_000))
    time.sleep(1.1)  # the time in its properties counts seconds
    assert _handover_sheet.make_xlsx(handover_site.report()) == once
    with zipfile.ZipFile(io.BytesIO(once)) as book:
        assert {(entry.date_time, entry.compress_type) for entry in book.infolist()} == {((1980, 1, 1, 0, 0, 0), zipfile.ZIP_DEFLATED)}
        core = book.read("docProps/core.xml")
    assert b'</dcterms:created><dcterms:modified xsi:type="dcterms:W3CDTF">1980-01-01T00:00:00Z</dcterms:modified></cp:' in core
    properties = openpyxl.load_workbook(io.BytesIO(once)).properties
    first = datetime.datetime(1980, 1, 1)
    assert (properties.created, properties.modified, properties.creator) == (first, first, "avi.firewall")


def test_more_networks_than_a_cell_holds_take_more_lines():
    """A spreadsheet cuts a longer text off without a word."""
    networks = [f"2001:db8:{number:x}::1234:5678:9abc/128" for number in range(1, 3001)]
    lines = _handover_sheet.lines(report(flow(source_networks=networks, destination_networks=networks[:1500])))
    assert len(lines) == 4 * 2
    assert max(len(text) for line in lines for text in map(str, line.values())) <= 32_000
    cells = [list(dict.fromkeys(line[f"{end} addresses"] for line in lines)) for end in ("source", "destination")]
    assert [" ".join(found).split() for found in cells] == [networks, networks[:1500]]
    assert {(line["source addresses"], line["destination addresses"]) for line in lines} == set(itertools.product(*cells))
    assert read_xlsx(_handover_sheet.make_xlsx(report(flow(source_networks=networks))))["flows"][1][1].endswith("/128")


def test_a_difference_has_a_line_for_each_change_and_what_goes():
    made = _handover_report.against(handover_site.report(), handover_site.former())
    head, *lines = read_csv(_handover_sheet.make_csv(made))
    assert head == ["change", *COLUMNS, "source added", "source removed", "destination added", "destination removed"]
    told = [dict(zip(head, line, strict=True)) for line in lines]
    assert [(line["change"], line["destination"], line["port"]) for line in told if line["change"]] == [
        ("changed", "controller", "22"),
        ("changed", "controller", "8443"),
        ("changed", "controller", "123"),
        ("changed", "controller", ""),
        ("changed", "service_engine", "9001"),
        ("changed", "service_engine", ""),
        ("added", "vcenter", "443"),
        ("removed", "controller", "5054"),
    ]
    assert len(told) == 21
    assert (told[3]["source added"].split()[0], told[3]["source removed"]) == ("2001:db8:4::101/128", "")
    assert told[3]["source addresses"].split()[0] == "10.16.1.101/32"
    assert (told[12]["source added"], told[12]["destination added"].split()[-1]) == ("", "2001:db8:4::150/128")
    assert [line[:3] for line in read_xlsx(_handover_sheet.make_xlsx(made))["flows"]] == [
        [line[0], line[1], line[2]] for line in [head, *lines]
    ]


def test_a_cell_is_filled_to_its_last_character():
    cell = [*(f"2001:db8:{number:04x}::12:5678:9abc/128" for number in range(999)), "2001:db8:03e7::123:5678:9abc/128"]
    assert len(" ".join(cell)) == 32_000
    last = "2001:db8:ffff::/48"
    lines = _handover_sheet.lines({"flows": [flow(source_networks=[*cell, *cell, last])], "difference": None})
    assert [line["source addresses"] for line in lines] == [" ".join(cell), " ".join(cell), last]


def test_more_changes_than_a_cell_holds_take_more_lines():
    networks = [f"2001:db8:{number:x}::1234:5678:9abc/128" for number in range(1, 3000)]
    made = _handover_report.against(report(flow()), report(flow(source_networks=networks)))
    lines = _handover_sheet.lines(made)
    assert [line["change"] for line in lines] == ["changed"] * 4
    assert " ".join(line["source removed"] for line in lines).split() == networks
    assert {line["source addresses"] for line in lines} == {"192.0.2.11/32"}
    assert {line["destination added"] for line in lines} == {""}


def test_without_the_library_it_is_named(monkeypatch):
    real = builtins.__import__

    def without(name, *arguments, **more):
        if name.partition(".")[0] == "openpyxl":
            raise ImportError("No module named 'openpyxl'")
        return real(name, *arguments, **more)

    monkeypatch.setattr(builtins, "__import__", without)
    message = (
        "avi_report_formats: xlsx needs the Python library openpyxl on the control node, in the Python that runs Ansible: "
        "pip install openpyxl, or take the format out (No module named 'openpyxl')"
    )
    with pytest.raises(_handover_report.HandoverError, match=f"^{re.escape(message)}$"):
        _handover_sheet.make_xlsx(report(flow()))
    assert _handover_sheet.make_csv(report(flow()))
