# Copyright: (c) 2026, avi.firewall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible_collections.avi.firewall.plugins.plugin_utils import _inventory, _reach, _verify_result


class ActionModule(ActionBase):
    """Works out, once for all hosts, who is known to whom as what; connects to no host."""

    TRANSFERS_FILES = False
    _requires_connection = False

    def run(self, tmp: Any = None, task_vars: Any = None) -> dict[str, Any]:
        result = {**super().run(tmp, task_vars), "changed": False}
        options = self.validate_argument_spec(
            {
                "nodes": {"type": "str", "required": True},
                "targets": {"type": "str", "required": True},
                "also_open": {"type": "raw", "default": []},
            }
        )[1]
        nodes = task_vars[options["nodes"]]["nodes"]
        known = {entry["host"]: entry for entries in nodes.values() for entry in entries}
        hosts, hostvars = task_vars["ansible_play_hosts"], task_vars["hostvars"]
        try:
            also_open = _reach.ports(options["also_open"], "avi_verify_also_open")
            looking = {host: known.get(host) or _inventory.whereabouts(host, hostvars[host]) for host in hosts}
        except ValueError as exc:
            raise AnsibleActionFail(str(exc)) from exc
        answering = {host: hostvars[host].get(options["targets"], {}) for host in hosts}
        if absent := [host for host in hosts if "target" not in answering[host]]:
            raise AnsibleActionFail(
                f"{len(absent):,} of {len(hosts):,} hosts are not ready to be probed, {_verify_result.ranges(absent)}: a verification is "
                "about all of them at once. Run it without serial, with the strategy linear"
            )
        sources = {host: entry["addresses"] for host, entry in looking.items()}
        seen_as = {host: entry["seen_as"] for host, entry in looking.items()}
        listening = [known["target"] for known in answering.values() if known["target"]]
        targets = [{**target, "seen": _reach.seen(target, sources, seen_as)} for target in listening]
        members = _reach.members(sources, targets)
        gone = [host for host in task_vars["ansible_play_hosts_all"] if host not in hosts]
        left = _reach.not_tried(sources, targets, also_open) + [_reach.failed(host) for host in gone]
        return {**result, "sources": sources, "targets": targets, "members": members, "also_open": also_open, "not_tried": left}
