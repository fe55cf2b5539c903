# Copyright: (c) 2026, avi.firewall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Probe from several hosts of the lab at once."""

from __future__ import annotations

import json
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

PROBE = Path(__file__).with_name("probe.py").read_text(encoding="utf-8")
PREFIX = "avi-firewall-"
# They mostly wait, for what does not answer.
AT_ONCE = 12

Target = tuple[str, str, int]


def probe_from(source: str, targets: list[Target], timeout: float) -> list[str]:
    """Return what the host ``source`` (its inventory name) gets from each of ``targets``, in the same order."""
    done = subprocess.run(
        ["podman", "exec", "--interactive", PREFIX + source, "python3", "-c", PROBE],
        input=json.dumps({"targets": targets, "timeout": timeout}),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"no probe from {source}: {done.stderr.strip()}")
    return json.loads(done.stdout)


def reach(sources: list[str], targets: list[Target], timeout: float = 1.0) -> dict[tuple[str, Target], str]:
    """Return a word (see probe.py) for every pair of source, by its inventory name, and target."""
    with ThreadPoolExecutor(max_workers=AT_ONCE) as pool:
        answers = pool.map(lambda source: probe_from(source, targets, timeout), sources)
        return {
            (source, target): word
            for source, words in zip(sources, answers, strict=True)
            for target, word in zip(targets, words, strict=True)
        }
