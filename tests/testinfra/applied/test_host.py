# Copyright: (c) 2026, avi.firewall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The host's own tools show what was opened, with our mark on it, and everything of others' as it was."""

from __future__ import annotations

import re

import pytest
from expectation import CONTROLLERS, EXPECTED, MANAGED
from lab_hosts import backend, everywhere, group, kept, listing, machine

# What an administrator would look at, and how a line of ours is told from others'.
VIEWS = {
    "firewalld": [
        "firewall-cmd --list-all-zones",
        "firewall-cmd --permanent --list-all-zones",
        *(f"firewall-cmd --get-{names}" for names in ("services", "ipsets", "policies")),
    ],
    "ufw": ["ufw status verbose", "ufw app list"],
    "iptables": ["iptables-save", "ip6tables-save"],
    "nftables": ["nft list ruleset"],
}
MARK = re.compile(r"avi[-_:]", re.IGNORECASE)


@pytest.fixture(scope="module")
def now():
    return everywhere(listing, MANAGED)


def entries(name: str, shown: dict[str, list[str]]) -> set[str]:
    """Return what the host's own tools list: names stand several in a line, columns move with their widths.

    A line of nft's goes with the head of its block, which alone carries the name.
    """
    found = set()
    for view in VIEWS[backend(name)]:
        block = ""
        for line in shown[view]:
            if view.startswith("nft"):
                block = line if line.startswith("\t") and line.endswith("{") else block
                line = f"{block} {line}" if line.startswith("\t\t") else line.strip("\t}")
            found.update(f"{view}: {entry}" for entry in (line.split() if "--get-" in view else [" ".join(line.split())]))
    return found


@pytest.mark.parametrize("name", MANAGED)
def test_nothing_of_others_is_lost(now, name):
    assert entries(name, kept()[name]) - entries(name, now[name]) == set()


@pytest.mark.parametrize("name", MANAGED)
def test_everything_new_carries_our_mark(now, name):
    new = entries(name, now[name]) - entries(name, kept()[name])
    assert {entry for entry in new if not MARK.search(entry)} == set()


@pytest.mark.parametrize("name", group("avi_controllers") + group("avi_cluster_nodes"))
def test_the_tools_name_the_ports(now, name):
    told = EXPECTED["controller"].values() if name in CONTROLLERS else [EXPECTED["cluster_node"]["openshift_node"]]
    shown = PORTS[backend(name)](machine(name), now[name])
    assert {f"{protocol}/{port}" for ports, protocol in shown for port in ports.split(",")} == {cell for cells in told for cell in cells}


def services(host, shown):
    """Return the ports of the services that our rich rules for incoming traffic name."""
    names = re.findall(r'service name="(avi-[^"]+)"', "\n".join(shown["firewall-cmd --list-all-zones"]))
    told = [host.check_output("firewall-cmd --info-service=%s", name) for name in sorted(set(names))]
    return re.findall(r"(\d+)/(tcp|udp)", "\n".join(told))


def profiles(_host, shown):
    """Return the ports of our rules for incoming traffic."""
    return re.findall(r"^([\d,]+)/(tcp|udp) \(avi-.*ALLOW IN", "\n".join(shown["ufw status verbose"]), re.MULTILINE)


def chains(_host, shown):
    """Return the ports that the rules of our chain for incoming traffic accept, in both families."""
    rules = [
        re.findall(r"^-A avi\S*in\b.* -p (tcp|udp) .*--dports? ([\d,]+)", "\n".join(shown[view]), re.MULTILINE | re.IGNORECASE)
        for view in VIEWS["iptables"]
    ]
    assert rules[0] == rules[1]
    return [(ports, protocol) for protocol, ports in rules[0]]


def rules(_host, shown):
    """Return the ports that the rules of our chain for incoming traffic accept, in both families."""
    chain = re.search(r"^\tchain avi\S*in {$(.*?)^\t}$", "\n".join(shown["nft list ruleset"]), re.MULTILINE | re.DOTALL)[1]
    found = {family: re.findall(rf"^\t\t{family} saddr .* (tcp|udp) dport (\d+) accept", chain, re.MULTILINE) for family in ("ip", "ip6")}
    assert sorted(found["ip"]) == sorted(found["ip6"])
    return [(port, protocol) for protocol, port in found["ip"]]


PORTS = {"firewalld": services, "ufw": profiles, "iptables": chains, "nftables": rules}
