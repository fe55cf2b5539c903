#!/usr/bin/python
# Copyright: (c) 2026, avi.firewall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = """
module: verify_paths
short_description: Work out who shall reach what
version_added: 0.1.0
author: avi.firewall contributors (@avi-firewall)
description:
  - Joins the addresses of all hosts of the play with what M(avi.firewall.verify_listen) says of each. Run it once for all hosts.

  - The role P(avi.firewall.avi_verify#role) calls it. There is no need to call it by hand.
extends_documentation_fragment:
  - avi.firewall.reader
  - avi.firewall.reader.control
options:
  nodes:
    description: The name of the variable that holds what M(avi.firewall.collect) returned.
    type: str
    required: true
  targets:
    description: The name of the variable that holds what M(avi.firewall.verify_listen) returned on each host.
    type: str
    required: true
  also_open:
    description: Ports, as V(tcp/22), that rules of others may open to anyone. Whether they are shut is not tried.
    type: raw
    default: []
"""

EXAMPLES = """
- name: Work out who shall reach what
  avi.firewall.verify_paths:
    nodes: nodes
    targets: listening
  run_once: true
  register: paths
"""

RETURN = """
sources:
  description: The addresses of each host that looks.
  type: dict
  returned: success
targets:
  description: What is to be tried at each host.
  type: list
  elements: dict
  returned: success
members:
  description: As which peers each source is known, by source, target and address.
  type: dict
  returned: success
also_open:
  description: The ports of O(also_open).
  type: list
  elements: list
  returned: success
not_tried:
  description: What nobody can try.
  type: list
  elements: dict
  returned: success
"""
