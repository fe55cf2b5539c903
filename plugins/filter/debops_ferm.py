# Copyright: (c) 2026, avi.firewall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = """
name: debops_ferm
short_description: The plan of a host as rules of debops.debops.ferm
version_added: 0.1.0
description:
  - Returns rules for C(ferm__dependent_rules) of the role C(debops.debops.ferm), or for one of its lists in the inventory, such as
    C(ferm__group_rules).
  - There is one entry for each node type and direction, C(avi-con-in) and its like, and so one file in C(/etc/ferm/rules.d).
extends_documentation_fragment: [avi.firewall.other_roles]
"""

EXAMPLES = """
- name: Open the ports of this host
  ansible.builtin.include_role:
    name: debops.debops.ferm
  vars:
    ferm__dependent_rules: "{{ query('avi.firewall.host_plan', inventory_hostname) | avi.firewall.debops_ferm }}"
"""

RETURN = """
_value:
  description: The rules of the role, each with a list of rules of ferm.
  type: list
  elements: dict
  sample:
    - name: avi-con-in
      type: accept
      by_role: avi.firewall
      rules:
        - comment: "system_portal from service_engine: SE reaches the system portal"
          chain: INPUT
          protocol: tcp
          dport: [8443]
          saddr: [192.0.2.21/32]
          accept_any: false
"""

from typing import Any

from ansible.errors import AnsibleFilterError
from ansible_collections.avi.firewall.plugins.plugin_utils import _other_roles


def debops_ferm(rules: Any) -> list[dict[str, Any]]:
    try:
        return _other_roles.debops_ferm(rules)
    except ValueError as exc:
        raise AnsibleFilterError(f"debops_ferm: {exc}") from exc


class FilterModule:
    def filters(self) -> dict[str, Any]:
        return {"debops_ferm": debops_ferm}
