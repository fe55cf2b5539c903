# Copyright: (c) 2026, avi.firewall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The user saves what runs, with our rules in it; then hosts boot, peers leave, our rules are taken away, our own boot code fails."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

import pytest
from faults.admin import close
from faults.machines import PERSISTENT, Machine, each, entry, machines, only
from faults.plays import attempt, management, site
from faults.state import State, changes, look
from lab.runs import Run

# Where rules of iptables are saved by netfilter-persistent, and where their sets are, too. ufw saves what it is told by itself.
SAVERS = ("iptables", "iptables-and-ipset", "nftables", "firewalld")
# Files of the user's own, that name what is ours once they are saved; what firewalld saves are objects, which we look after.
SAVED = {
    "iptables": ["/etc/iptables/rules.v4", "/etc/iptables/rules.v6"],
    "iptables-and-ipset": ["/etc/iptables/rules.v4", "/etc/iptables/rules.v6", "/etc/iptables/ipsets"],
    "nftables": ["/etc/nftables.conf"],
}
FAULTS = {
    "record": "for record in /etc/avi-firewall/*/con.json; do echo '{' > $record; done",
    "library": "rm -r /usr/local/lib/avi-firewall",
}
BROKEN = [(saver, fault) for saver in SAVED for fault in FAULTS]

OWN = [("tcp", 2222)]
NEVER = [("tcp", 5054)]
EVERYONE = only("client", "newcomer", "unwanted", "stranger")

_OWN_RULE = {
    "firewalld": "for scope in '' --permanent; do firewall-cmd $scope --add-port=2222/tcp; done",
    "iptables": "for command in iptables ip6tables; do $command -A INPUT -p tcp --dport 2222 -j ACCEPT; done",
    "nftables": "nft add rule inet filter input tcp dport 2222 accept",
}
_SAVE = {
    "firewalld": "firewall-cmd --runtime-to-permanent",
    "iptables": "netfilter-persistent save",
    "nftables": "{ printf '#!/usr/sbin/nft -f\\nflush ruleset\\n'; nft list ruleset; } > /tmp/saved && cp /tmp/saved /etc/nftables.conf",
}
# The user takes out of a file what is ours: the lines, and the blocks of nftables.
_EDIT = r"sed -i -e '/^\t\(set\|chain\) avi-con-/,/^\t}/d' -e '/avi-con-/d'"


def _backend(saver: str) -> str:
    return saver.split("-")[0]


@dataclasses.dataclass
class Stage:
    """Who gets in by our rules, by the user's own, and where nobody may; the state, where it matters; the run."""

    entry: dict[str, dict[str, str]]
    own: dict[str, dict[str, str]]
    never: dict[str, dict[str, str]]
    run: Run | None = None

    def of(self, saver: str) -> tuple[dict[str, str], dict[str, str], dict[str, str]]:
        return self.entry[saver], self.own[saver], self.never[saver]


def _stage(hosts: dict[str, Machine], run: Run | None = None) -> Stage:
    return Stage(*(entry(hosts.values(), cells) for cells in ([("tcp", 443), ("udp", 161)], OWN, NEVER)), run)


def _states(hosts: dict[str, Machine]) -> dict[str, State]:
    return dict(zip(hosts, each(look, hosts.values()), strict=True))


def _prepare(hosts: dict[str, Machine]) -> None:
    """Close the hosts, with a rule of the user's own that is saved."""
    for name, host in hosts.items():
        if name.startswith("iptables") and "and-ipset" not in name:
            host.sh("dpkg --purge ipset-persistent")
    close(hosts)
    each(lambda name: hosts[name].sh(_OWN_RULE[_backend(name)]), hosts)


def _save(hosts: dict[str, Machine]) -> None:
    each(lambda name: hosts[name].sh(_SAVE[_backend(name)]), hosts)


def _reboot(hosts: dict[str, Machine]) -> Stage:
    each(lambda host: host.reboot(), hosts.values())
    return _stage(hosts)


@pytest.fixture(scope="module")
def hosts() -> Iterator[dict[str, Machine]]:
    with machines(*SAVERS, image=PERSISTENT) as found:
        _prepare(found)
        yield found


@pytest.fixture(scope="module")
def saved(hosts) -> Stage:
    attempt(hosts.values(), **management("client", "newcomer"))
    _save(hosts)
    return _reboot(hosts)


@pytest.fixture(scope="module")
def left(hosts, saved) -> Stage:
    attempt(hosts.values(), **management("client"))
    return _reboot(hosts)


@pytest.fixture(scope="module")
def refused(hosts, left) -> tuple[Run, dict[str, list[str]]]:
    before = _states(hosts)
    run = attempt(hosts.values(), avi_firewall_state="absent")
    after = _states(hosts)
    return run, {name: changes(before[name], after[name]) for name in hosts}


@pytest.fixture(scope="module")
def gone(hosts, refused) -> Stage:
    for name, files in SAVED.items():
        hosts[name].sh(f"{_EDIT} {' '.join(files)}")
    run = attempt(hosts.values(), avi_firewall_state="absent")
    stage = _reboot(hosts)
    stage.run = run
    return stage


@pytest.mark.parametrize("saver", SAVERS)
def test_a_host_boots_from_what_was_saved(saved, saver):
    assert saved.of(saver) == (only("client", "newcomer"), EVERYONE, only())


@pytest.mark.parametrize("saver", SAVERS)
def test_a_peer_that_left_after_the_save_stays_out_after_a_boot(left, saver):
    assert left.of(saver) == (only("client"), EVERYONE, only())


@pytest.mark.parametrize("saver", SAVED)
def test_absent_stops_while_a_saved_file_names_what_is_ours(refused, saver):
    run, changed = refused
    assert run.failed[saver] == 1, str(run)
    assert any(file in run.message(saver) for file in SAVED[saver])
    assert "avi-con-" in run.message(saver), "what has to go out of the file?"
    assert changed[saver] == []


@pytest.mark.parametrize("saver", SAVERS)
def test_absent_works_once_no_saved_file_names_what_is_ours(hosts, gone, saver):
    assert gone.run.failed[saver] == 0, str(gone.run)
    assert gone.of(saver) == (only(), EVERYONE, only())
    assert hosts[saver].sh("find / /run -xdev -iname 'avi[-_]*'; grep -rl avi-con /etc --exclude='*.old' || true") == ""


@pytest.fixture(scope="module")
def broken() -> Iterator[dict[str, Stage]]:
    """Boots whose code of ours fails, then the next run."""
    with machines(*(f"{saver}-{fault}" for saver, fault in BROKEN), image=PERSISTENT) as hosts:
        _prepare(hosts)
        site(hosts.values())
        _save(hosts)
        each(lambda name: hosts[name].sh(FAULTS[name.rpartition("-")[2]]), hosts)
        found = {"booted": _reboot(hosts)}
        run = attempt(hosts.values())
        yield found | {"mended": _stage(hosts, run)}


@pytest.mark.parametrize(("saver", "fault"), BROKEN)
def test_a_boot_without_our_code_has_the_rules_of_the_user_and_is_not_open(broken, saver, fault):
    ours, own, never = broken["booted"].of(f"{saver}-{fault}")
    assert own == EVERYONE
    assert never == only()
    # The peer may be in, by the rules that were saved, or not.
    assert ours in (only("client"), only())


@pytest.mark.parametrize(("saver", "fault"), BROKEN)
def test_the_next_run_mends_it(broken, saver, fault):
    stage = broken["mended"]
    assert stage.run.failed[f"{saver}-{fault}"] == 0, str(stage.run)
    assert stage.of(f"{saver}-{fault}") == (only("client"), EVERYONE, only())
