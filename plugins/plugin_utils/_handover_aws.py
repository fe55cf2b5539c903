# Copyright: (c) 2026, avi.firewall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The flows as security groups of AWS: for Terraform, and for the module amazon.aws.ec2_security_group.

A group for each node type, to be attached to its instances, by networks: a reference to another group would hold within one network only.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any

from . import _handover_loadable
from ._handover_loadable import NAME, Flow, Rule

# How many rules a group has, in each direction and family, unless the account was given more.
QUOTA = 60
DIRECTIONS = {"in": ("ingress", "rules", "inbound"), "out": ("egress", "rules_egress", "outbound")}
CIDR = {4: ("cidr_ipv4", "cidr_ip"), 6: ("cidr_ipv6", "cidr_ipv6")}


def terraform(flows: Sequence[Flow]) -> str:
    """Return a configuration of Terraform, in its JSON syntax, that makes the groups in the network ``var.avi_vpc_id``.

    Raises LoadableError as :func:`_handover_loadable.groups` does.
    """
    made: dict[str, dict[str, Any]] = {"aws_security_group": {}}
    groups = _handover_loadable.groups(flows)
    for end, rules in groups.items():
        group = f"{NAME}_{end}"
        made["aws_security_group"][group] = {
            "name": _handover_loadable.group_name(end),
            "description": _described(end, flows),
            "vpc_id": "${var.avi_vpc_id}",
        }
        for rule in rules:
            ruled = made.setdefault(f"aws_vpc_security_group_{DIRECTIONS[rule.direction][0]}_rule", {})
            for version, (cidr, _option) in CIDR.items():
                for network in rule.of_family(version):
                    # A name that depends on nothing but the rule, so that Terraform leaves the others alone when one comes or goes.
                    name = f"{group}_{rule.protocol}_{rule.port or 'all'}_{network}"
                    ruled[re.sub(r"\W", "_", name)] = {
                        "security_group_id": f"${{aws_security_group.{group}.id}}",
                        "description": rule.told(),
                        cidr: network,
                        **_ports(rule, version, "ip_protocol"),
                    }
    document = {
        "//": _handover_loadable.origin(flows),
        "terraform": {"required_providers": {"aws": {"source": "hashicorp/aws", "version": ">= 5.0"}}},
        "variable": {"avi_vpc_id": {"type": "string", "description": "The VPC that the instances of Avi are in"}},
        "resource": made,
        "output": {f"{NAME}_{end}_security_group_id": {"value": f"${{aws_security_group.{NAME}_{end}.id}}"} for end in groups},
    }
    return json.dumps(document, indent=2) + "\n"


def ec2_tasks(flows: Sequence[Flow]) -> str:
    """Return tasks that make the groups in the network ``avi_vpc_id`` with amazon.aws.ec2_security_group, and take other rules from them.

    Raises LoadableError as :func:`_handover_loadable.groups` does.
    """
    made = []
    for end, rules in _handover_loadable.groups(flows).items():
        options: dict[str, Any] = {
            "name": _handover_loadable.group_name(end),
            "description": _described(end, flows),
            "vpc_id": "{{ avi_vpc_id }}",
            # Also where empty: without the option it would be everything that is let out.
            "rules": [],
            "rules_egress": [],
        }
        for rule in rules:
            for version, (_attribute, cidr) in CIDR.items():
                if networks := rule.of_family(version):
                    options[DIRECTIONS[rule.direction][1]].append(
                        {**_ports(rule, version, "proto"), cidr: networks, "rule_desc": rule.told()}
                    )
        made.append({"name": f"Make the security group {options['name']}", "amazon.aws.ec2_security_group": options})
    return _handover_loadable.tasks(_handover_loadable.origin(flows), made)


def warnings(flows: Sequence[Flow]) -> list[str]:
    """Return a warning for each group that has more rules than AWS allows unasked."""
    found = []
    for end, rules in _handover_loadable.groups(flows).items():
        for direction, (_resource, _option, way) in DIRECTIONS.items():
            for version in CIDR:
                count = sum(len(rule.of_family(version)) for rule in rules if rule.direction == direction)
                if count > QUOTA:
                    group = _handover_loadable.group_name(end)
                    found.append(
                        f"the security group {group} has {count} {way} IPv{version} rules, and AWS allows {QUOTA}: "
                        "name whole networks in avi_firewall_peers, or ask AWS for more (inbound or outbound rules per security group)"
                    )
    return found


def _described(end: str, flows: Sequence[Flow]) -> str:
    return f"{end}: {_handover_loadable.origin(flows)}"


def _ports(rule: Rule, version: int, protocol: str) -> dict[str, Any]:
    """Return the protocol and ports of ``rule``, where ``protocol`` is the name of that option. -1 is every type of ICMP."""
    if rule.protocol == "icmp":
        return {protocol: "icmp" if version == 4 else "icmpv6", "from_port": -1, "to_port": -1}
    if rule.port is None:
        return {protocol: rule.protocol.removeprefix("ip-")}
    return {protocol: rule.protocol, "from_port": rule.port, "to_port": rule.port}
