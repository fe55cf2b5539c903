# Copyright: (c) 2026, avi.firewall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    """What a plan is made from."""

    DOCUMENTATION = """
options:
  nodes:
    description:
      - The name of the variable that holds what M(avi.firewall.collect) returned. It is a name, not a value, because templating a list
        of all peers on every host would grow with the square of the inventory.
    type: str
    required: true
  state:
    description: V(present) plans the rules, V(absent) plans none, so that all rules of the node type go.
    type: str
    choices: [present, absent]
    default: present
  release:
    description: The release of the Avi Controller, V(16.2), V(16.3), V(17.1), V(20.1), V(21.1) or V(22.1). Needed unless O(state=absent).
    type: str
  features:
    description: The optional features in use, as P(avi.firewall.port_matrix#lookup) lists them.
    type: raw
    default: []
  peers:
    description: A mapping from peer to a list of addresses, networks or host names. They add to the hosts of the inventory.
    type: raw
    default: {}
  outbound:
    description: Whether to plan what the host dials, too.
    type: bool
    default: false
  runtime:
    description:
      - Where the Controllers run, V(host), V(docker) or V(podman). In a container, Avi's SSH listens on 5098 in place of 22.
      - By default what the Controllers of the inventory say.
    type: str
  kinds:
    description:
      - What a host of the type V(cluster_node) is, of V(openshift_node), V(kubernetes_node), V(mesos_node), V(openshift_master),
        V(kubernetes_master), V(mesos_master) and V(marathon).
    type: raw
    default: []
  ports:
    description:
      - The ports of the host on which a Controller in a container publishes its services, a mapping from V(ssh), V(http), V(https),
        V(system_portal), V(cli) and V(snmp) to numbers. A service that it does not name is where the variables of the vendor's role say,
        C(con_ssh_port), C(con_portal_http_port), C(con_portal_https_port), C(con_sysint_port), C(con_cli_port) and C(con_snmp_port), else
        where the matrix says.
    type: raw
    default: {}
  cloud:
    description:
      - The type of the cloud, V(aws), V(azure), V(gcp), V(openstack), V(vcenter), V(linux_server), V(nsx_t) or V(no_orchestrator), where
        rows depend on it. The play stops where one does and this is not set.
    type: str
  object_sync_port:
    description:
      - The port at which the Service Engines of a group synchronise objects, from 1024 to 65535. By default the one of the matrix for the
        O(cloud); where its sources contradict each other there is none.
    type: raw
  extra_rows:
    description:
      - Rows of your own, mappings with C(name), C(source), C(destination), C(protocol), C(port) and C(why), and where they are restricted
        C(runtime) and C(cloud).
    type: raw
    default: []
notes:
  - What the task does not name is taken from the variable that the role P(avi.firewall.avi_firewall#role) has for it, as
    C(avi_firewall_release) for O(release), C(avi_controller_runtime) for O(runtime), C(avi_cluster_node_kinds) for O(kinds),
    C(avi_controller_ports) for O(ports), before the default that stands here.
"""
