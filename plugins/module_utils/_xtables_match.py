# Copyright: (c) 2026, avi.firewall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the conditions of iptables say of a packet, and the sets that they name."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from ._packet import Packet, Tri, World, both, named, negated, one_of, within

NUMBERS = {"tcp": "6", "udp": "17"}
# Headers that the first packet of a connection over tcp or udp is taken not to have.
HEADERS = frozenset({"ah", "dst", "esp", "eui64", "frag", "hbh", "icmp", "icmp6", "mh", "rt", "sctp", "dccp"})
# Modules that say nothing by themselves: their options do, each of which is known here or cannot be told.
# fmt: off
MODULES = frozenset({
    "addrtype", "comment", "conntrack", "connmark", "iprange", "limit", "mark", "multiport", "pkttype", "set", "state", "tcp", "udp",
    "hashlimit", "recent", "statistic", "connlimit", "owner", "physdev", "mac", "length", "ttl", "hl", "string", "u32", "time", "bpf",
    "cgroup", "cluster", "connbytes", "connlabel", "quota", "quota2", "realm", "tos", "dscp", "helper", "policy", "devgroup",
})
# fmt: on


@dataclass
class Set:
    """A set of ipset: its type, and each entry with whether it is an exception (nomatch)."""

    kind: str
    entries: list[tuple[str, bool]] = field(default_factory=list)

    def holds(self, one: str) -> Tri:
        """Say whether the address ``one`` is in it: the longest of its networks that fit decides. None for sets of anything else."""
        if self.kind not in ("hash:net", "hash:ip", "bitmap:ip"):
            return None
        fitting = []
        for entry, exception in self.entries:
            lowest, _dash, highest = entry.partition("-")
            inside = within(one, lowest, highest)
            if inside is None:
                return None
            if inside:
                length = ipaddress.ip_network(lowest, strict=False).prefixlen
                fitting.append((length, not exception))
        return max(fitting)[1] if fitting else False


def sets(text: str) -> dict[str, Set]:
    """Return the sets that ``ipset save`` printed as ``text``; a line that it does not print is passed by."""
    found: dict[str, Set] = {}
    for words in map(str.split, text.splitlines()):
        if words[:1] == ["create"] and len(words) > 2:
            found[words[1]] = Set(words[2])
        elif words[:1] == ["add"] and len(words) > 2 and words[1] in found:
            found[words[1]].entries.append((words[2], "nomatch" in words[3:]))
    return found


def holds(module: str, option: str, values: Sequence[str], packet: Packet, world: World, known: Mapping[str, Set]) -> Tri:
    """Say whether ``packet`` meets one condition, without regard to a ``!`` before it; None where it cannot be told."""
    if option == "--match-set":
        name, directions = (*values, "", "")[:2]
        one = {"src": packet.source, "dst": packet.destination}.get(directions)
        return known[name].holds(one) if name in known and one else None
    if option == "-m":
        return _module(values, packet, world)
    judge = OPTIONS.get((module, option)) or OPTIONS.get(("", option))
    return judge(" ".join(values), packet, world) if judge else None


def _module(values: Sequence[str], packet: Packet, world: World) -> Tri:
    """Say what naming a module says: tcp and udp want their protocol, rpfilter a route back."""
    name = "".join(values[:1])
    if name == "rpfilter":
        return world.returns(packet, by_interface="--loose" not in values)
    if name in HEADERS:
        return False
    if name in NUMBERS:
        return packet.protocol == name
    return True if name in MODULES else None


def _protocol(value: str, packet: Packet, _world: World) -> Tri:
    return value in (packet.protocol, NUMBERS[packet.protocol], "all", "0")


def _ports(value: str, port: int) -> Tri:
    """Say whether ``port`` is in a list of ports and ranges; a port that is not known (0) is in one of all ports."""
    return one_of(_port(part, port) for part in value.split(","))


def _port(part: str, port: int) -> Tri:
    lowest, colon, highest = part.partition(":")
    try:
        first, last = int(lowest or 0), int((highest or 65535) if colon else lowest)
    except ValueError:
        return None
    if not port:
        return True if first <= 1 and last == 65535 else None
    return first <= port <= last


def _either_port(value: str, packet: Packet, _world: World) -> Tri:
    return one_of((_ports(value, packet.port), _ports(value, packet.source_port)))


def _state(value: str, packet: Packet, world: World) -> Tri:
    """Say whether the packet is in one of these states: it is new, and may have a rewritten destination."""
    found = []
    for state in value.split(","):
        known = {"NEW": world.tracked, "UNTRACKED": negated(world.tracked), "DNAT": packet.dnat}
        found.append(known.get(state, False))
    return one_of(found)


def _type(value: str, one: str, world: World) -> Tri:
    kind = world.kind(one)
    # A broadcast address of a network may be unicast for all that is known here.
    return None if kind is None else kind in value.lower().split(",")


def _flags(value: str, packet: Packet, _world: World) -> Tri:
    """Say whether --tcp-flags holds for the first packet of a connection: of all flags it has SYN."""
    mask, _space, wanted = value.partition(" ")
    all_flags = "FIN,SYN,RST,PSH,ACK,URG"
    masked = {"SYN"} & set((all_flags if mask == "ALL" else mask).split(","))
    wanted_set = set() if wanted == "NONE" else set((all_flags if wanted == "ALL" else wanted).split(","))
    return packet.protocol == "tcp" and masked == wanted_set


def _mark(value: str, mark: int | None) -> Tri:
    number, _slash, mask = value.partition("/")
    try:
        return None if mark is None else (mark & (int(mask, 0) if mask else 0xFFFFFFFF)) == int(number, 0)
    except ValueError:
        return None


def _range(value: str, one: str) -> Tri:
    lowest, _dash, highest = value.partition("-")
    return within(one, lowest, highest)


Judge = Callable[[str, Packet, World], Tri]


def _always(_value: str, _packet: Packet, _world: World) -> Tri:
    return True


def _never(_value: str, _packet: Packet, _world: World) -> Tri:
    return False


# By module and option; without a module: the same in every one.
OPTIONS: dict[tuple[str, str], Judge] = {
    ("", "-p"): _protocol,
    ("", "-s"): lambda value, packet, _world: within(packet.source, value),
    ("", "-d"): lambda value, packet, _world: within(packet.destination, value),
    ("", "-i"): lambda value, packet, _world: named(value, packet.interface, packet.source),
    ("", "-o"): lambda value, packet, world: named(value, packet.out) if world.hook == "forward" else value == "+",
    ("", "-f"): _never,
    ("comment", "--comment"): _always,
    ("", "--dport"): lambda value, packet, _world: _ports(value, packet.port),
    ("", "--sport"): lambda value, packet, _world: _ports(value, packet.source_port),
    ("multiport", "--dports"): lambda value, packet, _world: _ports(value, packet.port),
    ("multiport", "--sports"): lambda value, packet, _world: _ports(value, packet.source_port),
    ("multiport", "--ports"): _either_port,
    ("tcp", "--tcp-flags"): _flags,
    ("state", "--state"): _state,
    ("conntrack", "--ctstate"): _state,
    ("conntrack", "--ctdir"): lambda value, _packet, world: both(world.tracked, value == "ORIGINAL"),
    ("conntrack", "--ctproto"): _protocol,
    ("conntrack", "--ctorigsrc"): lambda value, packet, _world: within(packet.source, value),
    ("conntrack", "--ctorigdst"): lambda value, packet, _world: within(packet.first_destination, value),
    ("conntrack", "--ctorigdstport"): lambda value, packet, _world: _ports(value, packet.first_port),
    ("addrtype", "--dst-type"): lambda value, packet, world: _type(value, packet.destination, world),
    ("addrtype", "--src-type"): lambda value, packet, world: _type(value, packet.source, world),
    ("pkttype", "--pkt-type"): lambda value, packet, _world: value == "unicast",
    ("iprange", "--src-range"): lambda value, packet, _world: _range(value, packet.source),
    ("iprange", "--dst-range"): lambda value, packet, _world: _range(value, packet.destination),
    ("mark", "--mark"): lambda value, _packet, world: _mark(value, world.mark),
    ("connmark", "--mark"): lambda value, _packet, world: _mark(value, world.connection_mark),
}
