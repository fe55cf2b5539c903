#!/usr/bin/python
# Copyright: (c) 2026, avi.firewall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = """
module: apply
short_description: Apply the plan of a host to its firewall
version_added: 0.1.0
author: avi.firewall contributors (@avi-firewall)
description:
  - Makes the plan of the host on the control node and hands it to the host in one call of M(avi.firewall.host_rules), which changes what
    differs and says what is left to bind.
  - After a change it binds that with the standard module of the firewall and confirms all of it over a new connection. Where none
    succeeds in time, the host takes the change back by itself, and the task fails.
extends_documentation_fragment:
  - avi.firewall.question
  - avi.firewall.means
options:
  node:
    description: The node type the host is planned as.
    type: str
    choices: [controller, service_engine, cluster_node]
    required: true
attributes:
  check_mode:
    description: Predicts the change and makes none.
    support: full
  diff_mode:
    description: Returns what has changed, or would change, a line for each rule and each member of a set.
    support: full
  action:
    description: Plans on the control node, as an action plugin, and runs one module on the host.
    support: full
seealso:
  - module: avi.firewall.host_rules
  - plugin: avi.firewall.host_plan
    plugin_type: lookup
"""

EXAMPLES = """
- name: Apply the plan
  avi.firewall.apply:
    node: controller
    nodes: nodes
    release: "16.3"
    peers:
      management_client: [192.0.2.0/24]
  register: applied
"""

RETURN = """
backend:
  description: The firewall that carries the rules; null when there are none.
  type: str
  returned: success
evidence:
  description: By what that firewall shows that it is in charge.
  type: str
  returned: success
token:
  description: The word that confirmed the change; null where there was none.
  type: str
  returned: success
diff:
  description: What the firewall held of the node type, and holds now, a line for each rule and each member of a set.
  type: dict
  returned: success
confirmed_after:
  description: The seconds it took to confirm the change over a new connection, of O(confirm_timeout).
  type: float
  returned: changed
bindings:
  description: What was bound by the standard module of the backend, in the words of its options.
  type: list
  elements: dict
  returned: success
"""
