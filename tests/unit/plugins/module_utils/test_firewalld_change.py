# Copyright: (c) 2026, avi.firewall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a change does to firewalld, step by step."""

from __future__ import annotations

import copy

import pytest
from ansible_collections.avi.firewall.plugins.module_utils import _firewalld, _firewalld_reload, _host
from ansible_collections.avi.firewall.tests.unit.firewalld_stand_in import Firewalld, RefusedError

FLOW = {
    "name": "avi-con-management_client",
    "direction": "in",
    "peer": "management_client",
    "ports": [{"row": "ssh", "protocol": "tcp", "port": 22}],
    "ipv4": ["192.0.2.21/32"],
    "ipv6": [],
}
NETWORK = 'rule family="ipv4" source ipset="avi-con-management_client-4" service name="avi-con-management_client" accept'
EVERYONE = 'rule family="ipv4" service name="avi-con-management_client" accept'
EVERYONE_IPV6 = 'rule family="ipv6" service name="avi-con-management_client" accept'


def request(*networks, **changed):
    flow = {**FLOW, "ipv4": list(networks), **changed}
    return _host.Request("controller", "con", [flow], zone="public", may_reload=True)


@pytest.fixture
def firewalld(monkeypatch, tmp_path):
    found = Firewalld()
    monkeypatch.setattr(_firewalld, "_library", lambda: found)
    monkeypatch.setattr(_firewalld, "_refusals", lambda: RefusedError)
    monkeypatch.setattr(_firewalld, "CONFIGURATION", tmp_path)
    monkeypatch.setattr(_firewalld, "evidence", lambda: "it is active")
    monkeypatch.setattr(_firewalld_reload, "refuse_losses", lambda client, config: None)
    (tmp_path / "zones").mkdir()
    (tmp_path / "zones" / "public.xml").touch()
    return found


def bind(firewalld, bindings):
    """Do what the standard module does."""
    for binding in bindings:
        assert (binding["zone"], binding["state"]) == ("public", "enabled")
        stored = firewalld.getZoneByName("public")
        settings = stored.getSettings()
        settings.addRichRule(binding["rich_rule"])
        stored.update(settings)
        firewalld.addRichRule("public", binding["rich_rule"])


def run(firewalld, wanted):
    """Make the change as an ordinary run does; return who got in meanwhile, and what was left to the standard module."""
    firewalld.history = firewalld.history[-1:]
    change = _firewalld.prepare(wanted)
    change.apply(False)
    bindings = change.bindings()
    history = list(firewalld.history)
    bind(firewalld, bindings)
    assert _firewalld.prepare(wanted).needed is False
    return history, [binding["rich_rule"] for binding in bindings]


def test_what_is_new_is_left_to_the_standard_module(firewalld):
    assert run(firewalld, request("192.0.2.21/32")) == ([[]], [NETWORK])
    assert firewalld.history == [[], ["192.0.2.21"]]


def test_from_networks_to_everyone_nobody_is_shut_out_meanwhile(firewalld):
    run(firewalld, request("192.0.2.21/32"))
    assert run(firewalld, request("0.0.0.0/0", ipv6=["::/0"])) == ([["192.0.2.21"], ["everyone"]], [EVERYONE_IPV6])
    assert firewalld.permanent.zones["public"].held["RichRules"] == [EVERYONE, EVERYONE_IPV6]
    assert firewalld.reloads == 2


def test_from_everyone_to_networks_nobody_who_stays_is_shut_out_meanwhile(firewalld):
    run(firewalld, request("0.0.0.0/0", ipv6=["::/0"]))
    assert run(firewalld, request("192.0.2.21/32")) == ([["everyone"], ["192.0.2.21"]], [])
    assert firewalld.permanent.zones["public"].held["RichRules"] == [NETWORK]


def test_a_peer_that_takes_over_the_address_of_another_is_not_shut_out_meanwhile(firewalld):
    run(firewalld, request("192.0.2.21/32"))
    renamed = request("192.0.2.21/32", name="avi-con-service_engine", peer="service_engine")
    assert run(firewalld, renamed) == ([["192.0.2.21"]], [])


def test_what_shares_no_port_with_a_stale_rule_takes_no_place(firewalld):
    run(firewalld, request("192.0.2.21/32"))
    other = request("192.0.2.22/32", name="avi-con-dns", peer="dns", ports=[{"row": "dns", "protocol": "udp", "port": 22}])
    history, bindings = run(firewalld, other)
    assert history == [["192.0.2.21"], []]
    assert bindings == [NETWORK.replace("management_client", "dns")]


def test_a_rule_that_somebody_changed_stands_until_ours_is_back(firewalld):
    run(firewalld, request("192.0.2.21/32"))
    logged = NETWORK.replace(" accept", " log accept")
    for configuration in (firewalld.permanent, firewalld.running):
        configuration.zones["public"].held["RichRules"] = [logged]
    assert run(firewalld, request("192.0.2.21/32", ipv6=[])) == ([["192.0.2.21"]], [])
    assert firewalld.reloads == 1
    assert firewalld.getRichRules("public") == firewalld.permanent.zones["public"].held["RichRules"] == [NETWORK]


def test_a_rule_that_only_runs_outlives_the_reload(firewalld):
    run(firewalld, request("192.0.2.21/32"))
    firewalld.permanent.zones["public"].held["RichRules"] = []
    ports = [*FLOW["ports"], {"row": "portal", "protocol": "tcp", "port": 443}]
    assert run(firewalld, request("192.0.2.21/32", ports=ports)) == ([["192.0.2.21"]], [])
    assert firewalld.reloads == 2


def test_a_zone_in_which_nothing_changes_is_not_written(firewalld):
    run(firewalld, request("192.0.2.21/32"))
    writes = firewalld.writes
    _firewalld.prepare(request("192.0.2.21/32")).apply(True)
    assert firewalld.writes == writes


@pytest.mark.parametrize("bound", [False, True])
@pytest.mark.parametrize("networks", [(["192.0.2.21/32"], ["0.0.0.0/0"]), (["0.0.0.0/0"], ["192.0.2.21/32"])])
def test_the_roll_back_leads_back_and_shuts_nobody_out(firewalld, networks, bound):
    old, new = (request(*some) for some in networks)
    run(firewalld, old)
    before = copy.deepcopy(firewalld.permanent)
    change = _firewalld.prepare(new)
    change.apply(False)
    if bound:
        bind(firewalld, change.bindings())
    _firewalld.prepare(new, change.snapshot).apply(True)
    for configuration in (firewalld.permanent, firewalld.running):
        assert vars(configuration) == vars(before)
    assert [] not in firewalld.history[firewalld.history.index(before.peers()) :]


def test_absent_leaves_nothing(firewalld):
    run(firewalld, request("0.0.0.0/0", ipv6=["2001:db8::/64"]))
    run(firewalld, request("192.0.2.0/24", ipv6=["::/0"]))
    assert run(firewalld, _host.Request("controller", "con", may_reload=True)) == ([["192.0.2.0/24", "everyone"], []], [])
    for configuration in (firewalld.permanent, firewalld.running):
        assert vars(configuration) == vars(Firewalld().permanent)


@pytest.mark.parametrize("networks", [["192.0.2.21/32", "192.0.2.22/32"], ["0.0.0.0/0"]])
def test_what_is_refused_is_said_and_needs_no_roll_back_that_would_be_refused_as_well(firewalld, networks):
    run(firewalld, request("192.0.2.21/32"))
    change = _firewalld.prepare(request(*networks))
    firewalld.denies = "ACCESS_DENIED: lockdown is enabled"
    with pytest.raises(_host.HostError, match=r"^firewalld refuses: ACCESS_DENIED: lockdown is enabled$"):
        change.apply(False)
    _firewalld.prepare(request(*networks), change.snapshot).apply(True)
    assert firewalld.history == [[], ["192.0.2.21"]]


def test_what_no_reload_would_take_is_found_before_the_first_write(firewalld):
    run(firewalld, request("192.0.2.21/32"))
    writes = firewalld.writes
    firewalld.broken = "INVALID_SERVICE: not a valid service file"
    with pytest.raises(_host.HostError) as refused:
        _firewalld.prepare(request("0.0.0.0/0"))
    assert str(refused.value) == (
        "firewalld refuses what stands in /etc/firewalld, which it has to load for this change: INVALID_SERVICE: not a valid service file"
    )
    assert firewalld.writes == writes


def test_without_a_reload_nobody_asks_what_it_would_take(firewalld):
    run(firewalld, request("192.0.2.21/32"))
    firewalld.broken = "INVALID_SERVICE: not a valid service file"
    run(firewalld, request("192.0.2.0/24"))
    assert firewalld.history[-1] == ["192.0.2.0/24"]


def test_a_roll_back_that_is_refused_its_reload_leads_back_later(firewalld):
    run(firewalld, request("192.0.2.21/32"))
    change = _firewalld.prepare(request("0.0.0.0/0"))
    change.apply(False)
    firewalld.broken = "INVALID_ZONE: not a valid zone file"
    for _attempt in range(2):
        with pytest.raises(_host.HostError, match=r"^firewalld refuses what .*: INVALID_ZONE: not a valid zone file$"):
            _firewalld.prepare(request("0.0.0.0/0"), change.snapshot).apply(True)
    firewalld.broken = ""
    _firewalld.prepare(request("0.0.0.0/0"), change.snapshot).apply(True)
    assert firewalld.history[-2:] == [["everyone"], ["192.0.2.21"]]


def test_so_is_what_it_refuses_to_tell(firewalld, monkeypatch):
    def denied():
        raise RefusedError("NOT_AUTHORIZED")

    monkeypatch.setattr(firewalld, "listServices", denied)
    with pytest.raises(_host.HostError, match=r"^firewalld refuses: NOT_AUTHORIZED$"):
        _firewalld.prepare(request("192.0.2.21/32"))


def test_a_mistake_of_ours_is_not_called_a_refusal(firewalld, monkeypatch):
    monkeypatch.setattr(firewalld, "listServices", None)
    with pytest.raises(TypeError):
        _firewalld.prepare(request("192.0.2.21/32"))
