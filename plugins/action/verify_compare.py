# Copyright: (c) 2026, avi.firewall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

from ansible.plugins.action import ActionBase
from ansible_collections.avi.firewall.plugins.plugin_utils import _reach


class ActionModule(ActionBase):
    """Says, once for all hosts, what is not as planned; connects to no host."""

    TRANSFERS_FILES = False
    _requires_connection = False

    def run(self, tmp: Any = None, task_vars: Any = None) -> dict[str, Any]:
        result = {**super().run(tmp, task_vars), "changed": False}
        options = self.validate_argument_spec({name: {"type": "str", "required": True} for name in ("paths", "answers", "seen")})[1]
        paths = task_vars[options["paths"]]
        cells = _reach.judge_registered(paths, task_vars["hostvars"], options["answers"], options["seen"])
        return {**result, "questions": _reach.questions(cells)}
