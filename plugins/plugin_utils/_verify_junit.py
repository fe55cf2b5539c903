# Copyright: (c) 2026, avi.firewall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The result of a verification as JUnit XML, for the readers of CI systems."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any
from xml.etree import ElementTree

from . import _verify_result
from ._verify_result import Cell

NAME = "avi.firewall.verify"


def junit(result: Mapping[str, Any]) -> str:
    """Return an XML document: a suite for each destination, in it a testcase for each source, and one for each peer that was not tried.

    A testcase fails when one of its paths differs, is an error when all that is wrong is that nothing is known, a host that dropped out
    among them, and is skipped, never passed, when nothing was tried. ``result`` is what docs/verify_json.md describes; it knows no times,
    so all are 0.
    Raises VerifyResultError.
    """
    result = _verify_result.read(result)
    suites: dict[str, list[ElementTree.Element]] = {}
    pairs: dict[tuple[str, str], list[Cell]] = {}
    for cell in result["cells"]:
        pairs.setdefault((cell["destination"], cell["source"]), []).append(cell)
    for (destination, source), cells in pairs.items():
        suites.setdefault(destination, []).append(_tried(destination, source, cells))
    for entry in result["not_tried"]:
        suites.setdefault(entry["destination"], []).append(_lost(entry) if _verify_result.dropped_out(entry) else _skipped(entry))

    root = ElementTree.Element("testsuites", {"name": NAME, **_totals(case for cases in suites.values() for case in cases)})
    for destination in sorted(suites, key=_verify_result.natural):
        suite = ElementTree.SubElement(root, "testsuite", {"name": destination, **_totals(suites[destination])})
        suite.extend(sorted(suites[destination], key=lambda case: _verify_result.natural(case.get("name", ""))))
    ElementTree.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ElementTree.tostring(root, encoding="unicode") + "\n"


def _totals(cases: Iterable[ElementTree.Element]) -> dict[str, str]:
    found = [case[0].tag if len(case) else "" for case in cases]
    return {
        "tests": str(len(found)),
        "failures": str(found.count("failure")),
        "errors": str(found.count("error")),
        "skipped": str(found.count("skipped")),
        "time": "0",
    }


def _case(destination: str, name: str) -> ElementTree.Element:
    return ElementTree.Element("testcase", {"classname": destination, "name": name, "time": "0"})


def _tried(destination: str, source: str, cells: list[Cell]) -> ElementTree.Element:
    case = _case(destination, f"from {source}")
    wrong = [cell for cell in cells if not cell["passed"]]
    if wrong:
        unknown = all(cell["observed"] == "unknown" for cell in wrong)
        said = f"{len(wrong)} of {len(cells)} paths {'unknown' if unknown else 'not as planned'}"
        found = ElementTree.SubElement(
            case,
            "error" if unknown else "failure",
            {"type": "unknown" if unknown else "difference", "message": said},
        )
        found.text = "\n".join(line for cell in wrong for line in _lines(cell))
    return case


def _lines(cell: Cell) -> list[str]:
    path = f"{cell['source_address']} to {cell['address']} {_verify_result.port(cell)}"
    detail = f" ({cell['detail']})" if cell["detail"] else ""
    planned = f"{cell['expected']} by row {cell['row']} for {cell['peer']}" if cell["row"] else cell["expected"]
    return [f"{path}: expected {planned}, observed {cell['observed']}{detail}", *(f"    {cause}" for cause in cell["causes"])]


def _lost(entry: Mapping[str, Any]) -> ElementTree.Element:
    case = _case(entry["destination"], f"from {entry['peer']}")
    ElementTree.SubElement(case, "error", {"type": "unknown", "message": entry["why"]})
    return case


def _skipped(entry: Mapping[str, Any]) -> ElementTree.Element:
    case = _case(
        entry["destination"], f"from {entry['peer']} at {', '.join(entry['networks']) or 'any address'}: {', '.join(entry['ports'])}"
    )
    ElementTree.SubElement(case, "skipped", {"message": f"not tried: {entry['why']}"})
    return case
