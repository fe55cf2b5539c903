# Copyright: (c) 2026, avi.firewall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible_collections.avi.firewall.plugins.plugin_utils import _task


class ActionModule(ActionBase):
    """Compares what stands on the host with its plans, by host_rules in check mode."""

    TRANSFERS_FILES = False
    _supports_check_mode = True

    def run(self, tmp: Any = None, task_vars: Any = None) -> dict[str, Any]:
        result = {**super().run(tmp, task_vars), "changed": False, "drift": [], "backend": None}
        self._task.check_mode = True
        try:
            options = _task.options(self, task_vars, _task.EVERY_TYPE)
            plans, addresses = _task.plans(options, task_vars, self._templar.template)
        except ValueError as exc:
            raise AnsibleActionFail(str(exc)) from exc
        for node, plan in plans.items():
            # A rule that lets in the connection in use may be stale, too; nothing is taken away here.
            arguments = {**_task.host_arguments({**options, "node": node}, plan, addresses), "may_lock_out": True, "may_reload": True}
            found = self._execute_module(module_name="avi.firewall.host_rules", module_args=arguments, task_vars=task_vars)
            # What keeps the rules from being applied is no less a difference: a firewall that was turned off, say.
            result["drift"] += [found["msg"]] if found.get("failed") else _task.drift(node, found["diff"])
            result["backend"] = found.get("backend") or result["backend"]
        return result
