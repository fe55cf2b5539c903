#!/usr/bin/python
# Copyright: (c) 2026, avi.firewall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = """
module: host_probe
short_description: Say what a host gets from ports of others
version_added: 0.1.0
author: avi.firewall contributors (@avi-firewall)
description:
  - Tries many ports at once, TCP by a connection that is closed again at once, UDP by a datagram that the service or the listener of
    M(avi.firewall.host_listener) answers.
  - The role P(avi.firewall.avi_verify#role) calls it. There is no need to call it by hand.
requirements:
  - Python 3.9 on the host; no rights
extends_documentation_fragment:
  - avi.firewall.reader
  - avi.firewall.reader.host
options:
  targets:
    description:
      - What to try, each a list of the address to send from (used where the host has it), the address and the protocol to try, the port,
        whether an answer is expected (only then is silence asked a second time), and the token of the listener there.
    type: list
    elements: list
    required: true
  timeout:
    description: The seconds to wait for one answer.
    type: float
    default: 1.0
  deadline:
    description: The seconds for all of it. What could not be tried by then is V(unknown).
    type: float
    default: 60.0
"""

EXAMPLES = """
- name: Try the system portal of a Controller
  avi.firewall.host_probe:
    targets:
      - [192.0.2.21, 192.0.2.11, tcp, 8443, true, 8f14e45fceea167a]
"""

RETURN = """
answers:
  description:
    - For each target a list of a word, a detail and a nonce. The word is V(open), V(closed) (nothing listens), V(rejected) (a firewall
      said no), V(filtered) (silence) or V(unknown), with the reason as its detail. The nonce is of a datagram without an answer.
  type: list
  elements: list
  returned: success
"""

import dataclasses

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.avi.firewall.plugins.module_utils import _probe


def main():
    module = AnsibleModule(
        argument_spec={
            "targets": {"type": "list", "elements": "list", "required": True},
            "timeout": {"type": "float", "default": 1.0},
            "deadline": {"type": "float", "default": 60.0},
        },
        supports_check_mode=True,
    )
    targets = [_probe.Target(*target) for target in module.params["targets"]]
    answers = _probe.probe(targets, module.params["timeout"], module.params["deadline"])
    module.exit_json(changed=False, answers=[dataclasses.astuple(answer) for answer in answers])


if __name__ == "__main__":
    main()
