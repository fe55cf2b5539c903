# Copyright: (c) 2026, avi.firewall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The examples of plugins, roles and pages, as somebody copies them: on the inventory of the guide, whose hosts do not exist.

What contacts no host runs whole. What changes a host runs up to the first connection: its plan is made by then. What comes after that is
for the tests with containers, which call the same roles and modules.
"""

from __future__ import annotations

import functools
import http.server
import importlib
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.plugins.loader import fragment_loader
from ansible.utils.plugin_docs import get_docstring
from ansible_collections.avi.firewall.tests.unit import commands
from ansible_collections.avi.firewall.tests.unit.controller import Controller, serve, url

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted(ROOT.glob("roles/*/README.md")), *sorted(ROOT.glob("docs/*.md"))]
PLUGINS = [path for kind in ("lookup", "filter", "modules") for path in sorted((ROOT / "plugins" / kind).glob("*.py"))]
# Other people's, who are not here. Those of the vendor also run in tests/faults/test_vendor_roles.py.
STRANGERS = ("avinetworks.avicontroller", "avinetworks.avise", "linux-system-roles.firewall")

# Examples that do not run here, and where they do.
ELSEWHERE = {
    "docs/handover.md 1": "tests/unit/plugins/plugin_utils/test_handover_avi.py",
    "docs/peers.md 2": "tests/unit/test_examples.py",
    "docs/vendor_roles.md 2": "tests/faults/test_vendor_roles.py",
    # The tasks of roles, which run there with the same options.
    **{f"plugins/modules/{name}.py": "extensions/molecule/config.yml" for name in ("host_confirm", "host_explain", "host_listener")},
    **{f"plugins/modules/{name}.py": "extensions/molecule/config.yml" for name in ("host_probe", "host_rules", "verify_compare")},
    **{f"plugins/modules/{name}.py": "extensions/molecule/config.yml" for name in ("verify_explain", "verify_paths", "verify_probe")},
    "plugins/modules/verify_report.py": "extensions/molecule/config.yml",
}
# One play, for they hand on what they return.
MODULES = [
    f"plugins/modules/{name}.py"
    for name in ("collect", "plan", "apply", "drift", "explain", "verify_listen", "report_plan", "report_write")
]
# Ends the run, for the role does not go on without an answer.
LAST = "roles/avi_verify/README.md 1"
# The last task of an example, and what becomes of it on the hosts.
APPLY = ("avi.firewall.avi_firewall : Apply the plan", "unreachable")
ENDS = {
    "README.md 1": APPLY,
    "roles/avi_cluster_node/README.md 1": APPLY,
    "roles/avi_controller/README.md 1": APPLY,
    "roles/avi_report/README.md 1": ("avi.firewall.avi_report : Hand the flows over", "ok"),
    "roles/avi_service_engine/README.md 1": APPLY,
    "docs/guide.md 3": ("Write the table", "ok"),
    "docs/guide.md 4": APPLY,
    "docs/guide.md 5": APPLY,
    "docs/guide.md 7": ("Who may reach the SSH port of the first Controller", "ok"),
    "docs/other_roles.md 1": ("Look at what linux-system-roles.firewall is given", "ok"),
    "docs/other_roles.md 2": ("Look at what linux-system-roles.firewall is given", "ok"),
    "docs/other_roles.md 3": ("Look at what debops.debops.ferm is given", "ok"),
    "docs/other_roles.md 4": ("Open the ports of this host", "unreachable"),
    "plugins/lookup/host_plan.py": ("Who may reach the SSH port of the first Controller", "ok"),
    "plugins/lookup/port_matrix.py": ("The names of the rows that a container moves to 5098", "ok"),
    "plugins/lookup/release_diff.py": ("The ports that come with 22.1", "ok"),
    "plugins/filter/debops_ferm.py": ("Look at what debops.debops.ferm is given", "ok"),
    "plugins/filter/firewalld_rich_rules.py": ("Open the ports of this host", "unreachable"),
    "plugins/filter/system_role_firewall.py": ("Look at what linux-system-roles.firewall is given", "ok"),
    MODULES[0]: ("Hand the flows over", "ok"),
    LAST: ("avi.firewall.avi_verify : Compare the rules that stand, those that are kept, and the plan", "unreachable"),
}
# How many rules a plan has, counted in the documents of the releases: to a Controller two from the others, three from Service Engines,
# three from management clients; to a node SSH; a Service Engine dials three ports.
RULES = {
    "README.md 1": {8},
    "roles/avi_cluster_node/README.md 1": {1},
    "roles/avi_controller/README.md 1": {8},
    "roles/avi_service_engine/README.md 1": {3},
    "docs/guide.md 4": {0},
    "docs/guide.md 5": {8},
}

# What the examples take for granted beside the inventory of the guide.
GROUPS = {
    "load_balancers": {"hosts": {"con1": {}, "con2": {}}},
    "engines": {"hosts": {"se1": {}}},
}
CLUSTER = {
    "nodes": [{"name": "con4", "ip": {"type": "V4", "addr": "198.51.100.14"}}],
    "virtual_ip": {"type": "V4", "addr": "198.51.100.10"},
}
SERVICE_ENGINES = {
    "count": 1,
    "results": [
        {"config": {"name": "se2", "mgmt_vnic": {"vnic_networks": [{"ip": {"ip_addr": {"type": "V4", "addr": "198.51.100.22"}}}]}}}
    ],
}


def blocks(path: Path) -> list[Any]:
    """Return the blocks of YAML of a page."""
    return [yaml.safe_load(text) for text in re.findall(r"```yaml\n(.*?)```", path.read_text(encoding="utf-8"), re.DOTALL)]


@functools.cache
def examples() -> dict[str, Any]:
    """Return every example by where it stands: of pages ``docs/guide.md 1``, of plugins ``plugins/lookup/host_plan.py``."""
    found = {}
    for path in PAGES:
        found |= {f"{path.relative_to(ROOT)} {number}": block for number, block in enumerate(blocks(path), 1)}
    for path in PLUGINS:
        module = importlib.import_module(f"ansible_collections.avi.firewall.plugins.{path.parent.name}.{path.stem}")
        found[str(path.relative_to(ROOT))] = yaml.safe_load(module.EXAMPLES)
    return found


def plays(where: str) -> list[dict[str, Any]]:
    """Return the plays of an example, each with a name that tells where it stands; tasks alone are a play on the first Controller."""
    example = examples()[where]
    if where == MODULES[0]:
        every = [task for module in MODULES for task in examples()[module]]
        example = [{"hosts": "avi_controllers:avi_service_engines:avi_cluster_nodes", "gather_facts": False, "tasks": every}]
    if "hosts" not in example[0] and "import_playbook" not in example[0]:
        example = [{"hosts": "con1", "gather_facts": False, "tasks": example}]
    return [{**play, "name": where} for play in example]


def playbooks() -> list[str]:
    """Return where the examples stand that are plays or tasks, not variables or an inventory."""
    return [where for where, example in examples().items() if isinstance(example, list)]


def tasks(value: Any) -> list[dict[str, Any]]:
    """Return the tasks among plays or tasks, those in blocks too."""
    if isinstance(value, list):
        return [task for entry in value for task in tasks(entry)]
    inner = [task for key in ("tasks", "block", "always") for task in tasks(value.get(key, []))]
    return inner or [value]


def evaluated(play: dict[str, Any]) -> dict[str, Any]:
    """Return the play with tasks that look at what roles of others are given, in place of these roles: as JSON, for else it is not made."""

    def look(name: str, given: dict[str, Any]) -> dict[str, Any]:
        return {
            "name": f"Look at what {name} is given",
            "vars": given,
            "ansible.builtin.assert": {"that": [f"{key} | to_json | length > 2" for key in given]},
        }

    def turned(task: dict[str, Any]) -> dict[str, Any]:
        role = task.get("ansible.builtin.include_role", {}).get("name", "avi.firewall.")
        return task if role.startswith("avi.firewall.") else look(role, task["vars"])

    foreign = [role for role in play.get("roles", []) if isinstance(role, dict) and role["role"] in STRANGERS]
    kept = [role for role in play.get("roles", []) if role not in foreign]
    looking = [look(role["role"], role["vars"]) for role in foreign]
    return {**play, "roles": kept, "tasks": [*looking, *map(turned, play.get("tasks", []))]}


class Ansible:
    """ansible-playbook in a directory of its own, with the inventory of the guide and an SSH that leads nowhere."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        ssh = directory / "ssh"
        ssh.write_text("#!/bin/sh\nexit 255\n", encoding="utf-8")
        ssh.chmod(0o755)
        self.environment = {
            "ANSIBLE_SSH_EXECUTABLE": str(ssh),
            "ANSIBLE_GATHERING": "explicit",
            "ANSIBLE_STDOUT_CALLBACK": "ansible.posix.json",
            "no_proxy": "*",
        }
        for role in STRANGERS:
            (directory / "roles" / role / "tasks").mkdir(parents=True)
            (directory / "roles" / role / "tasks" / "main.yml").write_text("[]\n", encoding="utf-8")
        self.write("inventory.yml", examples()["docs/guide.md 1"])
        self.write("groups.yml", {"all": {"children": GROUPS}})

    def write(self, name: str, content: Any) -> str:
        path = self.directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(content), encoding="utf-8")
        return name

    def call(self, *arguments: str, inventory: str = "inventory.yml") -> subprocess.CompletedProcess[str]:
        return commands.ansible("playbook", "-i", inventory, "-i", "groups.yml", *arguments, cwd=self.directory, **self.environment)

    def run(self, *arguments: str, **options: str) -> dict[str, list[tuple[str, dict[str, Any]]]]:
        """Return by the name of a play its tasks with what they gave on each host."""
        done = self.call(*arguments, **options)
        assert "{" in done.stdout, done.stdout + done.stderr
        found: dict[str, list[tuple[str, dict[str, Any]]]] = {}
        for play in json.loads(done.stdout[done.stdout.index("{") :])["plays"]:
            told = [(task["task"]["name"], task["hosts"]) for task in play["tasks"]]
            found.setdefault(play["play"]["name"], []).extend(told)
        return found


@pytest.fixture(scope="module")
def ansible(tmp_path_factory):
    return Ansible(tmp_path_factory.mktemp("examples"))


def test_every_plugin_for_users_and_every_role_has_an_example():
    assert [path.name for path in PLUGINS if not examples()[str(path.relative_to(ROOT))]] == []
    readmes = {path.parent.name for path in PAGES if path.parent.parent.name == "roles" and blocks(path)}
    # avi_firewall is called by the others.
    assert readmes == {path.name for path in (ROOT / "roles").iterdir()} - {"avi_firewall"}


def test_ansible_takes_every_example(ansible):
    names = [ansible.write(f"syntax{number}.yml", plays(where)) for number, where in enumerate(playbooks())]
    ansible.write("reports/avi_access.yml", [])  # which a report writes
    done = ansible.call("--syntax-check", *names)
    assert done.returncode == 0, done.stdout + done.stderr
    assert len(names) > 40


@pytest.fixture(scope="module")
def ran(ansible):
    """Run the examples one after the other."""
    ansible.write("cluster.json", CLUSTER)
    former = ROOT / "tests" / "unit" / "data" / "handover" / "report.json"
    ansible.write("last_month/report.json", json.loads(former.read_text(encoding="utf-8")))
    whole = [{**evaluated(play), "ignore_unreachable": True} for where in ENDS if where != LAST for play in plays(where)]
    return ansible.run(ansible.write("run.yml", [*whole, *plays(LAST)]))


def test_every_example_runs_here_or_elsewhere():
    assert {*ENDS, *MODULES, *ELSEWHERE} == set(playbooks())
    assert [path for path in ELSEWHERE.values() if not (ROOT / path).is_file()] == []


@pytest.mark.parametrize("where", ENDS)
def test_an_example_comes_to_its_end(ran, where):
    assert where in ran, f"one of those before it has stopped the run: {', '.join(ran)}"
    said = [result["msg"] for _task, hosts in ran[where] for result in hosts.values() if result.get("failed")]
    assert said == []
    task, outcome = ENDS[where]
    name, hosts = [(name, hosts) for name, hosts in ran[where] if name == task][-1]
    assert hosts, name
    # Before ansible-core 2.19 a loop does not say so itself.
    reached = [not any(turn.get("unreachable") for turn in [result, *result.get("results", [])]) for result in hosts.values()]
    assert {"ok" if here else "unreachable" for here in reached} == {outcome}


@pytest.mark.parametrize("where", RULES)
def test_the_plan_of_an_example_has_the_rules_of_the_document(ran, where):
    planned = [hosts for name, hosts in ran[where] if name.endswith("Plan the rules of this host")]
    assert {result["rules"] for hosts in planned for result in hosts.values()} == RULES[where]


def test_what_lookups_answer_is_what_the_document_says(ran):
    clients, dialled, container, callers = [hosts["con1"]["msg"] for _name, hosts in ran["docs/guide.md 7"]]
    assert {(row["protocol"], row["port"]) for row in clients} == {("tcp", 22), ("tcp", 80), ("tcp", 443), ("tcp", 5054), ("udp", 161)}
    assert ["ldap_server", "tcp", 636] in dialled
    assert ["openstack_keystone", "tcp", 5000] not in dialled
    assert container == sorted(container)
    assert len(container) == 3
    assert callers == ["198.51.100.12/31", "198.51.100.21/32", "2001:db8::21/128", "192.0.2.0/24", "2001:db8:5::/48"]


# Typed from the documents of 16.3 and 17.1: a Controller in a container has Avi's SSH at 5098, and this one publishes https at 9443.
NODE_PORTS = {"node1": {("tcp", 22)}}
HOST_PORTS = {("tcp", 22), ("tcp", 443), ("tcp", 8443), ("udp", 123), ("udp", 161)}
CONTAINER_PORTS = {("tcp", 5098), ("tcp", 9443), ("tcp", 8443), ("udp", 123), ("udp", 161)}


@pytest.mark.parametrize(
    ("example", "ports"),
    [
        ("README.md 2", dict.fromkeys(("con1", "con2"), HOST_PORTS)),
        ("docs/guide.md 1", {**dict.fromkeys(("con1", "con2", "con3"), HOST_PORTS), **NODE_PORTS}),
        ("docs/vendor_roles.md 1", dict.fromkeys(("con1", "con2", "con3"), CONTAINER_PORTS)),
    ],
)
def test_the_inventory_of_a_page_opens_the_ports_of_its_release(ansible, example, ports):
    inventory = ansible.write(f"{Path(example).stem}/inventory.yml", examples()[example])
    hosts = [host for group in examples()[example]["all"]["children"].values() for host in group["hosts"]]
    ask = {"ansible.builtin.debug": {"msg": f"{{{{ query('avi.firewall.host_plan', *{hosts}) }}}}"}}
    playbook = ansible.write("ask.yml", [{"name": example, "hosts": "localhost", "gather_facts": False, "tasks": [ask]}])
    rules = ansible.run(playbook, inventory=inventory)[example][0][1]["localhost"]["msg"]
    found: dict[str, set[tuple[str, int]]] = {}
    for rule in rules:
        found.setdefault(rule["host"], set()).add((rule["protocol"], rule["port"]))
    assert found == ports


class Exporting(Controller, http.server.BaseHTTPRequestHandler):
    """As much of a Controller as an export needs."""

    def do_GET(self) -> None:
        found = {"/api/cluster": CLUSTER, "/api/serviceengine-inventory?page_size=200": SERVICE_ENGINES}.get(self.path)
        self.answer(200 if found and self.sound() else 401, found)


@pytest.fixture
def controller():
    with serve(Exporting) as server:
        yield url(server)


def test_what_the_export_writes_the_plan_takes(ansible, controller):
    known = {"controller": controller, "avi_username": "admin", "avi_password": "secret", "ansible_python_interpreter": sys.executable}
    export = ansible.call("-e", json.dumps(known), ansible.write("export.yml", plays("docs/peers.md 2")))
    assert export.returncode == 0, export.stdout + export.stderr
    lookup = ansible.write("lookup.yml", plays("plugins/lookup/host_plan.py"))
    told = ansible.run("-e", json.dumps(examples()["docs/peers.md 1"]), lookup)["plugins/lookup/host_plan.py"]
    networks = told[-1][1]["con1"]["msg"]
    assert "198.51.100.22/32" in networks  # the Service Engine that only the Controller knows
    assert "198.51.100.14/32" in networks


@functools.cache
def documented(module: str) -> dict[str, Any]:
    """Return the options of a module of the collection, those of its fragments too."""
    path = ROOT / "plugins" / "modules" / f"{module}.py"
    told = get_docstring(str(path), fragment_loader, collection_name="avi.firewall", plugin_type="module")[0]
    return {
        name: {key: option[key] for key in ("type", "elements", "choices", "required") if key in option}
        for name, option in told["options"].items()
    }


@pytest.mark.parametrize("where", [where for where in ELSEWHERE if where.startswith("plugins/")])
def test_a_module_that_does_not_run_here_gets_the_options_that_it_documents(where):
    name = Path(where).stem
    for task in examples()[where]:
        assert ArgumentSpecValidator(documented(name)).validate(task[f"avi.firewall.{name}"]).error_messages == []


def test_settings_that_are_named_are_there():
    specs = [yaml.safe_load(path.read_text(encoding="utf-8")) for path in ROOT.glob("roles/*/meta/argument_specs.yml")]
    settings = {name for spec in specs for name in spec["argument_specs"]["main"]["options"]}
    # The rest of what begins like them: roles, and the group of those who only look.
    others = {path.name for path in (ROOT / "roles").iterdir()} | {"avi_verify_vantage"}
    named = {
        (str(path.relative_to(ROOT)), name)
        for path in PAGES
        for name in re.findall(r"\bavi_(?:firewall|verify|report|controller|cluster_node)(?:_[a-z]+)*\b", path.read_text(encoding="utf-8"))
    }
    assert len(named) > 100
    assert sorted((page, name) for page, name in named if name not in settings | others) == []
