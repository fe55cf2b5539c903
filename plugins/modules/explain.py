#!/usr/bin/python
# Copyright: (c) 2026, avi.firewall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = """
module: explain
short_description: Explain whether a source reaches a port of a host, and why
version_added: 0.1.0
author: avi.firewall contributors (@avi-firewall)
description:
  - Says by which row of the matrix the source shall reach the port, then reads on the host which rule decides on its packets, whether it is
    one of ours, and who listens there. It sends nothing and changes nothing.
extends_documentation_fragment:
  - avi.firewall.question
  - avi.firewall.means
  - avi.firewall.reader
  - avi.firewall.reader.action
options:
  source:
    description: Who sends, an inventory host, an address, or a name that resolves on the control node.
    type: str
    required: true
  dport:
    description: The port of the host, as V(tcp/8443) or V(udp/161); a number alone means TCP.
    type: str
    required: true
seealso:
  - module: avi.firewall.host_explain
"""

EXAMPLES = """
- name: Explain whether a Service Engine reaches the system portal
  avi.firewall.explain:
    nodes: nodes
    release: "16.3"
    peers:
      management_client: [192.0.2.0/24]
    source: se1
    dport: tcp/8443
"""

RETURN = """
explanation:
  description: The explanation, a line each.
  type: list
  elements: str
  returned: success
questions:
  description: Each pair of addresses that was asked about, with C(expected), and C(row) and C(peer), null where it shall be shut.
  type: list
  elements: dict
  returned: success
paths:
  description: What M(avi.firewall.host_explain) returned for each.
  type: list
  elements: dict
  returned: success
holders:
  description: Who listens on the port.
  type: list
  elements: dict
  returned: success
findings:
  description: What there is to say of the firewalls of the host as such.
  type: list
  elements: str
  returned: success
"""
