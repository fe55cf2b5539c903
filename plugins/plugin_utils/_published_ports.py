# Copyright: (c) 2026, avi.firewall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The ports of a host that a Controller in a container publishes: the matrix names them, variables of the host move them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from . import _extra_rows, _port_matrix

# The port of each service.
Ports = dict[str, int]

# The variable that the vendor's role for Service Engines cannot do without. Its ssh_port means something else to other people's roles.
SE_ROLE = "se_master_ctl_ip"


class PublishedPortError(ValueError):
    """The variables of a host do not say which ports its Controller publishes."""


def vendor_variables() -> list[str]:
    """Return the variables of the vendor's own roles that tell ports: of a Controller's, and of a Service Engine's."""
    services = _port_matrix.published().values()
    return [*(service["variable"] for service in services), *(service["called_by"] for service in services if "called_by" in service)]


def given(variables: Mapping[str, Any], template: Callable[[Any], Any] = lambda value: value) -> dict[str, Any]:
    """Return those of the vendor's variables that ``variables`` defines; those of a Service Engine only where its role is in use."""
    return {
        name: template(variables[name])
        for name in vendor_variables()
        if name in variables and (SE_ROLE in variables or name.startswith("con_"))
    }


def called(vendor: Mapping[str, Any]) -> Ports:
    """Return the ports at which the vendor's role lets a Service Engine call the Controllers, as far as ``vendor`` tells them.

    Raises PublishedPortError naming variable, value and what is allowed.
    """
    return {
        service: _port(row["called_by"], vendor[row["called_by"]])
        for service, row in _port_matrix.published().items()
        if row.get("called_by") in vendor
    }


def ports(chosen: Any, vendor: Mapping[str, Any]) -> Ports:
    """Return the port of each service.

    ``chosen`` is the value of ``avi_controller_ports``, which goes before the variables of the vendor's role, ``vendor``; these go before
    the matrix. Raises PublishedPortError or PortMatrixError, naming variable, value and what is allowed.
    """
    if not isinstance(chosen, Mapping):
        raise PublishedPortError(f"avi_controller_ports is {chosen!r}, not a mapping from service to port")
    services = _port_matrix.published()
    for service in chosen:
        _port_matrix.require("avi_controller_ports: service", service, services)
    theirs = {service for service, row in services.items() if service not in chosen and row["variable"] in vendor}
    names = {service: row["variable"] if service in theirs else f"avi_controller_ports: {service}" for service, row in services.items()}
    values = {service: chosen.get(service, vendor.get(row["variable"], row["port"])) for service, row in services.items()}
    found = {service: _port(names[service], value) for service, value in values.items()}
    taken = {(row["protocol"], row["port"]): f"{row['name']} of the host" for row in _port_matrix.unpublished()}
    for service, port in found.items():
        cell = (services[service]["protocol"], port)
        if cell in taken:
            raise PublishedPortError(
                f"{names[service]} is {port}, which is the {cell[0]} port of {taken[cell]} as well: each needs one of its own"
            )
        taken[cell] = service
    return found


def _port(name: str, value: Any) -> int:
    port = _port_matrix.number(value)
    if not isinstance(port, int) or isinstance(port, bool) or not 1 <= port <= 65535:
        raise PublishedPortError(f"{name} {value!r} is not a port: a number from 1 to 65535")
    return port


def moved(row: _port_matrix.Row, found: Ports) -> _port_matrix.Row:
    """Return ``row``, inbound to a Controller, with the port that ``found`` says its service is published on.

    A row of the user's own says a port of the host: there it stays, also where the matrix has a service at it.
    """
    if row["evidence"] == _extra_rows.VARIABLE:
        return row
    for service, published in _port_matrix.published().items():
        if service in found and (row["protocol"], row["port"]) == (published["protocol"], published["port"]):
            return {**row, "port": found[service]}
    return row


def cells(found: Ports, rows: Iterable[_port_matrix.Row] = ()) -> list[dict[str, Any]]:
    """Return the published ports as flat dicts with ``protocol`` and ``port``.

    ``rows`` are those of features in use, as :func:`moved` left them: their ports are the container's too, published beside the others.
    """
    services = [(_port_matrix.published()[service]["protocol"], port) for service, port in found.items()]
    features = [(row["protocol"], row["port"]) for row in rows if row["port"] is not None]
    return [{"protocol": protocol, "port": port} for protocol, port in dict.fromkeys([*services, *features])]
