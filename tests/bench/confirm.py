#!/usr/bin/env python3
# Copyright: (c) 2026, avi.firewall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What it costs to have a change confirmed over a new connection: runs over SSH, each of which lets a peer in or takes it out again.

Prints, for each firewall, the medians of a run without a change, of one with a change, and of the part of that in which it is confirmed.
"""

from __future__ import annotations

import json
import re
import statistics
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from faults.admin import BACKENDS, close
from faults.machines import WORK, Machine, machines, network
from faults.plays import management, site

CHANGES = 10
OPEN_SSH = {
    "firewalld": "firewall-cmd --quiet --add-service=ssh; firewall-cmd --quiet --permanent --add-service=ssh",
    "ufw": "ufw allow 22/tcp",
    "iptables": "for command in iptables ip6tables; do $command -A INPUT -p tcp --dport 22 -j ACCEPT; done",
    "nftables": "nft add rule inet filter input tcp dport 22 accept",
}


def let_in_by_ssh(host: Machine, backend: str) -> None:
    """Start sshd on the host, for a key of this run."""
    key = WORK / "key"
    if not key.exists():
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key], check=True)
    authorized = key.with_suffix(".pub").read_text(encoding="utf-8")
    host.sh(
        f"mkdir -m 700 -p /root/.ssh; cat > /root/.ssh/authorized_keys <<'END'\n{authorized}END\nsystemctl start ssh\n{OPEN_SSH[backend]}"
    )


def timed(host: Machine, *names: str) -> tuple[float, float]:
    """Run the playbook over SSH, and return how long it took, and how long its change waited for its confirmation."""
    ssh = {
        "ansible_connection": "ssh",
        "ansible_host": host.addresses[0],
        "ansible_ssh_common_args": f"-F /dev/null -i {WORK}/key -o UserKnownHostsFile=/dev/null -o StrictHostKeyChecking=no",
    }
    start = time.monotonic()
    run = site([host], "--verbose", f"--extra-vars={json.dumps(ssh)}", **management(*names))
    took = time.monotonic() - start
    confirmed = re.search(r"confirmed_after: ([\d.]+)", run.output)
    return took, float(confirmed[1]) if confirmed else 0.0


def main() -> None:
    print("| firewall | nothing to do (s) | a peer comes or goes (s) | of that, confirming (s) |\n| --- | --- | --- | --- |", flush=True)
    with network(), machines(*BACKENDS) as hosts:
        close(hosts)
        for backend, host in hosts.items():
            let_in_by_ssh(host, backend)
            timed(host, "client")
            idle, changed = [], []
            for index in range(CHANGES):
                changed.append(timed(host, "client", *["newcomer"] * (index % 2 == 0)))
                idle.append(timed(host, "client", *["newcomer"] * (index % 2 == 0)))
            figures = [[took for took, _waited in idle], *zip(*changed, strict=True)]
            print(f"| {backend} | {' | '.join(f'{statistics.median(column):.2f}' for column in figures)} |", flush=True)


if __name__ == "__main__":
    main()
