# Copyright: (c) 2026, avi.firewall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    """What the filters have in common that hand the plan to somebody else's role."""

    DOCUMENTATION = """
author: avi.firewall contributors (@avi-firewall)
options:
  _input:
    description:
      - The rules of one host, as P(avi.firewall.host_plan#lookup) returns them. An empty list gives an empty list.
    type: list
    elements: dict
    required: true
notes:
  - Nothing is asked of any host. What happens on it is the other role's business. No guard of the ports that a Controller in a container
    publishes, no change that takes itself back, no check against being locked out comes with these rules.
  - Rules that P(avi.firewall.host_plan#lookup) leaves out, such as ICMP and outbound ones without an address, are left out here.
  - P(avi.firewall.avi_verify#role) proves with packets what the rules of any role open and shut.
seealso:
  - plugin: avi.firewall.host_plan
    plugin_type: lookup
  - name: The plan in another firewall role
    description: A complete playbook for each of them, and what is then theirs.
    link: https://github.com/avi-firewall/avi.firewall/blob/main/docs/other_roles.md
"""
