# Copyright: (c) 2026, avi.firewall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A Service Engine calls a Controller through a gateway that translates its IPv4 address; over IPv6 it calls it by itself."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from faults.admin import close
from faults.machines import IMAGE, LOOKERS, NETWORK, WORK, Machine, addresses, machines, podman, run
from faults.plays import attempt, management
from lab.runs import Run

CONTROLLER, ENGINE = "nftables", "iptables"
GATEWAY = 44
REPORTS = WORK / "nat"
# Typed from the document: what a Controller accepts from a Service Engine.
ROWS = {"tcp/22", "tcp/8443", "udp/123"}
# The gateway has one interface only, and would send whoever calls the straight way.
TRANSLATE = """
table ip gateway {
  chain postrouting { type nat hook postrouting priority 100; masquerade; }
  chain output { type filter hook output priority 0; icmp type redirect drop; }
}
"""


@pytest.fixture(scope="module")
def hosts() -> Iterator[dict[str, Machine]]:
    gateway = f"{NETWORK}-gateway"
    with machines(CONTROLLER, ENGINE) as found:
        try:
            run(gateway, GATEWAY, "--cap-add=NET_ADMIN", "--sysctl=net.ipv4.ip_forward=1", IMAGE, "sleep", "infinity")
            podman("exec", "--interactive", gateway, "nft", "--file", "-", text=TRANSLATE)
            close(found)
            found[ENGINE].sh(f"ip route add {found[CONTROLLER].addresses[0]}/32 via {addresses(GATEWAY)[0]}")
            yield found
        finally:
            podman("rm", "--force", "--ignore", "--time", "0", gateway)


class Told(Machine):
    """A host of which the inventory says as what Controllers see it."""

    @property
    def variables(self) -> dict[str, Any]:
        return {"avi_firewall_address_seen_as": {"controller": [addresses(GATEWAY)[0], self.addresses[1]]}}


def play(hosts: dict[str, Machine], playbook: str, **variables: Any) -> Run:
    return attempt(
        [*hosts.values(), LOOKERS["stranger"]],
        playbook=playbook,
        groups={"avi_controllers": [CONTROLLER], "avi_service_engines": [ENGINE], "avi_verify_vantage": ["stranger"]},
        avi_firewall_groups={"controller": "avi_controllers", "service_engine": "avi_service_engines"},
        **management("client"),
        **variables,
    )


def verify(hosts: dict[str, Machine]) -> tuple[Run, dict[tuple[str, str], dict[str, str]]]:
    """Return what was said, and what the Service Engine got at the Controller: by the addresses at both ends, what each open port is."""
    REPORTS.joinpath("verify.json").unlink(missing_ok=True)
    said = play(hosts, "avi.firewall.verify", avi_verify_dir=str(REPORTS))
    found: dict[tuple[str, str], dict[str, str]] = {}
    for cell in json.loads(REPORTS.joinpath("verify.json").read_text(encoding="utf-8"))["cells"]:
        if (cell["source"], cell["destination"], cell["expected"]) == (ENGINE, CONTROLLER, "open"):
            ends = found.setdefault((cell["source_address"], cell["address"]), {})
            ends[f"{cell['protocol']}/{cell['port']}"] = cell["observed"]
    return said, found


def test_without_a_word_of_the_nat_the_gateway_stays_outside(hosts):
    assert play(hosts, "avi.firewall.site").code == 0
    said, found = verify(hosts)
    assert said.code != 0
    [ipv4, ipv6] = zip(hosts[ENGINE].addresses, hosts[CONTROLLER].addresses, strict=True)
    assert found == {ipv4: dict.fromkeys(ROWS, "filtered"), ipv6: dict.fromkeys(ROWS, "open")}


def test_what_it_is_seen_as_lets_it_in(hosts):
    told = {**hosts, ENGINE: Told(ENGINE, hosts[ENGINE].number)}
    assert play(told, "avi.firewall.site").code == 0
    said, found = verify(told)
    assert said.code == 0, str(said)
    ipv4, ipv6 = hosts[CONTROLLER].addresses
    assert found == {
        (addresses(GATEWAY)[0], ipv4): dict.fromkeys(ROWS, "open"),
        (hosts[ENGINE].addresses[1], ipv6): dict.fromkeys(ROWS, "open"),
    }
