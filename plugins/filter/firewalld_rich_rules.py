# Copyright: (c) 2026, avi.firewall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = """
name: firewalld_rich_rules
short_description: The plan of a host as rich rules of firewalld
version_added: 0.1.0
description:
  - Returns strings for loops over M(ansible.posix.firewalld), or for any role that takes rich rules.
  - There is one for each network and port. They name no service and no ipset, so that nothing has to stand before them, and no reload of
    firewalld is needed.
  - A rule that goes out is an error, for a zone of firewalld holds only what comes in.
extends_documentation_fragment: [avi.firewall.other_roles]
"""

EXAMPLES = """
- name: Open the ports of this host
  ansible.posix.firewalld:
    zone: public
    rich_rule: "{{ item }}"
    state: enabled
    permanent: true
    immediate: true
  loop: "{{ query('avi.firewall.host_plan', inventory_hostname) | avi.firewall.firewalld_rich_rules }}"
"""

RETURN = """
_value:
  description: The rich rules, each once, in the order of the plan.
  type: list
  elements: str
  sample: ['rule family="ipv4" source address="192.0.2.21/32" port port="8443" protocol="tcp" accept']
"""

from typing import Any

from ansible.errors import AnsibleFilterError
from ansible_collections.avi.firewall.plugins.plugin_utils import _other_roles


def firewalld_rich_rules(rules: Any) -> list[str]:
    try:
        return _other_roles.firewalld_rich_rules(rules)
    except ValueError as exc:
        raise AnsibleFilterError(f"firewalld_rich_rules: {exc}") from exc


class FilterModule:
    def filters(self) -> dict[str, Any]:
        return {"firewalld_rich_rules": firewalld_rich_rules}
