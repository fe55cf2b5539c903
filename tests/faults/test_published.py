# Copyright: (c) 2026, avi.firewall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a Controller in a container publishes is open to its peers and shut to everyone else, whatever happens on its host: by packets.

Each fixture is a moment in the life of the same hosts, and follows the one it names.
"""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Iterator

import pytest
from faults import plays
from faults.machines import LOOKERS, NETWORK, WORK, each, peer
from faults.published_lab import CELLS, HOSTS, OTHER, OWN, PUBLISHED, Machine, ask, lab, look

PEERS = {"management_client": peer("client"), "service_engine": peer("newcomer")}
NAMES = [host.name for host in HOSTS]
BY_NAME = {host.name: host for host in HOSTS}
SSH, HTTP, HTTPS, PORTAL, CLI, SNMP = PUBLISHED
ALLOWED = {"client": {SSH, HTTPS, SNMP}, "newcomer": {SSH, PORTAL}, "stranger": set()}


def attempt(hosts: list[Machine], *arguments: str, **variables) -> plays.Run:
    """Run the playbook, with the peers of these tests."""
    return plays.attempt(hosts, *arguments, **{"avi_firewall_peers": PEERS, **variables})


def site(hosts: list[Machine], *arguments: str, **variables) -> plays.Run:
    """Run the playbook; it must succeed."""
    return plays.site(hosts, *arguments, **{"avi_firewall_peers": PEERS, **variables})


every_host = pytest.mark.parametrize("name", NAMES)


def seen(host: Machine, allowed: dict, unguarded: set) -> dict:
    """Return what :func:`look` says where peers reach what is ``allowed``, and all reach what is ``unguarded`` and forwarded.

    What a proxy in user space carries passes INPUT, where the firewall of the host lets in only the allowed.
    """
    forwarded = {name: {OWN, *cells, *unguarded} for name, cells in allowed.items()}
    through_input = {name: {OWN, *cells} for name, cells in allowed.items()}
    return {name: {"IPv4": forwarded[name], "IPv6": (forwarded if host.ipv6 else through_input)[name]} for name in allowed}


def guarded(host: Machine) -> dict:
    return seen(host, ALLOWED, {OTHER})


# Asks for one port of some addresses all the time, until its input ends; says how often it tried and got through.
_KNOCK = """
import json, select, socket, sys, time
targets = json.loads(sys.stdin.readline())
counts = {address: [0, 0] for address, _port in targets}
print(flush=True)
while not select.select([sys.stdin], [], [], 0)[0]:
    for address, port in targets:
        with socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET) as caller:
            caller.settimeout(0.15)
            counts[address][0] += 1
            counts[address][1] += caller.connect_ex((address, port)) == 0
    time.sleep(0.02)
print(json.dumps(counts))
"""


class Knock:
    """Somebody who calls a port of hosts all the time."""

    def __init__(self, who: str, hosts: list[Machine], cell: tuple[str, int]) -> None:
        command = ["podman", "exec", "--interactive", f"{NETWORK}-{who}", "python3", "-c", _KNOCK]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.process.stdin.write(json.dumps([(host.addresses[0], cell[1]) for host in hosts]) + "\n")
        self.process.stdin.flush()
        self.process.stdout.readline()

    def stop(self) -> list[tuple[int, int]]:
        """Return for each host how often it was called, and how often it answered."""
        told, _nothing = self.process.communicate("\n")
        return list(json.loads(told).values())


@pytest.fixture(scope="module")
def hosts() -> Iterator[list[Machine]]:
    with lab(*HOSTS):
        yield list(HOSTS)


def tables(hosts: list[Machine]) -> dict[str, str]:
    return {host.name: host.table() for host in hosts}


@pytest.fixture(scope="module")
def before(hosts) -> dict:
    # After a reload of firewalld Docker makes its rules anew: in another order, and not all of them.
    BY_NAME["firewalld"].sh("firewall-cmd --reload; sleep 2")
    return {"look": look(hosts), "rulesets": {host.name: host.ruleset() for host in hosts}}


@pytest.fixture(scope="module")
def applied(hosts, before) -> dict:
    predicted = site(hosts, "--check", "--diff")
    touched = tables(hosts)
    made = site(hosts, "--diff")
    return {"predicted": predicted, "touched": touched, "made": made, "look": look(hosts), "tables": tables(hosts), "again": site(hosts)}


@pytest.fixture(scope="module")
def absent(hosts, applied) -> dict:
    site(hosts, avi_firewall_state="absent")
    left = {host.name: host.sh("find / /run -xdev -iname 'avi[-_]*' ! -path '/proc/*'") for host in hosts}
    return {"look": look(hosts), "rulesets": {host.name: host.ruleset() for host in hosts}, "left": left}


# The https port trades places with that of the CLI, the system portal goes where the other container is, and everyone is a client.
MOVED = {
    "avi_controller_ports": {"https": CLI[1], "cli": HTTPS[1]},
    "con_sysint_port": str(OTHER[1]),
    "con_portal_https_port": 1,
    "avi_firewall_peers": {"management_client": ["0.0.0.0/0", "::/0"], "service_engine": peer("newcomer")},
}


@pytest.fixture(scope="module")
def moved(hosts, absent) -> dict:
    site(hosts, **MOVED)
    return {"look": look(hosts), "again": site(hosts, **MOVED)}


@pytest.fixture(scope="module")
def moved_back(hosts, moved) -> dict:
    forbidden, allowed = Knock("stranger", hosts, HTTP), Knock("client", hosts, SSH)
    site(hosts)
    return {"forbidden": forbidden.stop(), "allowed": allowed.stop(), "look": look(hosts), "tables": tables(hosts)}


EVENTS = {
    "firewalld": ["firewall-cmd --reload", "systemctl restart docker", "docker restart controller"],
    "ufw": ["ufw reload", "systemctl restart docker"],
    # What the distribution's own ruleset, an empty one, leaves of the rules of iptables is nothing.
    "iptables": ["systemctl restart nftables", "systemctl reload nftables", "systemctl stop nftables", "systemctl restart docker"],
    "nftables": ["systemctl reload nftables", "systemctl restart nftables", "systemctl restart docker", "docker restart controller"],
    "podman": ["podman restart --time 0 controller", "podman network reload --all"],
}


@pytest.fixture(scope="module")
def eventful(hosts, moved_back) -> dict:
    def live(host: Machine) -> dict[str, str]:
        found = {}
        for event in EVENTS[host.name]:
            host.sh(event)
            found[event] = host.table()
        host.wait_for_containers()
        return found

    return {"tables": dict(zip(NAMES, each(live, hosts), strict=True)), "look": look(hosts)}


@pytest.fixture(scope="module")
def rebooted(hosts, eventful) -> dict:
    # Going down, a host may let in what it likes: its own ruleset is flushed, and a proxy in user space lives on for a moment.
    each(Machine.shut_down, hosts)
    knock = Knock("stranger", hosts, HTTPS)
    each(Machine.boot, hosts)
    return {"knock": knock.stop(), "look": look(hosts), "tables": tables(hosts), "again": site(hosts)}


INCLUDES = """
cat > /etc/nftables.conf <<'END'
#!/usr/sbin/nft -f
flush ruleset
include "/etc/avi-firewall/published/*.nft"

table inet filter {
  include "/etc/avi-firewall/nftables/*.inet-filter.nft"
  chain input {
    type filter hook input priority filter; policy drop;
    iifname "lo" accept
    ct state established,related accept
    meta l4proto { icmp, ipv6-icmp } accept
    tcp dport 22 accept
    include "/etc/avi-firewall/nftables/*.inet-filter-input.nft"
  }
}
END
"""
# What opens port 443 to everyone.
DRIFT = {
    "firewalld": "nft delete table inet avi-firewall",
    "ufw": "nft insert rule inet avi-firewall published accept",
    "iptables": "\n".join(
        f"nft add element inet avi-firewall management_client-{family} {{ {address} }}"
        for family, address in zip((4, 6), peer("stranger"), strict=True)
    ),
    "nftables": "nft -f /etc/nftables.conf; systemctl restart docker",
    "podman": "nft flush chain inet avi-firewall forwarded",
}


@pytest.fixture(scope="module")
def drifted(hosts, rebooted) -> dict:
    each(lambda host: host.sh(DRIFT[host.name]), hosts)
    BY_NAME["nftables"].wait_for_containers()
    open_ = look(hosts, [HTTPS])
    predicted = site(hosts, "--check")
    mended = site(hosts)
    return {"open": open_, "predicted": predicted, "mended": mended, "look": look(hosts), "tables": tables(hosts)}


@pytest.fixture(scope="module")
def on_host(hosts, drifted) -> dict:
    site(hosts, "--extra-vars=avi_controller_runtime=host")
    return {"look": look(hosts), "tables": tables(hosts)}


@every_host
def test_without_us_published_ports_are_open_to_everyone(before, name):
    nothing = {who: set() for who in ALLOWED}
    assert before["look"][name] == seen(BY_NAME[name], nothing, set(CELLS))


@every_host
def test_peers_reach_their_rows_and_no_one_else_does(applied, name):
    assert applied["look"][name] == guarded(BY_NAME[name])


@every_host
def test_a_second_run_changes_nothing(applied, name):
    assert applied["made"].changed[name] == 1
    assert applied["again"].changed[name] == 0


@every_host
def test_check_and_diff_predict_the_change_and_make_none(applied, name):
    assert applied["predicted"].changed[name] == 1
    assert applied["touched"][name] == ""


def test_what_is_predicted_is_what_is_made(applied):
    assert applied["predicted"].diff == applied["made"].diff
    assert any("table inet avi-firewall: chain published: " in line for line in applied["made"].diff)


@every_host
def test_after_absent_the_ruleset_is_as_before(before, absent, name):
    rulesets = [before["rulesets"][name], absent["rulesets"][name]]
    if name == "firewalld":
        rulesets = [sorted(line for table in ruleset for line in table.splitlines()) for ruleset in rulesets]
    assert rulesets[0] == rulesets[1]
    assert absent["left"][name] == ""
    assert absent["look"][name] == before["look"][name]


@every_host
def test_ports_follow_the_variables_and_everyone_may_be_a_peer(moved, name):
    everyone = {SSH, CLI, SNMP}
    assert moved["look"][name] == seen(
        BY_NAME[name], {"client": everyone, "newcomer": everyone | {OTHER}, "stranger": everyone}, unguarded={PORTAL}
    )
    assert moved["again"].changed[name] == 0


@every_host
def test_a_change_refuses_no_one_who_may_and_lets_no_one_in_who_may_not(moved_back, name):
    tried, connected = moved_back["forbidden"][NAMES.index(name)]
    assert tried > 10
    assert connected == 0
    tried, connected = moved_back["allowed"][NAMES.index(name)]
    assert tried > 10
    # A reload of firewalld holds up every new connection for a moment.
    assert connected == tried or name == "firewalld"
    assert moved_back["look"][name] == guarded(BY_NAME[name])


@every_host
def test_the_guard_outlives_what_its_host_goes_through(moved_back, eventful, name):
    assert eventful["tables"][name] == dict.fromkeys(EVENTS[name], moved_back["tables"][name])
    assert eventful["look"][name] == guarded(BY_NAME[name])


@every_host
def test_after_a_reboot_the_guard_stands_before_the_containers(moved_back, rebooted, name):
    tried, connected = rebooted["knock"][NAMES.index(name)]
    assert tried > 10
    assert connected == 0
    assert rebooted["tables"][name] == moved_back["tables"][name]
    assert rebooted["look"][name] == guarded(BY_NAME[name])
    assert rebooted["again"].changed[name] == 0


@every_host
def test_what_somebody_changes_is_found_and_mended(rebooted, drifted, name):
    assert drifted["open"][name]["stranger"]["IPv4"] == {HTTPS}, "nothing drifted"
    assert drifted["predicted"].changed[name] == 1
    assert drifted["mended"].changed[name] == 1
    assert drifted["tables"][name] == rebooted["tables"][name]
    assert drifted["look"][name] == guarded(BY_NAME[name])


def test_a_ruleset_loaded_by_hand_brings_the_guard_along(drifted):
    host = BY_NAME["nftables"]
    host.sh(INCLUDES)
    host.sh("nft -f /etc/nftables.conf")
    assert host.table() == drifted["tables"]["nftables"]
    host.sh("systemctl restart docker")
    host.wait_for_containers()
    assert look([host])["nftables"] == guarded(host)


def test_what_is_redirected_for_another_address_is_nothing_published(drifted):
    """As what kube-proxy does with the calls of pods to port 443 of a service."""
    host = BY_NAME["iptables"]
    target = host.sh("docker inspect --format '{{.NetworkSettings.IPAddress}}' controller").strip()
    rules = (
        f"PREROUTING -d 10.96.0.1 -p tcp --dport 443 -j DNAT --to-destination {target}:443",
        f"POSTROUTING -d {target} -p tcp --dport 443 -j MASQUERADE",
    )
    call = "docker exec other python3 -c 'import socket; socket.create_connection((\"{}\", 443), 2)' 2>/dev/null && echo open || echo shut"
    for rule in rules:
        host.sh(f"iptables -t nat -I {rule}")
    service = host.sh(call.format("10.96.0.1")).strip()
    for rule in rules:
        host.sh(f"iptables -t nat -D {rule}")
    assert service == "open"


@pytest.mark.parametrize("guard", [True, False])
def test_verify_sees_whether_a_published_port_is_guarded(drifted, guard):
    host = BY_NAME["iptables"]
    if not guard:
        host.sh("nft delete table inet avi-firewall")
    lookers = [LOOKERS[name] for name in ALLOWED]
    reports = WORK / "verify"
    (reports / "verify.json").unlink(missing_ok=True)
    done = attempt(
        [host, *lookers],
        playbook="avi.firewall.verify",
        groups={"avi_controllers": [host.name], "avi_verify_vantage": [looker.name for looker in lookers]},
        avi_firewall_groups={"controller": "avi_controllers"},
        avi_verify_also_open=["tcp/22"],
        avi_verify_dir=str(reports),
    )
    cells = json.loads((reports / "verify.json").read_text(encoding="utf-8"))["cells"]
    red = [cell for cell in cells if not cell["passed"]]
    found = {name: {(cell["protocol"], cell["port"]) for cell in red if cell["source"] == name} for name in ALLOWED}
    if guard:
        assert (done.code, found) == (0, {name: set() for name in ALLOWED}), done.output
        return
    site([host])
    assert found == {name: set(PUBLISHED) - allowed for name, allowed in ALLOWED.items()}
    # Over both families, which this Docker forwards.
    assert len(red) == 2 * sum(map(len, found.values()))
    assert {cell["observed"] for cell in red} == {"open"}
    assert all("past INPUT, and no guard of ours stops it there" in cell["causes"][0] for cell in red), red


PLAYBOOK = """\
- hosts: all
  gather_facts: false
  environment: {{SSH_CONNECTION: "{client} 50022 {host} {port}"}}
  roles: [avi.firewall.avi_controller]
"""


@pytest.mark.parametrize(("who", "allow", "stops"), [("stranger", False, True), ("stranger", True, False), ("client", False, False)])
def test_the_connection_in_use_is_not_shut_out_by_the_guard(drifted, who, allow, stops):
    host, client = BY_NAME["podman"], LOOKERS[who].addresses[0]
    host.sh("nft 'add table inet avi-firewall; delete table inet avi-firewall'")
    path = WORK / "connection.yml"
    path.write_text(PLAYBOOK.format(client=client, host=host.addresses[0], port=SSH[1]), encoding="utf-8")
    done = attempt([host], playbook=str(path), avi_firewall_allow_lockout=allow)
    if stops:
        assert done.code != 0
        assert f"from {client} to port 5098, gets in now" in done.message(host.name)
        assert host.table() == ""
    else:
        assert done.code == 0, done.output
        assert host.table() == drifted["tables"]["podman"]


@every_host
def test_on_its_host_a_controller_publishes_nothing(on_host, name):
    assert on_host["tables"][name] == ""
    assert on_host["look"][name]["stranger"]["IPv4"] == set(CELLS)


@pytest.mark.parametrize("reboot", [False, True])
def test_a_guard_that_nobody_confirms_is_taken_back(on_host, reboot):
    host = BY_NAME["iptables"]
    arguments = {"node": "controller", "part": "con", "flows": [], "published": [{"protocol": "tcp", "port": 443}]}
    ask(host, "avi.firewall.host_rules", {**arguments, "confirm_timeout": 60 if reboot else 6})
    assert "proto-dst 443 drop" in host.table()
    assert not look([host], [HTTPS])["iptables"]["client"]["IPv4"]
    if reboot:
        host.shut_down()
        host.boot()
    else:
        time.sleep(8)
    assert host.table() == ""
    assert host.sh("find /etc -name '*avi-firewall-published*'") == ""
    assert look([host], [HTTPS])["iptables"]["client"]["IPv4"]


def test_a_foreign_table_of_the_same_name_is_left_alone(on_host):
    host = BY_NAME["podman"]
    host.sh("nft add table inet avi-firewall")
    foreign = host.table()
    done = attempt([host])
    assert done.code != 0
    assert "table inet avi-firewall: not ours" in done.message(host.name)
    assert host.table() == foreign
    host.sh("nft delete table inet avi-firewall")


def test_a_host_without_nft_is_named_before_anything_changes(on_host):
    host = BY_NAME["ufw"]
    before = host.ruleset()
    host.sh("mv /usr/sbin/nft /usr/sbin/nft.away")
    done = attempt([host])
    host.sh("mv /usr/sbin/nft.away /usr/sbin/nft")
    assert done.code != 0
    assert "cannot be guarded without nftables: the command nft is missing on this host" in done.message(host.name)
    assert host.ruleset() == before
