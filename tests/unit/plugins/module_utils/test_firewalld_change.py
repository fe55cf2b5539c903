# Copyright: (c) 2026, avi.firewall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a change does to firewalld, step by step."""

from __future__ import annotations

import copy
import json

import pytest
from ansible_collections.avi.firewall.plugins.module_utils import _firewalld, _firewalld_reload, _host
from ansible_collections.avi.firewall.tests.unit.firewalld_stand_in import Firewalld, RefusedError, Settings

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


def sends(*networks):
    return request(*networks, name="avi-con-smtp_server", direction="out", peer="smtp_server")


def lock(firewalld, name, priority, *, target="DROP", ingress="HOST", runs=True, rules=()):
    """Make a policy as an administrator does, and reload firewalld or not."""
    held = {"description": "", "ingress_zones": [ingress], "egress_zones": ["ANY"], "target": target, "rich_rules": list(rules)}
    firewalld.addPolicy(name, {**held, "priority": priority})
    if runs:
        firewalld.running = copy.deepcopy(firewalld.permanent)


def places(firewalld):
    """Return the priority of our policy, permanent and running."""
    return [held.policies["avi-con-out"].held["Priority"] for held in (firewalld.permanent, firewalld.running)]


def test_our_policy_comes_before_those_that_let_nothing_more_pass(firewalld):
    lock(firewalld, "strict", -3)
    lock(firewalld, "open", -20, target="CONTINUE")
    lock(firewalld, "incoming", -30, ingress="ANY")
    lock(firewalld, "runs", -7, target="REJECT")
    del firewalld.permanent.policies["runs"]
    lock(firewalld, "stored", -5, target="REJECT", runs=False)
    run(firewalld, sends("192.0.2.25/32"))
    assert places(firewalld) == [-8, -8]


def test_our_policy_judges_what_this_host_sends_and_lets_the_rest_go_on(firewalld):
    run(firewalld, sends("192.0.2.25/32"))
    rule = 'rule family="ipv4" destination ipset="avi-con-smtp_server-4" service name="avi-con-smtp_server" accept'
    for configuration in (firewalld.permanent, firewalld.running):
        assert configuration.policies["avi-con-out"] == Settings(
            Description="Managed by the Ansible collection avi.firewall; do not edit.",
            IngressZones=["HOST"],
            EgressZones=["ANY"],
            Priority=-1,
            Target="CONTINUE",
            RichRules=[rule],
        )


@pytest.mark.parametrize("runs", [True, False])
def test_it_goes_ahead_of_one_that_came_later(firewalld, runs):
    run(firewalld, sends("192.0.2.25/32"))
    assert places(firewalld) == [-1, -1]
    lock(firewalld, "strict", -10, runs=runs)
    change = _firewalld.prepare(sends("192.0.2.25/32"))
    assert sorted(set(change.before) ^ set(change.after)) == ["policy: priority -1", "policy: priority -11"]
    run(firewalld, sends("192.0.2.25/32"))
    assert places(firewalld) == [-11, -11]
    assert firewalld.reloads == 2


def test_it_stays_where_it_is_when_that_one_goes(firewalld):
    lock(firewalld, "strict", -10)
    run(firewalld, sends("192.0.2.25/32"))
    for configuration in (firewalld.permanent, firewalld.running):
        del configuration.policies["strict"]
    assert _firewalld.prepare(sends("192.0.2.25/32")).needed is False
    run(firewalld, sends("192.0.2.25/32", "192.0.2.26/32"))
    assert places(firewalld) == [-11, -11]
    assert firewalld.reloads == 1


def test_what_others_deny_behind_it_is_warned_of_once(firewalld):
    run(firewalld, sends("192.0.2.25/32"))
    deny = "rule service name=telnet reject"
    lock(firewalld, "strict", -10)
    lock(firewalld, "behind", -9, target="CONTINUE", rules=[deny, "rule service name=ssh accept"])
    lock(firewalld, "beside", -11, target="CONTINUE", rules=[deny])
    lock(firewalld, "ahead", -12, target="CONTINUE", rules=[deny])
    assert _firewalld.prepare(sends("192.0.2.25/32")).warnings == [
        f"policy {name} denies what leaves this host by rule service name=telnet reject, but does not come before our policy, "
        "which may accept it: give the rule to a policy with a priority below -11"
        for name in ("behind", "beside")
    ]


def test_the_roll_back_takes_it_to_its_former_place(firewalld):
    run(firewalld, sends("192.0.2.25/32"))
    lock(firewalld, "strict", -10)
    before = copy.deepcopy(firewalld.permanent)
    change = _firewalld.prepare(sends("192.0.2.25/32"))
    change.apply(False)
    assert places(firewalld) == [-11, -11]
    _firewalld.prepare(sends("192.0.2.25/32"), change.snapshot).apply(True)
    for configuration in (firewalld.permanent, firewalld.running):
        assert vars(configuration) == vars(before)


def test_absent_leaves_the_policies_of_others(firewalld):
    lock(firewalld, "strict", -10)
    before = copy.deepcopy(firewalld.permanent)
    run(firewalld, sends("192.0.2.25/32"))
    run(firewalld, _host.Request("controller", "con", may_reload=True))
    for configuration in (firewalld.permanent, firewalld.running):
        assert vars(configuration) == vars(before)


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


def test_a_change_remembers_every_file_that_it_may_touch(firewalld, tmp_path):
    (tmp_path / "ipsets").mkdir()
    for name in ("avi-con-gone-4", "avi-se-x-4"):
        (tmp_path / "ipsets" / f"{name}.xml").write_text(name, encoding="utf-8")
    names = ["services/avi-con-management_client", "ipsets/avi-con-management_client-4", "policies/avi-con-out"]
    expected = {f"{tmp_path}/{name}.xml": None for name in names} | {f"{tmp_path}/zones/public.xml": ""}
    expected[f"{tmp_path}/ipsets/avi-con-gone-4.xml"] = "avi-con-gone-4"
    assert _firewalld.prepare(request("192.0.2.21/32")).snapshot.files == expected


@pytest.mark.parametrize(("entries", "room"), [(1, None), (65536, None), (65537, "65537")])
def test_a_set_is_of_networks_of_one_family_and_has_room_for_all(firewalld, entries, room):
    other = {**FLOW, "name": "avi-con-service_engine", "ipv4": [], "ipv6": ["2001:db8::/64"]}
    wanted = request(*(f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}/32" for number in range(entries)))
    _firewalld.prepare(_host.Request("controller", "con", [*wanted.flows, other], zone="public", may_reload=True)).apply(True)
    found = {name: settings.held for name, settings in firewalld.permanent.ipsets.items()}
    assert {name: (held["Type"], held["family"], held.get("maxelem"), len(held["Entries"])) for name, held in found.items()} == {
        "avi-con-management_client-4": ("hash:net", "inet", room, entries),
        "avi-con-service_engine-6": ("hash:net", "inet6", None, 1),
    }


def test_the_copies_of_what_is_gone_go_too(firewalld, tmp_path):
    folders = ("services", "ipsets", "policies")
    for folder in folders:
        for name in ("avi-con-x.xml", "avi-con-x.xml.old", "avi-con-y.xml.old", "avi-se-y.xml.old"):
            _host.write(tmp_path / folder / name, "")
    run(firewalld, request("192.0.2.21/32"))
    kept = ["avi-con-x.xml", "avi-con-x.xml.old", "avi-se-y.xml.old"]
    assert [sorted(path.name for path in (tmp_path / folder).iterdir()) for folder in folders] == [kept] * 3


def test_what_leaves_is_let_pass_while_its_set_changes(firewalld, monkeypatch):
    old, new = request("192.0.2.21/32", ipv6=["::/0"], direction="out"), request("192.0.2.0/24", direction="out")
    run(firewalld, old)
    ran = []
    spied = firewalld.setPolicySettings

    def spy(name, settings):
        ran.append(sorted(settings.getRichRules()))
        spied(name, settings)

    monkeypatch.setattr(firewalld, "setPolicySettings", spy)
    run(firewalld, new)
    rule = NETWORK.replace("source", "destination")
    assert ran == [sorted([rule, EVERYONE_IPV6, rule.replace('ipset="avi-con-management_client-4"', 'address="192.0.2.21/32"')]), [rule]]


def test_a_zone_that_has_lost_its_rules_gets_them_back_and_another_is_rid_of_ours(firewalld):
    run(firewalld, request("192.0.2.21/32"))
    firewalld.running.zones["home"] = firewalld.running.zones["public"]
    firewalld.running.zones["public"] = Settings()
    _firewalld.prepare(request("192.0.2.21/32")).apply(True)
    assert (firewalld.getRichRules("public"), firewalld.getRichRules("home")) == ([NETWORK], [])
    assert firewalld.reloads == 1


def test_a_peer_that_another_zone_claims_stops_the_run(firewalld):
    firewalld.running.zones["trusted"] = Settings(Sources=["192.0.2.0/24"])
    with pytest.raises(
        _host.HostError, match=r"^peer management_client \(192\.0\.2\.21/32\) is bound by its source 192\.0\.2\.0/24 to zone"
    ):
        _firewalld.prepare(request("192.0.2.21/32"))


LINKS = [
    {"ifname": "lo", "flags": ["LOOPBACK", "UP"], "addr_info": [{"local": "127.0.0.1"}]},
    {"ifname": "eth0", "flags": ["UP"], "addr_info": [{"local": "192.0.2.11"}, {"local": "2001:db8::11"}]},
    {"ifname": "eth1", "flags": ["UP"], "addr_info": [{"local": "198.51.100.11"}]},
    {"ifname": "eth2", "flags": ["UP"]},
]


@pytest.fixture
def zones(firewalld, monkeypatch):
    """Return which zones get the rules of a request with these options, or why none does."""
    answers = {("ip", "-json", "address", "show"): json.dumps(LINKS)}
    monkeypatch.setattr(_host, "run", lambda *command: answers[command])
    firewalld.interfaces["eth1"] = "dmz"
    firewalld.running.zones["dmz"] = Settings()

    def ask(**options):
        try:
            return _firewalld._zones(firewalld, _host.Request("controller", "con", [FLOW], **options))
        except _host.HostError as exc:
            return str(exc)

    return ask


@pytest.mark.parametrize(
    ("options", "found"),
    [
        ({"zone": "dmz"}, ["dmz"]),
        ({"zone": "home"}, "avi_firewall_zone 'home' is not one of public, dmz"),
        ({"addresses": ["192.0.2.11"]}, ["public"]),
        ({"addresses": ["198.51.100.11"]}, ["dmz"]),
        ({"addresses": ["2001:db8::11", "198.51.100.11"]}, ["dmz", "public"]),
        ({"addresses": ["203.0.113.1"]}, ["public"]),
        ({"interfaces": ["eth1"]}, ["dmz"]),
        ({"interfaces": ["eth0", "eth2"]}, ["public"]),
        ({"interfaces": ["eth0", "eth1", "eth2"]}, ["dmz", "public"]),
        ({"interfaces": ["eth1", "eth8", "eth9"]}, "avi_firewall_interfaces: this host has no interface eth8, eth9"),
        (
            {"interfaces": ["eth0"]},
            "avi_firewall_interfaces leaves eth2 out, but zone public carries it as well: put the management interfaces into a zone of "
            "their own",
        ),
    ],
)
def test_the_rules_go_to_the_zones_of_the_addresses_or_of_the_interfaces(zones, options, found):
    assert zones(**options) == found
