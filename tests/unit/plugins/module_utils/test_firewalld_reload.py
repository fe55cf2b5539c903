# Copyright: (c) 2026, avi.firewall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.avi.firewall.plugins.module_utils import _firewalld_reload, _host


class Settings:
    """Stands in for the settings of a zone."""

    def __init__(self, **things):
        self.things = things

    def getSettingsDict(self):  # noqa: N802 - the name is firewalld's
        return {"target": "default", "priority": 1, "forward": True, "masquerade": False, "interfaces": ["eth0"], **self.things}


@pytest.mark.parametrize(
    ("settings", "things"),
    [
        (Settings(ports=[("9100", "tcp")], services=["ntp"]), {"forward", "9100 tcp", "ntp"}),
        (Settings(forward=False, masquerade=True, icmp_block_inversion=True), {"masquerade", "icmp_block_inversion"}),
    ],
)
def test_what_a_reload_would_lose_is_told_apart_from_what_it_keeps(settings, things):
    assert _firewalld_reload._things(settings) == things


@pytest.fixture
def host(monkeypatch, tmp_path):
    """Return what the host answers to a command; a command without an answer fails."""
    answers = {}

    def run(*command):
        try:
            return answers[" ".join(command)]
        except KeyError as exc:
            raise _host.HostError("no such table") from exc

    monkeypatch.setattr(_host, "run", run)
    monkeypatch.setattr(_host, "succeeds", lambda *command: " ".join(command) in answers)
    monkeypatch.setattr(_firewalld_reload, "CONFIGURATION", tmp_path / "firewalld.conf")
    return answers


DOCKER = [
    "-P FORWARD ACCEPT",
    "-N DOCKER",
    "-N f2b-sshd",
    "-A FORWARD -o docker0 -j DOCKER",
    "-A FORWARD -s 203.0.113.68/32 -j DROP",
    "-A OUTPUT -j OUTPUT_direct",
    "-A OUTPUT_direct -d 203.0.113.68/32 -j DROP",
    "-A INPUT -j f2b-sshd",
    "-A DOCKER -d 172.17.0.2/32 ! -i docker0 -o docker0 -p tcp -m tcp --dport 443 -j ACCEPT",
    "-A POSTROUTING -s 172.17.0.0/16 ! -o docker0 -j MASQUERADE",
    "-A POSTROUTING -s 172.17.0.2/32 -d 172.17.0.2/32 -p tcp -m tcp --dport 443 -j MASQUERADE",
]


@pytest.mark.parametrize(
    ("docker_runs", "lost"),
    [(True, ["iptables -t filter: INPUT"]), (False, [f"iptables -t filter: {c}" for c in ("DOCKER", "FORWARD", "INPUT", "POSTROUTING")])],
)
def test_docker_makes_its_own_chains_anew_and_others_do_not(host, docker_runs, lost):
    host["iptables --wait -t filter -S"] = "\n".join(DOCKER)
    if docker_runs:
        host["systemctl is-active --quiet docker"] = ""
    assert _firewalld_reload._flushed({("ipv4", "filter", "FORWARD"): 1}) == lost


def test_chains_of_others_are_found_in_every_table_of_both_families(host):
    host["iptables --wait -t nat -S"] = "-P PREROUTING ACCEPT\n-A PREROUTING -p tcp -m tcp --dport 80 -j REDIRECT --to-ports 8080"
    host["iptables --wait -t mangle -S"] = "-A POSTROUTING -j mark\n-A FORWARD -j mark"
    host["iptables --wait -t raw -S"] = "-A PREROUTING -i eth0 -j NOTRACK"
    host["ip6tables --wait -t filter -S"] = "-A INPUT -j f2b-sshd\n-A OUTPUT -j DROP\n-A OUTPUT -j LOG"
    direct = {("ipv6", "filter", "INPUT"): 1, ("ipv6", "filter", "OUTPUT"): 1, ("ipv4", "nat", "INPUT"): 1}
    assert _firewalld_reload._flushed(direct) == [
        "iptables -t nat: PREROUTING",
        "iptables -t mangle: FORWARD",
        "iptables -t mangle: POSTROUTING",
        "iptables -t raw: PREROUTING",
        "ip6tables -t filter: OUTPUT",
    ]


@pytest.mark.parametrize(
    ("configuration", "lost"),
    [
        ("DefaultZone=public\nFlushAllOnReload=no\n", []),
        ("FlushAllOnReload = False\n", []),
        ("FlushAllOnReload=yes\n", ["iptables -t filter: INPUT"]),
        ("# FlushAllOnReload=no\n", ["iptables -t filter: INPUT"]),
    ],
)
def test_firewalld_can_be_told_to_leave_the_rules_of_others_alone(host, configuration, lost):
    host["iptables --wait -t filter -S"] = "-A INPUT -j f2b-sshd"
    _firewalld_reload.CONFIGURATION.write_text(configuration, encoding="utf-8")
    assert _firewalld_reload._flushed({}) == lost
