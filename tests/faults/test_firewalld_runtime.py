# Copyright: (c) 2026, avi.firewall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""firewalld forgets, when it is reloaded, what others added to its running configuration only."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from faults.admin import close
from faults.foreign import load_containers
from faults.machines import Machine, entry, machines, only
from faults.plays import attempt, management, site
from faults.state import changes, look, without_ours

# What is added at runtime, and the word by which the message must list it.
RUNTIME = {
    "port": ("--zone=public --add-port=9100/tcp", "9100"),
    "service": ("--zone=public --add-service=ntp", "ntp"),
    "rich rule": ("--zone=public --add-rich-rule='rule family=ipv4 source address=203.0.113.77 drop'", "203.0.113.77"),
    "source": ("--zone=work --add-source=192.0.2.128/25", "192.0.2.128/25"),
    "source port": ("--zone=public --add-source-port=9101/udp", "9101"),
    "protocol": ("--zone=public --add-protocol=gre", "gre"),
    "forwarded port": ("--zone=public --add-forward-port=port=9102:proto=tcp:toport=2222", "9102"),
    "ICMP block": ("--zone=public --add-icmp-block=redirect", "redirect"),
    "masquerading": ("--zone=dmz --add-masquerade", "masquerade"),
    "member of an ipset": ("--ipset=partners --add-entry=198.51.100.9", "198.51.100.9"),
    "rule of a policy": ("--policy=partners --add-rich-rule='rule family=ipv4 source address=203.0.113.78 drop'", "203.0.113.78"),
    "direct rule": ("--direct --add-rule ipv4 filter INPUT 0 -s 203.0.113.79 -j DROP", "203.0.113.79"),
}
# A reload flushes the tables of iptables as well; Docker mends its rules when it hears of that, podman does not.
LISTED = {**{kind: word for kind, (_options, word) in RUNTIME.items()}, "rules of Docker": "DOCKER", "rules of podman": "NETAVARK"}
PERMANENT = """
    firewall-cmd --permanent --new-ipset=partners --type=hash:net
    firewall-cmd --permanent --new-policy=partners
    firewall-cmd --permanent --policy=partners --add-ingress-zone=ANY
    firewall-cmd --permanent --policy=partners --add-egress-zone=HOST
    firewall-cmd --reload
"""


def _add(host: Machine) -> None:
    host.sh("\n".join(f"firewall-cmd {options}" for options, _word in RUNTIME.values()))
    load_containers(host)


@pytest.fixture(scope="module")
def host() -> Iterator[Machine]:
    with machines("firewalld") as found:
        close(found)
        found["firewalld"].sh(PERMANENT)
        _add(found["firewalld"])
        yield found["firewalld"]


@pytest.fixture(scope="module")
def refused(host) -> tuple[str, list[str]]:
    """Return what the run that needs a reload says, and what it changed."""
    before = look(host)
    run = attempt([host])
    return run.message("firewalld"), changes(before, look(host))


@pytest.mark.parametrize("kind", LISTED)
def test_what_a_reload_would_lose_is_listed(refused, kind):
    assert LISTED[kind] in refused[0]


def test_nothing_is_changed_before_that_is_said(refused):
    assert "avi_firewall_firewalld_reload" in refused[0]
    assert refused[1] == []


@pytest.fixture(scope="module")
def reloaded(host, refused) -> Machine:
    site([host], avi_firewall_firewalld_reload=True)
    return host


def test_the_run_goes_on_when_the_user_says_so(reloaded):
    assert entry([reloaded]) == {"firewalld": only("client")}
    assert "9100/tcp" not in reloaded.sh("firewall-cmd --list-ports"), "there was no reload: nothing above was needed"


def test_a_run_without_a_reload_leaves_it_alive(reloaded):
    _add(reloaded)
    before = look(reloaded)
    site([reloaded], **management("client", "newcomer"))
    assert entry([reloaded]) == {"firewalld": only("client", "newcomer")}
    assert changes(without_ours(before), without_ours(look(reloaded))) == []
