# Copyright: (c) 2026, avi.firewall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Addresses as people write them, and as a firewall wants them: checked, normalised, collapsed."""

from __future__ import annotations

import functools
import ipaddress
import re
import socket
from collections.abc import Callable, Iterable, Sequence
from typing import Any

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

MAPPED = ipaddress.IPv6Network("::ffff:0:0/96")

# RFC 1123, and a last label that is no number (RFC 3696), so that a mistyped address is never looked up as a name.
HOST_NAME = re.compile(
    r"(?=.{1,253}\Z)(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)*(?!\d+\.?\Z)[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.?",
    re.ASCII | re.IGNORECASE,
)


class AddressError(ValueError):
    """Something that was given as an address is none that a rule can be made of."""


def network(value: Any) -> Network:
    """Return ``value`` (``192.0.2.1``, ``192.0.2.0/24``, ``2001:db8::/32``) as a network, host bits cleared.

    An IPv4-mapped IPv6 address becomes the IPv4 address it means: on the wire it is one.
    Raises AddressError for anything else, and for what can be no peer: the unspecified address, multicast, a zone id.
    """
    if not isinstance(value, str):
        raise AddressError(f"{value!r} is a {type(value).__name__}, not a string")
    text = value.strip()
    if "%" in text:
        raise AddressError(f"{value!r} names a zone, which means something on one host only")
    try:
        found: Network = ipaddress.ip_network(text, strict=False)
    except ValueError as exc:
        raise AddressError(f"{value!r} is not an address or network") from exc
    if isinstance(found, ipaddress.IPv6Network) and found.subnet_of(MAPPED):
        found = ipaddress.IPv4Network((int(found.network_address) & 0xFFFFFFFF, found.prefixlen - 96))
    if found.prefixlen == found.max_prefixlen and found.network_address.is_unspecified:
        raise AddressError(f"{value!r} is no one's address; everyone is written '0.0.0.0/0' and '::/0'")
    if found.network_address.is_multicast:
        raise AddressError(f"{value!r} is a multicast address, which is never a peer")
    return found


def address(value: Any) -> str:
    """Return ``value`` as the one address of a host. Raises AddressError, also for a network."""
    found = network(value)
    if found.prefixlen != found.max_prefixlen:
        raise AddressError(f"{value!r} is a network, where the address of a host is wanted")
    return str(found.network_address)


def is_host_name(value: Any) -> bool:
    """Say whether ``value`` has the form of a host name, and not that of a mistyped address."""
    return isinstance(value, str) and HOST_NAME.fullmatch(value) is not None


@functools.cache
def resolve(name: str) -> tuple[str, ...]:
    """Return the addresses of the host ``name`` in both families. Raises AddressError when there are none.

    Loopback addresses, as a machine's own hosts file has for its name, are nobody's on the network: they count as none.
    """
    try:
        found = socket.getaddrinfo(name, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as exc:
        raise AddressError(f"the host name {name!r} does not resolve: {exc}") from exc
    addresses = sorted({str(entry[4][0]) for entry in found})
    if not (others := [address for address in addresses if not ipaddress.ip_address(address).is_loopback]):
        raise AddressError(f"the host name {name!r} resolves to {', '.join(addresses)}, which only the control node itself has")
    return tuple(others)


def as_list(value: Any) -> list[Any]:
    """Return ``value`` as a list: a string stands for itself. Raises AddressError for a mapping, a number, None."""
    if isinstance(value, str):
        return [value]
    if isinstance(value, (list, tuple)):
        return list(value)
    raise AddressError(f"{value!r} is a {type(value).__name__}, not an address or a list of them")


def networks(values: Any, resolve: Callable[[str], Iterable[str]] = resolve) -> list[str]:
    """Return the networks that ``values`` (a string or a list: addresses, networks, host names) stand for.

    They are normalised, free of duplicates and overlaps, neighbours merged; IPv4 before IPv6, each in order.
    ``resolve`` turns a host name into addresses. Raises AddressError.
    """
    found: list[Network] = []
    for value in as_list(values):
        if is_host_name(value):
            found += [network(entry) for entry in resolve(value)]
        else:
            found.append(network(value))
    return collapse(found)


def collapse(found: Iterable[Network]) -> list[str]:
    """Return ``found`` without duplicates and overlaps, neighbours merged, IPv4 first, as strings."""
    by_version: dict[int, list[Any]] = {4: [], 6: []}
    for entry in found:
        by_version[entry.version].append(entry)
    return [str(entry) for version in (4, 6) for entry in ipaddress.collapse_addresses(by_version[version])]


def without(collapsed: Sequence[str], addresses: Iterable[str]) -> list[str]:
    """Return ``collapsed``, which :func:`collapse` has returned, without some ``addresses`` of hosts."""
    left = list(collapsed)
    for value in addresses:
        taken = str(network(value))
        if taken in left:
            left.remove(taken)  # as a rule it has no neighbour that it was merged with
        else:
            left = minus(left, [taken])
    return left


def minus(values: Iterable[str], others: Iterable[str]) -> list[str]:
    """Return the networks that hold exactly the addresses of ``values`` that are none of ``others``, collapsed, as strings."""
    theirs = [ipaddress.ip_network(other) for other in others]
    left: list[Network] = []
    for value in map(ipaddress.ip_network, values):
        parts = [value]
        for other in (other for other in theirs if other.overlaps(value)):
            parts = [rest for part in parts for rest in _but(part, other)]
        left += parts
    return collapse(left)


def _but(part: Any, other: Any) -> Iterable[Network]:
    if not part.overlaps(other):
        return [part]
    return [] if part.subnet_of(other) else list(part.address_exclude(other))


def of_family(values: Iterable[str], version: int) -> list[str]:
    """Return those of ``values`` (networks as strings) that belong to IP ``version`` 4 or 6."""
    return [value for value in values if (6 if ":" in value else 4) == version]
