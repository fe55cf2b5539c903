# Copyright: (c) 2026, avi.firewall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Why a source may reach a port of a host or not: the row of the matrix that says so, and what the rules of the host make of it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from . import _addresses, _extra_rows, _inventory, _reach


def sources(value: str, hostvars: Mapping[str, Mapping[str, Any]], types: Collection[str]) -> list[str]:
    """Return as what addresses a host of ``types`` sees ``value``: an inventory host, an address, or a name that resolves.

    Raises AddressError, InventoryError, PortMatrixError.
    """
    if value in hostvars:
        at = _inventory.whereabouts(value, hostvars[value])
        return _reach.single(_inventory.seen_by(types, at["addresses"], at["seen_as"]))
    if _addresses.is_host_name(value):
        return list(_addresses.resolve(value))
    return [_addresses.address(value)]


def questions(target: Mapping[str, Any], addresses: Sequence[str], dport: str) -> list[dict[str, Any]]:
    """Return a question for each pair of addresses of one family, with the row by which it shall be open.

    ``target`` is what :func:`_reach.target` returned, ``dport`` is written ``tcp/8443``, or ``8443`` for tcp. Raises ReachError.
    """
    if not target["types"]:
        raise _reach.ReachError(f"destination {target['host']} is in no group of a node type (avi_firewall_groups): it has no plan")
    protocol, number = _reach.ports([dport if "/" in dport else f"tcp/{dport}"], "dport")[0]
    found = []
    for source in addresses:
        for address in (address for address in target["addresses"] if (":" in address) == (":" in source)):
            rule = next(
                (
                    rule
                    for rule in target["rules"]
                    if (rule["protocol"], rule["port"]) == (protocol, number) and source in _reach.Networks(target["peers"][rule["peer"]])
                ),
                None,
            )
            found.append(
                {
                    "source_address": source,
                    "address": address,
                    "protocol": protocol,
                    "port": number,
                    "expected": "open" if rule else "shut",
                    "observed": "",
                    **{key: rule and rule[key] for key in ("row", "peer", "why", "evidence")},
                }
            )
    if not found:
        own = ", ".join(target["addresses"])
        raise _reach.ReachError(f"source {', '.join(addresses)}: {target['host']} has no address of the same family ({own})")
    return found


def lines(host: str, source: str, release: str | None, asked: Sequence[Mapping[str, Any]], found: Mapping[str, Any]) -> list[str]:
    """Return the explanation of every question, as a person reads it in a terminal.

    ``found`` is what the module host_explain returned.
    """
    told = []
    for question, path in zip(asked, found["paths"], strict=True):
        told += [
            f"{source} ({question['source_address']}) to {host} ({question['address']}), {question['protocol']} port {question['port']}",
            f"  plan:    {_planned(question, release)}",
            f"  host:    {_decided(path)}",
            *(f"           {step}" for step in path["steps"] if len(path["steps"]) > 1),
            *_ours(question, path),
            *([f"  sent on: to {path['forwarded_to'][0]} port {path['forwarded_to'][1]}, past INPUT"] if path["forwarded_to"] else []),
            *(f"  doubt:   {doubt}" for doubt in path["doubts"]),
            f"  back:    {path['route_back'] or 'not known'}",
            f"  service: {_service(question, found['holders'])}",
        ]
    return [*told, *(f"  note:    {finding}" for finding in found["findings"])]


def _planned(question: Mapping[str, Any], release: str | None) -> str:
    if question["row"] is None:
        return f"shut, for no row of release {release} lets it in"
    by = f"open to {question['peer']}, by row {question['row']} of"
    if question["evidence"] == _extra_rows.VARIABLE:
        return f"{by} {_extra_rows.VARIABLE}"
    return f"{by} release {release} ({question['why']}; docs/sources.md, {question['evidence']})"


def _decided(path: Mapping[str, Any]) -> str:
    words = {"accept": "lets it in", "drop": "drops it", "reject": "rejects it", "unknown": "cannot be told"}
    return words[path["decision"]] + (f", by {path['deciding']}" if path["deciding"] else ", for no rule stops it")


def _ours(question: Mapping[str, Any], path: Mapping[str, Any]) -> list[str]:
    if path["carrier"] is None:
        return ["  ours:    no rule of ours lets it in" + (", though the plan does: run site.yml" if question["row"] else "")]
    return [f"  ours:    {path['carrier']}" + ("" if path["reached"] else "; the packet never comes to it")]


def _service(question: Mapping[str, Any], holders: Sequence[Mapping[str, Any]]) -> str:
    there = [
        f"{holder['process'] or 'somebody'} listens on {'every address' if holder['address'] == '*' else holder['address']}"
        for holder in holders
        if (holder["protocol"], holder["port"]) == (question["protocol"], question["port"])
    ]
    return "; ".join(sorted(set(there))) or "nobody listens there"
