# Copyright: (c) 2026, avi.firewall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

from ansible.plugins.action import ActionBase
from ansible_collections.avi.firewall.plugins.plugin_utils import _reach


class ActionModule(ActionBase):
    """Tries every path from the host in one call of host_probe."""

    TRANSFERS_FILES = False
    _supports_check_mode = True

    def run(self, tmp: Any = None, task_vars: Any = None) -> dict[str, Any]:
        result = {**super().run(tmp, task_vars), "changed": False}
        options = self.validate_argument_spec(
            {
                "paths": {"type": "str", "required": True},
                "timeout": {"type": "float", "default": 1.0},
                "deadline": {"type": "float", "default": 120.0},
            }
        )[1]
        # Not through an argument: templating a list of all paths on every host takes longer than trying them.
        paths = task_vars[options["paths"]]
        tokens = {target["host"]: target["token"] for target in paths["targets"]}
        targets = [
            [trial.source_address, trial.address, trial.protocol, trial.port, trial.expected == "open", tokens[trial.destination]]
            for trial in _reach.trials(task_vars["inventory_hostname"], paths)
        ]
        if not targets:
            return {**result, "answers": []}
        arguments = {"targets": targets, "timeout": options["timeout"], "deadline": options["deadline"]}
        return {**result, **self._execute_module(module_name="avi.firewall.host_probe", module_args=arguments, task_vars=task_vars)}
