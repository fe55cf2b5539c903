# Copyright: (c) 2026, avi.firewall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The plan of one host: the rows of the matrix it needs, joined with the addresses of its peers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from . import _addresses, _extra_rows, _inventory, _peers, _port_matrix, _published_ports

# What the names on a host begin with, by node type. Short, for an ipset's name has 31 characters at most, two of them for the family.
PARTS = {"controller": "con", "service_engine": "se", "cluster_node": "node"}
LONGEST_NAME = 29


class PlanError(ValueError):
    """The plan of this host cannot be made from what is known."""


@dataclass(frozen=True)
class Settings:
    """What a plan is made from, besides the inventory.

    ``runtime`` and ``kinds`` are the values of ``avi_controller_runtime`` (None: ask the Controllers of the inventory)
    and ``avi_cluster_node_kinds``, ``ports`` is that of ``avi_controller_ports``, ``vendor_ports`` holds the variables of the vendor's role
    that the host defines; the rest are the ``avi_firewall_*`` variables of the same names.
    """

    release: Any
    features: Sequence[str] = ()
    peers: Mapping[str, Any] = field(default_factory=dict)
    outbound: bool = False
    runtime: str | None = None
    kinds: Sequence[str] = ()
    ports: Mapping[str, Any] = field(default_factory=dict)
    vendor_ports: Mapping[str, Any] = field(default_factory=dict)
    cloud: Any = None
    object_sync_port: Any = None
    extra_rows: Any = ()

    def site(self) -> _port_matrix.Site:
        """Return what else decides on rows. Raises PortMatrixError naming variable, value and what is allowed."""
        return _port_matrix.Site(self.cloud, self.object_sync_port, _extra_rows.rows(self.extra_rows))


@dataclass(frozen=True)
class Plan:
    """The rules of one host and one node type, the ports that a container publishes there, and what a person should hear about them."""

    rules: list[dict[str, Any]] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)
    published: list[dict[str, Any]] = field(default_factory=list)
    resolved: dict[str, list[str]] = field(default_factory=dict)
    collapsed: dict[str, dict[str, int]] = field(default_factory=dict)
    joined: list[dict[str, Any]] = field(default_factory=list)


def make(
    node: str,
    host: str,
    settings: Settings,
    collected: _peers.Collected,
    resolve: Callable[[str], Iterable[str]] = _addresses.resolve,
    both: bool = False,
) -> Plan:
    """Return the plan of ``host`` as a ``node`` (one of the node types).

    ``collected`` is what :func:`_peers.collected` returned. A rule is a flat dict: ``node``, ``direction`` (in or out),
    ``peer``, ``name`` (of the row), ``protocol``, ``port``, ``networks`` (list of strings, IPv4 first), ``why`` and ``evidence``.
    ``warnings`` tells of peers that are there but have no address yet, ``left_out`` of outbound rows without a
    destination, and of rows without a port. ``published`` are the ports (``protocol``, ``port``) of the host that lead to a Controller in a
    container, whether or not a rule names them; ``resolved`` the addresses of each host name that stands for a peer, ``collapsed`` what
    :class:`_peers.Peers` says of that. ``joined`` are the rows that were asked for, also those without a port, each as
    :func:`_port_matrix.table` returns it, with ``direction`` and ``networks`` (empty: no address). ``both`` joins what is dialled, too,
    whatever ``settings.outbound`` says: for who reads ``joined`` alone.
    Raises PlanError, PeersError, PortMatrixError, PublishedPortError, InventoryError or AddressError, naming variable and value.
    """
    _port_matrix.require("node type", node, _port_matrix.node_types())
    check(settings)
    site = settings.site()
    runtime = _runtime(node, host, settings, collected)
    kinds = _inventory.kinds(settings.kinds, host)
    if node == "cluster_node" and not kinds:
        allowed = ", ".join(_port_matrix.cluster_node_kinds())
        raise PlanError(f"avi_cluster_node_kinds of host {host} is empty: name what it is, of {allowed}")
    seer = collected["hosts"][host]["types"] if host in collected["hosts"] else [node]
    known = _peers.Peers(host, seer, settings.peers, collected, resolve)
    plan = Plan(resolved=known.resolved, collapsed=known.collapsed)
    published = _published(plan, host, settings, runtime) if node == "controller" else {}
    called = _published_ports.called(settings.vendor_ports) if node == "service_engine" else {}
    plan.warnings.extend(_misled(host, called, collected["nodes"]))
    dialled = {**called, **_dialled(collected["nodes"])} if settings.outbound and runtime == "container" else {}
    for end in kinds if node == "cluster_node" else [node]:
        for direction in ("in", "out") if settings.outbound or both else ("in",):
            for row in _port_matrix.rows(end, str(settings.release), direction, settings.features, runtime, site):
                moved = published if direction == "in" else dialled if row["destination"] == "controller" else {}
                _add(plan, node, direction, _published_ports.moved(row, moved), known)
            plan.warnings.extend(_unasked(end, direction, settings))
    if published:
        plan.published.extend(
            _published_ports.cells(published, [row for row in plan.joined if row["direction"] == "in" and row["feature"]])
        )
    return plan


def check(settings: Settings) -> None:
    """Raise an error that names variable, value and what is allowed, unless ``settings`` can be made a plan of."""
    held = ", ".join(_port_matrix.releases())
    if settings.release is None:
        raise PlanError(f"avi_firewall_release is not set: name the release that runs, of {held}")
    if isinstance(settings.features, str) or not isinstance(settings.features, Sequence):
        raise PlanError(f"avi_firewall_features is {settings.features!r}, not a list of features")
    _port_matrix.check_question(
        str(settings.release),
        settings.features,
        {"release": "avi_firewall_release", "features": "avi_firewall_features"},
    )
    if not isinstance(settings.peers, Mapping):
        raise PlanError(f"avi_firewall_peers is {settings.peers!r}, not a mapping from peer to addresses")
    for peer in settings.peers:
        _port_matrix.require("avi_firewall_peers: peer", peer, _port_matrix.ends())


def _unasked(end: str, direction: str, settings: Settings) -> list[str]:
    """Return a warning for each peer that ``settings`` gives addresses to, while all its rows belong to features that are not chosen."""
    here, there = ("destination", "source") if direction == "in" else ("source", "destination")
    rows = [row for row in _port_matrix.table() if row[here] == end and str(settings.release) in row["releases"]]
    known = {row[there] for row in rows if row["feature"] in (None, *settings.features)} | {*_port_matrix.host_ends()}
    asking: dict[str, list[str]] = {}
    for row in rows:
        if row[there] in settings.peers and row[there] not in known:
            asking.setdefault(row[there], []).append(row["feature"])
    return [
        f"avi_firewall_peers names {peer}, whose rows in release {settings.release} come only with avi_firewall_features: "
        f"{', '.join(dict.fromkeys(features))}"
        for peer, features in asking.items()
    ]


def _runtime(node: str, host: str, settings: Settings, collected: _peers.Collected) -> str:
    if settings.runtime is not None:
        return _inventory.runtime(settings.runtime)
    if node == "controller" and host in collected["hosts"]:
        return str(collected["hosts"][host]["runtime"])
    found = collected["runtimes"]
    if len(found) > 1:
        raise PlanError(
            f"avi_controller_runtime differs: {found['host']} runs on its host, {found['container']} in a container; "
            "set it to one value for the hosts that call both"
        )
    return next(iter(found), "host")


def _published(plan: Plan, host: str, settings: Settings, runtime: str) -> _published_ports.Ports:
    """Return the ports that the Controller on ``host`` publishes. One that runs on the host itself has no ports to move."""
    if runtime == "container":
        return _published_ports.ports(settings.ports, settings.vendor_ports)
    if settings.ports:
        raise PlanError(
            f"avi_controller_ports of host {host} is {settings.ports!r}, and avi_controller_runtime is host: only a Controller in a "
            "container publishes ports. Set avi_controller_runtime to docker or podman, or take avi_controller_ports away"
        )
    if moving := [name for name in settings.vendor_ports if name.startswith("con_")]:
        plan.warnings.append(
            f"{', '.join(moving)} is set, which moves ports of a Controller in a container, and avi_controller_runtime "
            "is host: nothing is moved"
        )
    return {}


def _dialled(nodes: _inventory.Nodes) -> _published_ports.Ports:
    """Return the ports at which the Controllers of the inventory are called, in containers all of them; nothing where none moves."""
    found = {tuple(sorted(entry["ports"].items())): entry for entry in nodes.get("controller", []) if entry["ports"]}
    if len(found) > 1:
        shown = "; ".join(f"{entry['host']}: {entry['ports']}" for entry in found.values())
        raise PlanError(f"avi_controller_ports differs, and avi_firewall_outbound is true: give the Controllers the same ports ({shown})")
    return next(iter(found.values()))["ports"] if found else {}


def _misled(host: str, called: _published_ports.Ports, nodes: _inventory.Nodes) -> list[str]:
    """Return a warning for each port at which the vendor's role lets ``host`` call Controllers that do not listen there."""
    found = []
    for service, port in called.items():
        entry = _port_matrix.published()[service]
        listening = {node["ports"].get(service, entry.get("on_host", entry["port"])) for node in nodes.get("controller", [])}
        if listening - {port}:
            found.append(
                f"{entry['called_by']} of host {host} is {port}, at which the vendor's role lets this Service Engine call the Controllers, "
                f"and they listen at {', '.join(map(str, sorted(listening)))}"
            )
    return found


def _add(plan: Plan, node: str, direction: str, row: _port_matrix.Row, known: _peers.Peers) -> None:
    peer = row["source"] if direction == "in" else row["destination"]
    networks = known.networks(peer, direction)
    plan.joined.append({**row, "direction": direction, "networks": networks or []})
    if row["port"] is None:
        way = "from" if direction == "in" else "to"
        plan.left_out.append(f"{row['protocol']} ({row['name']}) {way} {peer}: no rule is made for it on the host, for it has no port")
        return
    flow = f"{row['protocol']}/{row['port']} ({row['name']})"
    if networks:
        if len(name := _name(node, direction, peer)) > LONGEST_NAME:
            raise PlanError(
                f"avi_firewall_extra_rows: {flow} to {peer}: a {node} cannot dial it, for the name of its rules, {name}, would be longer "
                f"than {LONGEST_NAME} characters"
            )
        plan.rules.append(
            {
                "node": node,
                "direction": direction,
                "peer": peer,
                "name": row["name"],
                "protocol": row["protocol"],
                "port": row["port"],
                "networks": networks,
                "why": row["why"],
                "evidence": row["evidence"],
            }
        )
    elif direction == "out":
        plan.left_out.append(f"{flow} to {peer}: no address")
    elif networks is None:
        raise PlanError(
            f"avi_firewall_peers has no key {peer!r}, and the inventory has no group of that type (avi_firewall_groups): "
            f"{flow} needs to know who may come in. Name their addresses, or write {peer}: [] when there are none yet"
        )
    else:
        warning = f"{peer} has no address yet: nothing is opened to it"
        if warning not in plan.warnings:
            plan.warnings.append(warning)


def _name(node: str, direction: str, peer: str) -> str:
    """Return what a firewall calls the rules of a node type with a peer."""
    return f"avi-{PARTS[node]}-{'to-' if direction == 'out' else ''}{peer}"


def flows(rules: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return ``rules`` grouped the way a firewall holds them: one flow for each direction and peer.

    A flow is ``{"name": "avi-con-service_engine", "node": …, "direction": "in", "peer": …, "ports": [{"row": …,
    "protocol": …, "port": …}], "ipv4": […], "ipv6": […]}``; outbound ones are named ``avi-con-to-smtp_server``.
    What has no port is in none.
    """
    found: dict[str, dict[str, Any]] = {}
    for rule in (rule for rule in rules if rule["port"] is not None):
        name = _name(rule["node"], rule["direction"], rule["peer"])
        flow = found.setdefault(
            name,
            {
                "name": name,
                "node": rule["node"],
                "direction": rule["direction"],
                "peer": rule["peer"],
                "ports": [],
                "ipv4": _addresses.of_family(rule["networks"], 4),
                "ipv6": _addresses.of_family(rule["networks"], 6),
            },
        )
        # A host of two kinds may need one port for both.
        if (rule["protocol"], rule["port"]) not in [(port["protocol"], port["port"]) for port in flow["ports"]]:
            flow["ports"].append({"row": rule["name"], "protocol": rule["protocol"], "port": rule["port"]})
    return list(found.values())
