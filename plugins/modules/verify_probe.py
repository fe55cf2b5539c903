#!/usr/bin/python
# Copyright: (c) 2026, avi.firewall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = """
module: verify_probe
short_description: Try every path from a host
version_added: 0.1.0
author: avi.firewall contributors (@avi-firewall)
description:
  - Tries every port of every other host of the play in one call of M(avi.firewall.host_probe).

  - The role P(avi.firewall.avi_verify#role) calls it. There is no need to call it by hand.
extends_documentation_fragment:
  - avi.firewall.reader
  - avi.firewall.reader.action
  - avi.firewall.verified
options:
  timeout:
    description: The seconds to wait for one answer. Silence where there should be an answer is asked a second time, three times as long.
    type: float
    default: 1.0
  deadline:
    description: The seconds for all of it. What could not be tried by then is V(unknown).
    type: float
    default: 120.0
"""

EXAMPLES = """
- name: Try every path from this host
  avi.firewall.verify_probe:
    paths: paths
  register: tried
"""

RETURN = """
answers:
  description: What M(avi.firewall.host_probe) returned for each path.
  type: list
  elements: list
  returned: success
"""
