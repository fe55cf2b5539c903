# Copyright: (c) 2026, avi.firewall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs on a managed host: waits for a certain moment of a run of the collection there, and holds that moment.

    hold.py during PATH   as soon as this file changes, stops the module where it is
    hold.py after         when the change is made, keeps out whoever would confirm it, until input ends

Says "held" when it is so, or "missed" when the run was over before. A line of input ends the modules on this host, which is "killed" then.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import signal
import sys
import time
from pathlib import Path

PENDING = Path("/var/lib/avi-firewall/pending.json")
LOCK = Path("/run/avi-firewall.lock")


def modules() -> list[int]:
    """Return the processes of modules: Python, and started by no unit of systemd."""
    found = []
    for folder in Path("/proc").iterdir():
        with contextlib.suppress(OSError, ValueError):
            pid = int(folder.name)
            python = "python3" in (folder / "exe").readlink().name
            if python and pid != os.getpid() and b"INVOCATION_ID=" not in (folder / "environ").read_bytes():
                found.append(pid)
    return found


def send(number: signal.Signals) -> list[int]:
    """Send a signal to every module, and return which they are."""
    found = modules()
    for pid in found:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)
    return found


def stamp(path: Path) -> int:
    return path.stat().st_mtime_ns if path.exists() else 0


def during(path: Path, before: int) -> bool:
    while stamp(path) == before:
        time.sleep(0.001)
    return bool(send(signal.SIGSTOP)) and PENDING.exists()


def after() -> int | None:
    while PENDING.exists():
        held = os.open(LOCK, os.O_RDWR | os.O_CREAT, 0o600)
        with contextlib.suppress(OSError):
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if os.path.samestat(os.fstat(held), LOCK.stat()) and PENDING.exists():
                return held
        os.close(held)
    return None


def main() -> None:
    path = Path(sys.argv[2]) if sys.argv[1] == "during" else PENDING
    before = stamp(path)
    print("waiting", flush=True)
    while not PENDING.exists():
        time.sleep(0.001)
    held = during(path, before) if sys.argv[1] == "during" else after()
    print("held" if held else "missed", flush=True)
    for _line in sys.stdin:
        send(signal.SIGKILL)
        print("killed", flush=True)


main()
