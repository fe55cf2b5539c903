#!/usr/bin/env python
# Copyright: (c) 2026, avi.firewall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Draw the plots of docs/performance.md from the figures in docs/performance."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

import matplotlib
from bench.render import COMPETITORS, FIREWALLS, WALL, chosen, median, numbers, planned, price, read
from faults.machines import ROOT
from matplotlib import pyplot

IMAGES = ROOT / "docs" / "images"
# Told apart without colours, too.
MARKERS = dict(zip((*COMPETITORS, *FIREWALLS), "os^DvPX", strict=False))


def save(figure: pyplot.Figure, name: str) -> None:
    figure.tight_layout()
    figure.savefig(IMAGES / f"performance-{name}.svg", metadata={"Date": None})


def apply() -> None:
    """Draw a first run, by competitor, over the number of addresses; a plot for each firewall."""
    rows = read("apply")
    figure, plots = pyplot.subplots(1, len(FIREWALLS), figsize=(12, 3.6), sharey=True)
    for plot, firewall in zip(plots, FIREWALLS, strict=True):
        own = chosen(rows, firewall=firewall)
        for competitor, name in COMPETITORS.items():
            sizes = numbers(chosen(own, competitor=competitor), "addresses")
            times = [median(own, WALL, competitor=competitor, addresses=size, run="first") for size in sizes]
            plot.loglog(sizes, times, marker=MARKERS[competitor], label=name)
        plot.axhline(median(own, WALL, competitor="ping"), color="grey", linestyle=":", label="a play of one ping")
        plot.set_title(firewall)
        plot.set_xlabel("addresses of each peer")
    plots[0].set_ylabel("first run, seconds")
    plots[0].legend(fontsize="small")
    save(figure, "apply")


def growth() -> None:
    """Draw the price of a packet over the number of networks, and that of planning over the number of hosts."""
    rows, hosts = read("peers"), read("planning")
    figure, (left, right) = pyplot.subplots(1, 2, figsize=(12, 3.6))
    for firewall in FIREWALLS:
        own = chosen(rows, firewall=firewall)
        sizes = numbers(own, "networks")
        left.semilogx(sizes, [price(own, size) for size in sizes], marker=MARKERS[firewall], label=firewall)
    left.set_xlabel("networks")
    left.set_ylabel("CPU of a packet, to no rules")
    left.set_ylim(bottom=0)
    left.legend(fontsize="small")
    sizes = numbers(hosts, "hosts")
    right.semilogx(sizes, [planned(hosts, size) for size in sizes], marker="o")
    right.set_xlabel("hosts")
    right.set_ylabel("CPU of planning, to a trivial action")
    right.set_ylim(bottom=0)
    save(figure, "growth")


def main() -> None:
    matplotlib.rcParams.update({"svg.hashsalt": "avi.firewall", "svg.fonttype": "none"})  # the same figures give the same file
    apply()
    growth()


if __name__ == "__main__":
    main()
