#!/usr/bin/python
# Copyright: (c) 2026, avi.firewall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = """
module: verify_compare
short_description: Compare what was found with what was planned
version_added: 0.1.0
author: avi.firewall contributors (@avi-firewall)
description:
  - Judges the answers of all hosts. Run it once for all of them.

  - The role P(avi.firewall.avi_verify#role) calls it. There is no need to call it by hand.
extends_documentation_fragment:
  - avi.firewall.reader
  - avi.firewall.reader.control
  - avi.firewall.verified
  - avi.firewall.verified.tried
"""

EXAMPLES = """
- name: Compare what was found with what was planned
  avi.firewall.verify_compare:
    paths: paths
    answers: tried
    seen: ended
  run_once: true
  register: compared
"""

RETURN = """
questions:
  description: What is not as planned, by host.
  type: dict
  returned: success
"""
