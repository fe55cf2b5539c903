#!/usr/bin/env python
# Copyright: (c) 2026, avi.firewall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How verify.yml grows: 3 Controllers and as many Service Engines as make 10, 30 and 100 hosts, all pairs, IPv4 and IPv6.

One kernel remembers no more than 1,024 neighbours of all its containers: these are told theirs for good, which do not count.
The hosts are containers without systemd, whose rules this script makes as the plan wants them: verify.yml does not ask who made them.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from bench import measure
from faults.machines import IMAGE, Machine, each, mac, network, podman, run
from faults.plays import attempt

SIZES = (10, 30, 100)
CONTROLLERS = 3
# As the document says: what a Controller accepts from the others, and from Service Engines.
ACCEPTED = {"con": ["tcp 22", "tcp 8443"], "se": ["tcp 22", "tcp 8443", "udp 123"]}
GROUPS = {"controller": "avi_controllers", "service_engine": "avi_service_engines"}


def rules(host: Machine, hosts: list[Machine]) -> str:
    """Return the script that closes a host but for what the plan opens."""
    lines = []
    for family, index in (("ip", 0), ("ip6", 1)):
        command = {"ip": "iptables", "ip6": "ip6tables"}[family]
        accepts = [
            f"-A INPUT -s {other.addresses[index]} -p {port.split()[0]} --dport {port.split()[1]} -j ACCEPT"
            for other in hosts
            if host.name.startswith("con") and other is not host
            for port in ACCEPTED["con" if other.name.startswith("con") else "se"]
        ]
        icmp = "ipv6-icmp" if family == "ip6" else "icmp"
        base = ["*filter", ":INPUT DROP [0:0]", ":FORWARD ACCEPT [0:0]", ":OUTPUT ACCEPT [0:0]", "-A INPUT -i lo -j ACCEPT"]
        base += ["-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT", f"-A INPUT -p {icmp} -j ACCEPT"]
        lines += [f"{command}-restore <<'END'", *base, *accepts, "COMMIT", "END"]
    neighbours = [f"neigh replace {address} lladdr {mac(other.number)} dev eth0" for other in hosts for address in other.addresses]
    lines += ["ip -batch - <<'END'", *neighbours, "END"]
    return "\n".join(lines)


def start(host: Machine) -> None:
    run(host.container, host.number, "--cap-add=NET_ADMIN,NET_RAW", IMAGE, "sleep", "infinity")


def main() -> None:
    machines = [Machine(f"con{number}" if number <= CONTROLLERS else f"se{number}", 100 + number) for number in range(1, max(SIZES) + 1)]
    rows = []
    with network():
        try:
            each(start, machines)
            for size in SIZES:
                hosts = machines[:size]
                each(lambda host, hosts=hosts: host.sh(rules(host, hosts)), hosts)
                names = [host.name for host in hosts]
                begun = time.monotonic()
                told = attempt(
                    hosts,
                    "--tags=paths",
                    playbook="avi.firewall.verify",
                    groups={"avi_controllers": names[:CONTROLLERS], "avi_service_engines": names[CONTROLLERS:]},
                    avi_firewall_groups=GROUPS,
                    avi_firewall_peers={"management_client": []},
                )
                took = time.monotonic() - begun
                if told.code:
                    sys.exit(told.output)
                paths = told.output.partition(" paths tried: all as planned")[0].split()[-1].replace(",", "")
                rows.append((size, int(paths), round(took), f"{took / size:.1f}"))
                print(*rows[-1], flush=True)
        finally:
            podman("rm", "--force", "--ignore", "--time", "0", *(machine.container for machine in machines))
    measure.write("verify", ("hosts", "paths", "wall_s", "s_per_host"), rows)


if __name__ == "__main__":
    main()
