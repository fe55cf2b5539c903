# Copyright: (c) 2026, avi.firewall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every format in which the flows are handed over: one line each."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

from . import _handover_markdown, _handover_page, _handover_sheet
from ._handover_report import HandoverError


class Format(NamedTuple):
    """``file`` is the name of the file, ``make`` makes its content of a report (docs/handover_json.md; its flows: ``report["flows"]``)."""

    file: str
    make: Callable[[Mapping[str, Any]], str | bytes]


def _json(report: Mapping[str, Any]) -> str:
    return json.dumps(report, indent=1, ensure_ascii=False) + "\n"


FORMATS = {
    "csv": Format("report.csv", _handover_sheet.make_csv),
    "html": Format("report.html", _handover_page.make),
    "json": Format("report.json", _json),
    "markdown": Format("report.md", _handover_markdown.make),
    "xlsx": Format("report.xlsx", _handover_sheet.make_xlsx),
}

#: Those that need no library more than Ansible does.
BY_DEFAULT = ("csv", "html", "json", "markdown")


def chosen(names: Iterable[str]) -> list[Format]:
    """Return the formats that ``avi_report_formats`` names. Raises HandoverError naming variable, value and what is allowed."""
    names = list(dict.fromkeys(names))
    for name in names:
        if name not in FORMATS:
            raise HandoverError(f"avi_report_formats {name!r} is not one of {', '.join(FORMATS)}")
    if not names:
        raise HandoverError(f"avi_report_formats is empty: name at least one of {', '.join(FORMATS)}")
    return [FORMATS[name] for name in names]
