# Copyright: (c) 2026, avi.firewall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Hosts on which a Controller runs in a container, one with each firewall: Docker or podman within a container of podman's.

What stands behind each published port is the lab's listener, on a port of another number where the vendor's container has another.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import re
import subprocess
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

from lab.reach import reach

ROOT = Path(__file__).parents[2]
WORK = ROOT / ".cache" / "published"
PREFIX = "avi-firewall-pub"
BASE = "localhost/avi-firewall-lab-bookworm:latest"
IMAGE = "localhost/avi-firewall-published:latest"

# Who looks, by the last word of both addresses.
PEERS = {"client": 41, "engine": 42, "stranger": 51}
# The ports that the container of the Controller publishes, and where it listens for each.
PUBLISHED = {("tcp", 5098): 22, ("tcp", 80): 80, ("tcp", 443): 443, ("tcp", 8443): 8443, ("tcp", 5054): 5054, ("udp", 161): 161}
# The host's own, of SSH; and one of a container that has nothing to do with us, which listens on a port that is guarded on the host.
OWN, OTHER = ("tcp", 22), ("tcp", 8081)
CELLS = (*PUBLISHED, OWN, OTHER)

T = TypeVar("T")
R = TypeVar("R")

Cell = tuple[str, int]


def podman(*arguments: str, text: str | None = None) -> str:
    """Run podman and return what it printed; its complaint is part of the error."""
    done = subprocess.run(["podman", *arguments], input=text, capture_output=True, text=True)
    assert done.returncode == 0, f"podman {' '.join(arguments)} ended with {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def addresses(number: int) -> list[str]:
    """Return both addresses of the host with this number, IPv4 first."""
    return [f"10.16.7.{number}", f"fd16:7::{number}"]


def peer(name: str) -> list[str]:
    return addresses(PEERS[name])


def each(function: Callable[[T], R], things: Iterable[T]) -> list[R]:
    """Return what ``function`` says of each thing; a few at a time."""
    with ThreadPoolExecutor(max_workers=4) as pool:
        return list(pool.map(function, things))


_CLOSE = {
    "firewalld": """
        systemctl --quiet enable firewalld
        firewall-offline-cmd --zone=public --remove-service-from-zone=dhcpv6-client
        systemctl start firewalld
        until nft list chain inet firewalld filter_IN_public_deny >/dev/null 2>&1; do sleep 0.2; done
        """,
    "ufw": """
        ufw default deny incoming
        ufw allow 22/tcp
        ufw --force enable
        systemctl --quiet enable --now ufw
        """,
    "iptables": """
        rules() {
          printf '%s\n' '*filter' ':INPUT DROP [0:0]' ':FORWARD ACCEPT [0:0]' ':OUTPUT ACCEPT [0:0]' '-A INPUT -i lo -j ACCEPT' \
            '-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT' "-A INPUT -p $1 -j ACCEPT" \
            '-A INPUT -p tcp --dport 22 -j ACCEPT' COMMIT
        }
        rules icmp > /etc/iptables/rules.v4
        rules ipv6-icmp > /etc/iptables/rules.v6
        systemctl --quiet enable --now lab-iptables
        """,
    "nftables": """
        cat > /etc/nftables.conf <<'END'
#!/usr/sbin/nft -f
flush ruleset

table inet filter {
	chain input {
		type filter hook input priority filter; policy drop;
		iifname "lo" accept
		ct state established,related accept
		meta l4proto { icmp, ipv6-icmp } accept
		tcp dport 22 accept
	}
}
END
        systemctl --quiet enable --now nftables
        """,
}

_IMPORT = """
    mkdir -p /root/bare/usr /root/bare/etc/lab
    for folder in bin sbin lib lib64; do ln -sfn usr/$folder /root/bare/$folder; done
    tar -C /root/bare -c . | {tool} import - bare:1
    """


@dataclasses.dataclass(frozen=True)
class Machine:
    """A managed host: its name in the inventory, the firewall and the runtime on it, and whether IPv6 comes in through DNAT as well."""

    name: str
    number: int
    backend: str
    runtime: str
    ipv6: bool

    @property
    def container(self) -> str:
        return f"{PREFIX}-{self.name}"

    @property
    def addresses(self) -> list[str]:
        return addresses(self.number)

    def sh(self, script: str) -> str:
        """Run a script that stops at its first error, and return what it printed."""
        return podman("exec", "--interactive", self.container, "sh", "-e", text=script)

    def wait(self) -> None:
        """Wait until systemd has done what it does at boot, and the containers listen."""
        until = ["podman", "exec", self.container, "systemctl", "is-system-running", "--wait"]
        for _attempt in range(120):  # until there is a bus to ask
            if (state := subprocess.run(until, capture_output=True, text=True).stdout.strip()) in ("running", "degraded"):
                return
            time.sleep(0.25)
        raise AssertionError(f"{self.name} does not come up: {state}")

    def wait_for_containers(self) -> None:
        """Wait until both containers can be asked: they run, and no IPv6 address of theirs is tentative any more."""
        ready = f"for name in controller other; do {self.runtime} exec $name ip -6 -oneline address show tentative || echo down; done 2>&1"
        for _attempt in range(120):
            if not self.sh(ready).strip():
                return
            time.sleep(0.25)
        raise AssertionError(f"{self.name}: {self.sh(f'{self.runtime} ps --all')}")

    def shut_down(self) -> None:
        podman("stop", "--time", "5", self.container)

    def boot(self) -> None:
        """Start systemd again, in a network namespace without any rule."""
        podman("start", self.container)
        self.wait()
        self.wait_for_containers()

    def ruleset(self) -> list[str]:
        """Return every table that nft lists, without what counts by itself. A reload of firewalld puts its table behind the others."""
        listing = re.sub(r"(?<=counter )packets \d+ bytes \d+", "", self.sh("nft --stateless list ruleset"))
        return sorted(re.split(r"(?m)^(?=table )", listing))

    def table(self) -> str:
        """Return the table of the guard as nft lists it; nothing if it is not there."""
        return self.sh("nft --stateless list table inet avi-firewall 2>/dev/null || true")


HOSTS = (
    Machine("firewalld", 11, "firewalld", "docker", ipv6=True),
    Machine("ufw", 12, "ufw", "docker", ipv6=False),
    Machine("iptables", 13, "iptables", "docker", ipv6=True),
    Machine("nftables", 14, "nftables", "docker", ipv6=False),
    Machine("podman", 15, "iptables", "podman", ipv6=True),
)


def run(container: str, number: int, *arguments: str) -> None:
    """Start a container in the network of these tests."""
    ipv4, ipv6 = addresses(number)
    # Neighbours remember a MAC for longer than a restart takes.
    place = ["--network", PREFIX, "--ip", ipv4, "--ip6", ipv6, "--mac-address", f"02:00:0a:10:07:{number:02x}"]
    podman("run", "--detach", "--name", container, "--hostname", container.removeprefix(f"{PREFIX}-"), *place, *arguments)


def _start(machine: Machine) -> None:
    storage = "/var/lib/docker" if machine.runtime == "docker" else "/var/lib/containers"
    volumes = [f"--volume={storage}", f"--volume={WORK}:/etc/lab:ro"]
    run(machine.container, machine.number, "--privileged", "--systemd=always", *volumes, IMAGE, "/sbin/init")
    machine.wait()
    machine.sh(_CLOSE[machine.backend])
    publish = [f"-p {host}:{port}/{protocol}" for (protocol, host), port in PUBLISHED.items()]
    command = "bare:1 /usr/bin/python3 /usr/local/sbin/lab-listener /etc/lab/inner.json"
    common = "run --detach --restart=always --volume /usr:/usr:ro --volume /etc/lab:/etc/lab:ro"
    if machine.runtime == "docker":
        daemon: dict[str, Any] = {"default-cgroupns-mode": "private"}
        if machine.ipv6:
            daemon |= {"ipv6": True, "fixed-cidr-v6": "fd00:d0c::/64", "ip6tables": True, "experimental": True}
        machine.sh(f"mkdir -p /etc/docker; echo '{json.dumps(daemon)}' > /etc/docker/daemon.json; systemctl --quiet enable --now docker")
    else:
        machine.sh("systemctl --quiet enable podman-restart; podman network create --ipv6 --subnet 10.90.0.0/24 --subnet fd00:90d::/64 avi")
        common += " --network avi --cgroups=disabled"
    machine.sh(_IMPORT.format(tool=machine.runtime))
    machine.sh(f"{machine.runtime} {common} --name controller {' '.join(publish)} {command}")
    machine.sh(f"{machine.runtime} {common} --name other -p {OTHER[1]}:443 {command}")
    machine.wait_for_containers()


@contextlib.contextmanager
def lab(*hosts: Machine) -> Iterator[None]:
    """Start the hosts and those who look; at the end, and before, remove all there is, also what a run that was cut off has left."""
    WORK.mkdir(parents=True, exist_ok=True)
    inner = {protocol: [port for (kind, _host), port in PUBLISHED.items() if kind == protocol] for protocol in ("tcp", "udp")}
    WORK.joinpath("ports.json").write_text(json.dumps({"tcp": [OWN[1]], "udp": []}), encoding="utf-8")
    WORK.joinpath("inner.json").write_text(json.dumps(inner), encoding="utf-8")
    folder = Path(__file__).with_name("published")
    podman("build", "--network=host", f"--build-arg=BASE={BASE}", f"--tag={IMAGE}", str(folder))
    _remove_all()
    try:
        subnets = ["--subnet", "10.16.7.0/24", "--gateway", "10.16.7.1", "--subnet", "fd16:7::/64", "--gateway", "fd16:7::1"]
        podman("network", "create", "--internal", "--ipv6", *subnets, PREFIX)
        each(lambda one: run(f"{PREFIX}-{one[0]}", one[1], BASE, "sleep", "infinity"), PEERS.items())
        each(_start, hosts)
        yield
    finally:
        _remove_all()


def _remove_all() -> None:
    if left := podman("ps", "--all", "--quiet", "--filter", f"name=^{PREFIX}-").split():
        podman("rm", "--force", "--volumes", "--time", "0", *left)
    if PREFIX in podman("network", "ls", "--format", "{{.Name}}").split():
        podman("network", "rm", PREFIX)


def look(hosts: Iterable[Machine], cells: Iterable[Cell] = CELLS) -> dict[str, dict[str, dict[str, set[Cell]]]]:
    """Return, by host, by who looks, and by family (IPv4, IPv6), the ports that are open; the others give silence or a refusal.

    A word that means neither, as that of a listener that is not there, stops the test.
    """
    hosts, cells = list(hosts), list(cells)
    targets = [(address, *cell) for host in hosts for address in host.addresses for cell in cells]
    words = reach([f"{PREFIX.removeprefix('avi-firewall-')}-{name}" for name in PEERS], targets)
    odd = {pair: word for pair, word in words.items() if word not in ("open", "filtered", "rejected")}
    assert not odd
    return {
        host.name: {
            name: {
                family: {cell for cell in cells if words[f"pub-{name}", (address, *cell)] == "open"}
                for family, address in zip(("IPv4", "IPv6"), host.addresses, strict=True)
            }
            for name in PEERS
        }
        for host in hosts
    }


@dataclasses.dataclass(frozen=True)
class Run:
    """What ansible-playbook said."""

    code: int
    output: str

    @property
    def changed(self) -> dict[str, int]:
        """The number of changed tasks of each host."""
        return {name: int(number) for name, number in re.findall(r"^(\S+)\s+: ok=\d+\s+changed=(\d+)", self.output, re.MULTILINE)}

    @property
    def diff(self) -> list[str]:
        """The lines that come or go, of all hosts."""
        return sorted(line for line in self.output.splitlines() if line.startswith(("+", "-")))

    def message(self) -> str:
        """Return the output on one line."""
        return " ".join(self.output.split())


def attempt(hosts: Iterable[Machine], *arguments: str, playbook: str = "avi.firewall.site", **variables: Any) -> Run:
    """Run ``playbook`` on ``hosts`` with these variables in the inventory, whatever comes of it."""
    common = {
        "ansible_connection": "containers.podman.podman",
        "ansible_python_interpreter": "/usr/bin/python3",
        "avi_firewall_release": "16.3",
        "avi_firewall_peers": {"management_client": peer("client"), "service_engine": peer("engine")},
        "avi_firewall_groups": {"controller": "none", "service_engine": "none", "cluster_node": "none"},
        **variables,
    }
    members = {
        host.name: {"ansible_host": host.container, "avi_firewall_address": host.addresses, "avi_controller_runtime": host.runtime}
        for host in hosts
    }
    if "avi_controller_runtime" in variables:
        members = {name: {**told, "avi_controller_runtime": variables["avi_controller_runtime"]} for name, told in members.items()}
    common["avi_firewall_peers"] = {"controller": [], **common["avi_firewall_peers"]}
    groups = {"avi_controllers": {"hosts": {name: {} for name in members}}, "avi_service_engines": {}, "avi_cluster_nodes": {}}
    path = WORK / "inventory.json"
    path.write_text(json.dumps({"all": {"vars": common, "hosts": members, "children": groups}}), encoding="utf-8")
    return _ansible("ansible-playbook", f"--inventory={path}", *arguments, playbook)


def _ansible(*command: str) -> Run:
    done = subprocess.run(
        command,
        cwd=ROOT,
        env={**os.environ, "ANSIBLE_NOCOLOR": "1", "ANSIBLE_FORCE_COLOR": "0"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    return Run(done.returncode, done.stdout)


def site(hosts: Iterable[Machine], *arguments: str, **variables: Any) -> Run:
    """Run the playbook; it must succeed."""
    done = attempt(hosts, *arguments, **variables)
    assert done.code == 0, done.output
    return done


def ask(host: Machine, module: str, arguments: dict[str, Any]) -> None:
    """Run one module on a host by itself; it must succeed."""
    inventory = ["--inventory", f"{host.container},", "--connection", "containers.podman.podman"]
    done = _ansible("ansible", *inventory, "--module-name", module, "--args", json.dumps(arguments), host.container)
    assert done.code == 0, done.output
