#!/usr/bin/env python
# Copyright: (c) 2026, avi.firewall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What site.yml costs beside the ways that other playbooks take: 10 flows (a protocol and a port), from so many addresses, over SSH.

Competitors take turns, each on a fresh host: a run that sets everything up, one in which a peer has come, one with nothing to do. `naive`
is one call of the firewall's standard module for each flow and address, `grouped` what its sets or profiles allow with standard modules.
Before each run of ours comes a play of one ping to the same host, so that a ratio is of two runs that followed each other.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from bench import measure
from faults.admin import close
from faults.machines import WORK, Machine, machines

# The document, typed: what a Controller lets management clients in to. The rest are rows of a user's own, so that they are ten.
DOCUMENT = [("tcp", 22), ("tcp", 80), ("tcp", 443), ("tcp", 5054), ("udp", 161)]
OWN = [("tcp", 9100), ("tcp", 9101), ("tcp", 9102), ("tcp", 9103), ("udp", 9104)]
FLOWS = {"management_client": DOCUMENT + OWN}
SETTINGS = {
    "avi_firewall_release": "16.3",
    "avi_firewall_features": ["http", "cli_shell"],
    "avi_firewall_extra_rows": [
        {
            "name": f"own_{port}",
            "source": "management_client",
            "destination": "controller",
            "protocol": protocol,
            "port": port,
            "why": "Own",
        }
        for protocol, port in OWN
    ],
}
HEADER = ("firewall", "addresses", "competitor", "run", "round", "wall_s", "control_cpu_s", "host_cpu_s")


def addresses(count: int) -> list[str]:
    """Return addresses, of which no two are neighbours, so that none collapse."""
    return [f"10.99.{index // 128}.{index % 128 * 2 + 1}" for index in range(count)]


def every(count: int) -> dict[str, list[str]]:
    return {peer: addresses(count) for peer in FLOWS}


def play(tasks: list[dict[str, Any]], handlers: Iterable[dict[str, Any]] = ()) -> str:
    """Return a playbook with these tasks for every host."""
    return json.dumps([{"hosts": "all", "gather_facts": False, "tasks": tasks, "handlers": list(handlers)}])


def _items(peers: dict[str, list[str]]) -> list[dict[str, Any]]:
    return [
        {"source": source, "protocol": protocol, "port": port}
        for peer, sources in peers.items()
        for protocol, port in FLOWS[peer]
        for source in sources
    ]


NAIVE: dict[str, tuple[str, dict[str, Any]]] = {
    "firewalld": (
        "ansible.posix.firewalld",
        {
            "rich_rule": "rule family=ipv4 source address={{ item.source }} port port={{ item.port }} protocol={{ item.protocol }} accept",
            "permanent": True,
            "immediate": True,
            "state": "enabled",
        },
    ),
    "ufw": (
        "community.general.ufw",
        {"rule": "allow", "from_ip": "{{ item.source }}", "to_port": "{{ item.port }}", "proto": "{{ item.protocol }}"},
    ),
    "iptables": (
        "ansible.builtin.iptables",
        {
            "chain": "INPUT",
            "source": "{{ item.source }}",
            "protocol": "{{ item.protocol }}",
            "destination_port": "{{ item.port }}",
            "jump": "ACCEPT",
        },
    ),
}


def naive(backend: str, peers: dict[str, list[str]]) -> str:
    module, arguments = NAIVE[backend]
    return play([{module: arguments, "loop": _items(peers), "loop_control": {"label": ""}}])


def _copy(path: str, content: str, notify: str | None = None) -> dict[str, Any]:
    return {"ansible.builtin.copy": {"dest": path, "content": content, "mode": "0644"}, **({"notify": notify} if notify else {})}


def _grouped_firewalld(peers: dict[str, list[str]]) -> str:
    tasks = []
    for peer, sources in peers.items():
        ports = "".join(f'<port protocol="{protocol}" port="{port}"/>' for protocol, port in FLOWS[peer])
        entries = "".join(f"<entry>{source}</entry>" for source in sources)
        tasks += [
            _copy(f"/etc/firewalld/services/{peer}.xml", f"<service>{ports}</service>\n", "Reload firewalld"),
            _copy(f"/etc/firewalld/ipsets/{peer}.xml", f'<ipset type="hash:net">{entries}</ipset>\n', "Reload firewalld"),
        ]
    tasks.append({"ansible.builtin.meta": "flush_handlers"})
    rule = {"rich_rule": "rule family=ipv4 source ipset={{ item }} service name={{ item }} accept", "permanent": True, "immediate": True}
    tasks.append({"ansible.posix.firewalld": {**rule, "state": "enabled"}, "loop": list(peers)})
    return play(tasks, [{"name": "Reload firewalld", "ansible.builtin.command": "firewall-cmd --reload"}])


def _grouped_ufw(peers: dict[str, list[str]]) -> str:
    profiles = "".join(
        f"[{peer}]\ntitle={peer}\ndescription={peer}\nports={'|'.join(f'{port}/{protocol}' for protocol, port in FLOWS[peer])}\n\n"
        for peer in peers
    )
    items = [{"source": source, "profile": peer} for peer, sources in peers.items() for source in sources]
    rule = {"rule": "allow", "from_ip": "{{ item.source }}", "name": "{{ item.profile }}"}
    return play([_copy("/etc/ufw/applications.d/bench", profiles), {"community.general.ufw": rule, "loop": items}])


def _grouped_iptables(peers: dict[str, list[str]]) -> str:
    sets = "".join(
        f"create {peer} hash:net -exist\nflush {peer}\n" + "".join(f"add {peer} {source}\n" for source in sources)
        for peer, sources in peers.items()
    )
    items = [
        {"set": peer, "protocol": protocol, "ports": [str(port) for kind, port in flows if kind == protocol]}
        for peer, flows in FLOWS.items()
        for protocol in sorted({kind for kind, _port in flows})
    ]
    rule = {
        "chain": "INPUT",
        "match_set": "{{ item.set }}",
        "match_set_flags": "src",
        "protocol": "{{ item.protocol }}",
        "destination_ports": "{{ item.ports }}",
        "jump": "ACCEPT",
    }
    fill = {"ansible.builtin.command": {"cmd": "ipset restore", "stdin": sets}, "changed_when": False}
    return play([fill, {"ansible.builtin.iptables": rule, "loop": items}])


def _grouped_nftables(peers: dict[str, list[str]]) -> str:
    lines = ["table inet filter {"]
    for peer, sources in peers.items():
        lines.append(f"set {peer} {{ type ipv4_addr; flags interval; elements = {{ {', '.join(sources)} }}; }}")
    lines.append("chain bench {")
    for peer, flows in FLOWS.items():
        lines += [f"ip saddr @{peer} {protocol} dport {port} accept" for protocol, port in flows]
    lines += ["}", "}"]
    jump = "nft list chain inet filter input | grep -q 'jump bench' || nft add rule inet filter input jump bench"
    load = "nft add table inet filter; nft add chain inet filter bench; nft flush chain inet filter bench; nft -f /etc/bench.nft"
    return play(
        [
            _copy("/etc/bench.nft", "\n".join(lines) + "\n", "Load"),
            {"ansible.builtin.meta": "flush_handlers"},
            {"ansible.builtin.shell": jump, "changed_when": False},
        ],
        [{"name": "Load", "ansible.builtin.shell": load}],
    )


GROUPED = {"firewalld": _grouped_firewalld, "ufw": _grouped_ufw, "iptables": _grouped_iptables, "nftables": _grouped_nftables}


def inventory(host: Machine, peers: dict[str, list[str]]) -> Path:
    """Write the inventory of a run: one Controller, whose peers are addresses."""
    path = WORK / "bench.json"
    # The control node is nobody's peer: the administrator lets it in.
    others = {"controller": [], "service_engine": []}
    variables = {**measure.ssh(host), **SETTINGS, "avi_firewall_address": host.addresses[0], "avi_firewall_peers": {**others, **peers}}
    path.write_text(json.dumps({"all": {"vars": variables, "children": {"avi_controllers": {"hosts": {"con1": {}}}}}}), encoding="utf-8")
    return path


def run(competitor: str, backend: str, host: Machine, peers: dict[str, list[str]], *arguments: str) -> measure.Cost:
    """Let a competitor bring the host in line with ``peers``."""
    where = inventory(host, peers)
    if competitor == "ours":
        return measure.playbook("avi.firewall.site", where, host, *arguments)
    text = {
        "empty": lambda: play([]),
        "ping": lambda: play([{"ansible.builtin.ping": {}}]),
        "naive": lambda: naive(backend, peers),
        "grouped": lambda: GROUPED[backend](peers),
    }[competitor]()
    path = WORK / "bench.yml"
    path.write_text(text, encoding="utf-8")
    return measure.playbook(str(path), where, host, *arguments)


def sizes(competitor: str, backend: str) -> tuple[int, ...]:
    """Return the numbers of addresses that a competitor is tried with. A naive loop grows as they do: 50 would tell nothing new."""
    if competitor == "naive":
        return (1, 10) if backend != "nftables" else ()
    # ufw has no sets: each address is a rule.
    return (1, 10, 50, 1000) if competitor == "ours" and backend != "ufw" else (1, 10, 50)


def takes_minutes(competitor: str, backend: str, size: int) -> bool:
    """Return whether once will do: what takes minutes varies the least."""
    return competitor == "naive" or (competitor, backend, size) == ("grouped", "ufw", 50)


def rounds(backend: str, count: int) -> Iterator[tuple[object, ...]]:
    """Measure everything about one firewall, one competitor after the other, ``count`` times."""
    for number in range(1, count + 1):
        for size in (1, 10, 50, 1000):
            for competitor in ("ours", "grouped", "naive"):
                if size not in sizes(competitor, backend) or (number > 1 and takes_minutes(competitor, backend, size)):
                    continue
                with machines(backend) as hosts:
                    close(hosts)
                    host = hosts[backend]
                    measure.let_in_by_ssh(host, backend)
                    yield backend, size, "empty", "", number, *figures(run("empty", backend, host, {}))
                    before, after = every(size), every(size + 1)
                    steps = {"first": before, "peer": after, "idle": after}
                    if competitor == "naive":
                        del steps["peer"]  # one loop as the others
                    for step, peers in steps.items():
                        if competitor == "ours":
                            yield backend, size, "ping", step, number, *figures(run("ping", backend, host, {}))
                        yield backend, size, competitor, step, number, *figures(run(competitor, backend, host, peers))


def figures(cost: measure.Cost) -> tuple[float, float, float]:
    return cost.wall, cost.control, cost.host


if __name__ == "__main__":
    measure.each_firewall("apply", HEADER, rounds, default=2, about=__doc__)
