# Copyright: (c) 2026, avi.firewall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from pathlib import Path
from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible.utils.display import Display
from ansible_collections.avi.firewall.plugins.plugin_utils import _handover, _handover_formats, _handover_report

display = Display()


class ActionModule(ActionBase):
    """Puts together, once for all hosts, what each has planned, and writes it down; connects to no host."""

    TRANSFERS_FILES = False
    _requires_connection = False
    _supports_check_mode = True

    def run(self, tmp: Any = None, task_vars: Any = None) -> dict[str, Any]:
        result = super().run(tmp, task_vars)
        options = self.validate_argument_spec(
            {
                "nodes": {"type": "str", "required": True},
                "planned": {"type": "str", "required": True},
                "directory": {"type": "path", "required": True},
                "formats": {"type": "list", "elements": "str", "default": list(_handover_formats.BY_DEFAULT)},
                "against": {"type": "path"},
            }
        )[1]
        try:
            formats = _handover_formats.chosen(options["formats"])
            collected, planned = task_vars[options["nodes"]], self._planned(options, task_vars)
            resolved: dict[str, set[str]] = {}
            for one in planned:
                for name, addresses in one["resolved"].items():
                    resolved.setdefault(name, set()).update(addresses)
            flows = [flow for one in planned for flow in one["flows"]]
            report = _handover_report.report(flows, collected["nodes"], collected["exported"], resolved)
            if options["against"]:
                report = _handover_report.against(report, _handover_report.read(options["against"]))
            for each in formats:
                each.refuse(report, _handover.hosts(collected["nodes"]))
            files = {each.file: each.make(report) for each in formats}
        except ValueError as exc:
            raise AnsibleActionFail(str(exc)) from exc
        changed = self._write(Path(options["directory"]), files)
        summary = _handover_report.summary(report)
        display.display(f"\n{summary}: {', '.join(str(Path(options['directory'], file)) for file in files)}")
        told = [note for one in planned for note in one["notes"]] + [warning for each in formats for warning in each.warn(report)]
        notes = list(dict.fromkeys(told))
        return {**result, "changed": bool(changed), "summary": summary, "files": list(files), "warnings": notes}

    def _planned(self, options: dict[str, Any], task_vars: Any) -> list[Any]:
        """Return what every node has planned. A report without some of them would look whole, and take rules away from those."""
        hostvars = task_vars["hostvars"]
        hosts = _handover.hosts(task_vars[options["nodes"]]["nodes"])
        if missing := [host for host in hosts if "flows" not in hostvars[host].get(options["planned"], {})]:
            raise AnsibleActionFail(
                f"{len(missing):,} of {len(hosts):,} hosts have planned nothing, {', '.join(missing[:5])}{', …' if missing[5:] else ''}: a "
                "report is about all of them. Run it on every host of the groups (avi_firewall_groups), without --limit and serial"
            )
        return [hostvars[host][options["planned"]] for host in hosts]

    def _write(self, directory: Path, files: dict[str, str | bytes]) -> list[str]:
        """Write what is not there yet, and return the names of these files."""
        contents = {name: content.encode() if isinstance(content, str) else content for name, content in files.items()}
        try:
            changed = [
                name for name, content in contents.items() if not (directory / name).is_file() or (directory / name).read_bytes() != content
            ]
            if not self._task.check_mode:
                directory.mkdir(parents=True, exist_ok=True)
                for name in changed:
                    (directory / name).write_bytes(contents[name])
        except OSError as exc:
            raise AnsibleActionFail(f"avi_report_dir {str(directory)!r}: the report cannot be written: {exc}") from exc
        return changed
