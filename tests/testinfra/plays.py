# Copyright: (c) 2026, avi.firewall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run a playbook on the lab, as a user would."""

from __future__ import annotations

import dataclasses
import json
import os
import re
import subprocess
from typing import Any

from lab_hosts import INVENTORY, ROOT

SITE = str(ROOT / "playbooks" / "site.yml")
RECAP = re.compile(r"^(\S+)\s+: ok=\d+\s+changed=(\d+)\s+unreachable=(\d+)\s+failed=(\d+)", re.MULTILINE)


@dataclasses.dataclass(frozen=True)
class Run:
    """What ansible-playbook said."""

    code: int
    output: str

    @property
    def changed(self) -> dict[str, int]:
        """The number of changed tasks of each host."""
        return {host: int(changed) for host, changed, _unreachable, _failed in RECAP.findall(self.output)}


def attempt(*arguments: str, playbook: str = SITE, variables: dict[str, Any] | None = None) -> Run:
    """Run ``playbook`` on the lab with extra ``variables``, whatever comes of it."""
    command = ["ansible-playbook", f"--inventory={INVENTORY}", *arguments, playbook]
    if variables:
        command.append(f"--extra-vars={json.dumps(variables)}")
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


def run(*arguments: str, playbook: str = SITE, variables: dict[str, Any] | None = None) -> Run:
    """Run ``playbook`` on the lab with extra ``variables``; it must succeed."""
    done = attempt(*arguments, playbook=playbook, variables=variables)
    assert done.code == 0, done.output
    return done
