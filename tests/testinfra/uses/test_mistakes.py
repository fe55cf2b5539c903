# Copyright: (c) 2026, avi.firewall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A mistake stops the run with the variable, its value and what is allowed, before a host is touched."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import pytest
import yaml
from lab.runs import Run
from lab_hosts import BACKENDS, changes, everywhere, group, journal_end, listing, machine, modules_since, peers
from plays import attempt

MISTAKES = {
    "no release": ({"avi_firewall_release": None}, ["avi_firewall_release", "16.2", "16.3", "17.1"]),
    "unknown release": ({"avi_firewall_release": "15.1"}, ["avi_firewall_release", "15.1", "16.2", "16.3", "17.1"]),
    "unknown feature": ({"avi_firewall_features": ["htpp"]}, ["avi_firewall_features", "htpp", "http", "cli_shell"]),
    "unknown backend": ({"avi_firewall_backend": "pf"}, ["avi_firewall_backend", "pf", "auto", *BACKENDS]),
    "unknown runtime": (
        {"avi_controller_runtime": "jail"},
        ["avi_controller_runtime", "jail", "host", "docker", "podman"],
    ),
    "unknown kind": (
        {"avi_cluster_node_kinds": ["swarm_node"]},
        ["avi_cluster_node_kinds", "swarm_node", "mesos_node"],
    ),
    "unknown state": ({"avi_firewall_state": "gone"}, ["avi_firewall_state", "gone", "present", "absent"]),
    "no address": (
        {"avi_firewall_peers": {**peers(), "management_client": ["10.16.3.300"]}},
        ["avi_firewall_peers", "management_client", "10.16.3.300"],
    ),
    "missing peer": ({"avi_firewall_peers": {}}, ["avi_firewall_peers", "management_client"]),
    "unknown peer": (
        {"avi_firewall_peers": {**peers(), "management_clients": ["10.16.3.41"]}},
        ["avi_firewall_peers", "management_clients", "management_client"],
    ),
    "no address of a host": ({"avi_firewall_address": ["10.16.3.0.11"]}, ["avi_firewall_address", "10.16.3.0.11"]),
}


def missing(done: Run, words: list[str]) -> list[str]:
    """Return the words that the output of a failed run lacks; it is wrapped, but never within a word."""
    assert done.code != 0, done.output
    said = {word.strip("'\"`.,:;()[]{}") for word in done.output.split()}
    return [word for word in words if word not in said]


@pytest.fixture(scope="module")
def mistaken() -> tuple[dict[str, Run], list[str]]:
    """Return the run of each mistake, and the modules that ran on the host meanwhile."""
    end = journal_end("con1")
    runs = everywhere(lambda mistake: attempt("--limit=con1", variables=MISTAKES[mistake][0]), MISTAKES)
    return runs, modules_since("con1", end)


@pytest.mark.parametrize("mistake", MISTAKES)
def test_mistakes_are_named(mistaken, mistake):
    assert missing(mistaken[0][mistake], MISTAKES[mistake][1]) == []


def test_mistakes_touch_nothing(mistaken):
    assert mistaken[1] == []


@pytest.mark.parametrize(("of", "mistaken"), [("avi_controllers", "con2"), ("avi_service_engines", "se1"), ("avi_cluster_nodes", "node1")])
def test_the_mistake_of_one_host_stops_all_before_any_is_touched(tmp_path, of, mistaken):
    more = tmp_path / "more.yml"
    more.write_text(yaml.safe_dump({of: {"hosts": {mistaken: {"avi_firewall_features": ["htpp"]}}}}), encoding="utf-8")
    names = ("con1", mistaken)
    ends = everywhere(journal_end, names)
    assert missing(attempt(f"--inventory={more}", f"--limit={','.join(names)}"), ["avi_firewall_features", "htpp"]) == []
    assert everywhere(lambda name: modules_since(name, ends[name]), names) == {name: [] for name in names}


@contextlib.contextmanager
def two_firewalls(name: str) -> Iterator[None]:
    """Let a host that has no firewall have two."""
    # It says that it runs before it has loaded its rules, and answers no question before.
    machine(name).check_output("iptables -P INPUT DROP && systemctl start firewalld && firewall-cmd --get-default-zone")
    try:
        yield
    finally:
        machine(name).check_output("systemctl stop firewalld && iptables -P INPUT ACCEPT")


@pytest.mark.parametrize(
    ("firewalls", "words"),
    [
        pytest.param(contextlib.nullcontext, ["avi_firewall_backend", *BACKENDS], id="no firewall"),
        pytest.param(two_firewalls, ["avi_firewall_backend", "firewalld", "iptables"], id="two firewalls"),
    ],
)
def test_a_doubtful_firewall_is_left_alone(tmp_path, firewalls, words):
    [name] = group("strangers")
    more = tmp_path / "stranger.yml"
    more.write_text(yaml.safe_dump({"avi_controllers": {"hosts": {name: {}}}}), encoding="utf-8")
    with firewalls(name):
        before = listing(name)
        assert missing(attempt(f"--inventory={more}", f"--limit={name}"), words) == []
        assert changes(before, listing(name)) == []
