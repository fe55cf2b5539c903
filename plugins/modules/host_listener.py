#!/usr/bin/python
# Copyright: (c) 2026, avi.firewall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = """
module: host_listener
short_description: Answer on ports of a host for a while
version_added: 0.1.0
author: avi.firewall contributors (@avi-firewall)
description:
  - Starts a process that accepts connections and answers datagrams on ports where nothing listens, so that a port can be probed before
    its service is installed. It never takes a port that is in use, has no rights, and ends itself after O(seconds).
  - It answers no datagram but those that hold its token.
  - The role P(avi.firewall.avi_verify#role) calls it. There is no need to call it by hand.
requirements:
  - Python 3.9 and C(ss) on the host
extends_documentation_fragment:
  - avi.firewall.reader
  - avi.firewall.reader.host
options:
  state:
    description: V(started) starts a listener, V(stopped) ends the one of this O(token).
    type: str
    choices: [started, stopped]
    default: started
  token:
    description: What the listener is ended by, and what its datagrams hold; 16 hexadecimal digits.
    type: str
    required: true
  ports:
    description: Where to listen, each with C(protocol), V(tcp) or V(udp), and C(port).
    type: list
    elements: dict
    default: []
    suboptions:
      protocol:
        description: The protocol.
        type: str
        choices: [tcp, udp]
        required: true
      port:
        description: The port number.
        type: int
        required: true
  addresses:
    description: The addresses of the host, at which it asks who else listens for datagrams whether they answer.
    type: list
    elements: str
    default: []
  seconds:
    description: After how many seconds it ends by itself.
    type: int
    default: 120
"""

EXAMPLES = """
- name: Answer on the port of the system portal
  avi.firewall.host_listener:
    token: 8f14e45fceea167a
    ports:
      - {protocol: tcp, port: 8443}

- name: End that
  avi.firewall.host_listener:
    token: 8f14e45fceea167a
    state: stopped
"""

RETURN = """
listening:
  description: Where the listener listens, as V(tcp/8443).
  type: list
  elements: str
  returned: when O(state=started)
holders:
  description:
    - Who else listens on O(ports), each with C(protocol), C(port), C(address) (V(*) for all), C(process), and C(answers), whether it
      answered a question that the host itself asked. Without that, its silence tells nothing.
  type: list
  elements: dict
  returned: when O(state=started)
seen:
  description: The nonces of the datagrams that reached the listener.
  type: list
  elements: str
  returned: when O(state=stopped)
"""

import re

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.avi.firewall.plugins.module_utils import _host, _listener, _probe


def main():
    ports = {
        "protocol": {"type": "str", "choices": ["tcp", "udp"], "required": True},
        "port": {"type": "int", "required": True},
    }
    module = AnsibleModule(
        argument_spec={
            "state": {"type": "str", "choices": ["started", "stopped"], "default": "started"},
            "token": {"type": "str", "required": True, "no_log": False},
            "ports": {"type": "list", "elements": "dict", "options": ports, "default": []},
            "addresses": {"type": "list", "elements": "str", "default": []},
            "seconds": {"type": "int", "default": 120},
        },
        supports_check_mode=True,
    )
    token = module.params["token"]
    if not re.fullmatch("[0-9a-f]{16}", token):
        module.fail_json(msg=f"token {token!r} is not 16 hexadecimal digits")
    try:
        if module.params["state"] == "stopped":
            module.exit_json(changed=False, seen=_listener.stop(token))
        cells = [(port["protocol"], port["port"]) for port in module.params["ports"]]
        held = _probe.ask_holders(_listener.holders(cells), module.params["addresses"], token)
        listening = _listener.start(cells, token, module.params["seconds"])
    except _host.HostError as exc:
        module.fail_json(msg=_host.printable(str(exc)))
    module.exit_json(changed=False, listening=[f"{protocol}/{port}" for protocol, port in listening], holders=_host.printable(held))


if __name__ == "__main__":
    main()
