# Copyright: (c) 2026, avi.firewall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The flows as security groups of OpenStack, for the module openstack.cloud.security_group_rule."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from . import _handover_loadable
from ._handover_loadable import Flow, Rule

DIRECTIONS = {"in": "ingress", "out": "egress"}


def tasks(flows: Sequence[Flow]) -> str:
    """Return tasks that make a group for each node type and put its rules in. They take none away.

    Raises LoadableError as :func:`_handover_loadable.groups` does.
    """
    groups = _handover_loadable.groups(flows)
    origin = _handover_loadable.origin(flows)
    options = (
        "security_group",
        "direction",
        "ether_type",
        "protocol",
        "port_range_min",
        "port_range_max",
        "remote_ip_prefix",
        "description",
    )
    optional = ("port_range_min", "port_range_max")
    made = [
        {
            "name": "Make the security groups",
            "openstack.cloud.security_group": {"name": "{{ item.name }}", "description": "{{ item.description }}"},
            "loop": [{"name": _handover_loadable.group_name(end), "description": f"{end}: {origin}"} for end in groups],
            "loop_control": {"label": "{{ item.name }}"},
        },
        {
            "name": "Put the rules into the security groups",
            "openstack.cloud.security_group_rule": {
                option: f"{{{{ item.{option} | default(omit) }}}}" if option in optional else f"{{{{ item.{option} }}}}"
                for option in options
            },
            "loop": [
                rule_of_network
                for end, rules in groups.items()
                for rule in rules
                for version in (4, 6)
                for rule_of_network in _rules(end, rule, version)
            ],
            "loop_control": {"label": "{{ item.security_group }} {{ item.direction }} {{ item.remote_ip_prefix }}"},
        },
    ]
    return _handover_loadable.tasks(origin, made)


def _rules(end: str, rule: Rule, version: int) -> list[dict[str, Any]]:
    protocol = {4: "icmp", 6: "ipv6-icmp"}[version] if rule.protocol == "icmp" else rule.protocol.removeprefix("ip-")
    ports = {} if rule.port is None else {"port_range_min": rule.port, "port_range_max": rule.port}
    return [
        {
            "security_group": _handover_loadable.group_name(end),
            "direction": DIRECTIONS[rule.direction],
            "ether_type": f"IPv{version}",
            "protocol": protocol,
            **ports,
            "remote_ip_prefix": network,
            "description": rule.told(),
        }
        for network in rule.of_family(version)
    ]
