#!/usr/bin/env python
# Copyright: (c) 2026, avi.firewall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Draw who reaches what in the lab: sources down, destination ports across, before beside after.

``--remember`` keeps what is seen now as the "before"; without it, now is the "after".
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path

import yaml
from reach import reach
from rich.console import Console
from rich.text import Text

ROOT = Path(__file__).parents[2]
BEFORE = ROOT / ".cache/lab/before.json"
HOSTS = yaml.safe_load((ROOT / "extensions/molecule/inventory.yml").read_text(encoding="utf-8"))["all"]["children"]

# 9443 belongs to other releases: it must stay shut.
CONTROLLER = [
    ("tcp", 22),
    ("tcp", 80),
    ("tcp", 443),
    ("tcp", 5054),
    ("tcp", 8443),
    ("tcp", 9443),
    ("udp", 123),
    ("udp", 161),
]
OTHER = [("tcp", 22), ("tcp", 443), ("tcp", 8443)]
#: what is drawn side by side: (title, group of destinations, ports)
BLOCKS = [
    [("to Controllers", "avi_controllers", CONTROLLER)],
    [("to SEs", "avi_service_engines", OTHER), ("to nodes", "avi_cluster_nodes", OTHER)],
]
SOURCES = ["clients", "strangers", "avi_controllers", "avi_service_engines", "avi_cluster_nodes"]
NAME, CELL, GAP = 10, 5, "    "

#: what is seen: (symbol, without Unicode, style, meaning)
LEGEND = {
    "open": ("●", "O", "bold green", "open"),
    "half": ("◐", "o", "bold yellow", "open in one family only"),
    "shut": ("·", ".", "dim", "shut"),
    "unknown": ("?", "?", "bold red", "not known"),
    "self": ("-", "-", "dim", "the host itself"),
}

Picture = dict[str, str]


def members(group: str) -> dict[str, list[str]]:
    """Return the hosts of a group with their addresses."""
    tree = {**HOSTS, **HOSTS["managed"]["children"]}
    return {name: host["avi_firewall_address"] for name, host in tree[group]["hosts"].items()}


def key(source: str, host: str, protocol: str, port: int) -> str:
    return f"{source} {host} {protocol}/{port}"


def kind(words: list[str]) -> str:
    """Return what both families together amount to."""
    if any(word.startswith("unknown") for word in words):
        return "unknown"
    return {0: "shut", len(words): "open"}.get(words.count("open"), "half")


def look(sources: list[str]) -> Picture:
    """Probe every destination from every source and return what each cell shows."""
    cells = [
        (host, pair, port) for block in BLOCKS for _title, group, ports in block for host, pair in members(group).items() for port in ports
    ]
    seen = reach(sources, [(address, *port) for _host, pair, port in cells for address in pair])
    return {
        key(source, host, *port): kind([seen[source, (address, *port)] for address in pair])
        for source in sources
        for host, pair, port in cells
        if host != source
    }


def draw(console: Console, sources: list[str], pictures: dict[str, Picture]) -> None:
    """Print the blocks, one below the other; in each, the pictures beside each other."""

    def symbol(word: str) -> tuple[str, str]:
        sign, plain, style, _meaning = LEGEND[word]
        return sign if console.encoding.lower().startswith("utf") else plain, style

    for block in BLOCKS:
        titles = GAP.join(title.ljust(len(ports) * CELL) for title, _group, ports in block)
        numbers = GAP.join(
            "".join(f"{port}{'u' if protocol == 'udp' else ''}".ljust(CELL) for protocol, port in ports) for _title, _group, ports in block
        )
        console.print()
        for name, columns, style in [
            ("", [label.upper().ljust(len(titles)) for label in pictures], "bold"),
            ("", [titles] * len(pictures), "cyan"),
            ("from", [numbers] * len(pictures), "cyan"),
        ]:
            console.print(Text(name.ljust(NAME) + GAP.join(columns), style=style))
        for source in sources:
            line = Text(source.ljust(NAME))
            for picture in pictures.values():
                for _title, group, ports in block:
                    hosts = list(members(group))
                    for port in ports:
                        for host in hosts:
                            line.append(*symbol(picture.get(key(source, host, *port), "self")))
                        line.append(" " * (CELL - len(hosts)))
                    line.append(GAP)
            line.rstrip()
            console.print(line)
    legend = Text("\n")
    for word, (_sign, _plain, _style, meaning) in LEGEND.items():
        legend.append(*symbol(word)).append(f" {meaning}   ")
    console.print(legend)
    console.print("Each cell shows three hosts, by what they run: firewalld, ufw, iptables. 123u is UDP, the rest TCP.\n")


def count(console: Console, pictures: dict[str, Picture]) -> None:
    """Print one line for each picture."""
    for label, picture in pictures.items():
        stranger = [word for cell, word in picture.items() if cell.startswith("stranger ")]
        paths = f"{list(picture.values()).count('open'):>3} of {len(picture)} paths open"
        console.print(f"{label:<7} {paths}, {stranger.count('open')} of them to the stranger", style="bold")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--remember", action="store_true", help="keep this picture to compare the next one with")
    remember = parser.parse_args().remember

    sources = [name for group in SOURCES for name in members(group)]
    console = Console(width=100, highlight=False, no_color="NO_COLOR" in os.environ or not sys.stdout.isatty())
    now = look(sources)
    if remember:
        BEFORE.write_text(json.dumps(now), encoding="utf-8")
        count(console, {"before": now})
    else:
        pictures = {"before": json.loads(BEFORE.read_text(encoding="utf-8")), "after": now}
        draw(console, sources, pictures)
        count(console, pictures)


if __name__ == "__main__":
    main()
