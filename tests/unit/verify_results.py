# Copyright: (c) 2026, avi.firewall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Results of a verification to draw: made up, small by default, and as large as a test wants them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

CONTROLLER_PORTS = [("tcp", 22), ("tcp", 80), ("tcp", 443), ("tcp", 5054), ("tcp", 8443), ("tcp", 9443), ("udp", 123), ("udp", 161)]
OTHER_PORTS = [("tcp", 22), ("tcp", 443), ("tcp", 8443)]
#: what a Controller answers, by who asks
OPEN = {
    "controller": {("tcp", 22), ("tcp", 8443)},
    "service_engine": {("tcp", 22), ("tcp", 8443), ("udp", 123)},
    "management_client": {("tcp", 22), ("tcp", 443), ("udp", 161)},
}

Result = dict[str, Any]
Host = dict[str, Any]
Cell = dict[str, Any]
Differs = Callable[[Cell], dict[str, Any] | None]


def host(name: str, number: int, node: str | None = None, peers: Iterable[str] = (), backend: str | None = None) -> dict[str, Any]:
    addresses = [f"10.16.3.{number}", f"fd16:3::{number}"]
    return {"name": name, "node": node, "peers": list(peers), "addresses": addresses, "backend": backend}


def cell(source: Host, destination: Host, protocol: str, port: int, expected: str, **other: Any) -> dict[str, Any]:
    """Return a cell over IPv4 that passed, changed by ``other``; ``passed`` follows from the rest."""
    made = {
        "source": source["name"],
        "destination": destination["name"],
        "source_address": source["addresses"][0],
        "address": destination["addresses"][0],
        "protocol": protocol,
        "port": port,
        "row": None,
        "peer": None,
        "expected": expected,
        "observed": "open" if expected == "open" else "filtered",
        "detail": "",
        "causes": [],
        **other,
    }
    good = {"open": ["open"], "shut": ["filtered", "rejected"]}[expected]
    return {"passed": made["observed"] in good, **made}


def result(hosts: list[Host], cells: list[Cell], not_tried: Iterable[dict[str, Any]] = ()) -> Result:
    return {"format": "avi.firewall/verify/1", "release": "16.3", "hosts": hosts, "cells": cells, "not_tried": list(not_tried)}


def everyone(hosts: list[Host], differs: Differs = lambda _cell: None) -> Result:
    """Return what comes out when every host tries every node over both families; ``differs`` says what is not as planned in a cell."""
    cells = []
    for source in hosts:
        asks = source["node"] or (source["peers"] or [None])[0]
        for destination in hosts:
            if not destination["node"] or destination is source:
                continue
            controller = destination["node"] == "controller"
            for protocol, port in CONTROLLER_PORTS if controller else OTHER_PORTS:
                expected = "open" if controller and (protocol, port) in OPEN.get(asks, ()) else "shut"
                for at in (0, 1):
                    ends = {"source_address": source["addresses"][at], "address": destination["addresses"][at]}
                    planned = cell(source, destination, protocol, port, expected, **ends)
                    other = differs(planned)
                    cells.append(cell(source, destination, protocol, port, expected, **ends, **other) if other else planned)
    return result(hosts, cells)


def lab() -> list[Host]:
    """Return the hosts of a small site."""
    backends = ["firewalld", "ufw", "iptables"]
    return [
        *(host(f"con{n}", 10 + n, "controller", backend=backends[n - 1]) for n in (1, 2, 3)),
        *(host(f"se{n}", 20 + n, "service_engine", backend=backends[n - 1]) for n in (1, 2, 3)),
        *(host(f"node{n}", 30 + n, "cluster_node", backend=backends[n - 1]) for n in (1, 2, 3)),
        host("jump1", 41, peers=["management_client"]),
        host("stranger", 51),
        host("services", 61, peers=["ntp_server", "dns_server"]),
    ]


NO_ROW = "No row of the matrix asks for this path, and the zone public of con2 lets in the service https from everywhere."
NO_RULE = "The rules on con1 name only 10.16.3.21 and 10.16.3.22 for this port: apply the plan again on con1."
DROPPED = "Another device between them drops IPv6: the counters of con3 saw no packet."
SILENT = "The probe on services could not be started: /usr/bin/python3 is missing."
PORTAL = {"row": "system_portal", "peer": "service_engine"}
MANAGEMENT = {"peer": "management_client", "why": "no host of the inventory has an address there"}


def mixed() -> Result:
    """Return the result of a small site with one of everything: each kind of difference, an unknown, and paths that were not tried."""

    def differs(seen: dict[str, Any]) -> dict[str, Any] | None:
        at = (seen["destination"], seen["port"])
        if at == ("con2", 443) and seen["source"] in ("se1", "se2", "se3", "stranger"):
            return {"observed": "open", "causes": [NO_ROW]}
        if at == ("con2", 80) and seen["source"] == "stranger" and ":" not in seen["address"]:
            return {"observed": "closed", "detail": "connection refused", "causes": [NO_ROW]}
        if at == ("con1", 8443) and seen["source"] == "se3":
            return {
                "observed": "filtered",
                "detail": "no answer in 2 s",
                "row": "system_portal",
                "peer": "service_engine",
                "causes": [NO_RULE],
            }
        if at == ("con3", 22) and seen["source"] == "jump1" and ":" in seen["address"]:
            return {"observed": "filtered", "row": "ssh", "peer": "management_client", "causes": [DROPPED]}
        if at == ("node1", 22) and seen["source"] == "services":
            return {"observed": "unknown", "detail": "exit status 127", "causes": [SILENT]}
        return None

    made = everyone(lab(), differs)
    made["not_tried"] = [
        {
            "peer": "management_client",
            "networks": ["192.0.2.0/24"],
            "destination": name,
            "ports": ["tcp/22", "tcp/443", "udp/161"],
            **MANAGEMENT,
        }
        for name in ("con1", "con2", "con3")
    ]
    return made


def site(engines: int = 97, differs: Differs = lambda _cell: None) -> Result:
    """Return the result of a large site: three Controllers and ``engines`` Service Engines."""
    hosts = [host(f"con{n}", n, "controller", backend="firewalld") for n in (1, 2, 3)]
    hosts += [host(f"se{n}", 100 + n, "service_engine", backend="nftables") for n in range(1, engines + 1)]
    return everyone(hosts, differs)


def troubled_site(engines: int = 97) -> Result:
    """Return a large site where one Controller takes in nobody at its portal, and two Service Engines stand open."""

    def differs(seen: dict[str, Any]) -> dict[str, Any] | None:
        if (seen["destination"], seen["port"]) == ("con1", 8443) and seen["expected"] == "open" and seen["source"].startswith("se"):
            return {
                "observed": "filtered",
                "row": "system_portal",
                "peer": "service_engine",
                "causes": ["The set avi-con-8443 is empty on con1."],
            }
        if seen["destination"] in ("se7", "se8") and seen["port"] == 22:
            return {"observed": "open", "causes": ["No firewall runs there."]}
        if seen["source"] == "se42" and seen["destination"] == "con3" and seen["protocol"] == "udp" and seen["port"] == 123:
            return {"observed": "unknown", "causes": ["The probe on se42 ended early."]}
        return None

    made = site(engines, differs)
    made["not_tried"] = [
        {
            "peer": "management_client",
            "networks": ["192.0.2.0/24", "2001:db8::/64"],
            "destination": name,
            "ports": ["tcp/443"],
            **MANAGEMENT,
        }
        for name in ("con1", "con2", "con3")
    ]
    return made
