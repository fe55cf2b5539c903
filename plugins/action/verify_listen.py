# Copyright: (c) 2026, avi.firewall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import secrets
from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible_collections.avi.firewall.plugins.plugin_utils import _reach, _task


class ActionModule(ActionBase):
    """Plans the host as every type it is of, and has it answer on all ports that are to be tried there."""

    TRANSFERS_FILES = False
    _supports_check_mode = True

    def run(self, tmp: Any = None, task_vars: Any = None) -> dict[str, Any]:
        result = {**super().run(tmp, task_vars), "changed": False}
        host = task_vars["inventory_hostname"]
        try:
            own = {"seconds": {"type": "int", "default": 600}, "also_open": {"type": "raw", "default": []}}
            options = _task.options(self, task_vars, {**_task.EVERY_TYPE, **own})
            _reach.ports(options["also_open"], "avi_verify_also_open")  # before anything listens
            plans, addresses = _task.plans(options, task_vars, self._templar.template)
        except ValueError as exc:
            raise AnsibleActionFail(str(exc)) from exc
        if not plans:
            return {**result, "target": None}  # only looks
        target = _reach.target(host, list(plans), addresses, [rule for plan in plans.values() for rule in plan.rules])
        token = secrets.token_hex(8)
        ports = [{"protocol": protocol, "port": port} for protocol, port in _reach.all_ports(target)]
        arguments = {"token": token, "ports": ports, "addresses": addresses, "seconds": options["seconds"]}
        started = self._execute_module(module_name="avi.firewall.host_listener", module_args=arguments, task_vars=task_vars)
        if started.get("failed"):
            return {**result, **started}
        resolved = {name: found for plan in plans.values() for name, found in plan.resolved.items()}
        target |= {"token": token, "listening": started["listening"], "holders": started["holders"], "resolved": resolved}
        return {**result, "target": target}
