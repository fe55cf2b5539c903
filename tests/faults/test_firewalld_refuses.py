# Copyright: (c) 2026, avi.firewall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""firewalld may refuse what it is told: the run says what, the old rules stand, and once that is mended the next run succeeds."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest
from faults.admin import close
from faults.interruptions import held, is_pending
from faults.machines import Machine, entry, machines, only
from faults.plays import attempt, management, site
from faults.state import changes, look

# Nobody may change anything through D-Bus, not even root.
LOCKDOWN = (
    """
    echo '<whitelist/>' > /etc/firewalld/lockdown-whitelist.xml
    sed -i 's/^Lockdown=.*/Lockdown=yes/' /etc/firewalld/firewalld.conf
    firewall-cmd --quiet --reload
    """,
    """
    sed -i 's/^Lockdown=.*/Lockdown=no/' /etc/firewalld/firewalld.conf
    firewall-cmd --quiet --reload
    """,
    "firewalld refuses: ACCESS_DENIED: lockdown is enabled",
)
NO_RELOAD = "firewalld refuses what stands in /etc/firewalld, which it has to load for this change"
NO_SERVICE = ("echo '<service>' > /etc/firewalld/services/x.xml", "rm /etc/firewalld/services/x.xml", f"{NO_RELOAD}: INVALID_SERVICE")
NO_ZONE = ("echo '<zone>' > /etc/firewalld/zones/x.xml", "rm /etc/firewalld/zones/x.xml", f"{NO_RELOAD}: INVALID_ZONE")
OLD, NEW = management("client"), management("client", "newcomer")
# For a new port firewalld must be reloaded.
RELOADS = {**NEW, "avi_firewall_features": ["http"]}


@pytest.fixture(scope="module")
def closed() -> Iterator[Machine]:
    with machines("firewalld") as found:
        close(found)
        yield found["firewalld"]


@pytest.fixture
def host(closed: Machine) -> Machine:
    """Return a host with the old rules."""
    site([closed], **OLD)
    assert entry([closed]) == {"firewalld": only("client")}
    return closed


def succeeds(host: Machine, **told: Any) -> None:
    site([host], **told)
    assert entry([host]) == {"firewalld": only("client", "newcomer")}
    assert site([host], **told).changed == {"firewalld": 0}


@pytest.mark.parametrize(
    ("refusal", "told"),
    [(LOCKDOWN, NEW), (LOCKDOWN, RELOADS), (NO_SERVICE, RELOADS), (NO_ZONE, RELOADS)],
    ids=["lockdown", "lockdown and a reload", "a service that cannot be read", "a zone that cannot be read"],
)
def test_the_run_says_so_and_the_old_rules_stand(host: Machine, refusal: tuple[str, str, str], told: dict[str, Any]) -> None:
    spoil, mend, message = refusal
    host.sh(spoil)
    before = look(host)
    try:
        run = attempt([host], **told)
        assert run.failed == {"firewalld": 1}
        assert message in run.message("firewalld")
        assert changes(before, look(host)) == []
        assert entry([host]) == {"firewalld": only("client")}
    finally:
        host.sh(mend)
    succeeds(host, **told)


def test_a_roll_back_that_is_refused_is_made_up_for(host: Machine) -> None:
    """A file is spoilt after the change, before it is confirmed."""
    spoil, mend, message = NO_SERVICE
    with held({"firewalld": host}, {"firewalld": ("after",)}, **RELOADS, avi_firewall_confirm_timeout=4) as run:
        host.sh(spoil)
        run.kill()
    time.sleep(8)
    assert is_pending(host), "it was taken back: nothing was refused"
    said = attempt([host], **RELOADS).message("firewalld")
    assert f"a change that was not confirmed cannot be taken back: {message}" in said
    host.sh(mend)
    site([host], **OLD)
    assert entry([host]) == {"firewalld": only("client")}
    succeeds(host, **RELOADS)
