# Copyright: (c) 2026, avi.firewall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Between networks and everyone the rules of firewalld are other ones, and so are its sets: taken back or away, nothing of them is left."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from faults.admin import close
from faults.interruptions import held, settled
from faults.machines import PEERS, Machine, entry, machines, only
from faults.plays import absent, management, site
from faults.state import State, changes, look

# Who is told to be let in, and who gets in then.
PLANS: dict[str, tuple[dict[str, Any], tuple[str, ...]]] = {
    "networks": (management("client"), ("client",)),
    "everyone": ({"avi_firewall_peers": {"management_client": ["0.0.0.0/0", "::/0"]}}, tuple(PEERS)),
}
# The zone is written just before the reload.
MOMENTS = {"halfway": ("during", "/etc/firewalld/zones/public.xml"), "made": ("after",)}


@pytest.fixture(scope="module")
def closed() -> Iterator[tuple[Machine, State]]:
    """Return a host, and all that is on it."""
    with machines("firewalld") as found:
        close(found)
        # The first rules make files of what firewalld only had in memory.
        site(found.values(), **management("client"))
        absent(found.values())
        yield found["firewalld"], look(found["firewalld"])


@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize(("old", "new"), [("networks", "everyone"), ("everyone", "networks")])
def test_nothing_is_left(closed: tuple[Machine, State], old: str, new: str, moment: str) -> None:
    host, untouched = closed
    site([host], **PLANS[old][0])
    before = look(host)
    with held({"firewalld": host}, {"firewalld": MOMENTS[moment]}, **PLANS[new][0], avi_firewall_confirm_timeout=4) as run:
        run.kill()
    settled(host)
    assert changes(before, look(host)) == []
    assert entry([host]) == {"firewalld": only(*PLANS[old][1])}
    assert site([host], **PLANS[new][0]).changed == {"firewalld": 1}
    assert entry([host]) == {"firewalld": only(*PLANS[new][1])}
    absent([host])
    assert changes(untouched, look(host)) == []
