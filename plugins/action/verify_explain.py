# Copyright: (c) 2026, avi.firewall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

from ansible.plugins.action import ActionBase
from ansible_collections.avi.firewall.plugins.plugin_utils import _task


class ActionModule(ActionBase):
    """Asks the host for the cause of what was not as planned there; a host without a question is not asked."""

    TRANSFERS_FILES = False
    _supports_check_mode = True

    def run(self, tmp: Any = None, task_vars: Any = None) -> dict[str, Any]:
        result = {**super().run(tmp, task_vars), "changed": False, "causes": []}
        options = self.validate_argument_spec({name: {"type": "str", "required": True} for name in ("questions", "target")})[1]
        questions = task_vars[options["questions"]]["questions"].get(task_vars["inventory_hostname"], [])
        if not questions:
            return result
        arguments = {"questions": questions, "parts": _task.parts(task_vars[options["target"]]["target"]["types"])}
        return {**result, **self._execute_module(module_name="avi.firewall.host_explain", module_args=arguments, task_vars=task_vars)}
