# Copyright: (c) 2026, avi.firewall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every format in which the flows are handed over: one line each."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple


class Format(NamedTuple):
    """``file`` is the name of the file, ``make`` makes its content of a report (docs/handover_json.md; its flows: ``report["flows"]``)."""

    file: str
    make: Callable[[Mapping[str, Any]], str | bytes]


def _json(report: Mapping[str, Any]) -> str:
    return json.dumps(report, indent=1, ensure_ascii=False) + "\n"


FORMATS = {
    "json": Format("report.json", _json),
}
