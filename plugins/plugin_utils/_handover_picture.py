# Copyright: (c) 2026, avi.firewall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who talks to whom, laid out to be drawn: a box for each kind of node or server, the Controllers as a column that all others face.

Nearly every row has a Controller at one end. So the Controllers stand in the middle, as high as the picture; who calls them is at their
left, what they call at their right, and every arrow is a straight line that crosses no other. What concerns no Controller is below.
"""

from __future__ import annotations

import ipaddress
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from . import _matrix_text

HUB = "controller"

# The longest address fits into a box, the longest line of ports between two.
WIDE, LANE, HUB_WIDE = 280, 200, 280
GAP, PAD, LINE = 18, 14, 17
ARROW = 20
MOST_CHARACTERS = 27
MOST_NETWORKS = 5
# From so many addresses on a number says nothing.
MANY = 100_000
# Networks are shown by these, where there are too many of them.
ENCLOSING = {4: 24, 6: 64}


def picture(report: Mapping[str, Any]) -> dict[str, Any]:
    """Return what to draw: ``width``, ``height``, ``boxes``, ``arrows``, and ``told``, the same in sentences.

    A box is ``x``, ``y``, ``width``, ``height``, ``hub`` (bool) and ``lines``; an arrow is ``from``, ``to``, ``y`` (it is horizontal) and
    ``lines``. A line of text is ``x``, ``y``, ``kind`` (name, size, network or port) and ``text``.
    """
    ends = {end["name"]: end for end in report["ends"]}
    ports = _ports(report["flows"])
    facing = {end: [pair for pair in ((end, HUB), (HUB, end)) if pair in ports] for end in ends if end != HUB}
    left = [end for end, pairs in facing.items() if (end, HUB) in pairs]
    right = [end for end, pairs in facing.items() if pairs and end not in left]
    apart = [pair for pair in ports if HUB not in pair and pair[0] != pair[1]]
    columns = (0, WIDE + LANE, WIDE + LANE + HUB_WIDE + LANE)
    inner = (columns[0] + WIDE, columns[1]), (columns[1] + HUB_WIDE, columns[2])

    boxes: list[dict[str, Any]] = []
    arrows: list[dict[str, Any]] = []
    texts = {end: _texts(known, ports.get((end, end))) for end, known in ends.items()}
    heights = {end: max(_height(texts[end]), 2 * PAD + sum(_lane(ports[pair]) for pair in facing.get(end, []))) for end in ends}
    stacks = [sum(heights[end] + GAP for end in side) - GAP for side in (left, right)]
    high = max([0, *stacks, *(heights[end] for end in ends if end == HUB)])
    if HUB in ends:
        boxes.append(_box(columns[1], 0, HUB_WIDE, high, texts[HUB], hub=True))
    for side, column, (near, far), stack in ((left, columns[0], inner[0], stacks[0]), (right, columns[2], inner[1], stacks[1])):
        y = (high - stack) // 2
        for end in side:
            boxes.append(_box(column, y, WIDE, heights[end], texts[end]))
            lanes = sum(_lane(ports[pair]) for pair in facing[end])
            at = y + (heights[end] - lanes) // 2
            for pair in facing[end]:
                at += _lane(ports[pair])
                # To the right, but where who is called stands at the left.
                rightwards = (pair[1] == HUB) == (side is left)
                arrows.append(_arrow(near, far, at - ARROW // 2, ports[pair], rightwards))
            y += heights[end] + GAP
    alone = [end for end in ends if end != HUB and not facing[end] and not any(end in pair for pair in apart)]
    for pair in [*apart, *((end,) for end in alone)]:
        tall = max(*(heights[end] for end in pair), 2 * PAD + _lane(ports.get(pair, [])))
        y = high + 2 * GAP if high else 0
        high = y + tall
        boxes.append(_box(columns[0], y, WIDE, tall, texts[pair[0]]))
        if len(pair) == 2:
            boxes.append(_box(columns[1], y, HUB_WIDE, tall, texts[pair[1]]))
            arrows.append(_arrow(*inner[0], y + (tall + _lane(ports[pair])) // 2 - ARROW // 2, ports[pair], True))
    width = columns[2] + WIDE if right else columns[1] + HUB_WIDE
    return {"width": width, "height": high, "boxes": boxes, "arrows": arrows, "told": _told(ports)}


def _ports(flows: Iterable[Mapping[str, Any]]) -> dict[tuple[str, str], list[str]]:
    """Return what is open between two ends, in lines that fit beside an arrow: ``tcp 22, 8443``, ``udp 123``."""
    found: dict[tuple[str, str], dict[str, dict[int | None, str]]] = {}
    for flow in flows:
        ports = found.setdefault((flow["source"], flow["destination"]), {}).setdefault(flow["protocol"], {})
        ports[flow["port"]] = _matrix_text.port(flow)
    return {
        pair: [
            line
            for protocol, ports in sorted(protocols.items(), key=lambda item: (None in item[1], item[0]))
            for line in _wrapped(protocol, ports)
        ]
        for pair, protocols in found.items()
    }


def _wrapped(protocol: str, ports: Mapping[int | None, str]) -> list[str]:
    numbers = [str(port) for port in sorted(port for port in ports if port is not None)]
    return textwrap.wrap(f"{protocol} {', '.join(numbers)}", MOST_CHARACTERS, subsequent_indent="  ") if numbers else list(ports.values())


def _texts(end: Mapping[str, Any], among: Sequence[str] | None) -> list[tuple[str, str]]:
    """Return what stands in the box of ``end``, as (kind, text)."""
    hosts, networks = end["hosts"], summary(end["networks"])
    size = [f"{hosts:,} {'host' if hosts == 1 else 'hosts'}"] if hosts else []
    found = [("name", end["name"].replace("_", " ")), *(("size", text) for text in size), *(("network", text) for text in networks)]
    return [*found, ("size", "among each other:"), *(("port", text) for text in among)] if among else found


def summary(networks: Sequence[str], most: int = MOST_NETWORKS) -> list[str]:
    """Return ``networks`` in ``most`` lines, and one that counts the rest. Where there are more, those of one /24 or /64 share a line."""
    if len(networks) <= most:
        return [_short(network) for network in networks]
    within: dict[Any, list[Any]] = {}
    for network in map(ipaddress.ip_network, networks):
        prefix = min(ENCLOSING[network.version], network.prefixlen)
        within.setdefault(network.supernet(new_prefix=prefix), []).append(network)
    shown = [
        _short(str(parts[0])) if len(parts) == 1 else f"{_count(sum(part.num_addresses for part in parts))} {around}"
        for around, parts in within.items()
    ]
    rest = len(shown) - most
    return [*shown[:most], f"and {rest:,} more networks"] if rest > 1 else shown


def _short(network: str) -> str:
    address, _slash, length = network.partition("/")
    return address if int(length) == (128 if ":" in address else 32) else network


def _count(addresses: int) -> str:
    return f"{addresses:,} in" if addresses < MANY else "part of"


def _height(texts: Sequence[tuple[str, str]]) -> int:
    return 2 * PAD + LINE * len(texts)


def _lane(ports: Sequence[str]) -> int:
    return LINE * len(ports) + ARROW


def _box(x: int, y: int, width: int, height: int, texts: Sequence[tuple[str, str]], hub: bool = False) -> dict[str, Any]:
    first = y + (height - LINE * len(texts)) // 2 + LINE - 4
    lines = [{"x": x + PAD, "y": first + LINE * place, "kind": kind, "text": text} for place, (kind, text) in enumerate(texts)]
    return {"x": x, "y": y, "width": width, "height": height, "hub": hub, "lines": lines}


def _arrow(near: int, far: int, y: int, ports: Sequence[str], rightwards: bool) -> dict[str, Any]:
    middle = (near + far) // 2
    lines = [{"x": middle, "y": y - 7 - LINE * (len(ports) - 1 - place), "kind": "port", "text": text} for place, text in enumerate(ports)]
    tip = 7
    start, end = (near, far - tip) if rightwards else (far, near + tip)
    return {"from": start, "to": end, "y": y, "lines": lines}


def _told(ports: Mapping[tuple[str, str], Sequence[str]]) -> str:
    sentences = [f"{source} to {destination}: {', '.join(map(str.strip, lines))}" for (source, destination), lines in ports.items()]
    return "; ".join(sentences).replace("_", " ") + "."
