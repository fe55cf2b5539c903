# Copyright: (c) 2026, avi.firewall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible_collections.avi.firewall.plugins.plugin_utils import _inventory


class ActionModule(ActionBase):
    """Reads the inventory; connects to no host."""

    TRANSFERS_FILES = False
    _requires_connection = False

    def run(self, tmp: Any = None, task_vars: Any = None) -> dict[str, Any]:
        result = super().run(tmp, task_vars)
        options = self.validate_argument_spec({"groups": {"type": "dict", "required": True}})[1]
        try:
            nodes = _inventory.collect(options["groups"], task_vars["groups"], task_vars["hostvars"])
        except ValueError as exc:
            raise AnsibleActionFail(str(exc)) from exc
        return {**result, "changed": False, "nodes": nodes}
