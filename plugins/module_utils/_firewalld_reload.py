# Copyright: (c) 2026, avi.firewall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a reload of firewalld would lose of others: what they added while it ran only, and rules of iptables beside it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from . import _boot, _host

CONFIGURATION = Path("/etc/firewalld/firewalld.conf")

# With it a reload leaves alone what is not firewalld's.
FLUSHES_ITS_OWN = re.compile(r"^FlushAllOnReload\s*=\s*(no|false)", re.MULTILINE | re.IGNORECASE)
# What firewalld itself keeps in iptables.
DIRECT_RULE = re.compile(r"^-A \w+_direct |-j \w+_direct$")
# Names of its chains and bridges, its networks, and a container that calls itself by its published port.
DOCKERS_RULE = re.compile(r"DOCKER| docker0 | br-[0-9a-f]{12} | -s 172\.\d+\.0\.0/16 | -s (\S+) -d \1 .*-j MASQUERADE")


def refuse_losses(client: Any, config: Any) -> None:
    """Raise HostError with all that a reload would lose, if there is anything."""
    lost = []
    for kind, running, stored in (
        ("zone", client.getZones(), config.getZoneNames()),
        ("policy", client.getPolicies(), config.getPolicyNames()),
        ("ipset", client.getIPSets(), config.getIPSetNames()),
    ):
        for name in map(str, running):
            if name.startswith("avi-"):
                continue
            if name not in stored:
                lost.append(f"{kind} {name}")
                continue
            before = _settings(client, kind, name)
            lost += [f"{kind} {name}: {entry}" for entry in sorted(before - _stored(config, kind, name)) if '"avi-' not in entry]
    stored_direct = config.direct()
    for what in ("Chains", "Rules", "Passthroughs"):
        kept = {str(entry) for entry in getattr(stored_direct, f"getAll{what}")()}
        lost += [f"direct: {' '.join(map(str, entry))}" for entry in getattr(client, f"getAll{what}")() if str(entry) not in kept]
    lost += _flushed(Counter((str(family), str(table), str(chain)) for family, table, chain, *_rest in client.getAllRules()))
    if lost:
        raise _host.HostError(
            "a reload of firewalld is needed and would lose what others added while it ran only: "
            f"{'; '.join(lost)}. Make it permanent, or set avi_firewall_firewalld_reload to true"
        )


def _settings(client: Any, kind: str, name: str) -> set[str]:
    if kind == "ipset":
        return set(map(str, client.getEntries(name)))
    return _things(client.getZoneSettings(name) if kind == "zone" else client.getPolicySettings(name))


def _stored(config: Any, kind: str, name: str) -> set[str]:
    settings = getattr(config, {"zone": "getZoneByName", "policy": "getPolicyByName", "ipset": "getIPSetByName"}[kind])(name).getSettings()
    return set(map(str, settings.getEntries())) if kind == "ipset" else _things(settings)


def _things(settings: Any) -> set[str]:
    """Return what a zone or policy holds, a word for each thing; a reload keeps the interfaces."""
    found = set()
    for key, value in settings.getSettingsDict().items():
        if isinstance(value, (list, tuple)) and key != "interfaces":
            found |= {" ".join(map(str, entry)) if isinstance(entry, (list, tuple)) else str(entry) for entry in value}
        elif key in ("masquerade", "forward", "icmp_block_inversion") and value:
            found.add(str(key))
    return found


def _flushed(direct: Mapping[tuple[str, str, str], int]) -> list[str]:
    """Return the chains of iptables with rules of others: a reload flushes them too, but for what Docker, while it runs, makes anew.

    ``direct`` is how many direct rules firewalld has in a chain of a family and table: those are its own.
    """
    if (configuration := _boot.read(CONFIGURATION)) and FLUSHES_ITS_OWN.search(configuration):
        return []
    docker = _host.succeeds("systemctl", "is-active", "--quiet", "docker")
    found = []
    for command in ("iptables", "ip6tables"):
        for table in ("filter", "nat", "mangle", "raw"):
            try:
                rules = _host.run(command, "--wait", "-t", table, "-S").splitlines()
            except _host.HostError:
                continue  # no such table, or no iptables at all
            family = "ipv4" if command == "iptables" else "ipv6"
            others = [rule for rule in rules if rule.startswith("-A ") and not (docker and DOCKERS_RULE.search(rule))]
            held = Counter(rule.split()[1] for rule in others if not DIRECT_RULE.search(rule))
            chains = [chain for chain, number in held.items() if number > direct.get((family, table, chain), 0)]
            found += [f"{command} -t {table}: {chain}" for chain in sorted(chains)]
    return found
