# Copyright: (c) 2026, avi.firewall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is broken on a host turns exactly the paths red that it breaks, and the host itself says why."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Iterator
from typing import Any

import pytest
from faults.admin import BACKENDS, close
from faults.machines import LOOKERS, WORK, Machine, each, machines
from faults.plays import attempt, management
from lab.runs import Run

REPORTS = WORK / "verify"
PAIR = ("IPv4", "IPv6")
CLIENT_AT, STRANGER_AT = (LOOKERS[name].addresses[0] for name in ("client", "stranger"))
# Typed from the document: what a Controller accepts from another, and from a management client (without optional features).
CLUSTER = ("tcp/22", "tcp/8443")
CLIENT = ("tcp/22", "tcp/443", "udp/161")

# A service that only the host itself can call, in place of what listened there.
LOOPBACK_ONLY = """
systemctl stop lab-listener
systemd-run --quiet --collect --unit=shy python3 -m http.server --bind 127.0.0.1 443
"""

# What is broken in one run, by the host it is broken on: a command, which red cells it makes (source, port, families), and the cause.
BREAKS: dict[str, dict[str, tuple[str, set[tuple[str, str, tuple[str, ...]]], str]]] = {
    "first": {
        "firewalld": (
            "firewall-cmd --remove-rich-rule='rule family=ipv4 source ipset=avi-con-management_client-4 "
            "service name=avi-con-management_client accept'",
            {("client", port, ("IPv4",)) for port in CLIENT},
            "no rule of ours lets it in: rule",
        ),
        "ufw": (LOOPBACK_ONLY, {("client", "tcp/443", PAIR)}, "tcp port 443, only python3 on 127.0.0.1"),
        "iptables": (
            f"iptables -I INPUT 1 -s {CLIENT_AT} -p tcp --dport 443 -j REJECT",
            {("client", "tcp/443", ("IPv4",))},
            "-j REJECT --reject-with icmp-port-unreachable (",
        ),
        "nftables": (
            f"ip route add blackhole {CLIENT_AT}/32",
            # A datagram counts when it arrives.
            {("client", port, ("IPv4",)) for port in CLIENT if port != "udp/161"},
            "this host has no way back: ",
        ),
    },
    "second": {
        "firewalld": (
            "nft 'table inet later { chain in { type filter hook input priority 10; tcp dport 8443 drop; }; }'",
            {(backend, "tcp/8443", PAIR) for backend in ("ufw", "iptables", "nftables")},
            "table inet later, chain in: tcp dport 8443 drop",
        ),
        "ufw": (
            f"ufw allow proto tcp from {STRANGER_AT} to any port 443",
            {("stranger", "tcp/443", ("IPv4",))},
            "a rule that is not ours lets it in: rule",
        ),
        # Dropped where it starts, which is no fault of this host.
        "iptables": (
            "",
            {("nftables", "tcp/8443", PAIR)},
            "it is stopped on the way",
        ),
        "nftables": (
            "nft add chain inet filter out '{ type filter hook output priority 0; }'\n"
            "nft add rule inet filter out ip daddr {iptables[0]} tcp dport 8443 drop\n"
            "nft add rule inet filter out ip6 daddr {iptables[1]} tcp dport 8443 drop\n"
            "nft flush chain inet filter avi-con-in",
            {
                *(("client", port, PAIR) for port in CLIENT),
                *((backend, port, PAIR) for backend in ("firewalld", "ufw", "iptables") for port in CLUSTER),
            },
            "no rule of ours lets it in: the policy of nftables, table inet filter, chain input: ",
        ),
    },
}
MEND = {
    "firewalld": "nft delete table inet later; firewall-cmd --reload",
    "ufw": f"systemctl stop shy; systemctl start lab-listener; ufw delete allow proto tcp from {STRANGER_AT} to any port 443",
    "iptables": "iptables -D INPUT 1",
    "nftables": f"ip route del blackhole {CLIENT_AT}/32; systemctl reload nftables",
}
WHERE = [(run, backend) for run in BREAKS for backend in BACKENDS]


def told(hosts: dict[str, Machine], *arguments: str, playbook: str, **variables: Any) -> Run:
    """Run a playbook on these hosts as Controllers of one cluster; a client and a stranger look."""
    lookers = [LOOKERS["client"], LOOKERS["stranger"]]
    return attempt(
        [*hosts.values(), *lookers],
        *arguments,
        playbook=playbook,
        groups={"avi_controllers": list(hosts), "avi_verify_vantage": [looker.name for looker in lookers]},
        avi_firewall_groups={"controller": "avi_controllers", "service_engine": "avi_service_engines"},
        **management("client"),
        **variables,
    )


def verify(hosts: dict[str, Machine], *arguments: str) -> tuple[Run, dict[str, Any]]:
    """Run the playbook avi.firewall.verify, and return what it said and wrote."""
    written = REPORTS / "verify.json"
    written.unlink(missing_ok=True)
    said = told(hosts, *arguments, playbook="avi.firewall.verify", avi_verify_dir=str(REPORTS))
    return said, json.loads(written.read_text(encoding="utf-8")) if written.exists() else {}


def red(result: dict[str, Any], host: str) -> dict[tuple[str, str, tuple[str, ...]], set[str]]:
    """Return what is not as planned at a host, with its causes: by source, port, and the families it is about."""
    families: dict[tuple[str, str], list[str]] = {}
    causes: dict[tuple[str, str], set[str]] = {}
    for cell in result["cells"]:
        if cell["destination"] == host and not cell["passed"]:
            key = cell["source"], f"{cell['protocol']}/{cell['port']}"
            families.setdefault(key, []).append("IPv6" if ":" in cell["address"] else "IPv4")
            causes.setdefault(key, set()).update(cell["causes"] or {f"{cell['observed']}: {cell['detail']}"})
    return {(*key, tuple(sorted(found))): causes[key] for key, found in families.items()}


@pytest.fixture(scope="module")
def hosts() -> Iterator[dict[str, Machine]]:
    with machines(*BACKENDS) as found:
        close(found)
        applied = told(found, playbook="avi.firewall.site")
        assert applied.code == 0, str(applied)
        yield found


@pytest.fixture(scope="module")
def whole(hosts) -> tuple[Run, dict[str, Any]]:
    return verify(hosts)


def test_an_unbroken_site_is_green(whole):
    said, result = whole
    assert said.code == 0, said.output
    # 4 Controllers and 2 lookers to 4 Controllers, 10 ports, both families.
    assert len(result["cells"]) == (4 * 3 + 2 * 4) * 10 * 2
    opened = {
        (cell["source"], cell["destination"], f"{cell['protocol']}/{cell['port']}", cell["observed"])
        for cell in result["cells"]
        if cell["expected"] == "open"
    }
    assert opened == {
        *((one, other, port, "open") for one in BACKENDS for other in BACKENDS if one != other for port in CLUSTER),
        *(("client", backend, port, "open") for backend in BACKENDS for port in CLIENT),
    }
    assert [host["drift"] for host in result["hosts"]] == [[]] * 6
    assert [host["backend"] for host in result["hosts"]] == [*BACKENDS, None, None]


def test_it_leaves_nothing_behind(hosts, whole):
    ports = "ss -Hlntup | awk '{print $1, $5}' | sort -u"
    for backend, host in hosts.items():
        assert ":5098" not in host.sh(ports), backend
        assert "avi.firewall.listener" not in host.sh("cat /proc/net/unix"), backend


@pytest.fixture(scope="module")
def broken(hosts, whole) -> dict[str, tuple[Run, dict[str, Any]]]:
    """Break one thing on each host, look, and mend it; twice."""
    found = {}
    places = {backend: host.addresses for backend, host in hosts.items()}
    for run, breaks in BREAKS.items():
        for backend, (command, _cells, _cause) in breaks.items():
            for name, addresses in places.items():
                for index, address in enumerate(addresses):
                    command = command.replace(f"{{{name}[{index}]}}", address)
            hosts[backend].sh(command)
        found[run] = verify(hosts)
        each(lambda backend: hosts[backend].sh("set +e\n" + MEND[backend]), BACKENDS)
    return found


@pytest.mark.parametrize(("run", "backend"), WHERE)
def test_what_is_broken_is_red_and_nothing_else(broken, run, backend):
    assert red(broken[run][1], backend).keys() == BREAKS[run][backend][1]


@pytest.mark.parametrize(("run", "backend"), WHERE)
def test_the_cause_is_the_right_one(broken, run, backend):
    wanted = BREAKS[run][backend][2]
    for causes in red(broken[run][1], backend).values():
        assert all(wanted in cause for cause in causes), causes


@pytest.mark.parametrize("run", BREAKS)
def test_the_play_fails_and_says_how_many(broken, run):
    said, result = broken[run]
    differ = sum(not cell["passed"] for cell in result["cells"])
    assert said.code != 0
    assert f"400 paths tried: {differ} differ" in said.output
    assert "<testsuite" in (REPORTS / "verify.xml").read_text(encoding="utf-8")


def test_a_dead_accept_names_both_rules(broken):
    (causes,) = red(broken["first"][1], "iptables").values()
    (cause,) = causes
    assert cause.startswith(f"rule 1 of iptables, table filter, chain INPUT: -A INPUT -s {CLIENT_AT}/32 ")
    assert "stops it, before ours lets it in, rule" in cause
    assert "chain avi-con-in: " in cause
    assert '"avi:https"' in cause


def explain(hosts: dict[str, Machine], source: str, destination: str, dport: str) -> str:
    asked = {"source": source, "destination": destination, "dport": dport}
    extra = [f"--extra-vars={name}={value}" for name, value in asked.items()]
    return told(hosts, *extra, playbook="avi.firewall.explain").output


def test_explain_tells_row_document_and_rule(hosts, broken):
    said = explain(hosts, "client", "iptables", "443")
    assert (
        "plan:    open to management_client, by row https of release 16.3 (Web portal and REST API; docs/sources.md, matrix_page)" in said
    )
    assert "host:    lets it in, by rule" in said
    assert '"avi:https" -j ACCEPT (' in said
    assert "service: lab-listener listens on every address" in said


@pytest.mark.parametrize("backend", BACKENDS)
def test_explain_tells_why_a_stranger_stays_out(hosts, broken, backend):
    said = explain(hosts, STRANGER_AT, backend, "tcp/443")
    assert "plan:    shut, for no row of release 16.3 lets it in" in said
    assert "host:    drops it, by " in said or "host:    rejects it, by " in said
    assert "ours:    no rule of ours lets it in" in said


@pytest.mark.parametrize(
    ("source", "dport", "message"),
    [
        ("client", "icmp", "dport: 'tcp/icmp' is not a port: tcp/ or udp/ and a number from 1 to 65535"),
        ("192.0.2.0/24", "22", "'192.0.2.0/24' is a network, where the address of a host is wanted"),
    ],
)
def test_a_question_that_is_none_is_named(hosts, source, dport, message):
    assert message in " ".join(explain(hosts, source, "ufw", dport).split())


def test_a_destination_that_is_no_host_stops_the_play(hosts):
    assert "destination (a host of the inventory; it is con9)" in " ".join(explain(hosts, "client", "con9", "22").split())


def drift(hosts: dict[str, Machine]) -> dict[str, str]:
    said, _nothing = verify(hosts, "--tags=drift")
    return {backend: said.message(backend) for backend in hosts}


def test_drift_is_found_and_nothing_is_changed(hosts, broken):
    assert drift(hosts) == dict.fromkeys(BACKENDS, "")
    hosts["firewalld"].sh("systemctl stop firewalld")
    hosts["ufw"].sh(f"ufw delete allow from {CLIENT_AT} to any app avi-con-management_client")
    hosts["iptables"].sh(f"ipset add avi-con-management_client-4 {STRANGER_AT}")
    hosts["nftables"].sh("nft flush ruleset")
    for _again in range(2):
        found = drift(hosts)
        assert "firewalld still keeps rules of ours, so it was turned off after us" in found["firewalld"]
        assert f"controller: planned and not there: allow in from {CLIENT_AT} to any app avi-con-management_client" in found["ufw"]
        assert f"controller: there and not planned: ipset avi-con-management_client-4: {STRANGER_AT}" in found["iptables"]
        assert "nftables still keeps rules of ours, so it was turned off after us" in found["nftables"]


def test_what_was_turned_off_is_the_cause(hosts, broken):
    hosts["firewalld"].sh("systemctl stop firewalld")
    _told, result = verify(hosts)
    strangers = {key: causes for key, causes in red(result, "firewalld").items() if key[0] == "stranger"}
    assert len(strangers) == 10
    assert all(
        any("firewalld keeps rules of ours, but is not in charge of this host" in cause for cause in causes)
        for causes in strangers.values()
    )


def test_a_listener_ends_by_itself_when_the_control_node_dies(hosts):
    where = hosts["ufw"]
    process = subprocess.Popen(
        [
            "ansible",
            f"--inventory={where.container},",
            "--connection=containers.podman.podman",
            "--module-name=avi.firewall.host_listener",
            "--args=" + json.dumps({"token": "00112233445566aa", "ports": [{"protocol": "tcp", "port": 6001}], "seconds": 8}),
            where.container,
        ],
        stdout=subprocess.PIPE,
        text=True,
    )
    said, _errors = process.communicate()
    assert "tcp/6001" in said
    assert ":6001" in where.sh("ss -Hlnt")
    time.sleep(8)
    assert ":6001" not in where.sh("ss -Hlnt")
