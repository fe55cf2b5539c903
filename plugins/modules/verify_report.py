#!/usr/bin/python
# Copyright: (c) 2026, avi.firewall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = """
module: verify_report
short_description: Report what was found
version_added: 0.1.0
author: avi.firewall contributors (@avi-firewall)
description:
  - Shows in the terminal what was tried and what is not as planned, writes the reports, and fails where anything is not as planned. Run it
    once for all hosts.

  - The role P(avi.firewall.avi_verify#role) calls it. There is no need to call it by hand.
extends_documentation_fragment:
  - avi.firewall.reader
  - avi.firewall.reader.control
  - avi.firewall.verified
  - avi.firewall.verified.tried
options:
  causes:
    description: The name of the variable that holds what M(avi.firewall.verify_explain) returned on each host.
    type: str
    required: true
  drift:
    description: The name of the variable that holds what M(avi.firewall.drift) returned on each host. It need not exist.
    type: str
    required: true
  release:
    description: The release of the Avi Controller.
    type: str
  directory:
    description:
      - A directory on the control node for C(verify.json), C(verify.xml) (JUnit) and C(verify.html). It is made where it is missing. By
        default nothing is written.
    type: path
"""

EXAMPLES = """
- name: Report what was found
  avi.firewall.verify_report:
    paths: paths
    answers: tried
    seen: ended
    causes: explained
    drift: drift
    directory: reports
  run_once: true
"""

RETURN = """
verdict:
  description: How many paths were tried, and how many are as planned.
  type: str
  returned: success
"""
