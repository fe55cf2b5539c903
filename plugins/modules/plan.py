#!/usr/bin/python
# Copyright: (c) 2026, avi.firewall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = """
module: plan
short_description: Check that the rules of a host can be planned
version_added: 0.1.0
author: avi.firewall contributors (@avi-firewall)
description:
  - Makes the plan of the host on the control node, from the port matrix and the addresses of its peers, and stops at the first mistake with
    a message that names the variable, the value and what is allowed. No host is touched.
  - P(avi.firewall.host_plan#lookup) shows the rules themselves; M(avi.firewall.apply) brings them to the host.
extends_documentation_fragment:
  - avi.firewall.question
  - avi.firewall.means
  - avi.firewall.reader
  - avi.firewall.reader.control
options:
  node:
    description: The node type it is planned as, V(controller), V(service_engine) or V(cluster_node). By default every one that it is of.
    type: str
seealso:
  - module: avi.firewall.collect
  - module: avi.firewall.apply
"""

EXAMPLES = """
- name: Plan the rules of this host
  avi.firewall.plan:
    node: controller
    nodes: nodes
    release: "16.3"
    peers:
      management_client: [192.0.2.0/24]
  any_errors_fatal: true
"""

RETURN = """
rules:
  description: How many rules are planned.
  type: int
  returned: success
left_out:
  description: The outbound rows whose destination has no address, and rows of protocols without ports, for which no rule is made.
  type: list
  elements: str
  returned: success
resolved:
  description: The addresses of each host name that stands for a peer, by name.
  type: dict
  returned: success
  sample: {ldap.example.com: ["192.0.2.40", "2001:db8::40"]}
collapsed:
  description: For each peer of O(peers) with duplicates, overlaps or neighbours how many entries it has, and of how many networks they are.
  type: dict
  returned: success
  sample: {management_client: {given: 300, networks: 12}}
"""
