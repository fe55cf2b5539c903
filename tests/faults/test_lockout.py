# Copyright: (c) 2026, avi.firewall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Nobody is locked out: runs over real SSH, by a way that translates addresses.

The control node calls the hosts through the client, whose address they see; its own they never see, as behind NAT or a bastion.
"""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator

import pytest
from faults.admin import BACKENDS, close
from faults.interruptions import settled
from faults.machines import NETWORK, PEERS, WORK, Machine, addresses, each, entry, machines, only
from faults.plays import attempt, management, site
from lab.runs import Run

RELAY = f"""\
#!/bin/sh
exec podman exec --interactive {NETWORK}-client bash -c 'exec 3<>/dev/tcp/$0/$1; cat <&3 & cat >&3; kill $!' "$1" "$2"
"""
CONTROL_NODE = ["192.0.2.1", "2001:db8::1"]
# What lets the client in is taken away; the address that the control node has itself stays.
CUTS = {
    "a stale rule": {"avi_firewall_peers": {"management_client": CONTROL_NODE}},
    "absent": {"avi_firewall_state": "absent"},
}
EVERYONE = {"avi_firewall_peers": {"management_client": ["0.0.0.0/0", "::/0"]}}
# Each step of a run calls the host anew.
NO_CONNECTION_LASTS = f"--extra-vars={json.dumps({'ansible_ssh_args': '-o ControlMaster=no'})}"


@pytest.fixture(scope="module")
def key() -> str:
    path = WORK / "key"
    path.unlink(missing_ok=True)
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", path], check=True)
    relay = WORK / "relay"
    relay.write_text(RELAY, encoding="utf-8")
    relay.chmod(0o755)
    return path.with_suffix(".pub").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def hosts(key: str) -> Iterator[dict[str, Machine]]:
    with machines(*BACKENDS) as found:
        close(found)
        script = "mkdir -m 700 -p /root/.ssh; cat > /root/.ssh/authorized_keys <<'END'\n" + key + "END\nsystemctl start ssh\n"
        each(lambda host: host.sh(script), found.values())
        site(found.values(), **management("client"))
        yield found


def over_ssh(hosts: dict[str, Machine], *arguments: str, **variables: object) -> Run:
    """Run the playbook over SSH from the client's address, whatever comes of it."""
    options = f"-F /dev/null -i {WORK}/key -o UserKnownHostsFile=/dev/null -o StrictHostKeyChecking=no -o ProxyCommand='{WORK}/relay %h %p'"
    inventory = {
        "ansible_connection": "ssh",
        "ansible_host": "{{ avi_firewall_address[0] }}",
        "ansible_timeout": 3,
        "ansible_ssh_common_args": options,
    }
    return attempt(hosts.values(), f"--extra-vars={json.dumps(inventory)}", *arguments, **variables)


def test_a_run_over_ssh_confirms_itself(hosts: dict[str, Machine]) -> None:
    run = over_ssh(hosts, **management("client", "newcomer"))
    assert run.code == 0, run.output
    assert run.changed == dict.fromkeys(BACKENDS, 1)
    assert entry(hosts.values()) == dict.fromkeys(BACKENDS, only("client", "newcomer"))
    again = over_ssh(hosts, **management("client", "newcomer"))
    assert again.changed == dict.fromkeys(BACKENDS, 0)


def test_the_way_in_stays_open_from_networks_to_everyone_and_back(hosts: dict[str, Machine]) -> None:
    site(hosts.values(), **management("client"))
    for told, peers in ((EVERYONE, PEERS), (management("client"), ["client"])):
        run = over_ssh(hosts, NO_CONNECTION_LASTS, **told)
        assert run.code == 0, run.output
        assert run.changed == dict.fromkeys(BACKENDS, 1)
        assert entry(hosts.values()) == dict.fromkeys(BACKENDS, only(*peers))


@pytest.mark.parametrize("check", [[], ["--check"]], ids=["run", "check"])
@pytest.mark.parametrize("cut", CUTS.values(), ids=CUTS)
def test_a_run_that_would_cut_itself_off_stops_before(hosts: dict[str, Machine], cut: dict[str, object], check: list[str]) -> None:
    site(hosts.values(), **management("client"))
    run = over_ssh(hosts, *check, **cut)
    assert run.failed == dict.fromkeys(BACKENDS, 1), run.output
    for backend in BACKENDS:
        assert f"from {addresses(PEERS['client'])[0]} to port 22" in run.message(backend)
        assert "avi_firewall_allow_lockout" in run.message(backend)
    assert entry(hosts.values()) == dict.fromkeys(BACKENDS, only("client"))
    assert site(hosts.values(), **management("client")).changed == dict.fromkeys(BACKENDS, 0)


@pytest.mark.parametrize("cut", CUTS.values(), ids=CUTS)
def test_a_run_that_cuts_itself_off_all_the_same_is_taken_back(hosts: dict[str, Machine], cut: dict[str, object]) -> None:
    site(hosts.values(), **management("client"))
    run = over_ssh(hosts, **cut, avi_firewall_allow_lockout=True, avi_firewall_confirm_timeout=6)
    assert run.failed == dict.fromkeys(BACKENDS, 1), run.output
    for backend in BACKENDS:
        assert re.search(r"no new connection (to this host succeeded within 6 seconds|confirmed the change in time)", run.message(backend))
    each(settled, hosts.values())
    assert entry(hosts.values()) == dict.fromkeys(BACKENDS, only("client"))
    again = over_ssh(hosts, **management("client"))
    assert (again.code, again.changed) == (0, dict.fromkeys(BACKENDS, 0)), again.output


def test_another_way_in_may_be_named(hosts: dict[str, Machine]) -> None:
    site(hosts.values(), **management("client"))
    each(lambda host: host.sh(OTHER_WAY[host.name]), hosts.values())
    run = over_ssh(hosts, **CUTS["a stale rule"], avi_firewall_allow_lockout=True)
    assert run.code == 0, run.output
    assert entry(hosts.values()) == dict.fromkeys(BACKENDS, only())


# The administrator's own rule for SSH.
OTHER_WAY = {
    "firewalld": "firewall-cmd --quiet --add-service=ssh; firewall-cmd --quiet --permanent --add-service=ssh",
    "ufw": "ufw allow 22/tcp",
    "iptables": "for command in iptables ip6tables; do $command -A INPUT -p tcp --dport 22 -j ACCEPT; done",
    "nftables": "nft add rule inet filter input tcp dport 22 accept",
}
