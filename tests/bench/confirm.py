#!/usr/bin/env python
# Copyright: (c) 2026, avi.firewall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What it costs to have a change confirmed over a new connection: runs over SSH, each of which lets a peer in or takes it out again.

Prints, for each firewall, the medians of a run without a change, of one with a change, and of the part of that in which it is confirmed.
"""

from __future__ import annotations

import json
import re
import statistics
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from bench.measure import let_in_by_ssh, ssh
from faults.admin import BACKENDS, close
from faults.machines import Machine, machines, network
from faults.plays import management, site

CHANGES = 10


def timed(host: Machine, *names: str) -> tuple[float, float]:
    """Run the playbook over SSH, and return how long it took, and how long its change waited for its confirmation."""
    start = time.monotonic()
    run = site([host], "--verbose", f"--extra-vars={json.dumps(ssh(host))}", **management(*names))
    took = time.monotonic() - start
    confirmed = re.search(r"confirmed_after: ([\d.]+)", run.output)
    return took, float(confirmed[1]) if confirmed else 0.0


def main() -> None:
    print("| firewall | nothing to do (s) | a peer comes or goes (s) | of that, confirming (s) |\n| --- | --- | --- | --- |", flush=True)
    with network(), machines(*BACKENDS) as hosts:
        close(hosts)
        for backend, host in hosts.items():
            let_in_by_ssh(host, backend)
            timed(host, "client")
            idle, changed = [], []
            for index in range(CHANGES):
                changed.append(timed(host, "client", *["newcomer"] * (index % 2 == 0)))
                idle.append(timed(host, "client", *["newcomer"] * (index % 2 == 0)))
            figures = [[took for took, _waited in idle], *zip(*changed, strict=True)]
            print(f"| {backend} | {' | '.join(f'{statistics.median(column):.2f}' for column in figures)} |", flush=True)


if __name__ == "__main__":
    main()
