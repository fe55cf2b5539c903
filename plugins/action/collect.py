# Copyright: (c) 2026, avi.firewall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

from ansible.errors import AnsibleActionFail, AnsibleError
from ansible.plugins.action import ActionBase
from ansible_collections.avi.firewall.plugins.plugin_utils import _exported, _inventory, _peers


class ActionModule(ActionBase):
    """Reads the inventory and what a Controller has told of its nodes; connects to no host."""

    TRANSFERS_FILES = False
    _requires_connection = False

    def run(self, tmp: Any = None, task_vars: Any = None) -> dict[str, Any]:
        result = super().run(tmp, task_vars)
        spec = {"groups": {"type": "dict", "required": True}, "peers_from": {"type": "raw", "default": []}}
        options = self.validate_argument_spec(spec)[1]
        try:
            nodes = _inventory.collect(options["groups"], task_vars["groups"], task_vars["hostvars"])
            exported = _exported.collect([self._find(path) for path in _exported.paths(options["peers_from"])], nodes)
        except ValueError as exc:
            raise AnsibleActionFail(str(exc)) from exc
        return {**result, "changed": False, **_peers.collected(nodes, exported)}

    def _find(self, path: str) -> str:
        """Return where ``path`` is: where a file to be copied would be, else, for a playbook of a collection is elsewhere, where we are."""
        try:
            return self._find_needle("files", path)
        except AnsibleError:
            return path
