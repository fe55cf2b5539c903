# Copyright: (c) 2026, avi.firewall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What `make sanity` runs and what it makes of it: nothing that was left out may look like a pass."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from ansible_collections.avi.firewall.tests.checks import sanity

LOCALE = 'WARNING: Using locale "C.UTF-8" instead of "en_US.UTF-8".\n'
ABSENT = 'WARNING: Skipping sanity test "{}" on Python {} because it could not be found.\n'


def absent(*versions):
    return f"not run: no Python {', '.join(versions)} here"


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (["3.11"], ["3.11", "3.11", "3.11", "3.11", absent("3.12", "3.13", "3.14"), absent("3.12", "3.13", "3.14")]),
        (["3.9", "3.11", "3.12", "3.13"], ["3.11", "3.11", "3.11", "3.11", "3.12", "3.13"]),
        (["3.12"], ["3.12"] * 6),
        (["3.13"], [absent("3.11", "3.12"), absent("3.11", "3.12"), "3.13", "3.13", "3.13", "3.13"]),
        (["3.14"], [absent("3.11", "3.12"), absent("3.11", "3.12"), *[absent("3.11", "3.12", "3.13")] * 2, "3.14", "3.14"]),
    ],
)
def test_each_core_gets_a_python_or_a_reason(found, expected):
    rows = sanity.plan({version: Path("/opt", version) for version in found})
    assert [row.core for row in rows] == ["2.16", "2.17", "2.18", "2.19", "2.20", "2.21"]
    assert [row.python if row.python != "-" else row.sanity for row in rows] == expected


def test_the_cores_are_those_that_the_collection_admits():
    root = Path(sanity.__file__).parents[2]
    requires = yaml.safe_load(root.joinpath("meta", "runtime.yml").read_text(encoding="utf-8"))["requires_ansible"]
    roles = [yaml.safe_load(path.read_text(encoding="utf-8"))["galaxy_info"] for path in root.glob("roles/*/meta/main.yml")]
    assert (requires, {role["min_ansible_version"] for role in roles}, next(iter(sanity.CORES))) == (">=2.16.0", {"2.16"}, "2.16")


@pytest.mark.parametrize(
    ("code", "log", "expected"),
    [
        (0, LOCALE + 'Running sanity test "pslint"\n', "passed"),
        (1, LOCALE, "failed"),
        (
            0,
            ABSENT.format("import", "3.9") + ABSENT.format("compile", "3.9") + ABSENT.format("import", "3.10"),
            "passed, without Python 3.9, 3.10",
        ),
        (1, ABSENT.format("import", "3.9"), "failed"),
        (0, 'WARNING: Required program "shellcheck" not found.\n', "failed"),
        (0, "WARNING: All targets skipped.\n", "failed"),
        (0, 'WARNING: Skipping sanity test "import" on Python 3.9 due to missing virtual environment support.\n', "failed"),
    ],
)
def test_a_test_that_was_left_out_is_no_pass(code, log, expected):
    assert sanity.verdict(code, log) == expected


def script(path, text):
    path.parent.mkdir(exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n", encoding="utf-8")
    path.chmod(0o755)


def test_a_python_counts_if_it_runs(tmp_path):
    shims, first, second = (tmp_path / name for name in ("shims", "first", "second"))
    script(shims / "python3.12", "exit 127")
    script(shims / "python3.11", "echo /opt/first")
    script(first / "python3.11-config", "echo /opt/x")
    script(second / "python3.11", "echo /opt/second")
    script(second / "python3.12", "echo /opt/second")
    assert sanity.pythons([shims, tmp_path / "none", first, second]) == {"3.11": Path("/opt/first/bin"), "3.12": Path("/opt/second/bin")}


def test_an_environment_leads_to_the_python_it_was_made_with():
    version = f"{sys.version_info[0]}.{sys.version_info[1]}"
    assert sanity.pythons([Path(sys.executable).parent])[version] == Path(sys.base_prefix, "bin")


def test_the_copy_is_the_working_tree_without_what_git_ignores(tmp_path, monkeypatch):
    tree, copied = tmp_path / "tree", tmp_path / "copied"
    tree.mkdir()
    monkeypatch.setattr(sanity, "ROOT", tree)
    subprocess.run(["git", "init", "--quiet"], cwd=tree, check=True)
    for name, text in {".gitignore": "/output/\n", "output/x": "", "old": "", "plugins/a.py": "1\n", "gone": ""}.items():
        tree.joinpath(name).parent.mkdir(exist_ok=True)
        tree.joinpath(name).write_text(text, encoding="utf-8")
    subprocess.run(["git", "add", "."], cwd=tree, check=True)
    tree.joinpath("gone").unlink()
    sanity.copy(copied)
    assert sanity.listed(copied) == {".gitignore", "old", "plugins/a.py"}
    tree.joinpath("old").unlink()
    tree.joinpath("plugins/a.py").write_text("2\n", encoding="utf-8")
    tree.joinpath("new").write_text("", encoding="utf-8")
    copied.joinpath("output").mkdir()
    copied.joinpath("output", "kept").write_text("", encoding="utf-8")
    sanity.copy(copied)
    assert sanity.listed(copied) == {".gitignore", "new", "plugins/a.py"}
    assert copied.joinpath("plugins/a.py").read_text(encoding="utf-8") == "2\n"
    assert copied.joinpath("output", "kept").exists()


def test_other_collections_lie_beside_the_copy(tmp_path, monkeypatch):
    installed, beside = tmp_path / "installed" / "ansible_collections", tmp_path / "beside"
    for name in ("installed/ansible_collections/amazon/aws", "beside/avi/firewall"):
        tmp_path.joinpath(name).mkdir(parents=True)
    installed.joinpath("__init__.py").touch()
    beside.joinpath("amazon").symlink_to(tmp_path / "gone")
    monkeypatch.setattr(sanity.sysconfig, "get_path", {"purelib": str(tmp_path / "installed")}.get)
    for _again in range(2):
        sanity.link_collections(beside)
        assert sorted(path.name for path in beside.iterdir()) == ["amazon", "avi"]
        assert beside.joinpath("amazon", "aws").is_dir()


def parts(*cores):
    return [f"{core} {part}" for core in cores for part in ("sanity", "units")]


@pytest.mark.parametrize(
    ("found", "fails", "quick", "code", "ran"),
    [
        (["3.14"], None, False, 0, parts("2.20", "2.21")),
        (["3.11", "3.12"], "2.16 sanity", False, 1, parts("2.16", "2.17", "2.18", "2.19", "2.20", "2.21")),
        (["3.14"], "2.20 units", False, 1, parts("2.20", "2.21")),
        (["3.11", "3.12"], None, True, 0, ["2.16 sanity --skip-test pylint"]),
        (["3.11"], "2.16 sanity", True, 1, ["2.16 sanity --skip-test pylint"]),
        (["3.10"], None, False, 1, []),
        (["3.10"], None, True, 1, []),
    ],
)
def test_it_fails_with_any_part_and_when_nothing_was_run(monkeypatch, capsys, found, fails, quick, code, ran):
    seen = []

    def ansible_test(row, _found, part, *options):
        seen.append(" ".join([row.core, part, *options[options.index("--skip-test") :]] if "--skip-test" in options else [row.core, part]))
        return "failed" if f"{row.core} {part}" == fails else "passed"

    monkeypatch.setattr(sanity, "ansible_test", ansible_test)
    monkeypatch.setattr(sanity, "pythons", lambda _folders: {version: Path("/opt", version) for version in found})
    monkeypatch.setattr(sys, "argv", ["sanity.py", *(["--quick"] if quick else [])])
    assert sanity.main() == code
    assert seen == ran
    said = capsys.readouterr().out
    assert ("failed" in said) is bool(fails)
    assert ("passed, without pylint" in said) is (quick and not code)


def test_the_table_is_read_by_its_columns():
    rows = [sanity.Row("2.19", "3.11", "passed", "failed"), sanity.Row("2.20", sanity="not run: x", units="not run: x")]
    assert sanity.table(rows).splitlines() == [
        "core  python  sanity      units",
        "2.19  3.11    passed      failed",
        "2.20  -       not run: x  not run: x",
    ]
