# Copyright: (c) 2026, avi.firewall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run a playbook on the lab, as a user would."""

from __future__ import annotations

import json
from typing import Any

from lab.runs import Run, run_ansible
from lab_hosts import INVENTORY, ROOT

SITE = str(ROOT / "playbooks" / "site.yml")


def attempt(*arguments: str, playbook: str = SITE, variables: dict[str, Any] | None = None) -> Run:
    """Run ``playbook`` on the lab with extra ``variables``, whatever comes of it."""
    command = ["ansible-playbook", f"--inventory={INVENTORY}", *arguments, playbook]
    if variables:
        command.append(f"--extra-vars={json.dumps(variables)}")
    return run_ansible(*command)


def run(*arguments: str, playbook: str = SITE, variables: dict[str, Any] | None = None) -> Run:
    """Run ``playbook`` on the lab with extra ``variables``; it must succeed."""
    done = attempt(*arguments, playbook=playbook, variables=variables)
    assert done.code == 0, str(done)
    return done
