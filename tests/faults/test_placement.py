# Copyright: (c) 2026, avi.firewall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Our accepts stand after foreign specific denies and before the catch-all, whichever came first: judged by packets."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

import pytest
from faults.admin import BACKENDS, CATCH_ALL, CATCH_KINDS, LATE_CATCH_ALL, OWN_CHAIN, close, deny, deny_by_map, deny_inside, everywhere
from faults.machines import PEERS, Machine, each, entry, machines, only
from faults.plays import attempt, management, site
from lab.runs import Run

TOLD = management("client", "newcomer", "unwanted")
# firewalld sorts denies before accepts by itself: there is nothing to move.
ORDERED = [backend for backend in BACKENDS if backend != "firewalld"]


@dataclasses.dataclass
class Told:
    """What became of a run on all hosts, who gets in afterwards, and what became of one more run."""

    run: Run
    entry: dict[str, dict[str, str]]
    again: Run

    def check(self, backend: str, *peers: str, changes: bool) -> None:
        """The run succeeded and changed something or not; exactly these peers get in; the next run changed nothing."""
        assert not self.run.message(backend)
        assert self.entry[backend] == only(*peers)
        assert (self.run.changed[backend] > 0) == changes
        assert self.again.changed[backend] == 0


def runs(hosts: dict[str, Machine]) -> Told:
    run = attempt(hosts.values(), **TOLD)
    seen = entry(hosts.values())
    return Told(run, seen, attempt(hosts.values(), **TOLD))


@pytest.fixture(scope="module")
def hosts() -> Iterator[dict[str, Machine]]:
    with machines(*BACKENDS) as found:
        close(found)
        each(lambda backend: deny(backend, found[backend], PEERS["unwanted"]), BACKENDS)
        yield found


@pytest.fixture(scope="module")
def denied_before(hosts) -> Told:
    return runs(hosts)


@pytest.fixture(scope="module")
def denied_one_port(hosts, denied_before) -> Told:
    each(lambda backend: deny(backend, hosts[backend], PEERS["client"], port="9999"), BACKENDS)
    return runs(hosts)


@pytest.fixture(scope="module")
def denied_after(hosts, denied_one_port) -> Told:
    each(lambda backend: deny(backend, hosts[backend], PEERS["newcomer"]), BACKENDS)
    return runs(hosts)


@pytest.fixture(scope="module")
def caught_last(hosts, denied_after) -> Told:
    everywhere(LATE_CATCH_ALL["last"], hosts)
    return runs(hosts)


@pytest.fixture(scope="module")
def caught_first() -> Iterator[tuple[dict[str, Machine], dict[str, dict[str, str]], Told]]:
    """Return also who got in before the run."""
    with machines(*ORDERED) as hosts:
        close(hosts)
        site(hosts.values(), **TOLD)
        everywhere(LATE_CATCH_ALL["first"], hosts)
        yield hosts, entry(hosts.values()), runs(hosts)


@pytest.fixture(scope="module")
def denied_behind(caught_first) -> Told:
    hosts = caught_first[0]
    each(lambda backend: deny(backend, hosts[backend], PEERS["newcomer"]), ORDERED)
    return runs(hosts)


@pytest.fixture(scope="module")
def caught_before() -> Iterator[Told]:
    with machines(*BACKENDS) as hosts:
        close(hosts)
        each(lambda backend: deny(backend, hosts[backend], PEERS["unwanted"]), BACKENDS)
        everywhere(CATCH_ALL, hosts)
        yield runs(hosts)


@pytest.fixture(scope="module")
def caught_by_kind() -> Iterator[Told]:
    with machines(*CATCH_KINDS) as hosts:
        close(hosts)
        each(lambda backend: deny(backend, hosts[backend], PEERS["unwanted"]), CATCH_KINDS)
        everywhere(CATCH_KINDS, hosts)
        yield runs(hosts)


@pytest.fixture(scope="module")
def caught_inside() -> Iterator[tuple[dict[str, Machine], Told]]:
    with machines(*OWN_CHAIN) as hosts:
        close(hosts)
        everywhere(OWN_CHAIN, hosts)
        each(lambda backend: deny_inside(backend, hosts[backend], PEERS["stranger"]), OWN_CHAIN)
        yield hosts, runs(hosts)


@pytest.fixture(scope="module")
def denied_inside(caught_inside) -> Told:
    hosts = caught_inside[0]
    each(lambda backend: deny_inside(backend, hosts[backend], PEERS["newcomer"]), OWN_CHAIN)
    return runs(hosts)


@pytest.fixture(scope="module")
def denied_by_map() -> Iterator[Told]:
    with machines("nftables") as hosts:
        close(hosts)
        site(hosts.values(), **TOLD)
        deny_by_map(hosts["nftables"], PEERS["newcomer"])
        yield runs(hosts)


@pytest.fixture(scope="module")
def restored_twice() -> Iterator[Told]:
    """Rules that were saved with ours in them, restored beside those that stand: a jump on each side of what stops all."""
    with machines("iptables") as hosts:
        close(hosts)
        site(hosts.values(), **TOLD)
        hosts["iptables"].sh("""
            for command in iptables ip6tables; do
              $command-save -t filter > /tmp/saved
              $command -A INPUT -j DROP
              $command-restore --noflush /tmp/saved
              test "$($command -S INPUT | grep -c avi-con-in)" = 2
            done
            """)
        yield runs(hosts)


@pytest.mark.parametrize("backend", BACKENDS)
def test_an_address_denied_before_stays_out(denied_before, backend):
    denied_before.check(backend, "client", "newcomer", changes=True)


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_denied_port_that_is_none_of_ours_changes_nothing(denied_one_port, backend):
    # A jump leads to all ports, and goes behind every deny.
    denied_one_port.check(backend, "client", "newcomer", changes=backend in ("iptables", "nftables"))


@pytest.mark.parametrize("backend", BACKENDS)
def test_an_address_denied_after_our_rules_is_out_with_the_next_run(denied_after, backend):
    denied_after.check(backend, "client", changes=backend in ORDERED)


@pytest.mark.parametrize("backend", BACKENDS)
def test_peers_pass_a_catch_all_at_the_end(caught_before, backend):
    caught_before.check(backend, "client", "newcomer", changes=True)


@pytest.mark.parametrize("backend", CATCH_KINDS)
def test_peers_pass_what_refuses_each_kind_of_packets_before_the_catch_all(caught_by_kind, backend):
    caught_by_kind.check(backend, "client", "newcomer", changes=True)


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_catch_all_that_comes_later_changes_nothing(caught_last, backend):
    caught_last.check(backend, "client", changes=False)


@pytest.mark.parametrize("backend", ORDERED)
def test_peers_pass_a_catch_all_that_was_put_first(caught_first, backend):
    _hosts, before, told = caught_first
    assert before[backend] == only(), "the catch-all catches nothing"
    told.check(backend, "client", "newcomer", "unwanted", changes=True)


@pytest.mark.parametrize("backend", ORDERED)
def test_a_deny_behind_a_catch_all_stops_the_run(denied_behind, backend):
    """Ours cannot stand behind the one and before the other: nobody is let in whom a rule denies, reached or not."""
    assert "behind it, which is never reached" in denied_behind.run.message(backend)
    assert denied_behind.entry[backend] == only("client", "newcomer", "unwanted"), "it is as it was"


@pytest.mark.parametrize("backend", OWN_CHAIN)
def test_peers_pass_a_chain_that_stops_all_and_denies_none_of_them(caught_inside, backend):
    caught_inside[1].check(backend, "client", "newcomer", "unwanted", changes=True)


@pytest.mark.parametrize("backend", OWN_CHAIN)
def test_a_deny_of_a_peer_in_a_chain_that_stops_all_stops_the_run(denied_inside, backend):
    assert "which leads to" in denied_inside.run.message(backend)
    assert denied_inside.entry[backend] == only("client", "newcomer", "unwanted"), "it is as it was"


def test_an_address_that_a_verdict_map_drops_is_out_with_the_next_run(denied_by_map):
    denied_by_map.check("nftables", "client", "unwanted", changes=True)


def test_of_two_equal_jumps_the_one_before_the_catch_all_is_left(restored_twice):
    restored_twice.check("iptables", "client", "newcomer", "unwanted", changes=True)
