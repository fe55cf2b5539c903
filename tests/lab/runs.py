# Copyright: (c) 2026, avi.firewall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run commands of Ansible as a user would, and read what they said."""

from __future__ import annotations

import dataclasses
import os
import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[2]
RECAP = re.compile(r"^(\S+)\s+: ok=\d+\s+changed=(\d+)\s+unreachable=(\d+)\s+failed=(\d+)", re.MULTILINE)


@dataclasses.dataclass(frozen=True)
class Run:
    """What ansible-playbook said."""

    code: int
    output: str = dataclasses.field(repr=False)

    def __str__(self) -> str:
        """Return what a failed test needs to tell: the errors and the recap."""
        fatal = re.findall(r"^fatal: .*(?:\n .*)*", self.output, re.MULTILINE)
        return "\n".join([f"ansible-playbook ended with {self.code}", *fatal, self.output.rpartition("PLAY RECAP")[2]])

    def _recap(self, column: int) -> dict[str, int]:
        return {found[0]: int(found[column]) for found in RECAP.findall(self.output)}

    @property
    def changed(self) -> dict[str, int]:
        """The number of changed tasks of each host."""
        return self._recap(1)

    @property
    def unreachable(self) -> dict[str, int]:
        return self._recap(2)

    @property
    def failed(self) -> dict[str, int]:
        return self._recap(3)

    @property
    def diff(self) -> list[str]:
        """The lines that come or go, of all hosts."""
        return sorted(line for line in self.output.splitlines() if line.startswith(("+", "-")))

    def message(self, name: str) -> str:
        """Return what the fatal task of a host said, on one line; empty if it had none."""
        found = re.search(rf"^fatal: \[{name}\]: \S+ =>(.*?)(?=^\S|\Z)", self.output, re.MULTILINE | re.DOTALL)
        return " ".join(found[1].split()) if found else ""


def run_ansible(*command: str) -> Run:
    """Run a command of Ansible, whatever comes of it."""
    done = subprocess.run(
        command,
        cwd=ROOT,
        env={**os.environ, "ANSIBLE_NOCOLOR": "1", "ANSIBLE_FORCE_COLOR": "0"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return Run(done.returncode, done.stdout)
