#!/usr/bin/env python
# Copyright: (c) 2026, avi.firewall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Fails when a run has become much dearer: ratios within this run, with margins for a busy machine."""

from __future__ import annotations

import re
import statistics
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from bench import apply, measure, planning
from faults.admin import close
from faults.machines import machines, network

ROUNDS = 3
HOSTS = 100


def of_applying(backend: str) -> dict[str, tuple[float, float]]:
    """Return CPU seconds of runs to those of a play of one ping, and the module calls of a run without a change: each with its limit."""
    peers = apply.every(10)
    with machines(backend) as hosts:
        close(hosts)
        host = hosts[backend]
        measure.let_in_by_ssh(host, backend)
        first = apply.run("ours", backend, host, peers)
        turns = [(apply.run("ours", backend, host, peers), apply.run("ping", backend, host, peers)) for _round in range(ROUNDS)]
        idle, ping = (statistics.median(cost.control + cost.host for cost in costs) for costs in zip(*turns, strict=True))
        calls = len(re.findall(r"^<\S+> SSH: EXEC .*python3", apply.run("ours", backend, host, peers, "-vvv").output, re.MULTILINE))
    return {
        f"{backend}, first run, to a ping": ((first.control + first.host) / ping, 5),
        f"{backend}, nothing to do, to a ping": (idle / ping, 2.5),
        f"{backend}, nothing to do, module calls": (calls, 2),
    }


def of_planning() -> dict[str, tuple[float, float]]:
    """Return the ratio of planning to an action that does nothing, with its limit."""
    turns = [[planning.run(name, HOSTS).control for name in ("plan", "trivial")] for _round in range(ROUNDS)]
    plan, trivial = map(statistics.median, zip(*turns, strict=True))
    return {f"planning {HOSTS} hosts, to an action that does nothing": (plan / trivial, 1.7)}


def main() -> None:
    with network():
        found = {**of_planning(), **of_applying("nftables"), **of_applying("firewalld")}
    for what, (value, limit) in found.items():
        print(f"{what}: {value:.2f}, at most {limit:g}", flush=True)
    missed = [what for what, (value, limit) in found.items() if not 0 < value <= limit]
    if missed:
        sys.exit(f"too dear: {'; '.join(missed)}")


if __name__ == "__main__":
    main()
