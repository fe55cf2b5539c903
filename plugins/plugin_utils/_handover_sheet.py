# Copyright: (c) 2026, avi.firewall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The flows as a change-request sheet, CSV or XLSX: a line for each flow, and one for each that a difference takes away."""

from __future__ import annotations

import csv
import datetime
import io
import re
import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from ._handover import Flow
from ._handover_report import HandoverError

COLUMNS = (
    "source",
    "source addresses",
    "destination",
    "destination addresses",
    "protocol",
    "port",
    "service",
    "why",
    "document",
    "optional",
    "release",
)
# Only with a difference: the first stands before the others, the rest after them.
CHANGES = ("change", "source added", "source removed", "destination added", "destination removed")
ADDRESSES = tuple(name for name in COLUMNS + CHANGES if name.endswith(("addresses", "added", "removed")))

# A cell of a spreadsheet ends at 32,767 characters, silently.
LONGEST = 32000
# What begins with one of these is a formula to a spreadsheet that opens a CSV.
FORMULA = tuple("=+-@\t\r")
WIDTHS = {"source": 18, "destination": 18, "service": 20, "why": 48, "document": 18}
# A date in the file would make two files of one input; this is the first that the format of archives knows, and that of its entries
# where none is said.
NEVER = datetime.datetime(1980, 1, 1)


def lines(report: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the lines of the sheet, a mapping from column to text each (the port: an integer, or None).

    A flow with more networks than a cell holds takes more lines than one, which together say the same.
    """
    difference = report["difference"]
    if difference is None:
        return [line for flow in report["flows"] for line in _split(flow)]
    found = []
    for flow in report["flows"]:
        change = next((change for change in difference["changed"] if change["after"] == flow), None)
        word = "changed" if change else "added" if flow in difference["added"] else ""
        found += _split(flow, word, {name: change[name.replace(" ", "_")] for name in CHANGES[1:]} if change else {})
    return found + [line for flow in difference["removed"] for line in _split(flow, "removed")]


def columns(report: Mapping[str, Any]) -> list[str]:
    """Return the columns of the sheet, in order."""
    return list(COLUMNS) if report["difference"] is None else [CHANGES[0], *COLUMNS, *CHANGES[1:]]


def _split(flow: Flow, change: str = "", changes: Mapping[str, Iterable[str]] | None = None) -> list[dict[str, Any]]:
    fixed = {
        "change": change,
        "source": flow["source"],
        "destination": flow["destination"],
        "protocol": flow["protocol"],
        "port": flow["port"],
        "service": flow["name"],
        "why": flow["why"],
        "document": flow["document"],
        "optional": flow["feature"] or "",
        "release": flow["release"],
    }
    pairs = [
        {"source addresses": sources, "destination addresses": destinations}
        for sources in _cells(flow["source_networks"])
        for destinations in _cells(flow["destination_networks"])
    ]
    told = {name: list(_cells(networks)) for name, networks in (changes or {}).items()}
    return [
        {
            **fixed,
            **pairs[min(line, len(pairs) - 1)],
            **dict.fromkeys(CHANGES[1:], ""),
            **{name: cells[line] for name, cells in told.items() if line < len(cells)},
        }
        for line in range(max([len(pairs), *map(len, told.values())]))
    ]


def _cells(networks: Iterable[str]) -> Iterator[str]:
    """Yield ``networks`` as texts that a cell holds, at least one."""
    held: list[str] = []
    length = 0
    for network in networks:
        if length + len(network) > LONGEST:
            yield " ".join(held)
            held, length = [], 0
        held.append(network)
        length += len(network) + 1
    yield " ".join(held)


def make_csv(report: Mapping[str, Any]) -> str:
    """Return the sheet as CSV (RFC 4180). No cell is a formula to a spreadsheet that opens it: an apostrophe stands before such a text."""
    written = io.StringIO()
    writer = csv.writer(written)
    names = columns(report)
    writer.writerow(names)
    writer.writerows([_harmless(line[name]) for name in names] for line in lines(report))
    return written.getvalue()


def _harmless(value: Any) -> Any:
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULA) else value


def make_xlsx(report: Mapping[str, Any]) -> bytes:
    """Return the sheet as a workbook, with one sheet more for host names that were resolved, and one for rows without an address.

    Raises HandoverError where openpyxl is missing.
    """
    try:
        import openpyxl
    except ImportError as exc:
        raise HandoverError(
            "avi_report_formats: xlsx needs the Python library openpyxl on the control node, in the Python that runs Ansible: "
            f"pip install openpyxl, or take the format out ({exc})"
        ) from exc
    book = openpyxl.Workbook()
    del book[book.sheetnames[0]]
    names = columns(report)
    _add(book, "flows", names, [[line[name] for name in names] for line in lines(report)])
    if report["resolved"]:
        _add(book, "host names", ("name", "addresses"), [[name, " ".join(found)] for name, found in report["resolved"].items()])
    if report["left_out"]:
        told = ("source", "destination", "protocol", "port", "name", "why", "without_address")
        rows = [[row[name] for name in told] for row in report["left_out"]]
        _add(book, "left out", [name.replace("_", " ") for name in told], rows)
    book.properties.creator = "avi.firewall"
    book.properties.created = NEVER
    written = io.BytesIO()
    book.save(written)
    return _timeless(written.getvalue())


def _add(book: Any, title: str, names: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    from openpyxl.styles import Alignment, Font
    from openpyxl.utils import get_column_letter

    sheet = book.create_sheet(title)
    sheet.append([*names])
    for row in rows:
        sheet.append([*row])
    for line in sheet.iter_rows():
        for cell in line:
            if isinstance(cell.value, str):
                # Never a formula, whatever it begins with, and none when somebody edits it.
                cell.data_type = "s"
                cell.quotePrefix = cell.value.startswith(FORMULA)
            cell.alignment = Alignment(vertical="top", wrap_text=True)
            if cell.row == 1:
                cell.font = Font(bold=True)
    for place, name in enumerate(names, start=1):
        sheet.column_dimensions[get_column_letter(place)].width = 44 if name in ADDRESSES or name == "addresses" else WIDTHS.get(name, 12)
    sheet.freeze_panes = "A2"
    sheet.auto_filter.ref = sheet.dimensions
    sheet.page_setup.orientation = "landscape"
    sheet.page_setup.fitToHeight = 0
    sheet.sheet_properties.pageSetUpPr.fitToPage = True
    sheet.print_title_rows = "1:1"


def _timeless(book: bytes) -> bytes:
    """Return ``book`` without the time of its making, which openpyxl writes down in two places."""
    written = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(book)) as old, zipfile.ZipFile(written, "w") as new:
        for name in old.namelist():
            content = old.read(name)
            if name == "docProps/core.xml":
                content = re.sub(rb"(<dcterms:modified[^>]*>)[^<]*", rb"\g<1>1980-01-01T00:00:00Z", content)
            entry = zipfile.ZipInfo(name)
            entry.compress_type = zipfile.ZIP_DEFLATED
            new.writestr(entry, content)
    return written.getvalue()
