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
import re
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from faults import machines
from faults.admin import CLOSE
from faults.machines import NAME, each, podman, run
from lab.reach import reach
from lab.runs import run_ansible

WORK = machines.WORK / "published"
IMAGE = "localhost/avi-firewall-faults-published:latest"

# Who looks; the newcomer is a Service Engine here.
WHO = ("client", "newcomer", "stranger")
# The ports that the container of the Controller publishes, and where it listens for each.
PUBLISHED = {("tcp", 5098): 22, ("tcp", 80): 80, ("tcp", 443): 443, ("tcp", 8443): 8443, ("tcp", 5054): 5054, ("udp", 161): 161}
# The host's own, of SSH; and one of a container that has nothing to do with us, which listens on a port that is guarded on the host.
OWN, OTHER = ("tcp", 22), ("tcp", 8081)
CELLS = (*PUBLISHED, OWN, OTHER)

Cell = tuple[str, int]

# The administrator lets everyone in by SSH, also after a boot.
_OPEN_SSH = {
    "firewalld": "for scope in '' --permanent; do firewall-cmd --quiet $scope --add-service=ssh; done",
    "ufw": "ufw allow 22/tcp",
    "iptables": """
        for family in '' 6; do
          ip${family}tables -A INPUT -p tcp --dport 22 -j ACCEPT
          ip${family}tables-save > /etc/iptables/rules.v${family:-4}
        done
        """,
    "nftables": """
        sed -i 's/^.*l4proto.*/&\\n\\t\\ttcp dport 22 accept/' /etc/nftables.conf
        systemctl reload nftables
        """,
}

_IMPORT = """
    mkdir -p /root/bare/usr /root/bare/etc/lab
    for folder in bin sbin lib lib64; do ln -sfn usr/$folder /root/bare/$folder; done
    tar -C /root/bare -c . | {tool} import - bare:1
    """


# How docker or podman starts a container of the image above, and what runs in it.
RUN = "run --detach --restart=always --volume /usr:/usr:ro --volume /etc/lab:/etc/lab:ro"
LISTEN = "bare:1 /usr/bin/python3 /usr/local/sbin/lab-listener"


@dataclasses.dataclass(frozen=True)
class Machine(machines.Machine):
    """A managed host: the firewall and the runtime on it, and whether IPv6 comes in through DNAT as well."""

    backend: str
    runtime: str
    ipv6: bool

    @property
    def variables(self) -> dict[str, Any]:
        return {"avi_controller_runtime": self.runtime}

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
    Machine(name="firewalld", number=61, backend="firewalld", runtime="docker", ipv6=True),
    Machine(name="ufw", number=62, backend="ufw", runtime="docker", ipv6=False),
    Machine(name="iptables", number=63, backend="iptables", runtime="docker", ipv6=True),
    Machine(name="nftables", number=64, backend="nftables", runtime="docker", ipv6=False),
    Machine(name="podman", number=65, backend="iptables", runtime="podman", ipv6=True),
)


def prepare(machine: Machine) -> None:
    """Start a host with its firewall and its runtime, which has one image and runs no container yet."""
    storage = "/var/lib/docker" if machine.runtime == "docker" else "/var/lib/containers"
    volumes = [f"--volume={storage}", f"--volume={WORK}:/etc/lab:ro"]
    run(machine.container, machine.number, "--privileged", "--systemd=always", *volumes, IMAGE, "/sbin/init")
    machine.wait()
    machine.sh(CLOSE[machine.backend])
    machine.sh(_OPEN_SSH[machine.backend])
    if machine.runtime == "docker":
        daemon: dict[str, Any] = {"default-cgroupns-mode": "private"}
        if machine.ipv6:
            daemon |= {"ipv6": True, "fixed-cidr-v6": "fd00:d0c::/64", "ip6tables": True, "experimental": True}
        machine.sh(f"mkdir -p /etc/docker; echo '{json.dumps(daemon)}' > /etc/docker/daemon.json; systemctl --quiet enable --now docker")
    else:
        machine.sh("systemctl --quiet enable podman-restart; podman network create --ipv6 --subnet 10.90.0.0/24 --subnet fd00:90d::/64 avi")
    machine.sh(_IMPORT.format(tool=machine.runtime))


def _start(machine: Machine) -> None:
    prepare(machine)
    publish = [f"-p {host}:{port}/{protocol}" for (protocol, host), port in PUBLISHED.items()]
    common = f"{RUN} --network avi --cgroups=disabled" if machine.runtime == "podman" else RUN
    machine.sh(f"{machine.runtime} {common} --name controller {' '.join(publish)} {LISTEN} /etc/lab/inner.json")
    machine.sh(f"{machine.runtime} {common} --name other -p {OTHER[1]}:443 {LISTEN} /etc/lab/inner.json")
    machine.wait_for_containers()


@contextlib.contextmanager
def lab(*hosts: Machine, start: Callable[[Machine], None] = _start) -> Iterator[None]:
    """Start the hosts, and remove them at the end."""
    WORK.mkdir(parents=True, exist_ok=True)
    inner = {protocol: [port for (kind, _host), port in PUBLISHED.items() if kind == protocol] for protocol in ("tcp", "udp")}
    WORK.joinpath("ports.json").write_text(json.dumps({"tcp": [OWN[1]], "udp": []}), encoding="utf-8")
    WORK.joinpath("inner.json").write_text(json.dumps(inner), encoding="utf-8")
    try:
        each(start, hosts)
        yield
    finally:
        podman("rm", "--force", "--ignore", "--volumes", "--time", "0", *(host.container for host in hosts))


def look(hosts: Iterable[Machine], cells: Iterable[Cell] = CELLS) -> dict[str, dict[str, dict[str, set[Cell]]]]:
    """Return, by host, by who looks, and by family (IPv4, IPv6), the ports that are open; the others give silence or a refusal.

    A word that means neither, as that of a listener that is not there, stops the test.
    """
    hosts, cells = list(hosts), list(cells)
    targets = [(address, *cell) for host in hosts for address in host.addresses for cell in cells]
    words = reach([f"{NAME}-{name}" for name in WHO], targets)
    odd = {pair: word for pair, word in words.items() if word not in ("open", "filtered", "rejected")}
    assert not odd
    return {
        host.name: {
            name: {
                family: {cell for cell in cells if words[f"{NAME}-{name}", (address, *cell)] == "open"}
                for family, address in zip(("IPv4", "IPv6"), host.addresses, strict=True)
            }
            for name in WHO
        }
        for host in hosts
    }


def ask(host: Machine, module: str, arguments: dict[str, Any]) -> None:
    """Run one module on a host by itself; it must succeed."""
    inventory = ["--inventory", f"{host.container},", "--connection", "containers.podman.podman"]
    done = run_ansible("ansible", *inventory, "--module-name", module, "--args", json.dumps(arguments), host.container)
    assert done.code == 0, done.output
