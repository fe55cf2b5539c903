# Copyright: (c) 2026, avi.firewall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The playbook of docs/vendor_roles.md, from an empty cluster on: the vendor's roles stop the firewall, and it comes back as it was.

The image of the vendor's Controller cannot be had here. Roles of the same names do what the vendor's do to a host: they stop and disable
firewalld, and publish the same ports with the same variables, with the lab's listener behind them.
"""

from __future__ import annotations

import json
import re
import textwrap
from collections.abc import Iterator
from typing import Any

import pytest
from faults.machines import ROOT, WORK, peer
from faults.plays import attempt
from faults.published_lab import LISTEN, RUN, Machine, lab, look, prepare
from faults.published_lab import WORK as SHOWN
from lab.runs import Run

CONTROLLERS = [Machine(f"con{number}", 70 + number, "firewalld", "docker", ipv6=number != 3) for number in (1, 2, 3)]
SERVICE_ENGINE = Machine("se1", 74, "firewalld", "docker", ipv6=True)
HOSTS = [*CONTROLLERS, SERVICE_ENGINE]

ROLES = WORK / "vendor"
_AVICONTROLLER = {
    "defaults": """\
        con_portal_http_port: 80
        con_portal_https_port: 443
        con_sysint_port: 8443
        con_ssh_port: 5098
        con_cli_port: 5054
        con_snmp_port: 161
        """,
    "tasks": """\
        - name: Ask whether firewalld is enabled
          ansible.builtin.command: systemctl is-enabled firewalld
          register: firewalld
          failed_when: false
          changed_when: false
        - name: Disable and stop firewalld
          ansible.builtin.service: {name: firewalld, state: stopped, enabled: false}
          when: firewalld.stdout == "enabled"
        - name: Look for the container of the Controller
          ansible.builtin.command: docker ps --all --quiet --filter name=avicontroller
          register: avicontroller
          changed_when: avicontroller.stdout == ""
          notify: Run the container of the Controller
        """,
    "handlers": f"""\
        - name: Run the container of the Controller
          ansible.builtin.command: >-
            docker {RUN} --name avicontroller
            -p {{{{ con_ssh_port }}}}:{{{{ con_ssh_port }}}}
            -p {{{{ con_portal_http_port }}}}:{{{{ con_portal_http_port }}}}
            -p {{{{ con_portal_https_port }}}}:{{{{ con_portal_https_port }}}}
            -p {{{{ con_sysint_port }}}}:{{{{ con_sysint_port }}}}
            -p {{{{ con_cli_port }}}}:{{{{ con_cli_port }}}}
            -p {{{{ con_snmp_port }}}}:{{{{ con_snmp_port }}}}/udp
            {LISTEN} /etc/lab/vendor.json
        """,
}
_AVISE = {
    "defaults": """\
        sysint_port: 8443
        ssh_port: 22
        """,
    "tasks": """\
        - name: Disable and stop firewalld
          ansible.builtin.service: {name: firewalld, state: stopped, enabled: false}
        """,
}

# Typed from the document of 17.1, with https at 9443; nobody is let in to 80. 22 is the host's own, open to everyone.
SSH, HTTP, HTTPS, PORTAL, CLI, SNMP = ("tcp", 5098), ("tcp", 80), ("tcp", 9443), ("tcp", 8443), ("tcp", 5054), ("udp", 161)
PUBLISHED = (SSH, HTTP, HTTPS, PORTAL, CLI, SNMP)
OWN = ("tcp", 22)
CELLS = (*PUBLISHED, OWN)
ALLOWED = {"client": {OWN, SSH, HTTPS, SNMP}, "newcomer": {OWN, SSH, PORTAL}, "stranger": {OWN}}


def example(title: str) -> str:
    """Return the block of code of docs/vendor_roles.md that begins with the line ``# title``."""
    blocks = re.findall(r"```yaml\n(.*?)```", (ROOT / "docs" / "vendor_roles.md").read_text(encoding="utf-8"), re.DOTALL)
    return next(block for block in blocks if block.startswith(f"# {title}\n"))


def play(*arguments: str, playbook: str) -> Run:
    """Run a playbook with the variables that the inventory of the page has; the newcomer stands in for a second Service Engine."""
    return attempt(
        HOSTS,
        *arguments,
        playbook=playbook,
        groups={"avi_controllers": [host.name for host in CONTROLLERS], "avi_service_engines": [SERVICE_ENGINE.name]},
        ansible_become=True,
        ansible_become_method="su",  # these hosts have no sudo
        avi_firewall_release="17.1",
        avi_firewall_groups={"controller": "avi_controllers", "service_engine": "avi_service_engines"},
        avi_firewall_peers={"management_client": peer("client"), "service_engine": peer("newcomer")},
        avi_verify_also_open=["tcp/22"],
        con_portal_https_port=9443,
        se_master_ctl_ip=CONTROLLERS[0].addresses[0],
        ssh_port=5098,
    )


def seen() -> dict[str, dict[str, dict[str, set[Any]]]]:
    return look(CONTROLLERS, CELLS)


def everywhere(allowed: dict[str, set[Any]]) -> dict[str, dict[str, dict[str, set[Any]]]]:
    return {host.name: {who: {"IPv4": cells, "IPv6": cells} for who, cells in allowed.items()} for host in CONTROLLERS}


def firewalld(host: Machine) -> str:
    return host.sh("systemctl is-enabled firewalld || true; systemctl is-active firewalld || true").split()


@pytest.fixture(scope="module")
def hosts(monkeypatch_module) -> Iterator[None]:
    for role, parts in (("avicontroller", _AVICONTROLLER), ("avise", _AVISE)):
        for part, text in parts.items():
            path = ROLES / f"avinetworks.{role}" / part / "main.yml"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(textwrap.dedent(text), encoding="utf-8")
    (ROLES / "vendor.yml").write_text(example("vendor.yml"), encoding="utf-8")
    (ROLES / "only.yml").write_text("- hosts: avi_controllers\n  become: true\n  roles: [avinetworks.avicontroller]\n", encoding="utf-8")
    monkeypatch_module.setenv("ANSIBLE_ROLES_PATH", str(ROLES))
    SHOWN.mkdir(parents=True, exist_ok=True)
    ports = {kind: [port for protocol, port in PUBLISHED if protocol == kind] for kind in ("tcp", "udp")}
    (SHOWN / "vendor.json").write_text(json.dumps(ports), encoding="utf-8")
    with lab(*HOSTS, start=prepare):
        yield


@pytest.fixture(scope="module")
def monkeypatch_module() -> Iterator[pytest.MonkeyPatch]:
    with pytest.MonkeyPatch.context() as patch:
        yield patch


@pytest.fixture(scope="module")
def first(hosts) -> dict[str, Any]:
    run = play(playbook=str(ROLES / "vendor.yml"))
    assert run.code == 0, str(run)
    return {"run": run, "look": seen()}


@pytest.fixture(scope="module")
def stopped(first) -> dict[str, Any]:
    """Somebody runs the vendor's role again, and nothing else."""
    run = play(playbook=str(ROLES / "only.yml"))
    return {
        "run": run,
        "look": seen(),
        "firewalld": [firewalld(host) for host in CONTROLLERS],
        "drift": play("--tags", "drift", playbook="avi.firewall.verify"),
    }


@pytest.fixture(scope="module")
def again(stopped) -> dict[str, Any]:
    return {"run": play("--diff", playbook=str(ROLES / "vendor.yml")), "look": seen(), "firewalld": [firewalld(host) for host in HOSTS]}


def test_the_playbook_builds_a_cluster_that_is_open_to_its_peers_alone(first):
    assert first["run"].code == 0, str(first["run"])
    assert first["look"] == everywhere(ALLOWED)


def test_the_published_ports_stay_guarded_while_firewalld_is_stopped(stopped):
    assert stopped["run"].code == 0, str(stopped["run"])
    assert stopped["firewalld"] == [["disabled", "inactive"]] * 3
    assert stopped["look"] == everywhere(ALLOWED)


@pytest.mark.parametrize("host", CONTROLLERS, ids=lambda host: host.name)
def test_who_stopped_the_firewall_is_told(stopped, host):
    assert stopped["drift"].code != 0
    assert "firewalld" in stopped["drift"].message(host.name)


def test_the_playbook_puts_everything_back(again):
    assert again["run"].code == 0, str(again["run"])
    assert again["firewalld"] == [["enabled", "active"]] * 4
    assert again["look"] == everywhere(ALLOWED)


def test_what_came_back_with_firewalld_needs_no_change(again):
    # A Controller: started after it was found stopped, by the one task that also enables it. The Service Engine: stopped, and started.
    assert again["run"].changed == {**{host.name: 1 for host in CONTROLLERS}, SERVICE_ENGINE.name: 2}
    assert not [line for line in again["run"].diff if "avi-" in line]
