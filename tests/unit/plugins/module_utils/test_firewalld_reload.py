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


def test_what_a_reload_would_lose_is_told_apart_from_what_it_keeps():
    assert _firewalld_reload._things(Settings(ports=[("9100", "tcp")], services=["ntp"])) == {"forward", "9100 tcp", "ntp"}


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
def test_docker_makes_its_own_chains_anew_and_others_do_not(monkeypatch, docker_runs, lost):
    def run(command, *arguments):
        if (command, arguments[2]) != ("iptables", "filter"):
            raise _host.HostError("no such table")
        return "\n".join(DOCKER)

    monkeypatch.setattr(_host, "run", run)
    monkeypatch.setattr(_host, "succeeds", lambda *command: docker_runs)
    assert _firewalld_reload._flushed({("ipv4", "filter", "FORWARD"): 1}) == lost
