# Copyright: (c) 2026, avi.firewall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The way of a new user: the tarball in an empty directory, the inventory of the README, hosts over SSH, not as root.

Nothing of this repository is at hand but the tarball, and no setting of Ansible; the commands are those of the README.
"""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from bench.measure import let_in_by_ssh, ssh
from faults.admin import close
from faults.machines import ROOT, Machine, entry, machines, only, peer

# A host of the README's inventory, and the firewall it has here.
HOSTS = {"con1": "firewalld", "con2": "nftables", "se1": "ufw"}
PLACES = ("192.0.2.11", "192.0.2.12", "192.0.2.21")
CLIENTS = "198.51.100.0/24"
MANAGEMENT = [("tcp", 22), ("tcp", 443), ("udp", 161)]


@pytest.fixture(scope="module")
def hosts() -> Iterator[dict[str, Machine]]:
    with machines(*HOSTS.values()) as found:
        close(found)
        for backend, host in found.items():
            let_in_by_ssh(host, backend)
            # An account that must ask for root, and root that nobody logs on as.
            host.sh(
                "useradd --create-home --shell /bin/bash operator1; mkdir -m 700 /home/operator1/.ssh\n"
                "mv /root/.ssh/authorized_keys /home/operator1/.ssh; chown -R operator1: /home/operator1/.ssh\n"
                "echo 'operator1 ALL=(ALL) NOPASSWD: ALL' > /etc/sudoers.d/operator1"
            )
        yield {name: found[backend] for name, backend in HOSTS.items()}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


def console(home: Path, command: str) -> str:
    """Run a command line as somebody does who has nothing but a home directory and Ansible; it must succeed. Return what it said."""
    known = {"HOME": str(home), "PATH": os.environ["PATH"], "LANG": "C.UTF-8", "ANSIBLE_NOCOLOR": "1"}
    done = subprocess.run(
        ["bash", "-ec", command], cwd=home, env=known, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )
    assert done.returncode == 0, f"{command} ended with {done.returncode}\n{done.stdout}"
    return done.stdout


def readme(language: str, holding: str) -> str:
    """Return the one block of the README in this language that holds these words."""
    blocks = re.findall(rf"```{language}\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), re.DOTALL)
    (found,) = (block for block in blocks if holding in block)
    return found


def inventory(hosts: dict[str, Machine]) -> str:
    """Return the README's inventory with the addresses of these hosts, and how they are logged on to."""
    text = readme("yaml", "avi_service_engines:")
    for place, host in zip(PLACES, hosts.values(), strict=True):
        assert text.count(place) == 1
        text = text.replace(place, host.addresses[0])
    assert text.count(CLIENTS) == 1
    text = text.replace(CLIENTS, ", ".join(peer("client")))
    options = ssh(next(iter(hosts.values())))["ansible_ssh_common_args"]
    account = f"ansible_user: operator1\n    ansible_ssh_common_args: {options}\n"
    return text.replace("ansible_become: true\n", f"ansible_become: true\n    {account}")


def changed(output: str) -> dict[str, int]:
    return {name: int(count) for name, count in re.findall(r"^(\w+) +: .*changed=(\d+)", output, re.MULTILINE)}


def test_the_way_of_a_new_user(hosts: dict[str, Machine], home: Path) -> None:
    controllers = [hosts["con1"], hosts["con2"]]
    shut = {host.name: only() for host in controllers}
    let_in = {host.name: only("client") for host in controllers}

    # On a machine where the clone is; the rest happens where it is not.
    subprocess.run(["ansible-galaxy", "collection", "build", "--output-path", home, ROOT], check=True, capture_output=True)
    console(home, readme("console", "collection build").rpartition("&& ")[2])
    assert not list(home.rglob("tests")), "the tarball holds what a user has no use for"
    (home / "inventory.yml").write_text(inventory(hosts), encoding="utf-8")
    look, run = readme("console", "--check --diff").splitlines()
    verify, report = (readme("console", f"avi.firewall.{name}") for name in ("verify", "report"))

    assert entry(controllers, MANAGEMENT[1:]) == shut
    predicted = console(home, look)
    assert entry(controllers, MANAGEMENT[1:]) == shut
    done = console(home, run)
    assert changed(predicted) == changed(done) == {"con1": 1, "con2": 1, "se1": 0}
    assert entry(controllers, MANAGEMENT[1:]) == let_in
    assert changed(console(home, run)) == {"con1": 0, "con2": 0, "se1": 0}

    console(home, verify)
    console(home, report)
    made = {path.name for path in (home / "reports").iterdir()}
    assert {"report.json", "report.html", "verify.json", "verify.html"} <= made, made

    assert changed(console(home, readme("console", "avi_firewall_state=absent"))) == {"con1": 1, "con2": 1, "se1": 0}
    assert entry(controllers, MANAGEMENT[1:]) == shut
