# Copyright: (c) 2026, avi.firewall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The nodes that a Controller knows, from answers of its API that were saved to files.

Where the shapes of the answers stand written: docs/sources.md, controller_api. No message holds more of a file than names and addresses.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from . import _addresses, _inventory

VARIABLE = "avi_firewall_peers_from"
ANSWERS = "GET /api/cluster, /api/serviceengine-inventory or /api/serviceengine"
IP_TYPES = ("V4", "V6", "DNS")

Exported = dict[str, list[dict[str, Any]]]


class ExportedError(ValueError):
    """A file does not say what it was given for."""


def paths(value: Any) -> list[str]:
    """Return the value of ``avi_firewall_peers_from``, a path or a list of paths, as a list. Raises ExportedError."""
    values = [value] if isinstance(value, str) else value
    if not isinstance(values, (list, tuple)) or not all(isinstance(path, str) and path for path in values):
        raise ExportedError(f"{VARIABLE} is {value!r}, not the path of a file or a list of them")
    return list(values)


def collect(
    files: Iterable[str],
    nodes: _inventory.Nodes,
    resolve: Callable[[str], Iterable[str]] = _addresses.resolve,
) -> Exported:
    """Return the nodes of every type that the answers in ``files`` list.

    The answer maps a node type to a list of ``{"name": …, "host": …, "addresses": […], "public": […], "resolved": {…}}``: ``host`` is the
    host of ``nodes`` (what :func:`_inventory.collect` returned) that has one of the addresses, or None; at the addresses in ``public``
    the node is dialled from outside; ``resolved`` holds the addresses of host names by name. A type of which no file tells is left out.
    Raises ExportedError naming variable, file and what is wrong.
    """
    owners = {address: entry["host"] for entries in nodes.values() for entry in entries for address in entry["addresses"]}
    found: Exported = {}
    pages: dict[int, dict[str, set[str]]] = defaultdict(dict)
    for file in files:
        where = f"{VARIABLE}: {file}"
        answer = _read(file, where)
        count = answer.get("count")
        if isinstance(answer.get("nodes"), list):
            entries = [_controller(node, f"{where}: {_name(node, 'node', number)}", resolve) for number, node in _numbered(answer["nodes"])]
            found.setdefault("controller", []).extend(entries)
        elif isinstance(answer.get("results"), list) and isinstance(count, int) and not isinstance(count, bool):
            results = answer["results"]
            entries = [_service_engine(one, f"{where}: {_name(one, 'result', number)}", resolve) for number, one in _numbered(results)]
            found.setdefault("service_engine", []).extend(entries)
            pages[count][file] = {_identity(one, f"{file} {number}") for number, one in _numbered(results)}
        else:
            raise ExportedError(f"{where} holds no answer to {ANSWERS}")
    _require_all(pages)
    for entry in (entry for entries in found.values() for entry in entries):
        entry["host"] = next((owners[address] for address in entry["addresses"] + entry["public"] if address in owners), None)
    return found


def _read(file: str, where: str) -> Mapping[str, Any]:
    try:
        answer = json.loads(Path(file).read_text(encoding="utf-8"))
    except OSError as exc:
        raise ExportedError(f"{where} cannot be read: {exc.strerror}") from None
    except (ValueError, RecursionError) as exc:
        raise ExportedError(f"{where} is not JSON: {exc}") from None
    if not isinstance(answer, dict):
        raise ExportedError(f"{where} holds no answer to {ANSWERS}")
    return answer


def _require_all(pages: Mapping[int, Mapping[str, set[str]]]) -> None:
    """Raise ExportedError unless all is there that was counted. Pages of one answer have the same count."""
    for count, files in pages.items():
        if (held := len(set().union(*files.values()))) < count:
            raise ExportedError(
                f"{VARIABLE}: {', '.join(files)}: {held} of {count} results: the API answers in pages. Ask for page_size=200, and for "
                "page=2 and so on, and name the file of each page"
            )


def _numbered(values: Iterable[Any]) -> Iterable[tuple[int, Any]]:
    return enumerate(values, start=1)


def _config(value: Any) -> Mapping[str, Any]:
    """Return what tells of the node itself, which an inventory has in ``config``."""
    if not isinstance(value, Mapping):
        return {}
    return value["config"] if isinstance(value.get("config"), Mapping) else value


def _identity(value: Any, otherwise: str) -> str:
    uuid = _config(value).get("uuid")
    return uuid if isinstance(uuid, str) else otherwise


def _name(value: Any, kind: str, number: int) -> str:
    """Return what to call a node in a message, which ends up on a terminal."""
    name = _config(value).get("name")
    return f"{kind} {number}" + (f" ({name})" if isinstance(name, str) and name.isprintable() else "")


def _controller(node: Any, where: str, resolve: Callable[[str], Iterable[str]]) -> dict[str, Any]:
    """Return the entry of a node of ``/api/cluster``."""
    known = _config(node)
    return _entry(where, known.get("name"), [known.get("ip"), known.get("ip6")], [known.get("public_ip_or_name")], resolve)


def _service_engine(result: Any, where: str, resolve: Callable[[str], Iterable[str]]) -> dict[str, Any]:
    """Return the entry of a result of ``/api/serviceengine-inventory``, which has ``config``, or ``/api/serviceengine``."""
    known = _config(result)
    values = [known.get("mgmt_ip_address"), known.get("mgmt_ip6_address")]
    vnic = known.get("mgmt_vnic")
    networks = vnic.get("vnic_networks") if isinstance(vnic, Mapping) else None
    for network in networks if isinstance(networks, list) else []:
        if not isinstance(network, Mapping) or not isinstance(network.get("ip"), Mapping):
            raise ExportedError(f"{where}: an entry of vnic_networks has no ip")
        # A virtual service may have its address there; the Service Engine calls nobody from it.
        if network.get("mode") != "VIP":
            values.append(network["ip"].get("ip_addr"))
    return _entry(where, known.get("name"), values, [], resolve)


def _entry(where: str, name: Any, values: Iterable[Any], public: Iterable[Any], resolve: Callable[[str], Iterable[str]]) -> dict[str, Any]:
    resolved: dict[str, list[str]] = {}

    def addresses(these: Iterable[Any]) -> list[str]:
        given = [address for value in these if value is not None for address in _ip(value, where, resolve, resolved)]
        return list(dict.fromkeys(given))

    found = {
        "name": name if isinstance(name, str) else "",
        "addresses": addresses(values),
        "public": addresses(public),
        "resolved": resolved,
    }
    if not found["addresses"]:
        raise ExportedError(f"{where} has no management address: export again once it has one, or take it out of the file")
    return found


def _ip(value: Any, where: str, resolve: Callable[[str], Iterable[str]], resolved: dict[str, list[str]]) -> list[str]:
    """Return the addresses of an IpAddr of the API, ``{"addr": …, "type": …}``; those of a name, of type DNS, go to ``resolved`` too."""
    if not isinstance(value, Mapping) or not isinstance(value.get("addr"), str) or value.get("type") not in IP_TYPES:
        raise ExportedError(f"{where} has an address that is not written as addr, and type of {', '.join(IP_TYPES)}")
    try:
        if value["type"] == "DNS" and _addresses.is_host_name(value["addr"]):
            resolved[value["addr"]] = [_addresses.address(address) for address in resolve(value["addr"])]
            return resolved[value["addr"]]
        return [_addresses.address(value["addr"])]
    except _addresses.AddressError as exc:
        raise ExportedError(f"{where}: {exc}") from exc
