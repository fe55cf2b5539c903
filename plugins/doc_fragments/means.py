# Copyright: (c) 2026, avi.firewall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    """How a plan is brought to the host."""

    DOCUMENTATION = """
options:
  backend:
    description: The firewall that carries the rules. V(auto) takes the one that shows itself in charge, and stops at none or two.
    type: str
    choices: [auto, firewalld, ufw, iptables, nftables]
    default: auto
  interfaces:
    description: The only interfaces the rules hold for. By default all.
    type: list
    elements: str
    default: []
  zone:
    description: The zone of firewalld that gets the rules. By default the one of the interface that carries the host's address.
    type: str
  nftables_chain:
    description:
      - The base chain of nftables on the input hook that gets the rules, as V(inet filter input). By default the one that drops what no
        rule accepts.
    type: str
  may_reload:
    description: Whether firewalld may be reloaded although its running configuration holds what its permanent one does not.
    type: bool
    default: false
  may_lock_out:
    description: Whether to take a rule away that lets in the SSH connection in use.
    type: bool
    default: false
  confirm_timeout:
    description:
      - The seconds after the change in which it must be confirmed over a new connection, from 1 to 3600. There are 5 more for each rule
        that a standard module binds.
    type: int
    default: 30
"""
