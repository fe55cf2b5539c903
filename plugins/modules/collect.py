#!/usr/bin/python
# Copyright: (c) 2026, avi.firewall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = """
module: collect
short_description: Collect the addresses of all nodes
version_added: 0.1.0
author: avi.firewall contributors (@avi-firewall)
description:
  - Reads the inventory for the hosts of every node type and their addresses, and connects to none of them. Hosts outside the play or its
    limit count all the same.
  - The address of a host is its variable C(avi_firewall_address) (one or a list), else C(ansible_host) if that is an address, else the
    default addresses from facts that are already known. A host with none of them stops the play. As a source it is what its variable
    C(avi_firewall_address_seen_as) says, where it is set.
  - Nodes that the inventory does not have may come from O(peers_from). Host names there are resolved, in both families.
  - Run it once for all hosts, with C(run_once), and register what it returns for M(avi.firewall.plan) and M(avi.firewall.apply).
extends_documentation_fragment:
  - avi.firewall.reader
  - avi.firewall.reader.control
options:
  groups:
    description: The inventory group of each node type, C(controller), C(service_engine) and C(cluster_node). A group need not exist.
    type: dict
    required: true
  peers_from:
    description:
      - A path or a list of paths, on the control node, to answers of the Controller's API in JSON, to C(GET /api/cluster),
        C(/api/serviceengine-inventory) or C(/api/serviceengine). Of an answer in pages, each has to be there.
      - A relative path is looked for like the C(src) of M(ansible.builtin.copy), and last in the current directory.
    type: raw
    default: []
seealso:
  - module: avi.firewall.plan
  - module: avi.firewall.apply
"""

EXAMPLES = """
- name: Collect the addresses of all nodes
  avi.firewall.collect:
    groups:
      controller: avi_controllers
      service_engine: avi_service_engines
      cluster_node: avi_cluster_nodes
    peers_from: "{{ inventory_dir }}/cluster.json"
  run_once: true
  register: nodes
"""

RETURN = """
nodes:
  description: The hosts of each node type whose group exists, with C(host), C(addresses), C(seen_as), C(runtime), C(kinds) and C(ports).
  type: dict
  returned: success
exported:
  description:
    - The nodes of each node type of which O(peers_from) tells, with C(name), C(addresses), C(public) (where it is dialled from outside),
      C(resolved) (the addresses of its host names) and C(host), the host of the inventory that has one of these addresses, or null.
  type: dict
  returned: success
networks:
  description:
    - The networks of each group of hosts, merged, by who sees them, a node type or C(dialled), and by peer, with C(networks) and
      C(nat), whether NAT stands before one of them.
  type: dict
  returned: success
hosts:
  description: The entry of each host in RV(nodes) by its name, with its node types as C(types).
  type: dict
  returned: success
runtimes:
  description: A Controller of each runtime, C(host) or C(container), that there is.
  type: dict
  returned: success
"""
