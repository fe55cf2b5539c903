# Copyright: (c) 2026, avi.firewall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible.utils.display import Display
from ansible_collections.avi.firewall.plugins.plugin_utils import _reach, _verify_junit, _verify_page, _verify_result, _verify_text

display = Display()


class ActionModule(ActionBase):
    """Shows, once for all hosts, what was found, writes it down, and fails where it is not as planned; connects to no host."""

    TRANSFERS_FILES = False
    _requires_connection = False

    def run(self, tmp: Any = None, task_vars: Any = None) -> dict[str, Any]:
        result = {**super().run(tmp, task_vars), "changed": False}
        names = {name: {"type": "str", "required": True} for name in ("paths", "answers", "seen", "causes", "drift")}
        options = self.validate_argument_spec({**names, "release": {"type": "str"}, "directory": {"type": "path"}})[1]
        paths, hostvars = task_vars[options["paths"]], task_vars["hostvars"]

        def registered(name: str) -> dict[str, Any]:
            return {host: hostvars[host].get(options[name], {}) for host in paths["sources"]}

        causes = {host: answer.get("causes", []) for host, answer in registered("causes").items()}
        cells = _reach.judge_registered(paths, hostvars, options["answers"], options["seen"])
        whole = _reach.result(options["release"], paths, cells, causes, registered("drift"))
        width = min(max(shutil.get_terminal_size().columns, 72), 160)
        plain = not (sys.stdout.encoding or "ascii").lower().startswith("utf")
        drift = [f"{host['name']}: {line}" for host in whole["hosts"] for line in host["drift"]]
        display.display("\n".join(["", _verify_text.summary(whole, width, plain), *drift]))
        if options["directory"]:
            self._write(Path(options["directory"]), whole)
        counted = _verify_result.counts(whole)
        verdict = _verify_result.verdict(counted)
        if not all(cell["passed"] for cell in whole["cells"]) or not whole["cells"] or counted["dropped_out"]:
            raise AnsibleActionFail(verdict)
        return {**result, "verdict": verdict}

    def _write(self, directory: Path, whole: dict[str, Any]) -> None:
        texts = {
            "verify.json": json.dumps(whole, indent=1) + "\n",
            "verify.xml": _verify_junit.junit(whole),
            "verify.html": _verify_page.page(whole),
        }
        try:
            directory.mkdir(parents=True, exist_ok=True)
            for name, text in texts.items():
                (directory / name).write_text(text, encoding="utf-8")
        except OSError as exc:
            raise AnsibleActionFail(f"avi_verify_dir {str(directory)!r}: the reports cannot be written: {exc}") from exc
