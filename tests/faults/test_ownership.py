# Copyright: (c) 2026, avi.firewall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is not ours stays as it is, to the byte, whatever we do beside it."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

import pytest
from faults.admin import BACKENDS, close
from faults.foreign import populate
from faults.machines import Machine, each, entry, machines, only
from faults.plays import absent, management, site
from faults.state import State, changes, look, without_ours
from lab.runs import Run

# The unwanted is a peer whom fail2ban has banned.
LIFE = {
    "applied": management("client", "unwanted"),
    "peer added": management("client", "unwanted", "newcomer"),
    "peer removed": management("client", "unwanted"),
    "second run": management("client", "unwanted"),
}


@dataclasses.dataclass
class Stage:
    """A moment in the life of our rules."""

    run: Run | None
    entry: dict[str, dict[str, str]]
    states: dict[str, State]


def _stage(hosts: dict[str, Machine], run: Run | None) -> Stage:
    return Stage(run, entry(hosts.values()), dict(zip(hosts, each(look, hosts.values()), strict=True)))


@pytest.fixture(scope="module")
def life() -> Iterator[dict[str, Stage]]:
    with machines(*BACKENDS) as hosts:
        close(hosts)
        populate(hosts)
        stages = {"before": _stage(hosts, None)}
        for name, told in LIFE.items():
            stages[name] = _stage(hosts, site(hosts.values(), **told))
        stages["absent"] = _stage(hosts, absent(hosts.values()))
        yield stages


@pytest.mark.parametrize("stage", LIFE)
@pytest.mark.parametrize("backend", BACKENDS)
def test_beside_ours_all_that_is_foreign_is_as_before(life, backend, stage):
    before, now = (life[name].states[backend] for name in ("before", stage))
    assert changes(before, now), "nothing of ours is there"
    assert changes(without_ours(before), without_ours(now)) == []


@pytest.mark.parametrize("backend", BACKENDS)
def test_after_absent_everything_is_as_before(life, backend):
    assert changes(*(life[name].states[backend] for name in ("before", "absent"))) == []


@pytest.mark.parametrize("backend", BACKENDS)
def test_peers_get_in_beside_it_and_the_banned_do_not(life, backend):
    assert {name: stage.entry[backend] for name, stage in life.items()} == {
        "before": only(),
        "applied": only("client"),
        "peer added": only("client", "newcomer"),
        "peer removed": only("client"),
        "second run": only("client"),
        "absent": only(),
    }


@pytest.mark.parametrize("backend", BACKENDS)
def test_only_changes_are_reported(life, backend):
    changed = {name: stage.run.changed[backend] > 0 for name, stage in life.items() if stage.run}
    assert changed == {"applied": True, "peer added": True, "peer removed": True, "second run": False, "absent": True}
