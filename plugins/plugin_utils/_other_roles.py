# Copyright: (c) 2026, avi.firewall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The plan of a host as input of firewall roles and modules that are not ours."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from . import _addresses, _plan, _port_matrix, _task

Rule = Mapping[str, Any]

# Where rules come from, for messages.
LOOKUP = "query('avi.firewall.host_plan', …)"
EVERYONE = ("0.0.0.0/0", "::/0")
# What a rule of the lookup has.
KEYS = ("host", "node", "direction", "peer", "name", "protocol", "port", "networks", "why")
# The chain of ferm, and what it calls the other end.
FERM = {"in": ("INPUT", "saddr", "from"), "out": ("OUTPUT", "daddr", "to")}


class OtherRoleError(ValueError):
    """What was given is no plan, or one that cannot be said in the words of the other role."""


def firewalld_rich_rules(rules: Any) -> list[str]:
    """Return the rich rules of firewalld that let in what ``rules`` (of one host, as the lookup host_plan returns them) let in.

    One for each network and port, each once, in the order of the rules. Everyone (a network of length 0) is written without a source.
    Raises OtherRoleError for a rule that goes out, which no zone of firewalld holds, and for what is no list of rules of one host.
    """
    found = []
    for rule in _checked(rules):
        if rule["direction"] == "out":
            raise OtherRoleError(
                f"rule {rule['name']} goes out, to {rule['peer']}, and a zone of firewalld holds only what comes in: leave "
                "avi_firewall_outbound false, or put selectattr('direction', '==', 'in') before this filter"
            )
        found += [_rich_rule(rule, network) for network in rule["networks"]]
    return list(dict.fromkeys(found))


def _rich_rule(rule: Rule, network: str) -> str:
    """Return the rule as firewalld itself would write it, which is what its users compare with."""
    family = "ipv6" if ":" in network else "ipv4"
    source = "" if network in EVERYONE else f' source address="{network}"'
    return f'rule family="{family}"{source} port port="{rule["port"]}" protocol="{rule["protocol"]}" accept'


def system_role_firewall(rules: Any, zone: Any = None, state: Any = "enabled") -> list[dict[str, Any]]:
    """Return the list ``firewall`` of the role linux-system-roles.firewall that lets in what ``rules`` do.

    ``zone`` None is the default zone. ``state`` is enabled, or disabled to take the same rules away. No rules: an empty list.
    Raises OtherRoleError as :func:`firewalld_rich_rules` does, and for a name that can be no zone; PortMatrixError for another state.
    """
    _port_matrix.require("state", state, ("enabled", "disabled"))
    if zone is not None and not (isinstance(zone, str) and _task.ZONE.fullmatch(zone)):
        raise OtherRoleError(f"zone {zone!r} is no zone of firewalld: letters, digits, '_' and '-'")
    found = firewalld_rich_rules(rules)
    return [{**({"zone": zone} if zone else {}), "rich_rule": found, "state": state}] if found else []


def debops_ferm(rules: Any) -> list[dict[str, Any]]:
    """Return ``rules`` (of one host, as the lookup host_plan returns them) as rules of the role debops.debops.ferm.

    One entry, and so one file on the host, for each node type and direction: a peer or port that leaves the plan leaves the file.
    Raises OtherRoleError for what is no list of rules of one host.
    """
    found: dict[str, dict[str, Any]] = {}
    for rule in _checked(rules):
        name = f"avi-{_plan.PARTS[rule['node']]}-{rule['direction']}"
        entry = found.setdefault(name, {"name": name, "type": "accept", "by_role": "avi.firewall", "rules": []})
        chain, other_end, way = FERM[rule["direction"]]
        entry["rules"].append(
            {
                "comment": f"{rule['name']} {way} {rule['peer']}: {rule['why']}",
                "chain": chain,
                "protocol": rule["protocol"],
                "dport": [rule["port"]],
                other_end: rule["networks"],
                # The role takes a rule without addresses for one about everyone.
                "accept_any": False,
            }
        )
    return list(found.values())


def _checked(rules: Any) -> list[Rule]:
    """Return ``rules`` with their networks normalised. Raises OtherRoleError unless they are rules of one host."""
    if isinstance(rules, str) or not isinstance(rules, Sequence):
        raise OtherRoleError(f"{rules!r} is a {type(rules).__name__}, not the list of rules that {LOOKUP} returns")
    found = [_sound(rule) for rule in rules]
    if len(hosts := sorted({rule["host"] for rule in found})) > 1:
        raise OtherRoleError(f"the rules are of {', '.join(hosts)}: give those of one host, for each opens its own")
    return found


def _sound(rule: Any) -> Rule:
    """Return ``rule`` with its networks normalised. Raises OtherRoleError where a firewall's own words could not be made of it."""
    if not isinstance(rule, Mapping):
        raise OtherRoleError(f"{rule!r} is no rule, as {LOOKUP} returns them")
    if missing := [key for key in KEYS if key not in rule]:
        raise OtherRoleError(f"{dict(rule)!r} has no {', '.join(missing)}, as the rules that {LOOKUP} returns have")
    try:
        _port_matrix.require("node", rule["node"], _plan.PARTS)
        _port_matrix.require("direction", rule["direction"], FERM)
        _port_matrix.require("protocol", rule["protocol"], ("tcp", "udp"))
        if isinstance(rule["port"], bool) or not isinstance(rule["port"], int) or not 1 <= rule["port"] <= 65535:
            raise OtherRoleError(f"port {rule['port']!r} is not a number from 1 to 65535")
        networks = _addresses.collapse(_addresses.network(network) for network in _addresses.as_list(rule["networks"]))
    except ValueError as exc:
        raise OtherRoleError(f"rule {rule['name']} of host {rule['host']}: {exc}") from exc
    if not networks:
        raise OtherRoleError(f"rule {rule['name']} of host {rule['host']}: networks is empty, so there is nobody to let in or to reach")
    return {**rule, "networks": networks}
