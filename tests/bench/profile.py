#!/usr/bin/env python
# Copyright: (c) 2026, avi.firewall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where the time of a run with 10 addresses goes, a first one and one with nothing to do: what Ansible takes for itself, and each module,
built here and run there. Beside it a play of one ping.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from bench import apply, measure
from faults.admin import close
from faults.machines import WORK, Machine, machines

HEADER = ("firewall", "run", "round", "step", "module", "seconds")
# ansible-playbook, which notes how long each module takes, and to build it.
_PLAYBOOK = """
import json, sys, time
from ansible.cli.playbook import main
from ansible.plugins.action import ActionBase

def timed(name):
    inner = getattr(ActionBase, name)
    def outer(self, *positional, **named):
        begun = time.monotonic()
        try:
            return inner(self, *positional, **named)
        finally:
            with open(sys.argv[1], "a") as file:
                print(json.dumps([name, named.get("module_name") or self._task.action, time.monotonic() - begun]), file=file)
    setattr(ActionBase, name, outer)

for name in ("_execute_module", "_configure_module"):
    timed(name)
main(["ansible-playbook", *sys.argv[2:]])
"""


def steps(host: Machine, inventory: Path, playbook: str) -> Iterator[tuple[str, str, float]]:
    """Run a playbook and return its steps, the module of each, and its seconds."""
    notes = WORK / "profile.jsonl"
    notes.unlink(missing_ok=True)
    whole = measure.anew([sys.executable, "-c", _PLAYBOOK, str(notes), f"--inventory={inventory}", playbook], host).wall
    found: dict[tuple[str, str], float] = {}
    for step, module, seconds in map(json.loads, notes.read_text(encoding="utf-8").splitlines()):
        found[step, module] = found.get((step, module), 0) + seconds
    run = {module: seconds for (step, module), seconds in found.items() if step == "_execute_module"}
    yield "Ansible", "", whole - sum(run.values())
    for module, seconds in run.items():
        built = found["_configure_module", module]
        yield "built", module, built
        yield "run", module, seconds - built


def rounds(backend: str, count: int) -> Iterator[tuple[object, ...]]:
    ping = WORK / "ping.yml"
    ping.write_text(apply.play([{"ansible.builtin.ping": {}}]), encoding="utf-8")
    for number in range(1, count + 1):
        with machines(backend) as hosts:
            close(hosts)
            host = hosts[backend]
            measure.let_in_by_ssh(host, backend)
            inventory = apply.inventory(host, apply.every(10))
            for run, playbook in (("ping", str(ping)), ("first", "avi.firewall.site"), ("idle", "avi.firewall.site")):
                for step in steps(host, inventory, playbook):
                    yield backend, run, number, *step


if __name__ == "__main__":
    measure.each_firewall("profile", HEADER, rounds, default=3, about=__doc__)
