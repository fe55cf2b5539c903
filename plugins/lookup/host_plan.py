# Copyright: (c) 2026, avi.firewall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = """
name: host_plan
short_description: The rules of a host, with the addresses of its peers
version_added: 0.1.0
author: avi.firewall contributors (@avi-firewall)
description:
  - Returns the rules that the roles of this collection would apply to a host, made by the same functions from the same variables.
  - Nothing is asked of any host; addresses come from the inventory, from C(avi_firewall_peers) and from facts that are already known.
extends_documentation_fragment: [avi.firewall.site]
options:
  _terms:
    description:
      - The inventory hosts whose plan is wanted. For the host of the task, variables of the play count too; for another host only
        those that its C(hostvars) show.
    type: list
    elements: str
    required: true
  node:
    description:
      - The node type the host is planned as. By default every type whose inventory group holds the host, as O(groups) names them.
    type: str
    choices: [controller, service_engine, cluster_node]
  release:
    description: The release of the Avi Controller.
    type: str
    vars:
      - name: avi_firewall_release
  features:
    description: The optional features in use.
    type: list
    elements: str
    default: []
    vars:
      - name: avi_firewall_features
  peers:
    description: Addresses, networks and host names by peer.
    type: dict
    default: {}
    vars:
      - name: avi_firewall_peers
  peers_from:
    description: A path or a list of paths to answers of the Controller's API, as M(avi.firewall.collect) takes them.
    type: raw
    default: []
    vars:
      - name: avi_firewall_peers_from
  outbound:
    description: Whether outbound rules are wanted as well.
    type: bool
    default: false
    vars:
      - name: avi_firewall_outbound
  runtime:
    description:
      - Where the Controllers run, V(host), V(docker) or V(podman). By default what the Controllers of the inventory say.
    type: str
    vars:
      - name: avi_controller_runtime
  kinds:
    description: What a host of the type V(cluster_node) is.
    type: list
    elements: str
    default: []
    vars:
      - name: avi_cluster_node_kinds
  ports:
    description:
      - The ports of the host on which a Controller in a container publishes its services. What it does not name is where the variables of
        the vendor's role say, C(con_ssh_port) and its like, else where the matrix says.
    type: dict
    default: {}
    vars:
      - name: avi_controller_ports
  groups:
    description: The inventory group of each node type.
    type: dict
    default:
      controller: avi_controllers
      service_engine: avi_service_engines
      cluster_node: avi_cluster_nodes
    vars:
      - name: avi_firewall_groups
notes:
  - Use C(query()), not C(lookup()). The latter turns a list of one rule into that rule.
  - Each call reads the variables of every peer. The roles do that once for all hosts; use their action plugins for large inventories.
seealso:
  - plugin: avi.firewall.port_matrix
    plugin_type: lookup
"""

EXAMPLES = """
- name: Show the rules of this host
  ansible.builtin.debug:
    msg: "{{ query('avi.firewall.host_plan', inventory_hostname) }}"

- name: Who may reach the SSH port of the first Controller
  ansible.builtin.debug:
    msg: >-
      {{ query('avi.firewall.host_plan', groups['avi_controllers'][0])
         | selectattr('port', '==', 22) | map(attribute='networks') | flatten | unique }}
"""

RETURN = """
_raw:
  description: The rules, in the order of the matrix.
  type: list
  elements: dict
  contains:
    host:
      description: The inventory host the rule is for.
      type: str
    node:
      description: The node type it belongs to.
      type: str
      sample: controller
    direction:
      description: V(in) or V(out).
      type: str
    peer:
      description: The other end.
      type: str
      sample: service_engine
    name:
      description: The name of the row in the matrix.
      type: str
      sample: secure_channel
    protocol:
      description: V(tcp) or V(udp).
      type: str
    port:
      description: The port number at the destination.
      type: int
    networks:
      description: The addresses and networks of the other end, IPv4 first.
      type: list
      elements: str
      sample: ["192.0.2.21/32", "2001:db8::21/128"]
    why:
      description: What the port is for.
      type: str
    evidence:
      description: The heading in docs/sources.md that says where the row stands written, or C(avi_firewall_extra_rows).
      type: str
"""

from typing import Any

from ansible.errors import AnsibleLookupError
from ansible.plugins.lookup import LookupBase
from ansible_collections.avi.firewall.plugins.plugin_utils import _exported, _inventory, _peers, _plan, _published_ports


class LookupModule(LookupBase):
    def run(self, terms: list[str], variables: Any = None, **kwargs: Any) -> list[dict[str, Any]]:
        rules = []
        for host in terms:
            if host not in variables["hostvars"]:
                raise AnsibleLookupError(f"host_plan: the inventory has no host {host!r}")
            rules += self._plan(host, variables, kwargs)
        return rules

    def _plan(self, host: str, variables: Any, kwargs: dict[str, Any]) -> list[dict[str, Any]]:
        known = self._variables(host, variables)
        self.set_options(var_options=known, direct=kwargs)
        options = self.get_options()
        if unknown := sorted(kwargs.keys() - options.keys()):
            allowed = ", ".join(sorted(options.keys() - {"_terms"}))
            raise AnsibleLookupError(f"host_plan has no option {', '.join(unknown)}; its options are {allowed}")
        options["vendor_ports"] = _published_ports.given(known)
        settings = _plan.Settings(**{name: options[name] for name in _plan.Settings.__dataclass_fields__})
        try:
            nodes = _inventory.collect(options["groups"], variables["groups"], variables["hostvars"])
            files = [self._find(path, variables) for path in _exported.paths(options["peers_from"])]
            collected = _peers.collected(nodes, _exported.collect(files, nodes))
            types = [options["node"]] if options["node"] else collected["hosts"].get(host, {}).get("types")
            if not types:
                raise AnsibleLookupError(
                    f"host_plan: host {host} is in no group of {', '.join(options['groups'].values())} (avi_firewall_groups)"
                )
            return [{"host": host, **rule} for node in types for rule in _plan.make(node, host, settings, collected).rules]
        except ValueError as exc:
            raise AnsibleLookupError(f"host_plan of {host}: {exc}") from exc

    def _find(self, path: str, variables: Any) -> str:
        """Return where ``path`` is, as M(avi.firewall.collect) does."""
        return self.find_file_in_search_path(variables, "files", path, ignore_missing=True) or path

    def _variables(self, host: str, variables: Any) -> Any:
        """Return the variables of ``host`` that a plan is made from; those of the task's own host with the play's on top."""
        names = {entry["name"] for option in self.option_definitions.values() for entry in option.get("vars", [])}
        names.update([*_published_ports.vendor_variables(), _published_ports.SE_ROLE])
        known = variables["hostvars"][host]
        found = {name: known[name] for name in names if name in known}
        if host == variables.get("inventory_hostname"):
            found |= {name: self._templar.template(variables[name]) for name in names if name in variables}
        return found
