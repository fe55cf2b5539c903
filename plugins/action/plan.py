# Copyright: (c) 2026, avi.firewall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible_collections.avi.firewall.plugins.plugin_utils import _task


class ActionModule(ActionBase):
    """Makes the plan, so that a mistake shows before any host is touched; connects to no host."""

    TRANSFERS_FILES = False
    _requires_connection = False

    def run(self, tmp: Any = None, task_vars: Any = None) -> dict[str, Any]:
        result = super().run(tmp, task_vars)
        try:
            options = _task.options(self, task_vars, {**_task.EVERY_TYPE, "node": {"type": "str"}})
            if options["node"]:
                made = [_task.plan(options, task_vars, self._templar.template)]
            else:
                made = list(_task.plans(options, task_vars, self._templar.template)[0].values())
        except ValueError as exc:
            raise AnsibleActionFail(str(exc)) from exc
        host = task_vars["inventory_hostname"]
        return {
            **result,
            "changed": False,
            "rules": sum(len(plan.rules) for plan in made),
            "left_out": [line for plan in made for line in plan.left_out],
            "resolved": {name: addresses for plan in made for name, addresses in plan.resolved.items()},
            "collapsed": {peer: figures for plan in made for peer, figures in plan.collapsed.items()},
            "warnings": [f"{host}: {warning}" for warning in dict.fromkeys(warning for plan in made for warning in plan.warnings)],
        }
