# Copyright: (c) 2026, avi.firewall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is said twice in the collection, because Ansible wants it so, says the same."""

from __future__ import annotations

import importlib
from pathlib import Path
from unittest.mock import MagicMock

import pytest
import yaml
from ansible.plugins.action import ActionBase
from ansible.plugins.loader import fragment_loader
from ansible.utils.plugin_docs import get_docstring
from ansible_collections.avi.firewall.plugins.action import apply
from ansible_collections.avi.firewall.plugins.doc_fragments import means
from ansible_collections.avi.firewall.plugins.modules import host_rules
from ansible_collections.avi.firewall.plugins.plugin_utils import _plan, _port_matrix, _task

PLUGINS = "ansible_collections.avi.firewall.plugins"
ROOT = Path(_port_matrix.__file__).parents[2]
ROLES = sorted(path.name for path in (ROOT / "roles").iterdir())


def read(*parts):
    path = ROOT.joinpath(*parts)
    return yaml.safe_load(path.read_text(encoding="utf-8")) if path.exists() else {}


def options(role):
    return read("roles", role, "meta", "argument_specs.yml")["argument_specs"]["main"]["options"]


@pytest.mark.parametrize("role", ROLES)
def test_defaults_of_a_role_are_those_of_its_specification(role):
    specified = {name: option["default"] for name, option in options(role).items() if "default" in option}
    defaults = read("roles", role, "defaults", "main.yml")
    groups = "avi_firewall_groups"
    if groups in defaults:  # a template, which falls back to the name of the variable it asks for
        defaults[groups] = {node: value.partition("default('")[2].partition("'")[0] for node, value in defaults[groups].items()}
    assert defaults == specified


@pytest.mark.parametrize("role", ROLES)
def test_every_role_has_a_readme_that_names_its_settings(role):
    text = (ROOT / "roles" / role / "README.md").read_text(encoding="utf-8")
    assert text.startswith(f"# avi.firewall.{role}\n")
    assert [name for name in options(role) if name != "avi_firewall_node" and f"`{name}`" not in text] == []


def test_choices_are_those_of_the_matrix():
    assert options("avi_cluster_node")["avi_cluster_node_kinds"]["choices"] == _port_matrix.cluster_node_kinds()
    assert options("avi_firewall")["avi_firewall_node"]["choices"] == _port_matrix.node_types() == list(_plan.PARTS)
    assert options("avi_firewall")["avi_firewall_cloud"]["choices"] == _port_matrix.clouds()
    for release in _port_matrix.releases():
        assert f"V({release})" in options("avi_firewall")["avi_firewall_release"]["description"]


def test_each_backend_that_leaves_something_to_bind_has_a_standard_module():
    # nftables leaves nothing to bind: its jump is part of the one transaction.
    assert apply.BINDING_MODULES.keys() == host_rules.BACKENDS.keys() - {"nftables"}
    needed = {name.rpartition(".")[0] for name in apply.BINDING_MODULES.values()} - {"ansible.builtin"}
    assert yaml.safe_load((ROOT / "galaxy.yml").read_text(encoding="utf-8"))["dependencies"].keys() == needed
    assert options("avi_firewall")["avi_firewall_backend"]["choices"] == ["auto", *host_rules.BACKENDS]


def without_descriptions(options):
    """Return documented options as an argument spec."""
    return {name: {key: value for key, value in option.items() if key != "description"} for name, option in options.items()}


def test_the_means_are_documented_by_themselves():
    assert yaml.safe_load(means.ModuleDocFragment.DOCUMENTATION)["options"].keys() == set(_task.MEANS)


class SpecifiedError(Exception):
    """Carries the argument spec of an action plugin."""


@pytest.mark.parametrize("name", sorted(path.stem for path in (ROOT / "plugins" / "action").glob("*.py")))
def test_the_options_of_an_action_are_those_of_its_documentation(monkeypatch, name):
    def tell(_self, spec):
        raise SpecifiedError(spec)

    monkeypatch.setattr(ActionBase, "run", lambda *_arguments: {})
    monkeypatch.setattr(ActionBase, "validate_argument_spec", tell)
    action = importlib.import_module(f"{PLUGINS}.action.{name}").ActionModule(*[MagicMock() for _each in range(6)])
    action._task.args, action._task.delegate_to = {}, None
    with pytest.raises(SpecifiedError) as caught:
        action.run(task_vars={"inventory_hostname": "con1"})
    path = ROOT / "plugins" / "modules" / f"{name}.py"
    # As ansible-doc shows it, with what its fragments add.
    told = get_docstring(str(path), fragment_loader, collection_name="avi.firewall", plugin_type="module")[0].get("options", {})
    assert caught.value.args[0] == without_descriptions(told)


def test_every_piece_of_evidence_is_told():
    headings = (ROOT / "docs" / "sources.md").read_text(encoding="utf-8").splitlines()
    assert {f"## {row['evidence']}" for row in _port_matrix.table()} <= set(headings)


def test_every_folder_that_a_scenario_verifies_holds_tests():
    """Molecule calls a folder without tests a success."""
    scenarios = sorted((ROOT / "extensions" / "molecule").glob("*/molecule.yml"))
    assert scenarios
    for scenario in scenarios:
        steps = yaml.safe_load(scenario.read_text(encoding="utf-8"))["scenario"]["test_sequence"]
        folders = [folder for step in steps if step.startswith("verify") for folder in step.split()[1:]]
        assert folders
        for folder in folders:
            path = scenario.parent / folder.replace("${MOLECULE_PROJECT_DIRECTORY}", str(ROOT))
            assert list(path.glob("test_*.py")), f"{scenario.parent.name}: {folder}"
