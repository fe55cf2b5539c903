# Copyright: (c) 2026, avi.firewall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    """What holds for all that only looks."""

    DOCUMENTATION = """
attributes:
  check_mode:
    description: Does the same in check mode, for it changes nothing that lasts.
    support: full
  diff_mode:
    description: There is nothing to compare.
    support: none
"""

    # It stays on the control node.
    CONTROL = """
attributes:
  action:
    description: Runs on the control node, as an action plugin, and connects to no host.
    support: full
"""

    # It is made there, and asks the host.
    ACTION = """
attributes:
  action:
    description: Works on the control node, as an action plugin, and runs one module on the host.
    support: full
"""

    # It runs on the host.
    HOST = """
attributes:
  platform:
    description: Linux hosts.
    support: full
    platforms: linux
"""
