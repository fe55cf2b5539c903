# Copyright: (c) 2026, avi.firewall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = """
name: port_matrix
short_description: The ports that one end of an Avi deployment needs, by release
version_added: 0.1.0
author: avi.firewall contributors (@avi-firewall)
description:
  - Returns rows of the port matrix, as the product's documents print it for a release. Nothing is asked of any host, and no
    addresses are involved; P(avi.firewall.host_plan#lookup) joins the rows with addresses.
  - A release that is not held is refused, with the reason and the nearest that are; it is never rounded to a neighbour. 16.2, 16.3 and 17.1
    were read whole; 20.1, 21.1 and 22.1 hold for the management plane.
extends_documentation_fragment: [avi.firewall.site]
options:
  _terms:
    description:
      - The ends whose rows are wanted, V(controller), V(service_engine), or a peer such as V(management_client), V(ldap_server),
        V(openstack_keystone) or V(openshift_node).
    type: list
    elements: str
    required: true
  release:
    description: The release of the Avi Controller, V(16.2), V(16.3), V(17.1), V(20.1), V(21.1) or V(22.1).
    type: str
    required: true
  direction:
    description:
      - V(in) for what the end must accept, V(out) for what it must reach.
    type: str
    choices: [in, out]
    default: in
  features:
    description:
      - The optional features in use. A row that belongs to a feature is returned only if that feature is named.
      - V(http) is plain HTTP for management clients, V(cli_shell) the remote CLI shell, V(icmp_echo) echo requests between Controllers and
        Service Engines, V(gslb) other GSLB sites, V(ako) clusters with the Avi Kubernetes Operator, V(hsm) a hardware security module.
      - V(dns_service) is Avi as the DNS provider, V(mesos_dns) the same beside Mesos-DNS, V(nsx_t_https) HTTPS from Service Engines as
        NSX-T gets it, V(object_sync) object sync in 20.1, V(se_tunnels) tunnels between Service Engines in AWS and GCP.
      - V(se_install) is Controllers that log on to Linux servers to install Service Engines, V(se_ssh) SSH to Service Engines as their
        security group in AWS has it, V(api_defaults) ports that only defaults of the API tell.
    type: list
    elements: str
    default: []
  runtime:
    description:
      - Where the Controllers run. In a container, Avi's SSH listens on 5098 in place of 22.
    type: str
    choices: [host, docker, podman]
    default: host
  source:
    description: Only rows that start at this end.
    type: str
  destination:
    description: Only rows that lead to this end.
    type: str
  protocol:
    description: Only rows of this protocol.
    type: str
    choices: [tcp, udp, icmp, ip-63, ip-73, ip-75, ip-97]
notes:
  - Use C(query()), not C(lookup()). The latter turns a list of one row into that row.
seealso:
  - plugin: avi.firewall.host_plan
    plugin_type: lookup
"""

EXAMPLES = """
- name: Show what a Controller of release 16.3 must accept
  ansible.builtin.debug:
    msg: "{{ query('avi.firewall.port_matrix', 'controller', release='16.3') }}"

- name: The TCP ports a Service Engine dials
  ansible.builtin.debug:
    msg: >-
      {{ query('avi.firewall.port_matrix', 'service_engine', release='16.3', direction='out', protocol='tcp')
         | map(attribute='port') }}

- name: The ports by which management clients come in, with jmespath
  ansible.builtin.debug:
    msg: >-
      {{ query('avi.firewall.port_matrix', 'controller', release='16.3', features=['http', 'cli_shell'])
         | community.general.json_query("[?source=='management_client'].{port: port, protocol: protocol, why: why}") }}

- name: Every port below 1024 that a Controller dials
  ansible.builtin.debug:
    msg: >-
      {{ query('avi.firewall.port_matrix', 'controller', release='16.3', direction='out')
         | community.general.json_query('[?port < `1024`].[destination, protocol, port]') }}

- name: The names of the rows that a container moves to 5098
  ansible.builtin.debug:
    msg: >-
      {{ query('avi.firewall.port_matrix', 'controller', release='16.3', runtime='docker')
         | community.general.json_query("[?runtime=='container'].name") | sort }}
"""

RETURN = """
_raw:
  description: The rows, in the order of the matrix.
  type: list
  elements: dict
  contains:
    name:
      description: The name of the row.
      type: str
      sample: secure_channel
    source:
      description: The end that dials.
      type: str
      sample: service_engine
    destination:
      description: The end that listens.
      type: str
      sample: controller
    protocol:
      description: V(tcp), V(udp), V(icmp), or V(ip-97) and its like for an IP protocol.
      type: str
      sample: tcp
    port:
      description: The port number at the destination, or null for a protocol without ports.
      type: int
      sample: 22
    port_setting:
      description: What option goes before the port of the matrix, V(object_sync_port), or null.
      type: str
    feature:
      description: The feature the row belongs to, or null if it is always needed.
      type: str
    runtime:
      description: V(host) or V(container) if the row holds only for a Controller that runs there, else null.
      type: str
    cloud:
      description: The types of cloud the row holds for, or null if it holds for all.
      type: list
      elements: str
    releases:
      description: The releases the row was found written for.
      type: list
      elements: str
    why:
      description: What the port is for.
      type: str
      sample: SE opens its secure channel over SSH
    evidence:
      description: The heading in docs/sources.md that says where the row stands written.
      type: str
      sample: matrix_page
"""

from typing import Any

from ansible.errors import AnsibleLookupError
from ansible.plugins.lookup import LookupBase
from ansible_collections.avi.firewall.plugins.plugin_utils import _extra_rows, _inventory, _port_matrix


class LookupModule(LookupBase):
    def run(self, terms: list[str], variables: Any = None, **kwargs: Any) -> list[dict[str, Any]]:
        names = {entry["name"] for option in self.option_definitions.values() for entry in option.get("vars", [])}
        known = {name: self._templar.template(variables[name]) for name in names if name in (variables or {})}
        self.set_options(var_options=known, direct={**kwargs, "_terms": terms})
        options = self.get_options()
        if unknown := sorted(kwargs.keys() - options.keys()):
            allowed = ", ".join(sorted(options.keys() - {"_terms"}))
            raise AnsibleLookupError(f"port_matrix has no option {', '.join(unknown)}; its options are {allowed}")
        try:
            extra = _extra_rows.rows(options["extra_rows"])
            site = _port_matrix.Site(options["cloud"], options["object_sync_port"], extra)
            for name in ("source", "destination"):
                if options[name] is not None:
                    _port_matrix.require(name, options[name], _port_matrix.ends())
            return [
                {**row}
                for end in options["_terms"]
                for row in _port_matrix.rows(
                    end,
                    options["release"],
                    options["direction"],
                    options["features"],
                    _inventory.runtime(options["runtime"]),
                    site,
                )
                if all(options[name] in (None, row[name]) for name in ("source", "destination", "protocol"))
            ]
        except _port_matrix.PortMatrixError as exc:
            raise AnsibleLookupError(f"port_matrix: {exc}") from exc
