#!/usr/bin/env python
# Copyright: (c) 2026, avi.firewall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Changes the pure functions in small ways, one at a time, and tells which changes no unit test notices.

``run.py [_plan.py …]`` does so for all files of TESTS or for those named, each with the tests that are about it, on a copy. It prints every
survivor that explained.yml does not explain, writes the figures into README.md beside it, and fails when there is such a survivor.
"""

from __future__ import annotations

import argparse
import collections
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import yaml

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
WORK = ROOT / ".cache/mutation"
# mutmut takes the folder it runs in off the path.
HELPERS = WORK / "helpers"
# mutmut tells a module by its path, and Ansible imports ours by this name.
COLLECTION = Path("ansible_collections/avi/firewall")
UTILS, MODULES = "plugins/plugin_utils", "plugins/module_utils"
# The tests that are about each file; none written: the one of its name.
TESTS = {
    f"{UTILS}/_port_matrix.py": [
        "plugin_utils/test_port_matrix.py",
        "plugin_utils/test_release_diff.py",
        "plugin_utils/test_published_ports.py",
        "plugin_utils/test_extra_rows.py",
    ],
    f"{UTILS}/_plan.py": [],
    f"{UTILS}/_addresses.py": [],
    f"{UTILS}/_peers.py": ["plugin_utils/test_plan.py", "plugin_utils/test_handover.py", "action/test_peers.py"],
    f"{MODULES}/_firewalld.py": ["module_utils/test_firewalld.py", "module_utils/test_firewalld_change.py"],
    f"{MODULES}/_firewalld_policy.py": ["module_utils/test_firewalld_change.py"],
    f"{MODULES}/_firewalld_reload.py": [],
    f"{MODULES}/_ufw.py": [],
    f"{MODULES}/_iptables.py": [],
    f"{MODULES}/_iptables_rule.py": ["module_utils/test_iptables.py"],
    f"{MODULES}/_nftables.py": [],
    f"{MODULES}/_nft_rule.py": ["module_utils/test_nftables.py"],
    f"{MODULES}/_place.py": [],
    f"{MODULES}/_published.py": [],
    f"{UTILS}/_handover.py": [],
    f"{UTILS}/_handover_aerleon.py": [],
    f"{UTILS}/_handover_avi.py": [],
    f"{UTILS}/_handover_aws.py": ["plugin_utils/test_handover_clouds.py"],
    f"{UTILS}/_handover_formats.py": [],
    f"{UTILS}/_handover_loadable.py": ["plugin_utils/test_handover_clouds.py", "plugin_utils/test_handover_formats.py"],
    f"{UTILS}/_handover_markdown.py": [],
    f"{UTILS}/_handover_openstack.py": ["plugin_utils/test_handover_clouds.py"],
    f"{UTILS}/_handover_page.py": [],
    f"{UTILS}/_handover_picture.py": [],
    f"{UTILS}/_handover_report.py": [],
    f"{UTILS}/_handover_sheet.py": [],
}
# Imported once, before the process forks for each mutant: Ansible compiles anew what it imports of a collection. No more of ours than the
# file itself, for what is remembered of a call would hide a mutant.
WARM = """\
import ansible.template
import hypothesis.strategies
import openpyxl
from ansible.plugins.loader import init_plugin_loader

init_plugin_loader(["{collections}"])
import {module}
"""
ORDER = """\
import json
import pathlib


def pytest_collection_modifyitems(items):
    known = pathlib.Path("mutmut-stats.json")
    if known.exists():  # not in the run that makes it
        seconds = json.loads(known.read_text(encoding="utf-8"))["duration_by_test"]
        items.sort(key=lambda item: seconds[item.nodeid])
"""
CONFIGURATION = """\
[tool.mutmut]
source_paths = ["ansible_collections"]
only_mutate = ["{file}"]
mutate_only_covered_lines = {covered}
also_copy = ["tests", "galaxy.yml", "meta", "roles", "docs", "playbooks"]
# The same samples each time, and the fastest test first. The rest costs more than many a test, and tells nothing here.
pytest_add_cli_args = [
  "-p", "_hypothesis_pytestplugin", "--hypothesis-seed=0", "-p", "order",
  "-p", "no:cacheprovider", "-p", "no:unraisableexception", "-p", "no:threadexception", "--assert=plain",
]
pytest_add_cli_args_test_selection = {tests}
process_isolation = "forkserver"
forkserver_warmup = "import"
preload_modules_file = "warm.txt"
use_git_change_detection = false
# A loaded machine is no fault of the code.
timeout_constant = 5.0

[tool.pytest.ini_options]
addopts = "--import-mode=importlib"
pythonpath = ["tests"]
"""
FIGURES = re.compile(r"(?<=<!-- figures -->\n).*(?=<!-- end -->)", re.DOTALL)
# The last two are also what mutmut calls it when the tests cannot even be collected.
NOTICED = ("killed", "timeout", "check was interrupted by user")
SPINNER = tuple("⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏")

Change = tuple[str, str]


def copy_of_the_tree(file: str) -> None:
    """Lay out in WORK what mutmut needs to mutate ``file``: what git knows or would, and its configuration."""
    shutil.rmtree(WORK, ignore_errors=True)
    listed = subprocess.run(["git", "ls-files", "-coz", "--exclude-standard"], cwd=ROOT, check=True, capture_output=True, text=True)
    for name in filter(None, listed.stdout.split("\0")):
        if name.startswith(("plugins/", "tests/unit/", "meta/", "roles/", "docs/", "playbooks/")) or name == "galaxy.yml":
            target = WORK / (COLLECTION / name if name.startswith("plugins/") else name)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, target)
    # The collection that the tests import: their own tree, with the plugins where mutmut puts them.
    (WORK / "mutants").mkdir()
    (WORK / "mutants/plugins").symlink_to(COLLECTION / "plugins")
    imported = WORK / "imported" / COLLECTION
    imported.parent.mkdir(parents=True)
    imported.symlink_to(WORK / "mutants")
    own = f"{Path(file).parent.name}/test{Path(file).name}"
    tests = [f"tests/unit/plugins/{test}" for test in TESTS[file] or [own]]
    # A pure function that no test calls is not tested at all; what talks to the firewall of a host is judged by packets.
    covered = str(file.startswith(MODULES)).lower()
    (WORK / "pyproject.toml").write_text(CONFIGURATION.format(file=COLLECTION / file, tests=tests, covered=covered), encoding="utf-8")
    HELPERS.mkdir()
    (HELPERS / "order.py").write_text(ORDER, encoding="utf-8")
    (WORK / "warm.txt").write_text("warm", encoding="utf-8")
    module = ".".join((COLLECTION / file).with_suffix("").parts)
    (HELPERS / "warm.py").write_text(WARM.format(collections=WORK / "imported", module=module), encoding="utf-8")


def mutmut(*words: str) -> str:
    """Return what mutmut says to ``words``; end with what it said when it fails."""
    # Plugins of pytest that no test of ours needs cost more than many a test.
    environment = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTHONPATH": str(HELPERS)}
    command = [sys.executable, "-m", "mutmut", *words]
    done = subprocess.run(command, cwd=WORK, env=environment, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        said = "\n".join(line for line in done.stdout.splitlines() if not line.startswith(SPINNER))
        sys.exit(f"{said}\nmutmut {' '.join(words)} failed in {WORK}")
    return done.stdout


def change(mutant: str) -> Change:
    """Return the lines that ``mutant`` takes away and those that it brings, each without its indentation."""
    lines = mutmut("show", mutant).splitlines()
    return tuple(" ".join(line[1:].strip() for line in lines if line.startswith(sign) and not line.startswith(sign * 3)) for sign in "-+")


def judge(file: str, jobs: int, explained: list[dict[str, str]]) -> tuple[dict[str, int], list[str]]:
    """Mutate ``file``; return its figures, and a paragraph for each survivor without an explanation."""
    copy_of_the_tree(file)
    mutmut("run", "--max-children", str(jobs))
    status = dict(line.strip().rsplit(": ", 1) for line in mutmut("results", "--all", "true").splitlines())
    if not status:
        sys.exit(f"mutmut found nothing to change in {file}")
    known = {(one["line"], one["becomes"]) for one in explained}
    survived = {mutant: change(mutant) for mutant, what in status.items() if what not in NOTICED}
    left = [f"{mutant} ({status[mutant]})\n  - {one[0]}\n  + {one[1]}" for mutant, one in survived.items() if one not in known]
    stale = [f"explained, and no longer a survivor: {line}" for line, becomes in sorted(known - set(survived.values()))]
    counts = collections.Counter(status.values())
    return {
        "mutants": len(status),
        "noticed": sum(counts[what] for what in NOTICED),
        "explained": len(survived) - len(left),
        "survivors": len(left),
    }, left + stale


def write(file: str, figures: dict[str, int]) -> None:
    """Write the ``figures`` of ``file`` into the table of README.md; the other files keep theirs."""
    page = HERE / "README.md"
    text = page.read_text(encoding="utf-8")
    kept = {line.split("`")[1]: line for line in FIGURES.search(text)[0].splitlines() if "`" in line}
    kept[file] = f"| `{file}` | {' | '.join(map(str, figures.values()))} |"
    head = ["| file | mutants | noticed | equivalent | not noticed |", "| --- | ---: | ---: | ---: | ---: |"]
    table = "".join(f"{line}\n" for line in [*head, *(kept[name] for name in TESTS if name in kept)])
    page.write_text(FIGURES.sub(lambda _found: table, text), encoding="utf-8")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("files", nargs="*", metavar="file", help="the names of files of TESTS; none: all of them")
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    arguments = parser.parse_args()
    if unknown := set(arguments.files) - {Path(file).name for file in TESTS}:
        parser.error(f"{', '.join(sorted(unknown))}: not one of {', '.join(Path(file).name for file in TESTS)}")
    explained = yaml.safe_load((HERE / "explained.yml").read_text(encoding="utf-8")) or {}
    failed = False
    for file in [file for file in TESTS if not arguments.files or Path(file).name in arguments.files]:
        figures, left = judge(file, arguments.jobs, explained.get(file, []))
        print(f"{file}: {figures}", *left, sep="\n", flush=True)
        write(file, figures)
        failed = failed or bool(left)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
