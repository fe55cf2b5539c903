# Copyright: (c) 2026, avi.firewall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Words of nftables that everything needs which writes or reads its rules."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

# Of a table, and the versions of IP that it sees.
FAMILIES = {"inet": (4, 6), "ip": (4,), "ip6": (6,)}
# By version of IP.
PROTOCOLS = {4: "ip", 6: "ip6"}
ADDRESS_TYPES = {4: "ipv4_addr", 6: "ipv6_addr"}


def pairs(data: Any, named: Mapping[str, Any]) -> list[tuple[Any, Any]]:
    """Return the elements of a map as nft -j prints it: one in the rule, or one of the table, whose elements are ``named``, by its name."""
    if isinstance(data, str):
        data = named.get(data.lstrip("@"))
    elif isinstance(data, dict):
        data = data.get("set")
    return [(pair[0], pair[1]) for pair in data or () if isinstance(pair, list) and len(pair) == 2]
