# Copyright: (c) 2026, avi.firewall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The hosts of the lab: who they are, how to talk to them, what their firewalls say, which modules ran on them."""

from __future__ import annotations

import concurrent.futures
import difflib
import functools
import json
import os
import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, TypeVar

import testinfra
import yaml
from testinfra.host import Host

ROOT = Path(__file__).parents[2]
INVENTORY = ROOT / "extensions" / "molecule" / "inventory.yml"
SCENARIO = os.environ["MOLECULE_SCENARIO_NAME"]
BACKENDS = ("firewalld", "ufw", "iptables", "nftables")

# Keeps what `before` has seen until `removed` compares: molecule gives each verify a process of its own.
KEPT = Path(os.environ["MOLECULE_EPHEMERAL_DIRECTORY"])

T = TypeVar("T")


@functools.cache
def inventory() -> dict[str, Any]:
    """Return the group ``all`` as it stands in the inventory; the lab writes addresses literally."""
    return yaml.safe_load(INVENTORY.read_text(encoding="utf-8"))["all"]


def _hosts(block: dict[str, Any]) -> dict[str, dict[str, Any]]:
    found = dict(block.get("hosts", {}))
    for child in block.get("children", {}).values():
        found.update(_hosts(child))
    return found


def _group(name: str, block: dict[str, Any]) -> dict[str, Any] | None:
    children = block.get("children", {})
    if name in children:
        return children[name]
    return next((found for child in children.values() if (found := _group(name, child))), None)


@functools.cache
def group(name: str) -> list[str]:
    """Return the hosts of a group by their inventory names."""
    block = inventory() if name == "all" else _group(name, inventory())
    if block is None:
        raise KeyError(f"the lab has no group {name}")
    return list(_hosts(block))


def addresses(name: str) -> list[str]:
    """Return both addresses of a host."""
    return _hosts(inventory())[name]["avi_firewall_address"]


def peers() -> dict[str, list[str]]:
    """Return the addresses of each peer that is no group, as the play is told them."""
    return inventory()["vars"]["avi_firewall_peers"]


def backend(name: str) -> str:
    """Return the firewall that runs on a managed host: the one its scenario is named after, or in a mixed lab the one its number picks."""
    first = SCENARIO.partition("_")[0]
    return first if first in BACKENDS else BACKENDS[int(name[-1]) - 1]


@functools.cache
def machine(name: str) -> Host:
    """Return testinfra's handle on a host."""
    return testinfra.get_host(f"podman://avi-firewall-{name}")


def everywhere(function: Callable[[str], T], names: Iterable[str]) -> dict[str, T]:
    """Return what ``function`` says of each host; a few hosts at a time."""
    names = list(names)
    with concurrent.futures.ThreadPoolExecutor(max_workers=4) as pool:
        return dict(zip(names, pool.map(function, names), strict=True))


# What a firewall or a run of ours could have changed on a host, each part under a heading: the rules as the kernel and
# as the managers tell them, everything under /etc, and what carries our name anywhere. firewalld writes a zone's file in
# its own layout and order, and keeps the former one as *.old: so zones are compared as it tells them, not by their files.
LISTING = r"""
show() { printf '== %s\n' "$*"; "$@"; }
show nft list ruleset
show iptables-save
show ip6tables-save
show ipset list
if [ -x /usr/sbin/ufw ]; then show ufw status verbose; show ufw show added; show ufw app list; fi
if systemctl --quiet is-active firewalld; then
  for scope in '' --permanent; do
    show firewall-cmd $scope --list-all-zones
    show firewall-cmd $scope --list-all-policies
  done
  for names in services ipsets policies; do show firewall-cmd --get-$names; done
fi
show systemctl list-unit-files --no-legend 'avi*' firewalld.service ufw.service nftables.service
show systemctl list-units --all --plain --no-legend 'avi*'
show find /etc -xdev ! -name '*.old' -printf '%M %p %l\n'
show find /etc -xdev -type f ! -name '*.old' ! -path '/etc/firewalld/zones/*' -exec sha256sum '{}' +
show find / /run -ignore_readdir_race -xdev -iname 'avi[-_]*'
"""
# Counters move by themselves; the dates are those of the listing.
MOVING = re.compile(r"(?<=counter )packets \d+ bytes \d+|\[\d+:\d+\]|^# (?:Generated|Completed).*$", re.MULTILINE)
UNSORTED = ("find", "ipset", "firewall-cmd")


def listing(name: str) -> dict[str, list[str]]:
    """Return the lines of each part of LISTING on a host, without what moves by itself."""
    parts = (part.partition("\n") for part in MOVING.sub("", machine(name).check_output(LISTING)).split("== ")[1:])
    return {title: sorted(body.splitlines()) if title.startswith(UNSORTED) else body.splitlines() for title, _newline, body in parts}


def keep(listings: dict[str, dict[str, list[str]]]) -> None:
    """Keep the listings of all hosts for a later stage."""
    KEPT.joinpath("listings.json").write_text(json.dumps(listings), encoding="utf-8")


@functools.cache
def kept() -> dict[str, dict[str, list[str]]]:
    """Return the listings that an earlier stage kept."""
    return json.loads(KEPT.joinpath("listings.json").read_text(encoding="utf-8"))


def changes(before: dict[str, list[str]], after: dict[str, list[str]]) -> list[str]:
    """Return the lines by which two listings of a host differ, each after its heading."""
    return [
        f"{title}: {line}"
        for title in sorted(before.keys() | after.keys())
        for line in difflib.unified_diff(before.get(title, []), after.get(title, []), lineterm="", n=0)
        if not line.startswith(("---", "+++", "@@"))
    ]


def journal_end(name: str) -> str:
    """Return the cursor of the last entry in a host's journal."""
    return machine(name).check_output("journalctl --quiet --lines=1 --show-cursor").rpartition("-- cursor: ")[2]


def modules_since(name: str, cursor: str) -> list[str]:
    """Return the modules but ``setup`` that ran on a host since ``cursor``: each logs its arguments as it starts."""
    lines = machine(name).check_output("journalctl --quiet --all --output=json --after-cursor=%s", cursor).splitlines()
    entries = [json.loads(line) for line in lines]
    ran = [
        entry["SYSLOG_IDENTIFIER"].removeprefix("ansible-")
        for entry in entries
        if entry.get("SYSLOG_IDENTIFIER", "").startswith("ansible-") and entry["MESSAGE"].startswith("Invoked with")
    ]
    return [module for module in ran if not module.endswith("setup")]
