# Copyright: (c) 2026, avi.firewall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The plans of all hosts as one list of flows: what the owner of a firewall in between has to let through.

A flow is a rectangle: every source network to every destination network of its family, at one port. _handover_report.py makes a report
of them.
"""

from __future__ import annotations

import dataclasses
import ipaddress
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from . import _addresses, _inventory, _peers, _plan, _port_matrix, _verify_result

Flow = dict[str, Any]
Resolve = Callable[[str], Iterable[str]]

#: What makes one flow another, besides its networks.
WHAT = ("source", "destination", "protocol", "port", "name", "why", "document", "feature", "release")


def hosts(nodes: _inventory.Nodes) -> list[str]:
    """Return every host of a node type, once."""
    return list(dict.fromkeys(entry["host"] for entries in nodes.values() for entry in entries))


def spokesman(nodes: _inventory.Nodes) -> str | None:
    """Return the host whose settings hold for what is no host of the inventory: the first, Controllers before others; None without any."""
    for node in _port_matrix.node_types():
        if nodes.get(node):
            first: str = min((entry["host"] for entry in nodes[node]), key=_verify_result.natural)
            return first
    return None


def of_host(
    host: str,
    plans: Mapping[str, _plan.Plan],
    release: Any,
    collected: _peers.Collected,
) -> list[Flow]:
    """Return the flows that ``host`` is an end of, as its ``plans`` have them by node type, made with ``both``.

    What comes to it, from whomever; and what it dials that is no node of any type, for such a row is an inbound one elsewhere. Where an end
    has no address yet, its list of networks is empty.
    """
    entry = collected["hosts"][host]
    listed = [one for ones in collected["exported"].values() for one in ones if one["host"] == host]
    addresses = [*entry["addresses"], *(address for one in listed for address in one["addresses"])]
    dialled = _addresses.networks([*addresses, *(address for one in listed for address in one["public"])])
    found = []
    for plan in plans.values():
        for row in plan.joined:
            networks = row["networks"]
            if row["direction"] == "in":
                # The others of its type see it as it sees them. Nothing that it sends to itself passes a firewall, so alone it has no flow.
                own = (
                    _inventory.seen_by(entry["types"], addresses, entry["seen_as"])
                    if networks and row["source"] == row["destination"]
                    else []
                )
                found.append(_flow(row, release, _addresses.networks([*networks, *own]), dialled))
            elif row["destination"] not in _port_matrix.host_ends():
                found.append(_flow(row, release, _addresses.networks(_inventory.seen_by([], addresses, entry["seen_as"])), networks))
    return found


def outside(
    settings: _plan.Settings,
    collected: _peers.Collected,
    resolve: Resolve = _addresses.resolve,
) -> list[Flow]:
    """Return the flows to nodes that are no hosts of the inventory, but stand in ``avi_firewall_peers`` or in an answer of the Controller.

    ``settings`` are those of the :func:`spokesman`. Who may come to them is said where it is known: nobody has to say it for their sake.
    Raises what :func:`_plan.make` raises.
    """
    lenient = dataclasses.replace(settings, peers={**dict.fromkeys(_port_matrix.ends(), ()), **settings.peers})
    found = []
    for end in _port_matrix.host_ends():
        node = end if end in _port_matrix.node_types() else "cluster_node"
        networks = _peers.Peers("", [node], settings.peers, collected, resolve).outside(end)
        if networks:
            kinds = dataclasses.replace(lenient, kinds=[end] if node == "cluster_node" else [])
            plan = _plan.make(node, "outside the inventory", kinds, collected, resolve)
            rows = [row for row in plan.joined if row["direction"] == "in" and not (row["source"] == end and _alone(row["networks"]))]
            found += [_flow(row, settings.release, row["networks"], networks) for row in rows]
    return found


def _alone(networks: Sequence[str]) -> bool:
    """Return whether who has ``networks`` finds nobody but itself among them: one address in each family at most."""
    found = list(map(ipaddress.ip_network, networks))
    return all(one.num_addresses == 1 for one in found) and len({one.version for one in found}) == len(found)


def _flow(row: Mapping[str, Any], release: Any, sources: Sequence[str], destinations: Sequence[str]) -> Flow:
    return {
        "source": row["source"],
        "source_networks": list(sources),
        "destination": row["destination"],
        "destination_networks": list(destinations),
        "protocol": row["protocol"],
        "port": row["port"],
        "name": row["name"],
        "why": row["why"],
        "document": row["evidence"],
        "feature": row["feature"],
        "release": str(release),
    }


def flows(found: Iterable[Flow]) -> list[Flow]:
    """Return what :func:`of_host` and :func:`outside` returned for all hosts as few flows, in the order of the matrix.

    A flow is ``{"source": "service_engine", "source_networks": ["10.0.0.0/24", …], "destination": "controller",
    "destination_networks": […], "protocol": "tcp", "port": 8443, "name": "system_portal", "why": …, "document": "matrix_page",
    "feature": None, "release": "16.3"}``: networks are collapsed, IPv4 first; ``port`` is None for ICMP and IP protocols (``icmp``,
    ``ip-97``). Rows of the user's own come last; the order of hosts means nothing. Two flows of one row stand where the networks of one end
    differ by those of the other.
    """
    whole = [flow for flow in found if flow["source_networks"] and flow["destination_networks"]]
    for same, joined in (("source_networks", "destination_networks"), ("destination_networks", "source_networks")):
        whole = _merge(whole, same, joined)
    places = {(row["source"], row["destination"], row["name"]): place for place, row in reversed(list(enumerate(_port_matrix.table())))}
    return sorted(whole, key=lambda flow: (places.get(_row(flow), len(places)), *_order(flow)))


def _merge(found: Iterable[Flow], same: str, joined: str) -> list[Flow]:
    alike: dict[tuple[Any, ...], list[Flow]] = {}
    for flow in found:
        alike.setdefault((*(flow[name] for name in WHAT), *flow[same]), []).append(flow)
    return [
        {
            **group[0],
            joined: _addresses.networks(
                [network for networks in dict.fromkeys(tuple(flow[joined]) for flow in group) for network in networks]
            ),
        }
        for group in alike.values()
    ]


def _row(flow: Flow) -> tuple[str, str, str]:
    return flow["source"], flow["destination"], flow["name"]


def _order(flow: Flow) -> tuple[Any, ...]:
    networks = [
        [(network.version, network) for network in map(ipaddress.ip_network, flow[f"{end}_networks"])] for end in ("source", "destination")
    ]
    return *_row(flow), flow["protocol"], flow["port"] or 0, flow["release"], str(flow["feature"]), flow["why"], *networks
