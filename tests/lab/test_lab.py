# Copyright: (c) 2026, avi.firewall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The lab before the collection does anything: all answer, all is closed, also after a boot."""

from __future__ import annotations

import subprocess
import time
from collections import Counter
from pathlib import Path

import pytest
import yaml
from lab.reach import PREFIX, reach

INVENTORY = Path(__file__).parents[2] / "extensions/molecule/inventory.yml"
EXPECTED = Path(__file__).parents[1] / "testinfra/expected.yml"
PROBED = yaml.safe_load(EXPECTED.read_text(encoding="utf-8"))["probed"]
TREE = yaml.safe_load(INVENTORY.read_text(encoding="utf-8"))["all"]["children"]
MANAGED = {name: host for group in TREE.pop("managed")["children"].values() for name, host in group["hosts"].items()}
OTHERS = {name: host for group in TREE.values() for name, host in group["hosts"].items()}


def targets(hosts):
    return [
        (address, protocol, port)
        for host in hosts.values()
        for address in host["avi_firewall_address"]
        for protocol, ports in PROBED.items()
        for port in ports
    ]


@pytest.mark.parametrize("name", [*MANAGED, *OTHERS])
def test_a_host_answers_itself_on_every_port(name):
    host = (MANAGED | OTHERS)[name]
    assert Counter(reach([name], targets({name: host})).values()) == {"open": 58}


def test_hosts_without_a_firewall_answer_on_every_port():
    assert set(reach(list(OTHERS), targets(OTHERS)).values()) == {"open"}


def test_every_outbound_peer_answers_from_its_own_address():
    peers = yaml.safe_load(INVENTORY.read_text(encoding="utf-8"))["all"]["vars"]["avi_firewall_peers"]
    addresses = [address for peer, pair in peers.items() if peer != "management_client" for address in pair]
    answers = reach(["client"], [(address, *port) for address in addresses for port in [("tcp", 25), ("udp", 53)]])
    assert Counter(answers.values()) == {"open": 80}


def closed():
    words = reach([*MANAGED, *OTHERS], targets(MANAGED))
    own = {(name, address) for name, host in MANAGED.items() for address in host["avi_firewall_address"]}
    found = {(source, target): word for (source, target), word in words.items() if (source, target[0]) not in own}
    assert set(found.values()) <= {"closed", "rejected", "filtered"}, {k: v for k, v in found.items() if v == "open"}


def test_managed_hosts_let_nothing_in():
    closed()


def boot(names):
    containers = [PREFIX + name for name in names]
    subprocess.run(["podman", "restart", "--time", "5", *containers], check=True, capture_output=True)
    for container in containers:
        wait = ["podman", "exec", container, "systemctl", "is-system-running", "--wait"]
        for _attempt in range(30):  # until there is a bus to ask
            state = subprocess.run(wait, capture_output=True, text=True, check=False).stdout.strip()
            if state in {"running", "degraded"}:
                break
            time.sleep(0.5)
        assert state == "running", container


def test_managed_hosts_let_nothing_in_after_a_boot():
    boot(MANAGED)
    closed()
