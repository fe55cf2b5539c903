# Copyright: (c) 2026, avi.firewall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A packet that opens a connection, what is known of the host it comes to, and what becomes of it."""

from __future__ import annotations

import contextlib
import ipaddress
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Optional, Union

# True, False, or None: it cannot be told.
Tri = Optional[bool]
Address = Union[ipaddress.IPv4Address, ipaddress.IPv6Address]

OURS = re.compile(r'comment "?avi:|avi-(?:con|se|node)-|^inet avi-firewall ')


class PathError(ValueError):
    """A ruleset, or a question about one, is not understood."""


def negated(value: Tri) -> Tri:
    """Return the opposite of ``value``."""
    return None if value is None else not value


def both(one: Tri, other: Tri) -> Tri:
    """Say whether both are true."""
    if one is False or other is False:
        return False
    return None if one is None or other is None else True


def one_of(values: Iterable[Tri]) -> Tri:
    """Say whether one of ``values`` is true."""
    found: Tri = False
    for value in values:
        if value:
            return True
        if value is None:
            found = None
    return found


@dataclass(frozen=True)
class Packet:
    """The first packet of a connection, as it comes to a host.

    ``source`` and ``destination`` are addresses of one family, ``protocol`` is tcp or udp, ``port`` the destination's. ``interface`` is
    the device it comes in by, ``out`` the one by which it is forwarded; empty: not known. ``source_port`` 0 is not known either. Once its
    destination is rewritten (``dnat``), ``original`` and ``original_port`` are what it was. Raises PathError for anything else.
    """

    source: str
    destination: str
    protocol: str
    port: int
    interface: str = ""
    out: str = ""
    source_port: int = 0
    original: str = ""
    original_port: int = 0
    dnat: bool = False

    def __post_init__(self) -> None:
        if self.protocol not in ("tcp", "udp") or not 0 < self.port < 65536:
            raise PathError(f"{self.protocol} {self.port} is not a port of tcp or udp")
        if address(self.source).version != address(self.destination).version:
            raise PathError(f"{self.source} and {self.destination} are not of one family")

    @property
    def version(self) -> int:
        """Return 4 or 6."""
        return address(self.source).version

    @property
    def first_destination(self) -> str:
        """Return the destination before it was rewritten."""
        return self.original or self.destination

    @property
    def first_port(self) -> int:
        """Return the port before it was rewritten."""
        return self.original_port or self.port


def address(text: str) -> Address:
    """Return the address that ``text`` is, without a scope. Raises PathError for what is none."""
    try:
        return ipaddress.ip_address(text.partition("%")[0])
    except ValueError as exc:
        raise PathError(str(exc)) from exc


def within(text: str, lowest: str, highest: str = "") -> Tri:
    """Say whether the address ``text`` lies in the network ``lowest``, or from there to ``highest``; None for what is neither."""
    one = address(text)
    try:
        if not highest:
            network = ipaddress.ip_network(lowest, strict=False)
            return one.version == network.version and one in network
        first, last = address(lowest), address(highest)
    except ValueError:
        return None
    return one.version == first.version == last.version and int(first) <= int(one) <= int(last)


@dataclass
class World:
    """What else bears on the rules: the host, where the packet is in it, and what rules have done to it so far.

    ``addresses`` are those of the host, with their device and length of prefix; ``back`` is the device of the route back to the source,
    empty where there is no route, None where it was not read. ``mark`` and ``connection_mark`` may not be known (None), nor may
    ``tracked`` and the ``labels`` of the connection. While ``sure`` is False, it is in doubt whether the packet comes here at all.
    """

    addresses: Mapping[str, tuple[str, int]] = field(default_factory=dict)
    back: str | None = None
    hook: str = "input"
    mark: int | None = 0
    connection_mark: int | None = 0
    tracked: Tri = True
    labels: dict[str, Tri] = field(default_factory=dict)
    sure: bool = True

    def is_local(self, one: str) -> Tri:
        """Say whether ``one`` is an address of this host."""
        if address(one).is_loopback:
            return True
        return any(address(own) == address(one) for own in self.addresses) if self.addresses else None

    def device(self, one: str) -> str:
        """Return the device that has the address ``one`` or its network; empty if there is none."""
        found = [name for own, (name, _length) in self.addresses.items() if address(own) == address(one)]
        found += [name for own, (name, length) in self.addresses.items() if within(one, f"{own.partition('%')[0]}/{length}")]
        return found[0] if found else ""

    def kind(self, one: str) -> str | None:
        """Return local, multicast, broadcast or unicast, as the kernel calls the address ``one``; None if it cannot be told."""
        if address(one).is_multicast:
            return "multicast"
        if one == "255.255.255.255":
            return "broadcast"
        local = self.is_local(one)
        return None if local is None else "local" if local else "unicast"

    def returns(self, packet: Packet, by_interface: bool) -> Tri:
        """Say whether there is a route back to the source; ``by_interface``: by the device that the packet came in by."""
        if self.back is None or (by_interface and self.back and not packet.interface):
            return None
        return bool(self.back) and (not by_interface or self.back == packet.interface)

    @contextlib.contextmanager
    def unless(self, matches: Tri) -> Iterator[None]:
        """Be in doubt meanwhile, unless the rule that leads there ``matches`` for certain."""
        before, self.sure = self.sure, self.sure and matches is True
        try:
            yield
        finally:
            self.sure = before


def named(pattern: str, name: str, source: str = "") -> Tri:
    """Say whether the device ``name`` is meant by ``pattern``, whose end may be left open with + or *.

    Where the name is not known, the loopback device is ruled out for a ``source`` that is elsewhere.
    """
    if not name:
        return False if pattern == "lo" and source and not address(source).is_loopback else None
    return name.startswith(pattern[:-1]) if pattern.endswith(("+", "*")) else name == pattern


@dataclass(frozen=True)
class Step:
    """A rule, or the policy of a chain, that decides; ``number`` is its place in the chain from 1 on, 0 is the policy's.

    ``manager`` is one of iptables, ip6tables, iptables-legacy, ip6tables-legacy and nftables. ``counter`` are the packets that it has
    counted, None where it counts none; an accept of nftables that reads a named counter shows all of that. ``verdict`` is accept, drop,
    reject, dnat, redirect, unknown, or ``policy accept`` and ``policy drop``. It is not ``certain`` when a rule that could not be judged
    may come before it; ``ours`` when the collection made it.
    """

    manager: str
    table: str
    chain: str
    text: str
    number: int
    counter: int | None
    verdict: str
    certain: bool = True
    to: tuple[str, int] | None = None

    @property
    def ours(self) -> bool:
        """Say whether it bears a name of ours."""
        return bool(OURS.search(f"{self.table} {self.chain} {self.text}"))

    @property
    def stops(self) -> bool:
        """Say whether it ends the packet."""
        return self.verdict in ("drop", "reject", "policy drop")

    @property
    def kind(self) -> str:
        """Return what becomes of the packet, whoever says so: accept, stop, dnat or unknown."""
        if self.stops:
            return "stop"
        return {"policy accept": "accept", "redirect": "dnat"}.get(self.verdict, self.verdict)


@dataclass
class Path:
    """What becomes of a packet on a host.

    ``decision`` is accept, drop, reject, or unknown when a rule that cannot be judged may decide otherwise; those are the ``doubts``.
    ``deciding`` is the rule or policy that ends the packet, or the one that accepts it: ours if there is one, else of the last chain in
    which a rule does. ``steps`` is what each chain on a hook decides, in the order of the kernel. ``carrier`` is the rule of ours that
    accepts this packet, even if it is never reached. ``forwarded_to`` is where the packet goes when its destination is rewritten.
    ``route_back`` is the route to the source, or why there is none.
    """

    decision: str
    deciding: Step | None = None
    steps: list[Step] = field(default_factory=list)
    carrier: Step | None = None
    forwarded_to: tuple[str, int] | None = None
    doubts: list[str] = field(default_factory=list)
    hook: str = "input"
    route_back: str = ""

    @property
    def reached(self) -> bool:
        """Say whether the packet comes to the rule of ours that accepts it."""
        return self.carrier is not None and any(_same(step, self.carrier) for step in self.steps)


def _same(one: Step, other: Step) -> bool:
    return (one.manager, one.table, one.chain, one.number) == (other.manager, other.table, other.chain, other.number)
