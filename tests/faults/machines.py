# Copyright: (c) 2026, avi.firewall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The hosts of these tests: containers with systemd that stand for managed hosts, and smaller ones that only look.

All are named avi-firewall-faults<process>-…, in a network of their own, so that they can live beside the lab of the molecule scenarios,
and those of one process of pytest beside those of another.
"""

from __future__ import annotations

import contextlib
import dataclasses
import itertools
import json
import os
import subprocess
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

from lab.reach import reach

ROOT = Path(__file__).parents[2]
# Which of pytest's processes this is: 0, 1, …
PROCESS = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
NAME = f"faults{PROCESS}"
WORK = ROOT / ".cache" / NAME
# What the hosts see as /etc/lab.
LISTENER = WORK / "lab"
NETWORK = f"avi-firewall-{NAME}"
IPV4, IPV6 = f"10.16.{6 + PROCESS}", f"fd16:{6 + PROCESS}:"
IMAGE = "localhost/avi-firewall-faults:latest"
# With netfilter-persistent, and without ufw.
PERSISTENT = "localhost/avi-firewall-faults-persistent:latest"
# With ferm, not enabled.
FERM = "localhost/avi-firewall-faults-ferm:latest"
AT_ONCE = 4

# Who looks, by the last word of both addresses. The newcomer and the unwanted are peers in some tests, the stranger never.
PEERS = {"client": 41, "newcomer": 42, "unwanted": 43, "stranger": 51}
# What stands behind each port is the lab's listener: a port that does not answer is shut by the firewall. 22 is left to a real sshd.
PORTS = {"tcp": [80, 443, 2222, 5054, 8080, 8443], "udp": [123, 161]}
# What a management client of a Controller is let in by; the tests ask for one port of each protocol.
MANAGEMENT = (("tcp", 443), ("udp", 161))

T = TypeVar("T")
R = TypeVar("R")


def podman(*arguments: str, text: str | None = None) -> str:
    """Run podman and return what it printed; its complaint is part of the error."""
    done = subprocess.run(["podman", *arguments], input=text, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"podman {' '.join(arguments)} ended with {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def addresses(number: int) -> list[str]:
    """Return both addresses of the host with this number."""
    return [f"{IPV4}.{number}", f"{IPV6}:{number}"]


def mac(number: int) -> str:
    """Return the hardware address of the host with this number."""
    return f"02:00:0a:10:{6 + PROCESS:02x}:{number:02x}"


def peer(*names: str) -> list[str]:
    """Return the addresses of those who look."""
    return [address for name in names for address in addresses(PEERS[name])]


def each(function: Callable[[T], R], things: Iterable[T]) -> list[R]:
    """Return what ``function`` says of each thing; a few at a time."""
    with ThreadPoolExecutor(max_workers=AT_ONCE) as pool:
        return list(pool.map(function, things))


@dataclasses.dataclass(frozen=True)
class Machine:
    """A managed host. Its inventory name is ``name``, which hosts of different tests may share."""

    name: str
    number: int

    @property
    def container(self) -> str:
        return f"{NETWORK}-{self.name}-{self.number}"

    @property
    def addresses(self) -> list[str]:
        return addresses(self.number)

    @property
    def variables(self) -> dict[str, Any]:
        """What the inventory says of it besides."""
        return {}

    def id(self) -> str:
        """Return the number that podman knows it by."""
        return podman("container", "inspect", "--format", "{{.Id}}", self.container).strip()

    def sh(self, script: str) -> str:
        """Run a script that stops at its first error, and return what it printed."""
        return podman("exec", "--interactive", self.container, "sh", "-e", text=script)

    def write(self, path: str, text: str) -> None:
        """Write a file as an administrator would; its folder is there."""
        podman("exec", "--interactive", self.container, "sh", "-c", f"cat > {path}", text=text)

    def read(self, path: str) -> str:
        return podman("exec", self.container, "cat", path)

    def wait(self) -> None:
        """Wait until systemd has done what it does at boot, whether or not every unit succeeded, and the rules of firewalld stand."""
        until = ["podman", "exec", self.container, "systemctl", "is-system-running", "--wait"]
        for _attempt in range(120):  # until there is a bus to ask
            if (state := subprocess.run(until, capture_output=True, text=True, check=False).stdout.strip()) in ("running", "degraded"):
                break
            time.sleep(0.25)
        else:
            raise AssertionError(f"{self.name} does not come up: {state}")
        # It says that it runs before it does; it answers no question before.
        self.sh("if systemctl --quiet is-active firewalld; then firewall-cmd --get-default-zone; fi")

    def reboot(self) -> None:
        """Shut systemd down and boot it again, into a network namespace without any rule."""
        podman("restart", "--time", "5", self.container)
        self.wait()


class Looker(Machine):
    """One of those who look, as a host of an inventory."""

    @property
    def container(self) -> str:
        return f"{NETWORK}-{self.name}"


LOOKERS = {name: Looker(name, number) for name, number in PEERS.items()}

# Many, for podman 4.3 now and then keeps the address of a container that is gone.
_numbers = itertools.cycle(range(100, 250))


def run(container: str, number: int, *arguments: str) -> None:
    """Start a container in the network of these tests."""
    ipv4, ipv6 = addresses(number)
    # Neighbours remember a MAC for longer than a restart takes.
    place = ["--network", NETWORK, "--ip", ipv4, "--ip6", ipv6, "--mac-address", mac(number)]
    podman("run", "--detach", "--name", container, "--hostname", container.removeprefix(f"{NETWORK}-"), *place, *arguments)


def _start(machine: Machine, image: str) -> None:
    systemd = ["--systemd=always", "--cap-add=NET_ADMIN,NET_RAW", f"--volume={LISTENER}:/etc/lab:ro", image, "/sbin/init"]
    run(machine.container, machine.number, *systemd)
    machine.wait()


@contextlib.contextmanager
def machines(*names: str, image: str = IMAGE) -> Iterator[dict[str, Machine]]:
    """Start fresh managed hosts, without a firewall, and remove them at the end."""
    found = {name: Machine(name, next(_numbers)) for name in names}
    try:
        each(lambda machine: _start(machine, image), found.values())
        yield found
    finally:
        podman("rm", "--force", "--ignore", "--time", "0", *(machine.container for machine in found.values()))


@contextlib.contextmanager
def network() -> Iterator[None]:
    """Make the network and those who look; at the end, and before, remove all there is, also what a run that was cut off has left."""
    LISTENER.mkdir(parents=True, exist_ok=True)
    LISTENER.joinpath("ports.json").write_text(json.dumps(PORTS), encoding="utf-8")
    _remove_all()
    try:
        subnets = ["--subnet", f"{IPV4}.0/24", "--gateway", f"{IPV4}.1", "--subnet", f"{IPV6}:/64", "--gateway", f"{IPV6}:1"]
        podman("network", "create", "--internal", "--ipv6", *subnets, NETWORK)
        each(lambda one: run(f"{NETWORK}-{one[0]}", one[1], IMAGE, "sleep", "infinity"), PEERS.items())
        yield
    finally:
        _remove_all()


def _remove_all() -> None:
    if left := podman("ps", "--all", "--quiet", "--filter", f"name=^{NETWORK}-").split():
        podman("rm", "--force", "--volumes", "--time", "0", *left)
    if NETWORK in podman("network", "ls", "--format", "{{.Name}}").split():
        podman("network", "rm", NETWORK)


def entry(hosts: Iterable[Machine], cells: Iterable[tuple[str, int]] = MANAGEMENT) -> dict[str, dict[str, str]]:
    """Return, by host and by who looks, whether all ``cells`` are ``open``, over IPv4 and IPv6, or all ``shut``; else what each is."""
    hosts, cells = list(hosts), list(cells)
    targets = {host.name: [(address, *cell) for address in host.addresses for cell in cells] for host in hosts}
    words = reach([f"{NAME}-{name}" for name in PEERS], [target for some in targets.values() for target in some])
    return {
        host.name: {name: _in_a_word({target: words[f"{NAME}-{name}", target] for target in targets[host.name]}) for name in PEERS}
        for host in hosts
    }


def _in_a_word(found: dict[Any, str]) -> str:
    if set(found.values()) == {"open"}:
        return "open"
    # "closed" would be a listener that died, which says nothing about the firewall.
    if set(found.values()) <= {"filtered", "rejected"}:
        return "shut"
    return ", ".join(f"{address} {protocol}/{port} {word}" for (address, protocol, port), word in found.items())


def only(*names: str) -> dict[str, str]:
    """Return what :func:`entry` says of a host that lets in these and no other."""
    return {name: "open" if name in names else "shut" for name in PEERS}
