# Copyright: (c) 2026, avi.firewall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the document says must be open, as cells between lab hosts, and how the packets differ from it.

A cell is written ``tcp/22``: a protocol and a port of the host that listens.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from pathlib import Path

import yaml
from lab.reach import reach
from lab_hosts import addresses, group

EXPECTED = yaml.safe_load(Path(__file__).with_name("expected.yml").read_text(encoding="utf-8"))
PROBED = frozenset(f"{protocol}/{port}" for protocol, ports in EXPECTED["probed"].items() for port in ports)

EVERYONE = tuple(group("all"))
MANAGED = tuple(group("managed"))
CONTROLLERS = tuple(group("avi_controllers"))


@dataclasses.dataclass(frozen=True)
class Told:
    """What the play was told, as far as it decides which cells open."""

    features: tuple[str, ...] = ("http", "cli_shell")
    in_container: bool = False
    clients: tuple[str, ...] = tuple(group("clients"))
    kinds: Mapping[str, Iterable[str]] = dataclasses.field(
        default_factory=lambda: dict.fromkeys(group("avi_cluster_nodes"), ("openshift_node",))
    )


def accepts(destination: str, source: str, told: Told | None) -> frozenset[str]:
    """Return the cells of ``destination`` that ``source`` must reach; ``told`` is None before any play.

    A host reaches all of its own ports: loopback shows that a listener stands behind each cell that is shut to others.
    """
    if source == destination:
        return PROBED
    cells: set[str] = set()
    if told and destination in CONTROLLERS:
        for asker, ports in EXPECTED["controller_in_container" if told.in_container else "controller"].items():
            if asker != "clients" and source in group(asker):
                cells.update(ports)
            elif asker == "clients" and source in told.clients:
                missing = EXPECTED["features"].keys() - set(told.features)
                cells.update(set(ports).difference(*(EXPECTED["features"][feature] for feature in missing)))
    if told and source in CONTROLLERS:
        for kind in told.kinds.get(destination, ()):
            cells.update(EXPECTED["cluster_node"][kind])
    return frozenset(cells)


def differences(told: Told | None, destinations: Iterable[str] = MANAGED, sources: Iterable[str] = EVERYONE) -> dict[str, list[str]]:
    """Probe every port of each destination from each source; return, by destination, a sentence for each wrong cell."""
    wanted = {
        (source, address): accepts(destination, source, told)
        for source in sources
        for destination in destinations
        for address in addresses(destination)
    }
    found = compare(wanted)
    return {destination: [line for address in addresses(destination) for line in found[address]] for destination in destinations}


def compare(wanted: Mapping[tuple[str, str], Iterable[str]]) -> dict[str, list[str]]:
    """Probe every port of each address from each source; return, by address, a sentence for each wrong cell.

    ``wanted`` holds the cells that must be open, by (source, address), for each source and each address. Every other
    probed cell must be shut, however the firewall says so.
    """
    sources = list(dict.fromkeys(source for source, _address in wanted))
    targets = list(dict.fromkeys(address for _source, address in wanted))
    probes = [(address, cell.split("/")[0], int(cell.split("/")[1])) for address in targets for cell in sorted(PROBED)]
    found: dict[str, list[str]] = {address: [] for address in targets}
    for (source, (address, protocol, port)), result in reach(sources, probes).items():
        cell = f"{protocol}/{port}"
        must_be_open = cell in wanted[source, address]
        if result.startswith("unknown") or (result == "open") != must_be_open:
            found[address].append(f"{source} to {address} {cell}: {result}, must {'be' if must_be_open else 'not be'} open")
    return found
