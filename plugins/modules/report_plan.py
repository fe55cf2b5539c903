#!/usr/bin/python
# Copyright: (c) 2026, avi.firewall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = """
module: report_plan
short_description: Work out the flows that a host is an end of
version_added: 0.1.0
author: avi.firewall contributors (@avi-firewall)
description:
  - Makes the plans of the host as every node type it is of, in both directions whatever O(outbound) says, and joins them with its own
    addresses. What it dials at another node is left to that one, whose plan has it as inbound. No host is touched.
  - The role P(avi.firewall.avi_report#role) calls it. There is no need to call it by hand.
extends_documentation_fragment:
  - avi.firewall.question
  - avi.firewall.means
  - avi.firewall.reader
  - avi.firewall.reader.control
"""

EXAMPLES = """
- name: Work out the flows of this host
  avi.firewall.report_plan:
    nodes: nodes
    release: "16.3"
    peers:
      management_client: [192.0.2.0/24]
  any_errors_fatal: true
  register: planned
"""

RETURN = """
flows:
  description:
    - The flows to the host, and those it begins whose other end is no node, see docs/handover_json.md. An empty list of networks says that
      no address is known.
  type: list
  elements: dict
  returned: success
resolved:
  description: The addresses of each host name that stands for a peer, by name.
  type: dict
  returned: success
notes:
  description: What a person should hear about the plans.
  type: list
  elements: str
  returned: success
"""
