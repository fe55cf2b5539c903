# Copyright: (c) 2026, avi.firewall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the expressions of nftables, as nft -j prints them, say of a packet."""

from __future__ import annotations

import ipaddress
import operator
import socket
from collections.abc import Callable, Mapping
from typing import Any

from ._packet import Packet, PathError, Tri, World, address, named, negated, one_of, within

PROTOCOLS = {"tcp": 6, "udp": 17}
ORDER: dict[str, Callable[[Any, Any], bool]] = {"<": operator.lt, ">": operator.gt, "<=": operator.le, ">=": operator.ge}

# Sets and maps of one table, by name: their elements, None for a set whose elements were not read.
Named = Mapping[str, Any]


class Absent:
    """Stands for what this packet has not, such as the port of another protocol: its rule does not match, whatever the operator."""


class Unknown:
    """Stands for what cannot be told."""


ABSENT, UNKNOWN = Absent(), Unknown()


def value(expression: Any, packet: Packet, world: World) -> Any:
    """Return what ``expression`` is for ``packet``: an int, a str, an address, a bool, a frozenset of flags, a list for a concatenation.

    ABSENT and UNKNOWN stand for what the packet has not and what cannot be told.
    """
    if isinstance(expression, (str, int)):
        return expression
    if not isinstance(expression, dict) or len(expression) != 1:
        return UNKNOWN
    ((kind, detail),) = expression.items()
    if kind == "concat":
        return [value(part, packet, world) for part in detail]
    if kind in ("&", "|", "^"):
        return _combined(kind, detail, packet, world)
    if kind == "payload" and isinstance(detail, dict) and "protocol" in detail:
        return _payload(detail["protocol"], detail.get("field"), packet)
    if kind == "exthdr" and isinstance(detail, dict):
        return ABSENT if "field" in detail else False  # whether there is such a header
    if kind in ("meta", "ct", "fib") and isinstance(detail, dict):
        return {"meta": _meta, "ct": _connection, "fib": _fib}[kind](detail, packet, world)
    return UNKNOWN


def _combined(kind: str, sides: Any, packet: Packet, world: World) -> Any:
    if kind == "|" and all(isinstance(side, str) for side in sides):
        return frozenset(sides)
    left = value(sides[0], packet, world)
    if left is ABSENT:
        return ABSENT
    if isinstance(left, frozenset) and kind == "&":
        return left & _flags(sides[1])
    right = value(sides[1], packet, world)
    if isinstance(left, int) and isinstance(right, int):
        return {"&": operator.and_, "|": operator.or_, "^": operator.xor}[kind](left, right)
    return UNKNOWN


def _payload(protocol: str, part: Any, packet: Packet) -> Any:
    if protocol in ("ip", "ip6"):
        if packet.version != {"ip": 4, "ip6": 6}[protocol]:
            return ABSENT
        known = {"saddr": packet.source, "daddr": packet.destination, "protocol": packet.protocol, "nexthdr": packet.protocol}
        return known.get(part, UNKNOWN)
    if protocol in ("icmp", "icmpv6", "sctp", "dccp", "udplite", "ah", "esp", "comp", "igmp", "arp") or (
        protocol in PROTOCOLS and protocol != packet.protocol
    ):
        return ABSENT
    if protocol in (packet.protocol, "th"):
        known_parts = {"dport": packet.port, "sport": packet.source_port or UNKNOWN}
        if protocol == "tcp":
            known_parts["flags"] = frozenset({"syn"})
        return known_parts.get(part, UNKNOWN)
    return {"type": "ip" if packet.version == 4 else "ip6"}.get(part, UNKNOWN) if protocol == "ether" else UNKNOWN


def _meta(detail: Mapping[str, Any], packet: Packet, world: World) -> Any:
    key = detail.get("key")
    if key in ("iif", "iifname"):
        return _Device(packet.interface, packet.source)
    if key in ("oif", "oifname"):
        return _Device(packet.out) if world.hook == "forward" else ABSENT
    if key == "mark":
        return UNKNOWN if world.mark is None else world.mark
    return {
        "l4proto": packet.protocol,
        "nfproto": f"ipv{packet.version}",
        "protocol": "ip" if packet.version == 4 else "ip6",
        "pkttype": "host",
    }.get(key, UNKNOWN)


def _connection(detail: Mapping[str, Any], packet: Packet, world: World) -> Any:
    key, reply = detail.get("key"), detail.get("dir") == "reply"
    if key == "state":
        return UNKNOWN if world.tracked is None else frozenset({"new" if world.tracked else "untracked"})
    if not world.tracked:
        return UNKNOWN if world.tracked is None else ABSENT
    if key == "status":
        return frozenset({"dnat"} if packet.dnat else ())
    if key == "mark":
        return UNKNOWN if world.connection_mark is None else world.connection_mark
    if reply:
        return UNKNOWN
    known = {
        "direction": "original",
        "l3proto": f"ipv{packet.version}",
        "protocol": packet.protocol,
        "proto-dst": packet.first_port,
        "proto-src": packet.source_port or UNKNOWN,
    }
    family = "ip" if packet.version == 4 else "ip6"
    for prefix in ("", "ip ", "ip6 "):
        other = prefix.strip() not in ("", family)
        known[f"{prefix}daddr"] = ABSENT if other else packet.first_destination
        known[f"{prefix}saddr"] = ABSENT if other else packet.source
    return known.get(key, UNKNOWN)


def _fib(detail: Mapping[str, Any], packet: Packet, world: World) -> Any:
    result, flags = detail.get("result"), detail.get("flags") or []
    flags = [flags] if isinstance(flags, str) else flags
    if result == "type" and flags in (["daddr"], ["saddr"]):
        kind = world.kind(packet.destination if flags == ["daddr"] else packet.source)
        return UNKNOWN if kind is None else kind
    if result in ("oif", "check") and "saddr" in flags:
        found = world.returns(packet, by_interface="iif" in flags)
        return UNKNOWN if found is None else found
    return UNKNOWN


class _Device:
    """A device, whose name may not be known."""

    def __init__(self, name: str, source: str = "") -> None:
        self.name = name
        self.source = source


def compare(sign: str, left: Any, right: Any, known: Named) -> Tri:
    """Say whether ``left``, a value, stands in the relation ``sign`` to ``right``, an expression."""
    if left is ABSENT or (isinstance(left, list) and ABSENT in left):
        return False
    if left is UNKNOWN:
        return None
    if isinstance(left, Labels):
        return negated(left.has(right)) if sign == "!=" else left.has(right)
    if isinstance(left, frozenset):
        return _compare_flags(sign, left, right, known)
    if sign in ORDER:
        return ORDER[sign](left, right) if isinstance(left, int) and isinstance(right, int) else None
    if sign in ("==", "in", "!="):
        found = contains(right, left, known)
        return negated(found) if sign == "!=" else found
    return None


class Labels:
    """The labels of a connection."""

    def __init__(self, labels: Mapping[str, Tri]) -> None:
        self.labels = labels

    def has(self, label: Any) -> Tri:
        """Say whether ``label`` is one of them."""
        return self.labels.get(str(label), False) if isinstance(label, (str, int)) else None


def _flags(right: Any) -> frozenset[str]:
    """Return the flags that ``right`` names. Raises PathError for what names none."""
    if isinstance(right, str):
        return frozenset(right.split(","))
    if isinstance(right, list) and all(isinstance(flag, str) for flag in right):
        return frozenset(right)
    if isinstance(right, dict) and list(right) in (["|"], ["set"]):
        return frozenset().union(*map(_flags, next(iter(right.values()))))
    if right == 0:
        return frozenset()
    raise PathError(f"{right!r} names no flags")


def _compare_flags(sign: str, left: frozenset[str], right: Any, known: Named) -> Tri:
    if isinstance(right, str) and right.startswith("@"):
        elements = known.get(right[1:])
        return None if elements is None else _compare_flags(sign, left, {"set": elements}, known)
    try:
        flags = _flags(right)
    except PathError:
        return None
    overlap = bool(left & flags)
    if sign == "in" or (isinstance(right, dict) and "set" in right):
        return overlap
    if sign == "!=":
        # Of several flags it depends on how the kernel was told whether one is enough.
        return None if overlap and left != flags else left != flags
    return left == flags if sign == "==" else None


def contains(right: Any, one: Any, known: Named) -> Tri:
    """Say whether ``right`` (a value, prefix, range, set, or the name of one in ``known``) is or holds the value ``one``."""
    if one is ABSENT:
        return False
    if one is UNKNOWN:
        return None
    if isinstance(right, str) and right.startswith("@"):
        elements = known.get(right[1:])
        return None if elements is None else one_of(contains(element, one, known) for element in elements)
    if isinstance(right, dict) and len(right) == 1:
        return _contains(*next(iter(right.items())), one, known)
    if isinstance(right, dict) and "elem" in right:
        return contains(right["elem"], one, known)
    if right == "*":
        return True
    return _equal(right, one)


def _contains(kind: str, detail: Any, one: Any, known: Named) -> Tri:
    if kind == "set" and isinstance(detail, list):
        return one_of(contains(element, one, known) for element in detail)
    if kind == "set" and isinstance(detail, (str, dict)):
        return contains(detail, one, known)
    if kind == "elem":
        return contains(detail["val"] if isinstance(detail, dict) and "val" in detail else detail, one, known)
    if kind == "concat" and isinstance(one, list) and isinstance(detail, list) and len(one) == len(detail):
        parts = [contains(part, single, known) for part, single in zip(detail, one)]
        return False if False in parts else None if None in parts else True
    if kind == "prefix" and isinstance(one, str) and isinstance(detail, dict):
        return _inside(one, f"{detail.get('addr')}/{detail.get('len')}")
    if kind == "range" and isinstance(detail, list) and len(detail) == 2:
        lowest, highest = detail
        if isinstance(one, int):
            return lowest <= one <= highest if isinstance(lowest, int) and isinstance(highest, int) else None
        return _inside(one, str(lowest), str(highest)) if isinstance(one, str) else None
    return None


def _inside(one: str, lowest: str, highest: str = "") -> Tri:
    try:
        return within(one, lowest, highest)
    except PathError:
        return None


def _equal(right: Any, one: Any) -> Tri:
    if isinstance(one, _Device):
        return named(right, one.name, one.source) if isinstance(right, str) else None
    if isinstance(one, frozenset):
        return _compare_flags("in", one, right, {})
    if isinstance(one, bool) or isinstance(right, bool):
        return right == one if isinstance(one, bool) and isinstance(right, bool) else None
    if isinstance(one, int):
        return right == one if isinstance(right, int) else _service(right) == one if _service(right) else None
    if isinstance(one, str) and isinstance(right, int):
        return PROTOCOLS[one] == right if one in PROTOCOLS else None
    if isinstance(one, str) and isinstance(right, str):
        return _same_text(one, right)
    return None


def _same_text(one: str, right: str) -> bool:
    if right == "unicast" and one == "host":
        return True  # two names of one type of packet
    try:
        return ipaddress.ip_address(right) == address(one)
    except ValueError:
        return right == one


def _service(name: Any) -> int | None:
    """Return the port of a service, which old releases of nft print by its name."""
    try:
        return socket.getservbyname(name) if isinstance(name, str) else None
    except OSError:
        return None


def labels(expression: Any, world: World) -> Any:
    """Return the labels of the connection if ``expression`` asks for them, else None."""
    return Labels(world.labels) if expression == {"ct": {"key": "label"}} else None
