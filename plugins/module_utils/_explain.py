# Copyright: (c) 2026, avi.firewall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What becomes of a packet, in words, and why it is not what was planned."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ._packet import Path, Step


def told(step: Step) -> str:
    """Return ``step`` as a person would look it up on the host."""
    where = f"{step.manager}, table {step.table}, chain {step.chain}"
    counted = "" if step.counter is None else f" (packets: {step.counter})"
    return f"{f'rule {step.number}' if step.number else 'the policy'} of {where}: {step.text}{counted}"


def causes(question: Mapping[str, Any], path: Path, holders: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return why ``question`` (``source_address``, ``address``, ``protocol``, ``port``, ``expected``, ``observed``) is not as planned.

    ``path`` is what the rules of this host make of its packet, ``holders`` who listens there. Each sentence says what was read on the host;
    none is there where nothing was to be read.
    """
    if question["expected"] == "shut":
        return _lets_in(path)
    if question["observed"] == "unknown":
        return []
    if question["observed"] == "closed":
        return [_nobody_listens(question, holders)]
    found = [_stops(path)] if path.decision != "accept" else []
    if _no_way_back(path):
        found.append(f"this host has no way back: {path.route_back.replace(question['source_address'], 'the source')}")
    return found or [
        f"this host lets it in, by {told(path.deciding)}: it is stopped on the way, before or behind this host"
        if path.deciding
        else "no rule of this host stops it: it is stopped on the way, before or behind this host"
    ]


def _no_way_back(path: Path) -> bool:
    return path.route_back.startswith(("no route", "unreachable", "blackhole", "prohibit"))


def _stops(path: Path) -> str:
    """Return who stops the packet, and what of ours should have let it in."""
    if path.decision == "unknown":
        return f"it cannot be told what the rules of this host do; {'; '.join(path.doubts)} may decide"
    where = f"it goes to {path.forwarded_to[0]} port {path.forwarded_to[1]}, past INPUT, where " if path.forwarded_to else ""
    stopping = f"{where}{told(path.deciding)} stops it"
    if path.carrier is None:
        return f"no rule of ours lets it in: {stopping}"
    return f"{stopping}, {'although' if path.reached else 'before'} ours lets it in, {told(path.carrier)}"


def _lets_in(path: Path) -> list[str]:
    if path.decision in ("drop", "reject"):
        return [f"{told(path.deciding)} stops it now"]
    if path.decision == "unknown":
        return [f"it cannot be told what the rules of this host do; {'; '.join(path.doubts)} may decide"]
    if path.forwarded_to:
        return [f"it goes to {path.forwarded_to[0]} port {path.forwarded_to[1]}, past INPUT, and no guard of ours stops it there"]
    if path.deciding is None or not path.deciding.number:
        return ["no rule of this host stops it" + (f": {told(path.deciding)}" if path.deciding else "")]
    return [f"a rule {'of ours that is not of the plan' if path.deciding.ours else 'that is not ours'} lets it in: {told(path.deciding)}"]


def _nobody_listens(question: Mapping[str, Any], holders: Iterable[Mapping[str, Any]]) -> str:
    there = [holder for holder in holders if (holder["protocol"], holder["port"]) == (question["protocol"], question["port"])]
    if not there:
        return f"nobody listens on {question['protocol']} port {question['port']}"
    shown = "; ".join(f"{holder['process'] or 'somebody'} on {holder['address']}" for holder in there)
    return f"nobody listens on {question['address']}, {question['protocol']} port {question['port']}, only {shown}"
