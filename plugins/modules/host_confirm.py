#!/usr/bin/python
# Copyright: (c) 2026, avi.firewall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = """
module: host_confirm
short_description: Let a change of the rules on a host stand
version_added: 0.1.0
author: avi.firewall contributors (@avi-firewall)
description:
  - Ends the time in which the host would take back by itself what M(avi.firewall.host_rules) changed.
  - Looks first whether what stands is what was asked for, and mends it where others have changed rules meanwhile; where that cannot be,
    takes the change back and fails.
  - M(avi.firewall.apply) calls it over a new connection. There is no need to call it by hand.
requirements:
  - Python 3.9 and C(systemd) on the host
attributes:
  check_mode:
    description: Can run in check mode and return changed status without modifying the host.
    support: none
  diff_mode:
    description: Returns what has changed.
    support: none
  platform:
    description: Linux hosts.
    support: full
    platforms: linux
options:
  token:
    description: What M(avi.firewall.host_rules) returned for the change.
    type: str
    required: true
"""

EXAMPLES = """
- name: Let the change stand
  avi.firewall.host_confirm:
    token: "{{ changed_rules['token'] }}"
"""

RETURN = """
"""

import os

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.avi.firewall.plugins.module_utils import _host, _rollback


def main():
    module = AnsibleModule(argument_spec={"token": {"type": "str", "required": True, "no_log": False}})
    if os.geteuid() != 0:
        module.fail_json(msg="only root may change the firewall of this host: set ansible_become")
    try:
        with _host.lock():
            _rollback.confirm(module.params["token"])
    except _host.HostError as exc:
        module.fail_json(msg=_host.printable(str(exc)))
    except OSError as exc:
        module.fail_json(msg=f"this host cannot read or write what is needed: {_host.printable(str(exc))}")
    module.exit_json(changed=False)


if __name__ == "__main__":
    main()
