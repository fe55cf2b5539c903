# Copyright: (c) 2026, avi.firewall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Commands of Ansible, as somebody runs them on a control node."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from ansible.utils.collection_loader import AnsibleCollectionConfig


def ansible(command: str, *arguments: str, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a command (``playbook``, ``galaxy``) in ``cwd``, where Ansible keeps its state too, whatever comes of it.

    It finds the collections that the tests do. Settings of the caller are left out: ansible-test makes errors of warnings.
    """
    kept = {name: value for name, value in os.environ.items() if not name.startswith("ANSIBLE_")}
    own = {
        "ANSIBLE_COLLECTIONS_PATH": os.pathsep.join(AnsibleCollectionConfig.collection_paths),
        "ANSIBLE_HOME": str(cwd / "home"),
        "ANSIBLE_LOCALHOST_WARNING": "false",
        "ANSIBLE_NOCOLOR": "1",
    }
    # By its module: where ansible-test has put Ansible, `python -m ansible` knows no commands.
    return subprocess.run(
        [sys.executable, "-m", f"ansible.cli.{command}", *arguments],
        cwd=cwd,
        env={**kept, **own, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
