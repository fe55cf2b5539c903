# Copyright: (c) 2026, avi.firewall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible_collections.avi.firewall.plugins.plugin_utils import _handover, _task


class ActionModule(ActionBase):
    """Works out the flows that the host is an end of, from its plans; connects to no host."""

    TRANSFERS_FILES = False
    _requires_connection = False

    def run(self, tmp: Any = None, task_vars: Any = None) -> dict[str, Any]:
        result = {**super().run(tmp, task_vars), "changed": False}
        host, template = task_vars["inventory_hostname"], self._templar.template
        try:
            options = _task.options(self, task_vars, _task.EVERY_TYPE)
            settings, collected = _task.known_to(options, task_vars, template)
            plans, _addresses = _task.plans(options, task_vars, template, both=True)
            flows = _handover.of_host(host, plans, settings.release, collected) if plans else []
            if host == _handover.spokesman(collected["nodes"]):
                flows += _handover.outside(settings, collected)
        except ValueError as exc:
            raise AnsibleActionFail(str(exc)) from exc
        resolved = {name: addresses for plan in plans.values() for name, addresses in plan.resolved.items()}
        notes = list(dict.fromkeys(warning for plan in plans.values() for warning in plan.warnings))
        return {**result, "flows": flows, "resolved": resolved, "notes": notes}
