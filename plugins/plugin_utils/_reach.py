# Copyright: (c) 2026, avi.firewall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who shall reach what, and who does: every host that looks against every host that answers, by the addresses of both.

Whether a path shall be open depends on addresses alone: a peer is who has the address of one, whatever the inventory calls it.
"""

from __future__ import annotations

import ipaddress
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from . import _inventory, _port_matrix, _verify_result

Port = tuple[str, int]


class ReachError(ValueError):
    """What was asked for cannot be tried."""


class Trial(NamedTuple):
    """One path to try: from an address of ``source`` to an address and port of ``destination``.

    ``row`` and ``peer`` say by which row of the matrix, and as whom, it shall be open; None where it shall be shut.
    """

    source: str
    source_address: str
    destination: str
    address: str
    protocol: str
    port: int
    row: str | None
    peer: str | None

    @property
    def expected(self) -> str:
        return "open" if self.row else "shut"


def ports(values: Iterable[Any], variable: str) -> list[Port]:
    """Return ports written as ``tcp/22``. Raises ReachError naming ``variable``, the value and what is allowed."""
    found = []
    for value in values:
        written = re.fullmatch(r"(tcp|udp)/([0-9]{1,5})", value) if isinstance(value, str) else None
        if not written or not 1 <= int(written[2]) <= 65535:
            raise ReachError(f"{variable}: {value!r} is not a port: tcp/ or udp/ and a number from 1 to 65535")
        found.append((written[1], int(written[2])))
    return found


def target(host: str, types: Sequence[str], addresses: Sequence[str], rules: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Return what is to be tried at ``host``, whose plans hold ``rules``.

    ``rules``: for each port and peer that shall get in its row, with ``why`` and ``evidence``; ``peers``: their networks; ``closed``: ports
    of the matrix that shall be shut here, for they belong to other node types, releases or ways to run; ``seen``: by which addresses it
    sees hosts behind NAT.
    """
    inbound = [rule for rule in rules if rule["direction"] == "in" and rule["port"] is not None]
    planned = {(rule["protocol"], rule["port"]) for rule in inbound}
    return {
        "host": host,
        "types": list(types),
        "addresses": list(addresses),
        "rules": [{"row": rule["name"], **{key: rule[key] for key in ("protocol", "port", "peer", "why", "evidence")}} for rule in inbound],
        "peers": {rule["peer"]: rule["networks"] for rule in inbound},
        "closed": sorted(inbound_ports() - planned),
        "seen": {},
    }


def single(networks: Iterable[str]) -> list[str]:
    """Return the first address of each of ``networks``: a NAT sends from any of its pool, and to the rules each is the same peer."""
    return [network.partition("/")[0] for network in networks]


def seen(target: Mapping[str, Any], sources: Mapping[str, Sequence[str]], seen_as: Mapping[str, Mapping[str, Any]]) -> dict[str, list[str]]:
    """Return the hosts that ``target`` sees by other addresses than their own, and these: what its ``seen`` is to be.

    ``seen_as`` holds for each of ``sources`` what :func:`_inventory.seen_as` returned.
    """
    found = {host: single(_inventory.seen_by(target["types"], sources[host], nat)) for host, nat in seen_as.items() if nat}
    return {host: addresses for host, addresses in found.items() if addresses != list(sources[host])}


def inbound_ports() -> set[Port]:
    """Return every port at which a node of any type listens, in any release, in whatever cloud, by the page of the release.

    Others may well be open for a reason of the host's own: a port that stands in a vendor's template, or for some clouds.
    """
    nodes = _port_matrix.host_ends()
    return {
        (row["protocol"], row["port"])
        for row in _port_matrix.table()
        if row["destination"] in nodes and row["evidence"] in _port_matrix.OF_THE_PAGE and row["cloud"] is None and row["port"] is not None
    }


def all_ports(at: Mapping[str, Any]) -> list[Port]:
    """Return the ports to try at a target, each once."""
    return list(dict.fromkeys([*((rule["protocol"], rule["port"]) for rule in at["rules"]), *map(tuple, at["closed"])]))


class Networks:
    """Networks that can be asked quickly whether they hold an address."""

    def __init__(self, networks: Iterable[str]) -> None:
        self._found: dict[tuple[int, int], set[int]] = defaultdict(set)
        for network in map(ipaddress.ip_network, networks):
            bits = network.max_prefixlen - network.prefixlen
            self._found[network.version, bits].add(int(network.network_address) >> bits)

    def __contains__(self, address: str) -> bool:
        found = ipaddress.ip_address(address)
        return any(version == found.version and int(found) >> bits in there for (version, bits), there in self._found.items())


def members(sources: Mapping[str, Sequence[str]], targets: Iterable[Mapping[str, Any]]) -> dict[str, dict[str, dict[str, list[str]]]]:
    """Return as which peers each source is known to each target: by source, target and address of the source; empty ones left out.

    ``sources`` are the addresses of each host that looks.
    """
    found: dict[str, dict[str, dict[str, list[str]]]] = {}
    for at in targets:
        peers = {peer: Networks(networks) for peer, networks in at["peers"].items()}
        for source, addresses in sources.items():
            for address in at["seen"].get(source, addresses):
                if known := [peer for peer, networks in peers.items() if address in networks]:
                    found.setdefault(source, {}).setdefault(at["host"], {})[address] = known
    return found


def trials(source: str, paths: Mapping[str, Any]) -> Iterator[Trial]:
    """Yield what ``source`` has to try, always in the same order.

    ``paths`` is what verify_paths returned: ``sources`` (addresses by host), ``targets``, ``members`` and ``also_open``, ports on which
    nothing is tried that shall be shut, for rules of others may open them.
    """
    spared = set(map(tuple, paths["also_open"]))
    members_there = paths["members"].get(source, {})
    for at in paths["targets"]:
        if at["host"] == source:
            continue
        for mine in at["seen"].get(source, paths["sources"][source]):
            peers = members_there.get(at["host"], {}).get(mine, ())
            rows = {(rule["protocol"], rule["port"]): (rule["row"], rule["peer"]) for rule in at["rules"] if rule["peer"] in peers}
            for address in (address for address in at["addresses"] if (":" in address) == (":" in mine)):
                for port in all_ports(at):
                    row, peer = rows.get(port, (None, None))
                    if row or port not in spared:
                        yield Trial(source, mine, at["host"], address, *port, row, peer)


def not_tried(
    sources: Mapping[str, Sequence[str]], targets: Iterable[Mapping[str, Any]], also_open: Iterable[Port] = ()
) -> list[dict[str, Any]]:
    """Return what nobody can try: networks of peers in which no source has an address, and the ports of ``also_open``.

    Each is ``{"peer": …, "networks": […], "destination": …, "ports": ["tcp/443"], "why": …}``.
    """
    looking = {source: _parsed(addresses) for source, addresses in sources.items()}
    found = []
    for at in targets:
        seeing = {**looking, **{source: _parsed(addresses) for source, addresses in at["seen"].items()}}
        others = [address for source, addresses in seeing.items() if source != at["host"] for address in addresses]
        for peer, networks in at["peers"].items():
            if missing := _without(networks, others):
                written = [f"{rule['protocol']}/{rule['port']}" for rule in at["rules"] if rule["peer"] == peer]
                why = "no host that looks has an address there"
                found.append({"peer": peer, "networks": missing, "destination": at["host"], "ports": written, "why": why})
        if spared := [port for port in also_open if port in all_ports(at)]:
            written = [f"{protocol}/{port}" for protocol, port in spared]
            why = "avi_verify_also_open leaves it to rules of others whether it is shut"
            found.append({"peer": "anyone else", "networks": [], "destination": at["host"], "ports": written, "why": why})
    return found


def failed(host: str) -> dict[str, Any]:
    """Return what stands for a host that dropped out before anything was tried there, as :func:`not_tried` returns it."""
    return {"peer": "anyone", "networks": [], "destination": host, "ports": [], "why": "the host failed before anything was tried"}


def _parsed(addresses: Iterable[str]) -> list[ipaddress.IPv4Address | ipaddress.IPv6Address]:
    return [ipaddress.ip_address(address) for address in addresses]


def _without(networks: Sequence[str], addresses: Iterable[ipaddress.IPv4Address | ipaddress.IPv6Address]) -> list[str]:
    """Return those of ``networks`` that hold none of ``addresses``."""
    by_length: dict[tuple[int, int], dict[int, str]] = defaultdict(dict)
    for text in networks:
        network = ipaddress.ip_network(text)
        bits = network.max_prefixlen - network.prefixlen
        by_length[network.version, bits][int(network.network_address) >> bits] = text
    held = {
        there[int(address) >> bits]
        for address in addresses
        for (version, bits), there in by_length.items()
        if version == address.version and int(address) >> bits in there
    }
    return [text for text in networks if text not in held]


def judge(
    paths: Mapping[str, Any], answers: Mapping[str, Sequence[Sequence[str]] | None], seen: Mapping[str, Sequence[str] | None]
) -> list[dict[str, Any]]:
    """Return a cell for each trial of each source.

    ``answers`` are lists of word, detail and nonce by source, None for one that said nothing; ``seen`` the nonces that reached the listener
    of each target, None where it ended too early. A cell is a flat dict, see docs/verify_json.md.
    """
    targets = {at["host"]: at for at in paths["targets"]}
    reached = {host: frozenset(nonces) for host, nonces in seen.items() if nonces is not None}
    tried: list[tuple[Trial, Sequence[str] | None]] = []
    for source in paths["sources"]:
        mine = list(trials(source, paths))
        said = answers[source]
        tried += zip(mine, said if said is not None else [None] * len(mine), strict=True)
    answered = {(trial.destination, trial.protocol, trial.port) for trial, answer in tried if answer and answer[0] == "open"}
    cells = []
    for trial, answer in tried:
        observed, detail = _observed(trial, answer, targets[trial.destination], reached.get(trial.destination), answered)
        cells.append(
            {
                **trial._asdict(),
                "expected": trial.expected,
                "observed": observed,
                "passed": _verify_result.passes(trial.expected, observed),
                "detail": detail,
                "causes": [],
            }
        )
    return cells


def judge_registered(paths: Mapping[str, Any], hostvars: Mapping[str, Mapping[str, Any]], answers: str, seen: str) -> list[dict[str, Any]]:
    """Return what :func:`judge` does of what the hosts have registered: ``answers`` and ``seen`` are the names of the variables.

    It is worked out where it is needed, for to hand over a cell for each pair takes longer than that.
    """
    return judge(
        paths,
        {host: hostvars[host].get(answers, {}).get("answers") for host in paths["sources"]},
        {at["host"]: hostvars[at["host"]].get(seen, {}).get("seen") for at in paths["targets"]},
    )


def _observed(
    trial: Trial,
    answer: Sequence[str] | None,
    at: Mapping[str, Any],
    reached: frozenset[str] | None,
    answered: set[tuple[str, str, int]],
) -> tuple[str, str]:
    if answer is None:
        return "unknown", f"{trial.source} did not say what it got"
    word, detail, nonce = answer
    if reached is None and word in ("closed", "filtered"):
        return "unknown", f"the listener on {trial.destination} was not there to the end"
    ours = f"{trial.protocol}/{trial.port}" in at["listening"]
    holders = [holder for holder in at["holders"] if (holder["protocol"], holder["port"]) == (trial.protocol, trial.port)]
    if word == "closed" and (ours or any(holder["address"] in ("*", trial.address) for holder in holders)):
        return "rejected", "refused in the name of the host, on which somebody listens"
    if word == "filtered" and trial.protocol == "udp":
        if nonce in (reached or ()):
            return "open", "it arrived, and the answer got lost on the way back"
        heard = ours or any(holder["answers"] for holder in holders) or (trial.destination, trial.protocol, trial.port) in answered
        if not heard:
            by = ", ".join(sorted({holder["process"] or "somebody" for holder in holders})) or "nobody"
            return "unknown", f"{by} listens there, and answers nobody, not even the host itself"
    return word, detail


def questions(cells: Iterable[Mapping[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    """Return by destination what needs a cause, in the order of ``cells``: addresses, port, what was expected and observed."""
    found: dict[str, list[dict[str, Any]]] = {}
    for cell in cells:
        if not cell["passed"]:
            question = {name: cell[name] for name in ("source_address", "address", "protocol", "port", "expected", "observed")}
            found.setdefault(cell["destination"], []).append(question)
    return found


def result(
    release: str | None,
    paths: Mapping[str, Any],
    cells: Iterable[Mapping[str, Any]],
    causes: Mapping[str, Sequence[Sequence[str]]],
    drifts: Mapping[str, Mapping[str, Any]],
) -> dict[str, Any]:
    """Return the whole result as the reports take it, see docs/verify_json.md.

    ``causes`` holds, by destination, those of each of its :func:`questions`; ``drifts`` what the task drift returned on each host.
    """
    targets = {at["host"]: at for at in paths["targets"]}
    hosts = []
    for host, addresses in paths["sources"].items():
        known = {peer for by_address in paths["members"].get(host, {}).values() for peers in by_address.values() for peer in peers}
        hosts.append(
            {
                "name": host,
                "node": targets[host]["types"][0] if host in targets else None,
                "peers": sorted(known),
                "addresses": list(addresses),
                "backend": drifts[host].get("backend"),
                "drift": list(drifts[host].get("drift", [])),
                "resolved": targets[host].get("resolved", {}) if host in targets else {},
            }
        )
    found = {host: iter(lines) for host, lines in causes.items()}
    told = [{**cell, "causes": [] if cell["passed"] else list(next(found.get(cell["destination"], iter(())), ()))} for cell in cells]
    return {"format": _verify_result.FORMAT, "release": release, "hosts": hosts, "cells": told, "not_tried": list(paths["not_tried"])}
