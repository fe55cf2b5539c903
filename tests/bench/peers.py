#!/usr/bin/env python
# Copyright: (c) 2026, avi.firewall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What many peers cost: 10 to 10,000 networks, none of which can be merged with another. The apply, its memory, and each packet afterwards.

A packet's price is the system time of a process that sends datagrams to a port that lets it in, from the last of the networks, and answers
nothing: so each of them is new to the connection tracking and goes through the rules. Beside it stand a host without any rule, and one with
the same firewall and one rule of its own that lets everyone in to that port.
"""

from __future__ import annotations

import json
import statistics
import sys
from collections.abc import Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from bench import measure
from faults.admin import close
from faults.machines import NETWORK, WORK, Machine, machines, peer, podman

SIZES = (10, 100, 1000, 10000)
HEADER = (
    "firewall",
    "networks",
    "round",
    "first_s",
    "idle_s",
    "control_mib",
    "host_mib",
    "packet_us",
    "packet_own_rule_us",
    "packet_without_rules_us",
    "connects_per_s",
)
SECONDS = 1.0
TRIES = 5

# Runs the module in a process of its own, and notes how large that became.
_PYTHON = """#!/usr/bin/python3
import resource, subprocess, sys
code = subprocess.call(["/usr/bin/python3", *sys.argv[1:]])
with open("/run/bench-memory", "a") as file:
    print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss, file=file)
sys.exit(code)
"""

_SEND = """
import resource, socket, sys, time
address, seconds = sys.argv[1], float(sys.argv[2])
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as caller:
    caller.connect((address, 161))
    used, end, sent = resource.getrusage(resource.RUSAGE_SELF).ru_stime, time.monotonic() + seconds, 0
    while time.monotonic() < end:
        for _index in range(500):
            caller.send(b"x")
        sent += 500
    print((resource.getrusage(resource.RUSAGE_SELF).ru_stime - used) / sent * 1e6)
"""
_CONNECT = """
import socket, struct, sys, time
address, seconds = sys.argv[1], float(sys.argv[2])
end, made = time.monotonic() + seconds, 0
while time.monotonic() < end:
    with socket.socket() as caller:
        caller.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # no port is left waiting
        caller.connect((address, 443))
    made += 1
print(made / seconds)
"""
# Takes what comes to both ports, and answers no datagram.
_SERVE = """
import socket, threading
datagrams = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
datagrams.bind(("", 161))
calls = socket.create_server(("", 443), backlog=1024)
def take():
    while True:
        calls.accept()[0].close()
threading.Thread(target=take).start()
while True:
    datagrams.recv(64)
"""


def networks(count: int) -> list[str]:
    """Return so many networks, in both families, the last of them that of the client."""
    ipv4 = [f"172.{16 + index // 16384}.{index // 64 % 256}.{index % 64 * 4}/31" for index in range(count - 1 - count // 10)]
    ipv6 = [f"2001:db8:{index:x}::/64" for index in range(0, 2 * (count // 10), 2)]
    return [*ipv4, *ipv6, *peer("client")[:1]]


def client(script: str, host: Machine) -> float:
    return float(podman("exec", "--interactive", f"{NETWORK}-client", "python3", "-c", script, host.addresses[0], str(SECONDS)))


def serve(host: Machine) -> None:
    host.sh(f"systemctl stop lab-listener 2>/dev/null || true; systemd-run --quiet --unit=bench /usr/bin/python3 -c '{_SERVE}'")


def apply(host: Machine, given: list[str], **variables: str) -> measure.Cost:
    """Let in these networks as management clients."""
    path = WORK / "bench.json"
    facts = {
        **measure.ssh(host),
        "avi_firewall_release": "16.3",
        "avi_firewall_address": host.addresses[0],
        "avi_firewall_peers": {"management_client": given, "service_engine": [], "controller": []},
        **variables,
    }
    path.write_text(json.dumps({"all": {"vars": facts, "children": {"avi_controllers": {"hosts": {"con1": {}}}}}}), encoding="utf-8")
    return measure.playbook("avi.firewall.site", path, host)


def memory(host: Machine, given: list[str]) -> float:
    """Return how large the largest module of a run became, in MiB. The run has nothing to do: it reads, compares, and stops."""
    host.write("/usr/local/bin/bench-python", _PYTHON)
    host.sh("chmod 755 /usr/local/bin/bench-python; rm -f /run/bench-memory")
    apply(host, given, ansible_python_interpreter="/usr/local/bin/bench-python")
    return max(map(int, host.read("/run/bench-memory").split())) / 1024


def sizes(backend: str) -> tuple[int, ...]:
    # ufw has no sets: each network is a rule, and a call of its module.
    return SIZES[:2] if backend == "ufw" else SIZES


def rounds(backend: str, count: int) -> Iterator[tuple[object, ...]]:
    for number in range(1, count + 1):
        for size in sizes(backend):
            with machines(backend, f"{backend}-own", "bare") as hosts:
                bare = hosts.pop("bare")
                close(hosts)
                host, own = hosts[backend], hosts[f"{backend}-own"]
                own.sh(measure.OPEN_SNMP[backend])
                measure.let_in_by_ssh(host, backend)
                given = networks(size)
                first = apply(host, given)
                idle = apply(host, given)
                peak = memory(host, given)
                for one in (host, own, bare):
                    serve(one)
                # Turn by turn: the machine is not the same from one second to the next.
                turns = [[client(_SEND, one) for one in (host, own, bare)] for _try in range(TRIES)]
                packets = [statistics.median(column) for column in zip(*turns, strict=True)]
                connects = statistics.median(client(_CONNECT, host) for _try in range(TRIES))
                yield backend, size, number, first.wall, idle.wall, first.memory, peak, *packets, connects


if __name__ == "__main__":
    measure.each_firewall("peers", HEADER, rounds, default=1, about=__doc__)
