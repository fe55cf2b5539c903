# Copyright: (c) 2026, avi.firewall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import time
from typing import Any

from ansible.errors import AnsibleActionFail, AnsibleConnectionFailure
from ansible.plugins.action import ActionBase
from ansible.plugins.connection import ConnectionBase
from ansible_collections.avi.firewall.plugins.plugin_utils import _inventory, _task

# What binds the rules where the firewall has a standard module.
BINDING_MODULES = {"firewalld": "ansible.posix.firewalld", "ufw": "community.general.ufw", "iptables": "ansible.builtin.iptables"}


class ActionModule(ActionBase):
    """Brings the plan to the host: one call of host_rules; after a change the bindings, and a confirmation over a new connection.

    All of it is one task, so that no other host of the play stands between a change and its confirmation.
    """

    TRANSFERS_FILES = False
    _supports_check_mode = True

    def run(self, tmp: Any = None, task_vars: Any = None) -> dict[str, Any]:
        result = super().run(tmp, task_vars)
        host = task_vars["inventory_hostname"]
        if self._task.delegate_to not in (None, host):
            there = self._task.delegate_to
            raise AnsibleActionFail(f"delegate_to is {there}, and the rules are those of {host}: run the role on {there} itself")
        try:
            options = _task.options(self, task_vars, _task.SPEC)
            plan = _task.plan(options, task_vars, self._templar.template)
            # With nothing to open, nobody asks where the host is.
            known = _task.known(task_vars, self._templar.template)
            addresses = _inventory.addresses(host, known) if plan.rules else []
        except ValueError as exc:
            raise AnsibleActionFail(str(exc)) from exc
        arguments = _task.host_arguments(options, plan, addresses)
        made = self._execute_module(module_name="avi.firewall.host_rules", module_args=arguments, task_vars=task_vars)
        if made.get("token"):
            self._finish(made, options["confirm_timeout"], task_vars)
        return {**result, **made}

    def _finish(self, made: dict[str, Any], seconds: int, task_vars: Any) -> None:
        """Bind what is not bound yet, then confirm the change over a new connection, or have it taken back."""
        failed = []
        for binding in made["bindings"]:
            module = BINDING_MODULES[made["backend"]]
            bound = self._execute_module(module_name=module, module_args=binding, task_vars=task_vars)
            if bound.get("failed"):
                failed.append(f"{module} failed for {binding}: {bound.get('msg')}")
        begun = time.monotonic()
        while True:
            try:
                self._connect_anew()
                confirmed = self._execute_module(
                    module_name="avi.firewall.host_confirm", module_args={"token": made["token"]}, task_vars=task_vars
                )
                break
            except AnsibleConnectionFailure as exc:
                if time.monotonic() - begun > seconds:
                    raise AnsibleActionFail(
                        f"no new connection to this host succeeded within {seconds} seconds (avi_firewall_confirm_timeout) of the change: "
                        f"the host takes it back by itself. The last attempt said: {exc}"
                    ) from exc
                time.sleep(1)
        made["confirmed_after"] = round(time.monotonic() - begun, 2)
        if confirmed.get("failed"):
            raise AnsibleActionFail("; ".join([confirmed["msg"], *failed]), result=confirmed)
        # The confirmation looks at what stands, and mends it: so it does, whatever failed before.
        made.setdefault("warnings", []).extend(f"{text}. The host has bound it by itself" for text in failed)

    def _connect_anew(self) -> None:
        """Drop the connection in use where it is one that lasts: a rule that shuts out new ones lets it live."""
        if type(self._connection).reset is not ConnectionBase.reset:
            self._connection.reset()
