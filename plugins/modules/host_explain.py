#!/usr/bin/python
# Copyright: (c) 2026, avi.firewall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = """
module: host_explain
short_description: Say which rule of a host decides on a packet
version_added: 0.1.0
author: avi.firewall contributors (@avi-firewall)
description:
  - Reads the rules in the kernel of the host, of iptables and nftables whoever made them, and follows a packet that opens a connection
    through them. It sends nothing and changes nothing.
  - M(avi.firewall.explain) and the role P(avi.firewall.avi_verify#role) call it. There is no need to call it by hand.
requirements:
  - Python 3.9 on the host, and the tools of its firewall
extends_documentation_fragment:
  - avi.firewall.reader
  - avi.firewall.reader.host
options:
  questions:
    description:
      - The packets, each with C(source_address), C(address), C(protocol), C(port), C(expected) (V(open), V(shut)) and C(observed), what a
        probe got; empty where there was none.
    type: list
    elements: dict
    required: true
  parts:
    description: The node types of the host, as M(avi.firewall.host_rules) names them.
    type: list
    elements: dict
    default: []
    suboptions:
      node:
        description: The node type.
        type: str
        required: true
      part:
        description: What the names of everything that belongs to it begin with, after C(avi-).
        type: str
        required: true
"""

EXAMPLES = """
- name: Say what becomes of a call of a Service Engine
  avi.firewall.host_explain:
    questions:
      - {source_address: 192.0.2.21, address: 192.0.2.11, protocol: tcp, port: 8443, expected: open, observed: filtered}
"""

RETURN = """
causes:
  description: For each question sentences that say why it is not as expected.
  type: list
  elements: list
  returned: success
paths:
  description:
    - For each question C(decision), V(accept), V(drop), V(reject) or V(unknown), C(deciding) and C(carrier), the rule that decides and the
      one of ours that lets the packet in, C(reached), whether it comes to that one, C(steps), what each chain on its way decides,
      C(forwarded_to), C(route_back) and C(doubts).
  type: list
  elements: dict
  returned: success
holders:
  description: Who listens on the ports of the questions, each with C(protocol), C(port), C(address) and C(process).
  type: list
  elements: dict
  returned: success
findings:
  description: What there is to say of the firewalls of the host as such, a sentence each.
  type: list
  elements: str
  returned: success
"""

import os

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.avi.firewall.plugins.module_utils import _explain, _host, _listener, _packet, _path, _rollback


def turned_off(parts):
    """Return a sentence for each firewall that keeps rules of ours and is not in charge any more."""
    requests = [_host.Request(**part) for part in parts]
    return [
        f"{name} keeps rules of ours, but is not in charge of this host: somebody has turned it off, or let in what no rule matches"
        for name, backend in _rollback.BACKENDS.items()
        if any(map(backend.holds, requests)) and not backend.evidence()
    ]


def shown(path):
    """Return ``path`` in words."""
    return {
        "decision": path.decision,
        "deciding": path.deciding and _explain.told(path.deciding),
        "carrier": path.carrier and _explain.told(path.carrier),
        "reached": path.reached,
        "steps": [f"{step.verdict}: {_explain.told(step)}" for step in path.steps],
        "forwarded_to": path.forwarded_to and list(path.forwarded_to),
        "route_back": path.route_back,
        "doubts": path.doubts,
    }


def main():
    module = AnsibleModule(
        argument_spec={
            "questions": {"type": "list", "elements": "dict", "required": True},
            "parts": {
                "type": "list",
                "elements": "dict",
                "default": [],
                "options": {"node": {"type": "str", "required": True}, "part": {"type": "str", "required": True}},
            },
        },
        supports_check_mode=True,
    )
    questions = module.params["questions"]
    if os.geteuid() != 0:
        module.fail_json(msg="only root may read the firewall of this host: set ansible_become")
    try:
        host = _path.Host.read()
        off = turned_off(module.params["parts"])
        holders = _listener.holders({(question["protocol"], question["port"]) for question in questions})
        paths = [
            _path.path(_packet.Packet(question["source_address"], question["address"], question["protocol"], question["port"]), host)
            for question in questions
        ]
        findings = [*off, *_path.findings(host)]
    except (_host.HostError, _packet.PathError) as exc:
        module.fail_json(msg=_host.printable(str(exc)))
    module.exit_json(
        changed=False,
        causes=_host.printable([_explain.causes(question, path, holders) + off for question, path in zip(questions, paths)]),
        paths=_host.printable([shown(path) for path in paths]),
        holders=_host.printable(holders),
        findings=_host.printable(findings),
    )


if __name__ == "__main__":
    main()
