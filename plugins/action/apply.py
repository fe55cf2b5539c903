# Copyright: (c) 2026, avi.firewall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible_collections.avi.firewall.plugins.plugin_utils import _inventory, _plan, _task

SPEC = {
    **_task.SPEC,
    "backend": {"type": "str", "default": "auto"},
    "interfaces": {"type": "list", "elements": "str", "default": []},
    "zone": {"type": "str"},
    "nftables_chain": {"type": "str"},
    "may_reload": {"type": "bool", "default": False},
}


class ActionModule(ActionBase):
    """Makes the plan on the control node and hands it to the host in one call of avi.firewall.host_rules."""

    TRANSFERS_FILES = False
    _supports_check_mode = True

    def run(self, tmp: Any = None, task_vars: Any = None) -> dict[str, Any]:
        result = super().run(tmp, task_vars)
        options = self.validate_argument_spec(SPEC)[1]
        try:
            plan = _task.plan(options, task_vars)
            addresses = _inventory.addresses(task_vars["inventory_hostname"], self._known(task_vars)) if plan.rules else []
        except ValueError as exc:
            raise AnsibleActionFail(str(exc)) from exc
        arguments = {
            "node": options["node"],
            "part": _plan.PARTS[options["node"]],
            "flows": _plan.flows(plan.rules),
            "addresses": addresses,
            **{name: options[name] for name in ("backend", "interfaces", "zone", "nftables_chain", "may_reload")},
        }
        return {
            **result,
            **self._execute_module(module_name="avi.firewall.host_rules", module_args=arguments, task_vars=task_vars),
        }

    def _known(self, task_vars: Any) -> dict[str, Any]:
        """Return the variables that tell this host's address, as the task sees them."""
        names = ("avi_firewall_address", "ansible_host", "ansible_facts")
        return {name: self._templar.template(task_vars[name]) for name in names if name in task_vars}
