# Copyright: (c) 2026, avi.firewall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    """The variables that the role avi_verify hands from one of its tasks to the next."""

    DOCUMENTATION = """
options:
  paths:
    description: The name of the variable that holds what M(avi.firewall.verify_paths) returned.
    type: str
    required: true
"""

    # What has been tried along those paths.
    TRIED = """
options:
  answers:
    description: The name of the variable that holds what M(avi.firewall.verify_probe) returned on each host.
    type: str
    required: true
  seen:
    description: The name of the variable that holds what M(avi.firewall.host_listener) returned when it was stopped on each host.
    type: str
    required: true
"""
