# Copyright: (c) 2026, avi.firewall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The flows as an HTML page: what changes, who talks to whom, and every flow with its addresses."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from . import _handover_picture, _handover_report, _matrix_text, _page
from ._handover import Flow

TITLE = "Who talks to whom"
# More networks than these are folded.
MOST_NETWORKS = 6


def make(report: Mapping[str, Any]) -> str:
    """Return the page of ``report``, as :func:`_handover_report.report` makes it: one file, for any browser, with and without scripts."""
    difference = report["difference"]
    return _page.render(
        "handover.html.j2",
        TITLE,
        [],
        releases=", ".join(report["releases"]) or "unknown",
        verdict=_handover_report.told(difference) if difference else "",
        former=", ".join(difference["releases"] if difference else ()) or "unknown",
        changes=_changes(difference) if difference else [],
        picture=_handover_picture.picture(report),
        flows=[_flow(flow) for flow in report["flows"]],
        resolved=[{"name": name, "addresses": found, "find": _find([name, *found])} for name, found in report["resolved"].items()],
        left_out=[
            {**row, "what": _matrix_text.port(row), "find": _find(str(value) for value in row.values())} for row in report["left_out"]
        ],
    )


def _changes(difference: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return every line of the table of changes: a flow, the ``change``, and for each end ``added``, ``removed`` or all of its networks."""
    whole = [
        {
            **_flow(flow, kind),
            "change": kind,
            "parts": [{"end": end, "word": "", **_networks(flow[f"{end}_networks"])} for end in _handover_report.ENDS],
        }
        for kind in ("added", "removed")
        for flow in difference[kind]
    ]
    changed = []
    for change in difference["changed"]:
        parts = [
            {"end": end, "word": word, **_networks(change[f"{end}_{word}"])}
            for end in _handover_report.ENDS
            for word in ("added", "removed")
            if change[f"{end}_{word}"]
        ]
        changed.append({**_flow(change["after"], "changed"), "change": "changed", "parts": parts})
    return whole + changed


def _flow(flow: Flow, *more: str) -> dict[str, Any]:
    what = _matrix_text.port(flow)
    words = [flow[name] for name in ("source", "destination", "name", "why", "document", "release")]
    networks = [*flow["source_networks"], *flow["destination_networks"]]
    return {
        **flow,
        "what": what,
        "ends": {end: {"name": flow[end], **_networks(flow[f"{end}_networks"])} for end in _handover_report.ENDS},
        "find": _find([*words, what, what.replace(" ", "/"), flow["feature"] or "", *more, *networks]),
    }


def _networks(networks: Sequence[str]) -> dict[str, Any]:
    short = ", ".join(_handover_picture.summary(networks))
    return {"networks": networks, "short": short, "folded": len(networks) > MOST_NETWORKS}


def _find(words: Iterable[str]) -> str:
    return " ".join(words).lower()
