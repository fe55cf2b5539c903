#!/usr/bin/python
# Copyright: (c) 2026, avi.firewall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = """
module: report_write
short_description: Hand the flows over in the formats that are asked for
version_added: 0.1.0
author: avi.firewall contributors (@avi-firewall)
description:
  - Puts together what M(avi.firewall.report_plan) returned on each host, and writes it to files on the control node. Run it once for all
    hosts. The same input makes the same files, to the byte.
  - The role P(avi.firewall.avi_report#role) calls it. There is no need to call it by hand.
extends_documentation_fragment:
  - avi.firewall.reader.control
attributes:
  check_mode:
    description: Writes nothing, and says whether it would.
    support: full
  diff_mode:
    description: The files are not compared in the terminal; O(against) compares reports.
    support: none
options:
  nodes:
    description: The name of the variable that holds what M(avi.firewall.collect) returned.
    type: str
    required: true
  planned:
    description: The name of the variable that holds what M(avi.firewall.report_plan) returned on each host.
    type: str
    required: true
  directory:
    description: A directory on the control node for the files. It is made where it is missing.
    type: path
    required: true
  formats:
    description:
      - The formats to write. To read, V(csv), V(html), V(json), V(markdown) and V(xlsx), which needs openpyxl on the control node.
      - To load, for network firewalls, V(arista), V(cisco_asa), V(cisco_ios), V(cisco_nxos), V(cisco_xr), V(fortinet), V(juniper),
        V(nsx_t), V(paloalto) and V(srx), which need aerleon on the control node.
      - To load, for clouds and Avi itself, V(aws_ec2), V(aws_terraform), V(openstack), V(avi_access) and V(avi_access_tasks).
    type: list
    elements: str
    default: [csv, html, json, markdown]
  against:
    description: A former C(report.json), on the control node. The report then says what was added, removed and changed since.
    type: path
"""

EXAMPLES = """
- name: Hand the flows over
  avi.firewall.report_write:
    nodes: nodes
    planned: planned
    directory: reports
    against: last_month/report.json
  run_once: true
"""

RETURN = """
summary:
  description: How many flows there are, and what has changed.
  type: str
  returned: success
files:
  description: The names of the files in O(directory).
  type: list
  elements: str
  returned: success
"""
