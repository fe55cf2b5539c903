#!/usr/bin/python
# Copyright: (c) 2026, avi.firewall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = """
module: verify_explain
short_description: Ask a host why something is not as planned
version_added: 0.1.0
author: avi.firewall contributors (@avi-firewall)
description:
  - Runs M(avi.firewall.host_explain) where there is something to explain.

  - The role P(avi.firewall.avi_verify#role) calls it. There is no need to call it by hand.
extends_documentation_fragment:
  - avi.firewall.reader
  - avi.firewall.reader.action
options:
  questions:
    description: The name of the variable that holds what M(avi.firewall.verify_compare) returned.
    type: str
    required: true
  target:
    description: The name of the variable that holds what M(avi.firewall.verify_listen) returned on the host.
    type: str
    required: true
"""

EXAMPLES = """
- name: Ask this host for the causes
  avi.firewall.verify_explain:
    questions: compared
    target: listening
  register: explained
"""

RETURN = """
causes:
  description: The causes of each of the questions of this host, a list of sentences each.
  type: list
  elements: list
  returned: success
"""
