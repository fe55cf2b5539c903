# Copyright: (c) 2026, avi.firewall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs of ansible-playbook that something happens to."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from faults.machines import ROOT, WORK, Machine, podman
from faults.plays import inventory

HOLD = Path(__file__).with_name("hold.py").read_text(encoding="utf-8")
PENDING = "/var/lib/avi-firewall/pending.json"


class Play:
    """A run of avi.firewall.site in the background."""

    def __init__(self, hosts: Iterable[Machine], **variables: Any) -> None:
        self.mark = f"AVI_FIREWALL_PLAY={time.monotonic_ns()}"
        path = WORK / "inventories" / f"{self.mark}.json"
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps(inventory(hosts, variables, {})), encoding="utf-8")
        self.process = subprocess.Popen(
            ["ansible-playbook", f"--inventory={path}", "avi.firewall.site"],
            cwd=ROOT,
            env={**os.environ, "ANSIBLE_NOCOLOR": "1", "ANSIBLE_FORCE_COLOR": "0", **dict([self.mark.split("=")])},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def kill(self) -> None:
        """End it and all it started, as a machine that loses its power would: its workers have sessions of their own."""
        while found := [process for process in Path("/proc").glob("[0-9]*") if self._is_ours(process)]:
            for process in found:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(int(process.name), signal.SIGKILL)
        self.process.wait()

    def _is_ours(self, process: Path) -> bool:
        try:
            return self.mark.encode() in (process / "environ").read_bytes().split(b"\0")
        except OSError:
            return False

    def end(self) -> tuple[int, str]:
        """Wait for its end; return its exit code and what it said."""
        output = self.process.communicate(timeout=300)[0]
        return self.process.returncode, output


class Holder:
    """Waits on a host for a moment of a run, and holds it: see hold.py."""

    def __init__(self, host: Machine, *moment: str) -> None:
        self.host = host
        command = ["podman", "exec", "--interactive", host.container, "python3", "-c", HOLD, *moment]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout.readline() == "waiting\n"

    def word(self) -> str:
        return self.process.stdout.readline().strip()

    def kill(self) -> None:
        """End the modules on this host, and what was about to start when the play died: the confirmation of the change, say."""
        number, others = self.host.id(), True
        while others:
            self.process.stdin.write("kill\n")
            self.process.stdin.flush()
            assert self.word() == "killed"
            others = sum(number in line and "--exec-process-spec" in line for line in _command_lines()) > 1  # this one is the other

    def close(self) -> None:
        self.process.kill()
        self.process.communicate()


class Held:
    """A run that is held on each of its hosts."""

    def __init__(self, play: Play, holders: Iterable[Holder]) -> None:
        self.play = play
        self.holders = list(holders)

    def kill(self) -> None:
        """End the run on the control node, and what it runs on the hosts."""
        self.play.kill()
        for holder in self.holders:
            holder.kill()


@contextlib.contextmanager
def held(hosts: dict[str, Machine], moments: dict[str, tuple[str, ...]], **variables: Any) -> Iterator[Held]:
    """Run a play with these variables on ``hosts``; yield when the moment of each is held, a change pending; then kill the play."""
    holders = {name: Holder(host, *moments[name]) for name, host in hosts.items()}
    play = Play(hosts.values(), **variables)
    try:
        words = {name: holder.word() for name, holder in holders.items()}
        assert words == dict.fromkeys(hosts, "held"), "the change was over before it could be held"
        yield Held(play, holders.values())
    finally:
        play.kill()
        for holder in holders.values():
            holder.close()


def crash(host: Machine) -> None:
    """Cut the host off its power, and boot it again."""
    number = host.id()
    podman("kill", host.container)
    # What was about to start in it when it died must not start after the boot.
    while any(number in line for line in _command_lines()):
        time.sleep(0.1)
    podman("start", host.container)
    host.wait()


def _command_lines() -> Iterator[str]:
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            yield path.read_text(encoding="utf-8", errors="replace")


def is_pending(host: Machine) -> bool:
    return host.sh(f"if [ -e {PENDING} ]; then echo yes; fi") == "yes\n"


def settled(host: Machine, seconds: float = 60) -> None:
    """Wait until no change is pending on ``host``."""
    deadline = time.monotonic() + seconds
    while is_pending(host):
        assert time.monotonic() < deadline, f"still pending after {seconds} s\n{host.sh('journalctl --no-pager | tail -30')}"
        time.sleep(0.5)
