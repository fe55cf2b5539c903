# Copyright: (c) 2026, avi.firewall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the benches share: a host that is reached over SSH, what a command costs there and here, and figures in a file."""

from __future__ import annotations

import argparse
import csv
import dataclasses
import os
import platform
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from importlib.metadata import version
from pathlib import Path

from faults.admin import BACKENDS
from faults.machines import ROOT, WORK, Machine, network

FIGURES = ROOT / "docs" / "performance"

# Lets the control node in by SSH, now.
OPEN_SSH = {
    "firewalld": "firewall-cmd --quiet --add-service=ssh; firewall-cmd --quiet --permanent --add-service=ssh",
    "ufw": "ufw allow 22/tcp",
    "iptables": "for command in iptables ip6tables; do $command -A INPUT -p tcp --dport 22 -j ACCEPT; done",
    "nftables": "nft add rule inet filter input tcp dport 22 accept",
}


# Lets everyone in to SNMP, now: the same packet as that of a peer, by a rule of the firewall's own.
OPEN_SNMP = {
    "firewalld": "firewall-cmd --quiet --add-port=161/udp",
    "ufw": "ufw allow 161/udp",
    "iptables": "iptables -A INPUT -p udp --dport 161 -j ACCEPT",
    "nftables": "nft add rule inet filter input udp dport 161 accept",
}


def let_in_by_ssh(host: Machine, backend: str) -> None:
    """Start sshd on the host, for a key of these benches."""
    key = WORK / "key"
    if not key.exists():
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key], check=True)
    authorized = key.with_suffix(".pub").read_text(encoding="utf-8")
    host.sh(
        f"mkdir -m 700 -p /root/.ssh; cat > /root/.ssh/authorized_keys <<'END'\n{authorized}END\nsystemctl start ssh\n{OPEN_SSH[backend]}"
    )


def ssh(host: Machine) -> dict[str, str]:
    """Return the variables by which Ansible reaches the host over SSH."""
    return {
        "ansible_connection": "ssh",
        "ansible_host": host.addresses[0],
        "ansible_user": "root",
        "ansible_python_interpreter": "/usr/bin/python3",
        "ansible_ssh_common_args": f"-F /dev/null -i {WORK}/key -o UserKnownHostsFile=/dev/null -o StrictHostKeyChecking=no",
    }


@dataclasses.dataclass(frozen=True)
class Cost:
    """What a command took: seconds on the clock, of CPU on the control node and on the host, and the largest process here, in MiB."""

    wall: float
    control: float
    host: float
    memory: float
    output: str = dataclasses.field(repr=False)


def cost(command: Sequence[str], host: Machine | None = None, **environment: str) -> Cost:
    """Run a command, which must succeed, and return what it took."""
    used, begun = _host_cpu(host), time.monotonic()
    with subprocess.Popen(
        command, cwd=ROOT, env={**os.environ, **environment}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        assert process.stdout is not None
        output = process.stdout.read()
        _pid, status, own = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    wall = time.monotonic() - begun
    assert process.returncode == 0, output
    # The figures of a process hold those of its children that it has waited for.
    return Cost(wall, own.ru_utime + own.ru_stime, _host_cpu(host) - used, own.ru_maxrss / 1024, output)


def _host_cpu(host: Machine | None) -> float:
    """Return the CPU seconds that the host has used since it was started."""
    if host is None:
        return 0.0
    # The first is that of version 1 of cgroups, in nanoseconds.
    return (
        int(host.sh("cd /sys/fs/cgroup; cat cpuacct/cpuacct.usage 2>/dev/null || sed -n 's/usage_usec \\(.*\\)/\\1000/p' cpu.stat")) / 1e9
    )


def playbook(path: str, inventory: Path, host: Machine | None = None, *arguments: str) -> Cost:
    """Run a playbook over connections of its own, and return what it took."""
    return anew(["ansible-playbook", f"--inventory={inventory}", *arguments, path], host)


def anew(command: Sequence[str], host: Machine | None = None) -> Cost:
    """Run a command that runs a playbook, over connections of its own, and return what it took."""
    # Of its own, so that no run finds the connection of another open; short, for the name of a socket has 108 characters at most.
    with tempfile.TemporaryDirectory(prefix="avi-", ignore_cleanup_errors=True) as sockets:
        return cost(
            command,
            host,
            ANSIBLE_SSH_CONTROL_PATH_DIR=sockets,
            ANSIBLE_SSH_ARGS="-C -o ControlMaster=auto -o ControlPersist=10s",
        )


def note_machine() -> None:
    """Write what the figures were measured on."""
    info = dict(line.split(":", 1) for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines() if ":" in line)
    model = {key.strip(): value.strip() for key, value in info.items()}.get("model name", platform.machine())
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    FIGURES.mkdir(parents=True, exist_ok=True)
    (FIGURES / "machine.txt").write_text(
        f"{os.cpu_count()} cores ({model}), {memory:.0f} GiB, Linux {platform.release()}, Python {platform.python_version()}, "
        f"ansible-core {version('ansible-core')}; the hosts are containers of Debian 12 on it.\n",
        encoding="utf-8",
    )


Rounds = Callable[[str, int], Iterable[Sequence[object]]]


def each_firewall(name: str, header: Sequence[str], rounds: Rounds, default: int, about: str) -> None:
    """Run a bench as its command line says; ``rounds`` yields the rows of one firewall, measured so many times."""
    parser = argparse.ArgumentParser(description=about.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=default, help=f"how often each is measured (default: {default})")
    parser.add_argument("--firewall", action="append", choices=BACKENDS, help="of which firewall (default: all)")
    options = parser.parse_args()
    rows = []
    with network():
        for backend in options.firewall or BACKENDS:
            for row in rounds(backend, options.rounds):
                print(*row, flush=True)
                rows.append(row)
    write(name, header, rows)


def write(name: str, header: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Write figures as CSV, where the page of the documentation takes them from, and what they were measured on."""
    note_machine()
    with (FIGURES / f"{name}.csv").open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(header)
        table.writerows([f"{value:.3f}" if isinstance(value, float) else value for value in row] for row in rows)
