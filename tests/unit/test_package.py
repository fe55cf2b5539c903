# Copyright: (c) 2026, avi.firewall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is in the package that users install, whatever lies about in the working tree."""

from __future__ import annotations

import shutil
import tarfile
from pathlib import Path

import pytest
import yaml
from ansible_collections.avi.firewall.plugins.plugin_utils import _port_matrix
from ansible_collections.avi.firewall.tests.unit import commands

ROOT = Path(_port_matrix.__file__).parents[2]
REQUIRED = {
    "CHANGELOG.md",
    "FILES.json",
    "LICENSE",
    "MANIFEST.json",
    "README.md",
    "SECURITY.md",
    "docs",
    "execution-environment.yml",
    "meta",
    "playbooks",
    "plugins",
    "roles",
}
# changelogs: its changelog.yaml comes with the first release.
ALLOWED = REQUIRED | {"changelogs"}
PLANTED = (
    ".cache/x",
    ".mypy_cache/x",
    ".venv/bin/python",
    "avi-firewall-0.0.9.tar.gz",
    "changelogs/config.yaml",
    "changelogs/fragments/x.yml",
    "context/Containerfile",
    "docs/images/x.png",
    "docs/performance/x.csv",
    "extensions/molecule/x.yml",
    "foo.tar.gz",
    "plugins/modules/.x.py.swp",
    "roles/avi_report/.ansible/x",
    "tests/output/x",
    "tests/unit/x.py",
)


@pytest.fixture(scope="module")
def packed(tmp_path_factory):
    """Return the files of the package, by path, built from a tree in which other things lie."""
    base = tmp_path_factory.mktemp("package")
    shutil.copytree(ROOT, base / "tree", ignore=shutil.ignore_patterns(".cache", ".git", ".hypothesis", "output"))
    for name in (*PLANTED, "changelogs/changelog.yaml"):
        path = base / "tree" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("planted\n", encoding="utf-8")
    built = commands.ansible("galaxy", "collection", "build", "--output-path", ".", "tree", cwd=base)
    assert built.returncode == 0, built.stderr
    with tarfile.open(next(base.glob("*.tar.gz"))) as archive:
        return {member.name for member in archive.getmembers() if member.isfile()}


def test_the_package_holds_what_users_need_and_nothing_else(packed):
    tops = {name.partition("/")[0] for name in packed}
    assert tops - ALLOWED == set()
    assert REQUIRED - tops == set()


def test_what_lies_about_stays_out(packed):
    assert packed & set(PLANTED) == set()
    assert "changelogs/changelog.yaml" in packed


def test_of_the_documents_only_those_to_read_are_packed(packed):
    documents = {name for name in packed if name.startswith("docs/")} - {"docs/docsite/links.yml"}
    assert {Path(name).suffix for name in documents} == {".md", ".json"}
    assert "docs/docsite/links.yml" in packed  # for Galaxy
    assert {path.relative_to(ROOT).as_posix() for path in (ROOT / "docs").glob("*.*")} <= packed


def test_no_file_of_plugins_roles_and_playbooks_is_missing(packed):
    files = {
        path.relative_to(ROOT).as_posix()
        for folder in ("plugins", "roles", "playbooks", "meta")
        for path in (ROOT / folder).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert files - packed == set()


def requirements(*parts):
    lines = ROOT.joinpath(*parts).read_text(encoding="utf-8").splitlines()
    return {line for line in lines if line and not line.startswith("#")}


def test_an_execution_environment_gets_the_packages_that_the_tests_run_with():
    named = yaml.safe_load((ROOT / "meta" / "execution-environment.yml").read_text(encoding="utf-8"))["dependencies"]["python"]
    needed = requirements(named)
    assert {line.partition(">")[0] for line in needed} == {"aerleon", "jmespath", "openpyxl"}
    assert needed <= requirements("tests", "unit", "requirements.txt")


def test_an_execution_environment_has_an_ansible_core_that_is_supported():
    oldest = yaml.safe_load((ROOT / "meta" / "runtime.yml").read_text(encoding="utf-8"))["requires_ansible"]
    core = yaml.safe_load((ROOT / "execution-environment.yml").read_text(encoding="utf-8"))["dependencies"]["ansible_core"]
    assert core["package_pip"].startswith(f"ansible-core{oldest.removesuffix('.0')},")
