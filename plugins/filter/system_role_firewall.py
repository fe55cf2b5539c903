# Copyright: (c) 2026, avi.firewall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = """
name: system_role_firewall
short_description: The plan of a host as input of linux-system-roles.firewall
version_added: 0.1.0
description:
  - Returns the list C(firewall) of the role C(linux-system-roles.firewall), also known as C(fedora.linux_system_roles.firewall) and
    C(redhat.rhel_system_roles.firewall).
  - It is one entry, with the strings of P(avi.firewall.firewalld_rich_rules#filter). Add it to the entries of your own.
  - A rule that goes out is an error, for a zone of firewalld holds only what comes in.
extends_documentation_fragment: [avi.firewall.other_roles]
options:
  zone:
    description: The zone of firewalld that gets the rules. By default the default zone of the host.
    type: str
  state:
    description: V(disabled) takes the rules of this plan away.
    type: str
    choices: [enabled, disabled]
    default: enabled
"""

EXAMPLES = """
- name: Open the ports of this host, and those of its own
  ansible.builtin.include_role:
    name: linux-system-roles.firewall
  vars:
    firewall: >-
      {{ [{'service': ['ssh'], 'state': 'enabled'}]
         + query('avi.firewall.host_plan', inventory_hostname) | avi.firewall.system_role_firewall(zone='public') }}
"""

RETURN = """
_value:
  description: One entry, or none if there are no rules.
  type: list
  elements: dict
  sample:
    - zone: public
      rich_rule: ['rule family="ipv4" source address="192.0.2.21/32" port port="8443" protocol="tcp" accept']
      state: enabled
"""

from typing import Any

from ansible.errors import AnsibleFilterError
from ansible_collections.avi.firewall.plugins.plugin_utils import _other_roles


def system_role_firewall(rules: Any, *, zone: Any = None, state: Any = "enabled") -> list[dict[str, Any]]:
    try:
        return _other_roles.system_role_firewall(rules, zone, state)
    except ValueError as exc:
        raise AnsibleFilterError(f"system_role_firewall: {exc}") from exc


class FilterModule:
    def filters(self) -> dict[str, Any]:
        return {"system_role_firewall": system_role_firewall}
