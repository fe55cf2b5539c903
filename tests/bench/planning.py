#!/usr/bin/env python
# Copyright: (c) 2026, avi.firewall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What planning costs the control node: inventories of so many hosts, each a peer of all others. No host is connected to.

Beside it stand an empty play on the same inventory, and a play of one action that does nothing on each host.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from bench import measure
from faults.machines import WORK

SIZES = (10, 100, 1000, 3000)
HEADER = ("hosts", "play", "round", "wall_s", "control_cpu_s", "memory_mib")
PLAYS = {
    "empty": [],
    "trivial": [{"ansible.builtin.assert": {"that": True, "quiet": True}}],
    "plan": [
        {"ansible.builtin.import_role": {"name": "avi.firewall.avi_firewall", "tasks_from": "collect"}},
        {"avi.firewall.plan": {"nodes": "__avi_firewall_nodes"}, "any_errors_fatal": True},
    ],
}


def inventory(count: int) -> Path:
    """Write an inventory of so many Controllers, no two of which have neighbouring addresses."""
    hosts = {f"con{index}": {"ansible_host": f"10.{index // 16384}.{index // 128 % 128}.{index % 128 * 2 + 1}"} for index in range(count)}
    variables = {"avi_firewall_release": "16.3", "avi_firewall_node": "controller"}
    variables |= {"avi_firewall_peers": {"management_client": ["192.0.2.0/24"], "service_engine": ["198.51.100.0/24"]}}
    WORK.mkdir(parents=True, exist_ok=True)
    path = WORK / f"planning-{count}.json"
    path.write_text(json.dumps({"all": {"vars": variables, "children": {"avi_controllers": {"hosts": hosts}}}}), encoding="utf-8")
    return path


def run(name: str, count: int) -> measure.Cost:
    """Run one of the plays on an inventory of so many hosts."""
    where = inventory(count)
    path = WORK / f"planning-{name}.yml"
    path.write_text(json.dumps([{"hosts": "all", "gather_facts": False, "tasks": PLAYS[name]}]), encoding="utf-8")
    return measure.playbook(str(path), where)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3, help="how often each is measured (default: 3)")
    options = parser.parse_args()
    rows = []
    for count in SIZES:
        for number in range(1, options.rounds + 1):
            for name in PLAYS:
                cost = run(name, count)
                rows.append((count, name, number, cost.wall, cost.control, cost.memory))
                print(*rows[-1], flush=True)
    measure.write("planning", HEADER, rows)


if __name__ == "__main__":
    main()
