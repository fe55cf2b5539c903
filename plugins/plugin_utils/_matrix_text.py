# Copyright: (c) 2026, avi.firewall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rows of the matrix as Markdown: tables, and the page docs/port_matrix.md."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from . import _port_matrix

PAGE = """\
# The port matrix

Rendered from [the table](../plugins/port_matrix.yml) by `make docs-matrix`: change [the table](changing_a_row.md), not this page. A mark
says that the row was found written for that release. No mark says that it was not found, not that the port is closed.
[Where each row stands written](sources.md).
"""


def table(head: Sequence[str], lines: Iterable[Sequence[str]]) -> str:
    """Return a table in Markdown, whatever stands in its cells."""
    every = [head, ["---"] * len(head), *lines]
    return "".join("| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in line) + " |\n" for line in every)


def port(row: Mapping[str, Any]) -> str:
    """Return what is open by ``row``: ``tcp 22``, ``icmp echo``, ``IP protocol 97``."""
    if row["protocol"] == "icmp":
        return "icmp echo"
    if row["protocol"].startswith("ip-"):
        return f"IP protocol {row['protocol'][3:]}"
    return f"{row['protocol']} {row['port'] or 'avi_firewall_' + row['port_setting']}"


def condition(row: _port_matrix.Row) -> str:
    """Return for what ``row`` holds, empty if always."""
    parts = []
    if row["feature"]:
        parts.append(f"feature {row['feature']}")
    if row["runtime"]:
        parts.append({"host": "Controller on its host", "container": "Controller in a container"}[row["runtime"]])
    if row["cloud"]:
        parts.append(f"cloud {', '.join(row['cloud'])}")
    return "; ".join(parts)


def page() -> str:
    """Return docs/port_matrix.md."""
    releases = _port_matrix.releases()
    rows = _port_matrix.table()
    head = ["from", "port", *releases, "only with", "why", "source"]
    parts = [PAGE]
    for end in dict.fromkeys(row["destination"] for row in rows):
        lines = [
            [
                row["source"],
                port(row),
                *("x" if release in row["releases"] else "" for release in releases),
                condition(row),
                row["why"],
                f"[{row['evidence']}](sources.md#{row['evidence']})",
            ]
            for row in rows
            if row["destination"] == end
        ]
        parts.append(f"## To {end}\n\n{table(head, lines)}")
    features = [
        [f"`{name}`", what, ", ".join(release for release in releases if name in _port_matrix.features(release))]
        for name, what in _port_matrix.load()["features"].items()
    ]
    parts.append(f"## Features\n\nWhat `avi_firewall_features` may name.\n\n{table(['feature', 'what it is', 'releases'], features)}")
    return "\n".join(parts)
