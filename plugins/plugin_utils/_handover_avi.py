# Copyright: (c) 2026, avi.firewall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The flows as the access lists that an Avi Controller keeps itself: ``systemconfiguration.mgmt_ip_access_control``.

With these an appliance programs its own iptables. A list names everyone who is let in, so it has to name every Controller node: without
them the cluster breaks. Where the shapes stand written: docs/sources.md, management_access.
"""

from __future__ import annotations

import ipaddress
import json
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from . import _addresses, _handover_loadable, _port_matrix
from ._handover_loadable import Flow, LoadableError

# The lists, and the services of the matrix that they are for.
LISTS = {"api_access": ("http", "https"), "ssh_access": ("ssh",), "shell_server_access": ("cli",), "snmp_access": ("snmp",)}


def access(flows: Sequence[Flow]) -> dict[str, dict[str, Any]]:
    """Return ``mgmt_ip_access_control``: who ``flows`` let in, and every Controller, in each of the four lists.

    Raises LoadableError for Controllers in containers, and where the flows name no Controller. See also :func:`refuse_names`.
    """
    coming = [flow for flow in flows if flow["destination"] == "controller"]
    # As they are dialled, and as they are seen where a NAT is in between.
    nodes = [network for flow in coming for network in flow["destination_networks"]]
    nodes += [network for flow in coming if flow["source"] == "controller" for network in flow["source_networks"]]
    _check(coming)
    published = _port_matrix.published()
    found = {}
    for name, services in LISTS.items():
        listening = {
            (published[service]["protocol"], published[service].get("on_host", published[service]["port"])) for service in services
        }
        allowed = [network for flow in coming if (flow["protocol"], flow["port"]) in listening for network in flow["source_networks"]]
        found[name] = _match(_addresses.collapse(_addresses.network(value) for value in [*allowed, *nodes]))
    return found


def _check(coming: Sequence[Flow]) -> None:
    if not coming:
        raise LoadableError("no flow names a Controller: an access list without all of them breaks the cluster")
    inside = {row["name"] for row in _port_matrix.table() if row["destination"] == "controller" and row["runtime"] == "container"}
    if contained := sorted({flow["name"] for flow in coming} & inside):
        raise LoadableError(
            f"the Controllers run in containers ({contained[0]}): their access lists are for appliances. Take avi_access and "
            "avi_access_tasks out of avi_report_formats"
        )


def refuse_names(flows: Sequence[Flow], resolved: Mapping[str, Sequence[str]], hosts: Collection[str]) -> None:
    """Raise LoadableError where a Controller is known by a host name, of those in ``resolved``, with their addresses.

    The names of ``hosts`` of the inventory are Ansible's own. That by which a Controller is dialled from outside may well be a name.
    """
    own = [network for flow in flows if flow["source"] == "controller" for network in flow["source_networks"]]
    called = [network for flow in flows if flow["destination"] == "controller" for network in flow["destination_networks"]]
    known = [_addresses.network(value) for value in own or called]
    names = [
        name
        for name, addresses in resolved.items()
        if name not in hosts and any(ipaddress.ip_network(address)[0] in network for address in addresses for network in known)
    ]
    if names:
        raise LoadableError(
            f"the Controllers are known by host names ({', '.join(names)}): Avi supports no access list for SSH where the cluster is "
            "defined by names. Define it by addresses, or take avi_access and avi_access_tasks out of avi_report_formats"
        )


def _match(networks: Sequence[str]) -> dict[str, Any]:
    """Return an IpAddrMatch of the API. One that has no addresses, or no networks, does without the key."""
    found: dict[str, Any] = {"match_criteria": "IS_IN"}
    for network in map(ipaddress.ip_network, networks):
        address = {"addr": str(network.network_address), "type": f"V{network.version}"}
        if network.prefixlen == network.max_prefixlen:
            found.setdefault("addrs", []).append(address)
        else:
            found.setdefault("prefixes", []).append({"ip_addr": address, "mask": network.prefixlen})
    return found


def as_json(flows: Sequence[Flow]) -> str:
    """Return the lists as the part of a system configuration that they are. Raises LoadableError as :func:`access` does."""
    return json.dumps({"mgmt_ip_access_control": access(flows)}, indent=2) + "\n"


def tasks(flows: Sequence[Flow]) -> str:
    """Return tasks that put the lists into the system configuration of ``avi_url``, and leave the rest of it.

    They log on as ``avi_username`` with ``avi_password``, and speak ``avi_api_version``. The API takes the configuration as a whole, so it
    is read and written back, unless it says the same already. Raises LoadableError as :func:`access` does.
    """
    session = {"Cookie": "{{ avi_session.cookies_string }}", "X-Avi-Version": "{{ avi_api_version }}"}
    configuration = {"url": "{{ avi_url }}/api/systemconfiguration"}
    made = [
        {
            "name": "Log on to the Controller",
            "ansible.builtin.uri": {
                "url": "{{ avi_url }}/login",
                "method": "POST",
                "body_format": "json",
                "body": {"username": "{{ avi_username }}", "password": "{{ avi_password }}"},
            },
            "register": "avi_session",
            "check_mode": False,
            "no_log": True,
        },
        {
            "name": "Read the system configuration",
            "ansible.builtin.uri": {**configuration, "headers": session},
            "register": "avi_configuration",
            "check_mode": False,
            "no_log": True,
        },
        {
            "name": "Let in who is planned, and the Controllers",
            "ansible.builtin.uri": {
                **configuration,
                "method": "PUT",
                "headers": {**session, "X-CSRFToken": "{{ avi_session.cookies.csrftoken }}", "Referer": "{{ avi_url }}/"},
                "body_format": "json",
                "body": "{{ avi_configuration.json | combine({'mgmt_ip_access_control': avi_known | combine(avi_access)}) }}",
            },
            "vars": {
                "avi_known": "{{ avi_configuration.json.mgmt_ip_access_control | default({}, true) }}",
                "avi_access": access(flows),
            },
            "when": "avi_known | combine(avi_access) != avi_known",
            "changed_when": True,
            "no_log": True,
        },
    ]
    return _handover_loadable.tasks(_handover_loadable.origin(flows), made)
