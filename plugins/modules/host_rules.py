#!/usr/bin/python
# Copyright: (c) 2026, avi.firewall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = """
module: host_rules
short_description: Bring the rules of one node type on a host in line
version_added: 0.1.0
author: avi.firewall contributors (@avi-firewall)
description:
  - Compares what the host's firewall holds of one node type with what is wanted, and changes what differs, in one call.
  - Rules of the node type that an earlier run gave to another firewall are taken away there.
  - What is left to the standard modules, the binding of the rules, comes back in RV(bindings).
  - A change must be confirmed with M(avi.firewall.host_confirm) within O(confirm_timeout), else the host takes it back by itself; until
    then other runs wait.
  - The role P(avi.firewall.avi_firewall#role) calls it through M(avi.firewall.apply), which makes O(flows) from the port matrix and the
    inventory. There is no need to call it by hand.
extends_documentation_fragment: avi.firewall.means
requirements:
  - Python 3.9 on the host, and the tools of the firewall that is in charge
  - C(python3-firewall) for firewalld, C(ipset) and C(systemd) for iptables, C(nft) for O(published)
attributes:
  check_mode:
    description: Can run in check mode and return changed status without modifying the host.
    support: full
  diff_mode:
    description: Returns what has changed, or would change, a line for each rule and each member of a set.
    support: full
  platform:
    description: Linux hosts.
    support: full
    platforms: linux
options:
  node:
    description: The node type the rules belong to.
    type: str
    choices: [controller, service_engine, cluster_node]
    required: true
  part:
    description: What the names of everything that belongs to the node type begin with, after C(avi-).
    type: str
    required: true
  flows:
    description:
      - The rules, grouped by direction and peer. Each flow has C(name), C(direction), C(peer), C(ports) (a list of C(row), C(protocol) and
        C(port)), C(ipv4) and C(ipv6) (lists of networks, without overlaps). An empty list removes all rules of the node type.
    type: list
    elements: dict
    required: true
  published:
    description:
      - The ports of the host, each with C(protocol) and C(port), that the container of the Controller publishes. A table of nftables of our
        own drops what calls them and is from no peer of O(flows), forwarded to the container or delivered to a proxy, whatever the
        firewall is.
    type: list
    elements: dict
    default: []
  addresses:
    description: The addresses of the host itself, by which the zone of firewalld is found.
    type: list
    elements: str
    default: []
"""

EXAMPLES = """
- name: Let one host reach the system portal
  avi.firewall.host_rules:
    node: controller
    part: con
    flows:
      - name: avi-con-service_engine
        direction: in
        peer: service_engine
        ports: [{row: system_portal, protocol: tcp, port: 8443}]
        ipv4: [192.0.2.21/32]
        ipv6: []
"""

RETURN = """
backend:
  description: The firewall that carries the rules; null when there are none.
  type: str
  returned: success
  sample: firewalld
evidence:
  description: What shows that it is in charge of the host; null when there are no rules.
  type: str
  returned: success
bindings:
  description: What is to be bound by the standard module of the backend, in the words of its options. Empty in check mode.
  type: list
  elements: dict
  returned: success
token:
  description: What confirms the change; null when there is none to confirm.
  type: str
  returned: success
diff:
  description: What the firewall held of the node type, and what it shall hold.
  type: dict
  returned: when diff mode is on
"""

import dataclasses
import os

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.avi.firewall.plugins.module_utils import _host, _lockout, _published, _rollback

BACKENDS = _rollback.BACKENDS
BINDING_SECONDS = 5


def choose(backend, request):
    """Return the name of the backend to use for ``request`` and what shows that it is in charge."""
    found = {name: shown for name, module in BACKENDS.items() if (shown := module.evidence())}
    if backend != "auto":
        return backend, found.get(backend, "avi_firewall_backend names it")
    if not found:
        kept = [name for name, module in BACKENDS.items() if module.holds(request)]
        since = f"; {' and '.join(kept)} still keeps rules of ours, so it was turned off after us" if kept else ""
        raise _host.HostError(
            "avi_firewall_backend is auto, and no firewall is in charge of this host: firewalld is not active, ufw is not active, and "
            f"iptables and nftables let in what no rule matches{since}. Turn one of them on, or name one of {', '.join(BACKENDS)}"
        )
    if len(found) > 1:
        shown = "; ".join(f"{name} ({what})" for name, what in found.items())
        raise _host.HostError(
            f"avi_firewall_backend is auto, and {len(found)} firewalls are in charge of this host: {shown}. Turn all but one off"
        )
    return next(iter(found.items()))


def prepare(request, backend):
    """Return the changes that are due, of the firewall in charge, of others used before and of the guard, and who is in charge."""
    nothing = dataclasses.replace(request, flows=[])
    # With nothing to open it does not matter which firewall is in charge, or whether any is.
    chosen, shown = choose(backend, request) if request.flows else (None, None)
    changes = [BACKENDS[chosen].prepare(request)] if chosen else []
    changes += [module.prepare(nothing) for name, module in BACKENDS.items() if name != chosen and module.holds(nothing)]
    if request.published or _published.holds(request):
        changes.append(_published.prepare(request))
    return changes, chosen, shown


def make(changes, seconds):
    """Make ``changes``; return what is left to bind, and the word that confirms it all."""
    token = _rollback.arm(changes, seconds)
    with _rollback.whole_or_not():
        for change in changes:
            change.apply(False)
        bindings = [binding for change in changes for binding in change.bindings()]
        _rollback.extend(seconds + BINDING_SECONDS * len(bindings))
    return bindings, token


def main():
    module = AnsibleModule(
        argument_spec={
            "backend": {"type": "str", "choices": ["auto", *BACKENDS], "default": "auto"},
            "node": {"type": "str", "choices": ["controller", "service_engine", "cluster_node"], "required": True},
            "part": {"type": "str", "required": True},
            "flows": {"type": "list", "elements": "dict", "required": True},
            "published": {"type": "list", "elements": "dict", "default": []},
            "addresses": {"type": "list", "elements": "str", "default": []},
            "interfaces": {"type": "list", "elements": "str", "default": []},
            "zone": {"type": "str"},
            "nftables_chain": {"type": "str"},
            "may_reload": {"type": "bool", "default": False},
            "may_lock_out": {"type": "bool", "default": False},
            "confirm_timeout": {"type": "int", "default": 30},
        },
        supports_check_mode=True,
    )
    names = {field.name for field in dataclasses.fields(_host.Request)}
    request = _host.Request(**{name: value for name, value in module.params.items() if name in names})
    if os.geteuid() != 0:
        module.fail_json(msg="only root may read and change the firewall of this host: set ansible_become")
    bindings, token = [], None
    try:
        with _rollback.turn():
            changes, backend, shown = prepare(request, module.params["backend"])
            needed = [change for change in changes if change.needed]
            if not module.params["may_lock_out"]:
                _lockout.refuse([access for change in needed for access in change.lets_in], request)
            if needed and not module.check_mode:
                bindings, token = make(needed, module.params["confirm_timeout"])
    except _host.HostError as exc:
        module.fail_json(msg=_host.printable(str(exc)))
    except OSError as exc:
        module.fail_json(msg=f"this host cannot read or write what is needed: {_host.printable(str(exc))}")
    for warning in [warning for change in changes for warning in change.warnings]:
        module.warn(_host.printable(warning))
    header = f"{backend or 'no firewall'}, {request.node}"
    module.exit_json(
        changed=bool(needed),
        backend=backend,
        evidence=shown,
        bindings=bindings,
        token=token,
        diff=_host.printable(
            {
                "before_header": header,
                "after_header": header,
                "before": "".join(f"{line}\n" for change in changes for line in change.before),
                "after": "".join(f"{line}\n" for change in changes for line in change.after),
            }
        ),
    )


if __name__ == "__main__":
    main()
