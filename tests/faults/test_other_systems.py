# Copyright: (c) 2026, avi.firewall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The life of the rules on systems that the other tests do not have: older ones, and Ubuntu."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

import pytest
from faults.admin import BACKENDS, close
from faults.machines import LOOKERS, Machine, each, entry, machines, only
from faults.plays import absent, attempt, management, site
from faults.state import State, changes, look
from lab.runs import Run

# What each says of itself: the support table quotes it.
COMMANDS = ("python3 --version", "firewall-cmd --version", "ufw --version", "iptables --version", "nft --version")
VERSIONS = {
    "bullseye": ("Python 3.9.", "0.9.3", "ufw 0.36\n", "iptables v1.8.7 ", "nftables v0.9.8 "),
    "jammy": ("Python 3.10.", "1.1.1", "ufw 0.36.1\n", "iptables v1.8.7 ", "nftables v1.0.2 "),
    "noble": ("Python 3.12.", "2.1.1", "ufw 0.36.2\n", "iptables v1.8.10 ", "nftables v1.0.9 "),
}
# All of them are Controllers of one cluster.
CLUSTER = {"avi_firewall_groups": {"controller": "avi_controllers", "service_engine": "avi_service_engines"}}


@dataclasses.dataclass
class Stage:
    """What was said, and who gets in at each host after it."""

    run: Run
    entry: dict[str, dict[str, str]]


@pytest.fixture(scope="module", params=VERSIONS)
def system(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture(scope="module")
def hosts(system: str) -> Iterator[dict[str, Machine]]:
    with machines(*BACKENDS, image=f"localhost/avi-firewall-lab-{system}:latest") as found:
        close(found)
        each(Machine.reboot, found.values())  # ufw 0.36 has rules of its own that it loads at a boot only
        yield found


@pytest.fixture(scope="module")
def closed(hosts: dict[str, Machine]) -> dict[str, State]:
    assert entry(hosts.values()) == dict.fromkeys(BACKENDS, only())
    return dict(zip(hosts, each(look, hosts.values()), strict=True))


@pytest.fixture(scope="module")
def stages(hosts: dict[str, Machine], closed: dict[str, State]) -> dict[str, Stage]:
    """Return what came of each run, in their order; before the last one the hosts are rebooted."""

    def stage(*peers: str) -> Stage:
        return Stage(site(hosts.values(), **CLUSTER, **management(*peers)), entry(hosts.values()))

    found = {"applied": stage("client"), "again": stage("client"), "another": stage("client", "newcomer"), "one less": stage("newcomer")}
    each(Machine.reboot, hosts.values())
    found["rebooted"] = stage("newcomer")
    return found


@pytest.fixture(scope="module")
def verified(hosts: dict[str, Machine], stages: dict[str, Stage]) -> Run:
    lookers = [LOOKERS["newcomer"], LOOKERS["stranger"]]
    groups = {"avi_controllers": list(hosts), "avi_verify_vantage": [looker.name for looker in lookers]}
    return attempt([*hosts.values(), *lookers], playbook="avi.firewall.verify", groups=groups, **CLUSTER, **management("newcomer"))


@pytest.fixture(scope="module")
def gone(hosts: dict[str, Machine], closed: dict[str, State], verified: Run) -> dict[str, list[str]]:
    """Return what is not on each host as it was before the first run."""
    absent(hosts.values())
    assert entry(hosts.values()) == dict.fromkeys(BACKENDS, only())
    return {name: changes(closed[name], look(host)) for name, host in hosts.items()}


def test_its_versions_are_those_of_the_support_table(hosts, system):
    said = [hosts["firewalld"].sh(command) for command in COMMANDS]
    assert [said.startswith(version) for said, version in zip(said, VERSIONS[system], strict=True)] == [True] * len(COMMANDS), said


@pytest.mark.parametrize("backend", BACKENDS)
def test_exactly_the_peers_get_in(stages, backend):
    found = {name: stage.entry[backend] for name, stage in stages.items()}
    assert found == {
        "applied": only("client"),
        "again": only("client"),
        "another": only("client", "newcomer"),
        "one less": only("newcomer"),
        "rebooted": only("newcomer"),
    }


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_run_changes_something_only_where_there_is_something_to_change(stages, backend):
    changed = {name: stage.run.changed[backend] > 0 for name, stage in stages.items()}
    assert changed == {"applied": True, "again": False, "another": True, "one less": True, "rebooted": False}


def test_verify_finds_all_as_planned(verified):
    assert verified.code == 0, str(verified)


@pytest.mark.parametrize("backend", BACKENDS)
def test_nothing_is_left_in_the_end(gone, backend):
    assert gone[backend] == []
