#!/usr/bin/python
# Copyright: (c) 2026, avi.firewall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = """
module: drift
short_description: Compare the rules of a host with its plan
version_added: 0.1.0
author: avi.firewall contributors (@avi-firewall)
description:
  - Plans the host as every node type it is of and compares that with what its firewall holds, running and for the next boot. It changes
    nothing, and does not fail where they differ; a host of no node type has nothing to compare.
extends_documentation_fragment:
  - avi.firewall.question
  - avi.firewall.means
  - avi.firewall.reader
  - avi.firewall.reader.action
seealso:
  - module: avi.firewall.apply
"""

EXAMPLES = """
- name: Find what is not as planned
  avi.firewall.drift:
    nodes: nodes
    release: "16.3"
    peers:
      management_client: [192.0.2.0/24]
"""

RETURN = """
backend:
  description: The firewall that carries the rules; null where there is none.
  type: str
  returned: success
drift:
  description: What differs, and what keeps the rules from being applied, a sentence each.
  type: list
  elements: str
  returned: always
  sample: ["controller: planned and not there: ipset avi-con-service_engine-4: 192.0.2.21"]
"""
