#!/usr/bin/python
# Copyright: (c) 2026, avi.firewall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = """
module: verify_listen
short_description: Make a host ready to be probed
version_added: 0.1.0
author: avi.firewall contributors (@avi-firewall)
description:
  - Plans the host as every node type it is of, and has it answer for a while on all ports that are to be tried there and on which nothing
    listens. A host of no node type only looks.
  - The role P(avi.firewall.avi_verify#role) calls it. There is no need to call it by hand.
extends_documentation_fragment:
  - avi.firewall.question
  - avi.firewall.means
  - avi.firewall.reader
  - avi.firewall.reader.action
options:
  also_open:
    description: Ports, as M(avi.firewall.verify_paths) takes them, to be checked before anything listens.
    type: raw
    default: []
  seconds:
    description: After how many seconds the listener ends by itself, whatever becomes of the control node.
    type: int
    default: 600
"""

EXAMPLES = """
- name: Answer on all ports that are to be tried
  avi.firewall.verify_listen:
    nodes: nodes
    release: "16.3"
    peers:
      management_client: [192.0.2.0/24]
  register: listening
"""

RETURN = """
target:
  description: What is to be tried at the host, and where it answers by itself; null where there is nothing.
  type: dict
  returned: success
"""
