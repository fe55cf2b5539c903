# Copyright: (c) 2026, avi.firewall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible.utils.display import Display
from ansible_collections.avi.firewall.plugins.plugin_utils import _explanation, _reach, _task

display = Display()


class ActionModule(ActionBase):
    """Says by which row a source may reach a port of the host, and asks the host what its rules make of that."""

    TRANSFERS_FILES = False
    _supports_check_mode = True

    def run(self, tmp: Any = None, task_vars: Any = None) -> dict[str, Any]:
        result = {**super().run(tmp, task_vars), "changed": False}
        asked = {"source": {"type": "str", "required": True}, "dport": {"type": "str", "required": True}}
        host = task_vars["inventory_hostname"]
        try:
            options = _task.options(self, task_vars, {**_task.EVERY_TYPE, **asked})
            plans, addresses = _task.plans(options, task_vars, self._templar.template)
            sources = _explanation.sources(options["source"], task_vars["hostvars"], list(plans))
            questions = _explanation.questions(
                _reach.target(host, list(plans), addresses, [rule for plan in plans.values() for rule in plan.rules]),
                sources,
                options["dport"],
            )
        except ValueError as exc:
            raise AnsibleActionFail(str(exc)) from exc
        arguments = {"questions": questions, "parts": _task.parts(plans)}
        found = self._execute_module(module_name="avi.firewall.host_explain", module_args=arguments, task_vars=task_vars)
        if found.get("failed"):
            return {**result, **found}
        lines = _explanation.lines(host, options["source"], options["release"], questions, found)
        display.display("\n".join(["", *lines, ""]))
        return {**result, "explanation": lines, "questions": questions, **{name: found[name] for name in ("paths", "holders", "findings")}}
