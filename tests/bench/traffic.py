#!/usr/bin/env python
# Copyright: (c) 2026, avi.firewall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Change the rules of four Controllers, one with each firewall, under traffic, and count the connections that came to harm.

Harm is a connection refused that the rules before and after both allow, or let in that both forbid. Ends with 1 if there was any, but for
what a reload of firewalld costs in an operation that makes new services or ipsets, of which it may need one.
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import ipaddress
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
PREPARE = ROOT / "extensions/molecule/shared/prepare.yml"
WORK = ROOT / ".cache/bench"
IMAGE = "localhost/avi-firewall-lab-bookworm:latest"
NETWORK = "avi-firewall-bench"
LIMIT = 20 * 60  # s, for all of it

BACKENDS = {"firewalld": 11, "ufw": 12, "iptables": 13, "nftables": 14}
# The newcomer shares the client's /24 and /64, the stranger does not.
CLIENT, NEWCOMER, STRANGER = (
    ["10.16.4.41", "fd16:4::41"],
    ["10.16.4.42", "fd16:4::42"],
    ["10.16.5.51", "fd16:4:0:1::51"],
)
WIDE = ["10.16.4.0/24", "fd16:4::/64"]

# What the administrator's own rules allow; what a management client may use; may use with a feature; may not use at all.
OWN_PORT, PORT, FEATURE_PORT, SHUT_PORT = 2222, 443, 5054, 8443
# What a Controller may dial in every release; since 16.3; never.
DIALLED, DIALLED_SINCE, NOT_DIALLED = 25, 49, 26
OWN_RULE = {
    "firewalld": [f"firewall-cmd --permanent --add-port={OWN_PORT}/tcp", "firewall-cmd --reload"],
    "ufw": [f"ufw allow {OWN_PORT}/tcp"],
    "iptables": [f"{command} -A INPUT -p tcp --dport {OWN_PORT} -j ACCEPT" for command in ("iptables", "ip6tables")],
    "nftables": [f"nft add rule inet filter input tcp dport {OWN_PORT} accept"],
}


def container(host: str) -> str:
    return f"{NETWORK}-{host}"


def addresses(backend: str) -> list[str]:
    return [f"10.16.4.{BACKENDS[backend]}", f"fd16:4::{BACKENDS[backend]}"]


def many(number: int) -> list[str]:
    """Return ``number`` addresses of which no two make a network, half of each family."""
    first = [ipaddress.ip_address(address) for address in ("198.18.0.1", "2001:db8::1")]
    return [str(first[index % 2] + index) for index in range(number)]


@dataclasses.dataclass(frozen=True)
class Operation:
    """A change of the rules.

    ``effect`` is what shows that it happened: a source, a port, and whether the source reaches it afterwards; before, it is the other
    way round. ``new_objects``: firewalld may reload once. ``edge``: our rules are there only before or only after.
    """

    name: str
    settings: dict[str, Any]
    effect: tuple[str, int, bool]
    new_objects: bool = False
    edge: bool = False


def settings(**changed: Any) -> dict[str, Any]:
    return {"release": "16.3", "features": ["http", "cli_shell"], "clients": CLIENT, "state": "present", **changed}


OPERATIONS = [
    Operation("first apply", settings(), ("client", PORT, True), new_objects=True, edge=True),
    Operation("peer added", settings(clients=[*CLIENT, *NEWCOMER]), ("newcomer", PORT, True)),
    Operation("peer removed", settings(), ("newcomer", PORT, False)),
    Operation("network widened", settings(clients=WIDE), ("newcomer", PORT, True)),
    Operation("network narrowed", settings(), ("newcomer", PORT, False)),
    Operation("many peers added", settings(clients=[*CLIENT, *NEWCOMER], many=True), ("newcomer", PORT, True)),
    Operation("many peers removed", settings(), ("newcomer", PORT, False)),
    Operation("release 16.3 to 16.2", settings(release="16.2"), ("controller", DIALLED_SINCE, False), new_objects=True),
    Operation("release 16.2 to 17.1", settings(release="17.1"), ("controller", DIALLED_SINCE, True), new_objects=True),
    Operation("feature dropped", settings(release="17.1", features=["http"]), ("client", FEATURE_PORT, False), new_objects=True),
    Operation("absent", settings(state="absent"), ("client", PORT, False), new_objects=True, edge=True),
]


@dataclasses.dataclass
class Row:
    """What an operation did to one Controller."""

    operation: str
    backend: str
    peers: int
    tried: int
    refused: int
    forbidden: int
    let_in: int
    lived: bool
    reloads: int

    def faults(self, new_objects: bool) -> list[str]:
        """Return what must not be."""
        reload_allowed = self.backend == "firewalld" and new_objects
        found = {
            f"{self.refused} refused": self.refused and not (reload_allowed and self.reloads),
            f"{self.let_in} let in": self.let_in,
            "a connection that was held broke": not self.lived,
            f"{self.reloads} reloads": self.reloads > reload_allowed,
            "nothing was tried": not (self.tried and self.forbidden),
        }
        return [f"{self.operation}, {self.backend}: {text}" for text, wrong in found.items() if wrong]


def podman(*arguments: str) -> str:
    return subprocess.run(["podman", *arguments], check=True, stdout=subprocess.PIPE, text=True).stdout


def ansible(playbook: str, inventory: dict[str, Any]) -> None:
    """Run ``playbook``; it must succeed."""
    path = WORK / "inventory.json"
    path.write_text(json.dumps(inventory), encoding="utf-8")
    done = subprocess.run(
        ["ansible-playbook", f"--inventory={path}", playbook],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode:
        sys.exit(f"{done.stdout}\nansible-playbook failed ({done.returncode})")


def clients(backend: str, wanted: dict[str, Any], numbers: dict[str, int]) -> list[str]:
    return [*wanted["clients"], *(many(numbers[backend] - len(wanted["clients"])) if wanted.get("many") else [])]


def inventory(wanted: dict[str, Any], numbers: dict[str, int]) -> dict[str, Any]:
    hosts = {
        backend: {
            "ansible_host": container(backend),
            "lab_backend": backend,
            "avi_firewall_address": addresses(backend),
            "avi_firewall_peers": {
                "management_client": clients(backend, wanted, numbers),
                "service_engine": ["192.0.2.21", "2001:db8:2::21"],
                "smtp_server": CLIENT,
                "tacacs_server": CLIENT,
            },
        }
        for backend in BACKENDS
    }
    variables = {
        "ansible_connection": "containers.podman.podman",
        "ansible_python_interpreter": "/usr/bin/python3",
        "lab_outgoing": "closed",
        "avi_firewall_outbound": True,
        "avi_firewall_release": wanted["release"],
        "avi_firewall_features": wanted["features"],
        "avi_firewall_state": wanted["state"],
    }
    nobody: dict[str, Any] = {"avi_service_engines": {}, "avi_cluster_nodes": {}}
    return {"all": {"vars": variables, "children": {"managed": {"children": {"avi_controllers": {"hosts": hosts}}}, **nobody}}}


class Load:
    """Traffic from one host: see load.py."""

    def __init__(self, *command: str) -> None:
        self.process = subprocess.Popen(["podman", *command], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.held: dict[str, Any] = {}

    def phase(self, streams: dict[str, Any]) -> dict[str, Any]:
        """Let ``streams`` flow from now on; return what became of those before and of the connections held."""
        self.process.stdin.write(json.dumps({"streams": streams, "held": self.held}) + "\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())

    def reaches(self, target: tuple[list[str], int]) -> bool | None:
        """Say whether ``target`` lets this host in now: always, never, or (None) now and then."""
        self.phase({"": target})
        time.sleep(0.2)
        counts = self.phase({})["streams"][""]
        return {counts["tried"]: True, 0: False}.get(counts.get("connected", 0))

    def close(self) -> None:
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.close()
        self.process.wait()


class Reloads:
    """Counts the reloads of firewalld, by the signal it sends after each."""

    def __init__(self) -> None:
        self.number = 0
        match = "type='signal',interface='org.fedoraproject.FirewallD1',member='Reloaded'"
        command = ["podman", "exec", container("firewalld"), "busctl", "monitor", "--json=short", f"--match={match}"]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.process.stderr.readline()  # it says that it listens
        threading.Thread(target=self._count, daemon=True).start()

    def _count(self) -> None:
        for line in self.process.stdout:
            self.number += json.loads(line)["member"] == "Reloaded"

    def close(self) -> None:
        self.process.terminate()
        self.process.wait()


def start(host: str, pair: Sequence[str], *arguments: str) -> list[str]:
    """Return the command of podman that starts ``host``."""
    number = "".join(f":{int(byte):02x}" for byte in pair[0].split(".")[2:])
    name = container(host)
    place = ["--network", NETWORK, "--ip", pair[0], "--ip6", pair[1], "--mac-address", f"02:00:0a:10{number}"]
    return ["run", "--rm", "--name", name, "--hostname", host, *place, "--volume", f"{Path(__file__).parent}:/bench:ro", *arguments]


def remove() -> None:
    hosts = [*BACKENDS, "client", "newcomer", "stranger"]
    podman("rm", "--force", "--ignore", "--time", "0", *map(container, hosts))
    if NETWORK in podman("network", "ls", "--format", "{{.Name}}").split():
        podman("network", "rm", NETWORK)


@contextlib.contextmanager
def lab() -> Iterator[dict[str, Load]]:
    """Start the bench, yield the sources of traffic by their host, and remove it all, whatever happens."""
    loads: dict[str, Load] = {}
    remove()
    with contextlib.ExitStack() as ending:
        ending.callback(remove)
        subnets = ["--subnet", "10.16.4.0/23", "--gateway", "10.16.4.1", "--subnet", "fd16:4::/63", "--gateway", "fd16:4::1"]
        podman("network", "create", "--internal", "--ipv6", *subnets, NETWORK)
        for backend in BACKENDS:
            boot = ["--detach", "--systemd=always", "--cap-add=NET_ADMIN,NET_RAW", IMAGE, "/sbin/init", "systemd.mask=lab-listener.service"]
            podman(*start(backend, addresses(backend), *boot))
        for host, pair in (("client", CLIENT), ("newcomer", NEWCOMER), ("stranger", STRANGER)):
            loads[host] = Load(*start(host, pair, "--interactive", IMAGE, "python3", "/bench/load.py"))
        for backend in BACKENDS:
            loads[backend] = Load("exec", "--interactive", container(backend), "python3", "/bench/load.py")
        for load in loads.values():
            ending.callback(load.close)
            load.phase({})
        yield loads


def prepare(numbers: dict[str, int]) -> None:
    """Close the Controllers as an administrator would, and let things listen."""
    for backend in BACKENDS:
        wait = ["podman", "exec", container(backend), "systemctl", "is-system-running", "--wait"]
        while subprocess.run(wait, capture_output=True, text=True, check=False).stdout.strip() not in ("running", "degraded"):
            time.sleep(0.5)
    ansible(str(PREPARE), inventory(settings(), numbers))
    for backend in BACKENDS:
        podman("exec", "--detach", container(backend), "python3", "/bench/echo.py", *map(str, (OWN_PORT, PORT, FEATURE_PORT, SHUT_PORT)))
    podman("exec", "--detach", container("client"), "python3", "/bench/echo.py", *map(str, (DIALLED, DIALLED_SINCE, NOT_DIALLED)))


def streams(operation: Operation, source: str) -> dict[str, Any]:
    """Return what ``source`` tries all the time while ``operation`` runs."""
    if source in BACKENDS:
        found = {f"{source} forbidden": (CLIENT, NOT_DIALLED)}
        return found if operation.edge else {**found, f"{source} allowed": (CLIENT, DIALLED)}
    if source == "client":
        allowed = OWN_PORT if operation.edge else PORT
        ports = {"allowed": allowed, "forbidden": SHUT_PORT}
        return {f"{backend} {kind}": (addresses(backend), port) for backend in BACKENDS for kind, port in ports.items()}
    return {f"{backend} forbidden": (addresses(backend), PORT) for backend in BACKENDS} if source == "stranger" else {}


def effect(operation: Operation, loads: dict[str, Load]) -> dict[str, bool | None]:
    """Return, for each firewall, what the source of the operation's effect reaches now."""
    source, port, _opens = operation.effect
    if source == "controller":
        return {backend: loads[backend].reaches((CLIENT, port)) for backend in BACKENDS}
    return {backend: loads[source].reaches((addresses(backend), port)) for backend in BACKENDS}


def measure(operation: Operation, loads: dict[str, Load], numbers: dict[str, int], reloads: Reloads) -> list[Row]:
    """Make the change under traffic and return a row for each firewall."""
    opens = operation.effect[2]
    if set(effect(operation, loads).values()) != {not opens}:
        sys.exit(f"{operation.name}: nothing to change, {effect(operation, loads)}")
    reloads_before = reloads.number
    for source, load in loads.items():
        load.phase(streams(operation, source))
    time.sleep(1)
    ansible("avi.firewall.site", inventory(operation.settings, numbers))
    time.sleep(1)
    told = [load.phase({}) for load in loads.values()]
    counts = {name: Counter[str]() for name in (f"{backend} {kind}" for backend in BACKENDS for kind in ("allowed", "forbidden"))}
    for answer in told:
        for name, found in answer["streams"].items():
            counts[name].update(found)
    if (after := effect(operation, loads)) != dict.fromkeys(BACKENDS, opens):
        sys.exit(f"{operation.name}: without the effect it should have, {after}")
    lived = {name: alive for answer in told for name, alive in answer["held"].items()}
    return [
        Row(
            operation.name,
            backend,
            len(clients(backend, operation.settings, numbers)) if operation.settings["state"] == "present" else 0,
            counts[f"{backend} allowed"]["tried"],
            counts[f"{backend} allowed"]["tried"] - counts[f"{backend} allowed"]["at once"],
            counts[f"{backend} forbidden"]["tried"],
            counts[f"{backend} forbidden"]["connected"],
            all(alive for name, alive in lived.items() if name.startswith(backend)),
            reloads.number - reloads_before if backend == "firewalld" else 0,
        )
        for backend in BACKENDS
    ]


# Heading and width of each column of the table, in the order of the fields of Row.
COLUMNS = {
    "operation": 20,
    "firewall": 9,
    "peers": 5,
    "allowed, tried": 14,
    "refused": 7,
    "forbidden, tried": 16,
    "let in": 6,
    "held": 5,
    "reloads": 7,
}


def line(cells: Iterable[Any]) -> str:
    """Return a line of the table: words to the left, numbers to the right."""
    padded = [
        f"{cell:>{width}}" if isinstance(cell, int) else f"{cell:<{width}}" for cell, width in zip(cells, COLUMNS.values(), strict=True)
    ]
    return f"| {' | '.join(padded)} |"


def shown(row: Row) -> list[Any]:
    cells = dataclasses.asdict(row) | {"lived": "lived" if row.lived else "BROKE"}
    return list((cells if row.backend == "firewalld" else cells | {"reloads": ""}).values())


def bench(numbers: dict[str, int]) -> list[str]:
    """Print the table, a line as soon as it is known, and return the faults."""
    faults: list[str] = []
    with lab() as loads:
        prepare(numbers)
        reloads = Reloads()
        for backend, commands in OWN_RULE.items():
            for command in commands:
                podman("exec", container(backend), *command.split())
            loads["client"].held[f"{backend} own"] = (addresses(backend)[0], OWN_PORT)
        time.sleep(1)
        if reloads.number != 1:
            sys.exit(f"firewalld was reloaded once, {reloads.number} were seen")
        main_pid = ["exec", container("firewalld"), "systemctl", "show", "--property=MainPID", "firewalld"]
        daemon = podman(*main_pid)
        print(line(COLUMNS), line("-" * width for width in COLUMNS.values()), sep="\n", flush=True)
        for operation in OPERATIONS:
            for row in measure(operation, loads, numbers, reloads):
                print(line(shown(row)), flush=True)
                faults += row.faults(operation.new_objects)
            for backend in BACKENDS:
                loads["client"].held[f"{backend} ours"] = (addresses(backend)[1], PORT)
        if podman(*main_pid) != daemon:
            faults.append("firewalld was restarted")
        reloads.close()
    return faults


def too_long(*_what: Any) -> None:
    sys.exit(f"ended by a signal, or after {LIMIT} s")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--peers", type=int, default=1000, help="how many peers `many` are (default: %(default)s)")
    parser.add_argument(
        "--ufw-peers", type=int, default=20, help="the same for ufw, which takes a second or more for each (default: %(default)s)"
    )
    options = parser.parse_args()
    for what in (signal.SIGTERM, signal.SIGALRM):
        signal.signal(what, too_long)
    signal.alarm(LIMIT)
    os.environ["ANSIBLE_NOCOLOR"] = "1"
    WORK.mkdir(parents=True, exist_ok=True)
    faults = bench({**dict.fromkeys(BACKENDS, options.peers), "ufw": options.ufw_peers})
    print(*(f"FAULT {fault}" for fault in faults) if faults else ["\nNo harm."], sep="\n")
    sys.exit(bool(faults))


if __name__ == "__main__":
    main()
