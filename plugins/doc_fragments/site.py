# Copyright: (c) 2026, avi.firewall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    """What else decides on rows, for the lookups."""

    DOCUMENTATION = """
options:
  cloud:
    description:
      - The type of the cloud. A row that depends on it is returned for that type only; where one does, this must be set.
    type: str
    choices: [aws, azure, gcp, openstack, vcenter, linux_server, nsx_t, no_orchestrator]
    vars:
      - name: avi_firewall_cloud
  object_sync_port:
    description:
      - The port at which the Service Engines of a group synchronise objects, from 1024 to 65535. By default the one of the matrix for the
        O(cloud); where its sources contradict each other there is none.
    type: int
    vars:
      - name: avi_firewall_object_sync_port
  extra_rows:
    description:
      - Rows of your own, mappings with C(name), C(source), C(destination), C(protocol), C(port) and C(why), and where they are restricted
        C(runtime) and C(cloud).
    type: list
    elements: dict
    default: []
    vars:
      - name: avi_firewall_extra_rows
"""
