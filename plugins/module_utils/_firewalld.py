# Copyright: (c) 2026, avi.firewall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""firewalld: a service for each flow, an ipset for each flow and family, a rich rule in the zone that ties them.

Services, ipsets and the policy for outgoing traffic are made here, through firewalld's own client library; the rich rules
of the zone are bound by M(ansible.posix.firewalld), which uses the same library; one that takes the place of a stale rule is
bound here, before that goes.
"""

from __future__ import annotations

import contextlib
import importlib
import ipaddress
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from . import _boot, _firewalld_policy, _firewalld_reload, _host

CONFIGURATION = Path("/etc/firewalld")
# Rules that stand in while a set changes: more of them cost more than a reload; a run that is cut off leaves them for no longer than this.
MOST_BRIDGES = 50
BRIDGE_SECONDS = 60
# It does not name the file that it cannot read.
NO_RELOAD = " what stands in /etc/firewalld, which it has to load for this change"

Ports = frozenset[tuple[str, str]]


@dataclass
class View:
    """What firewalld holds of ours, in its permanent configuration or running."""

    services: dict[str, Ports] = field(default_factory=dict)
    ipsets: dict[str, frozenset[str]] = field(default_factory=dict)
    rules: dict[str, set[str]] = field(default_factory=dict)
    policy: frozenset[str] | None = None
    priority: int | None = None

    @classmethod
    def of(cls, state: Mapping[str, Any]) -> View:
        """Return the view that :meth:`state` was taken of."""
        return cls(
            {name: frozenset((port, protocol) for port, protocol in ports) for name, ports in state["services"].items()},
            {name: frozenset(entries) for name, entries in state["ipsets"].items()},
            {zone: set(rules) for zone, rules in state["rules"].items()},
            None if state["policy"] is None else frozenset(state["policy"]),
            state["priority"],
        )

    def state(self) -> dict[str, Any]:
        """Return the view as JSON can hold it."""
        return {
            "services": {name: sorted(ports) for name, ports in self.services.items()},
            "ipsets": {name: sorted(entries) for name, entries in self.ipsets.items()},
            "rules": {zone: sorted(rules) for zone, rules in self.rules.items()},
            "policy": None if self.policy is None else sorted(self.policy),
            "priority": self.priority,
        }

    def lets_in(self) -> list[_host.Access]:
        """Return who gets in by the rules of the zones."""
        found = []
        for rule in set().union(*self.rules.values()):
            words = _words(rule)
            everyone = [_host.EVERYONE[family] for family in _families(words)]
            for network in self.ipsets.get(words["ipset"], ()) if "ipset" in words else everyone:
                found += [(protocol, int(port), network) for port, protocol in self.services.get(words["name"], ())]
        return found

    def lines(self) -> list[str]:
        """Return the view as lines."""
        ports = ((name, " ".join(sorted("/".join(port) for port in ports))) for name, ports in self.services.items())
        return [
            *(f"service {name}: {words}" for name, words in sorted(ports)),
            *(f"ipset {name}: {entry}" for name, entries in sorted(self.ipsets.items()) for entry in sorted(entries)),
            *(f"zone {zone}: {rule}" for zone, rules in sorted(self.rules.items()) for rule in sorted(rules)),
            *(f"policy: {rule}" for rule in sorted(self.policy or ())),
            *(f"policy: priority {priority}" for priority in [self.priority] if priority is not None),
        ]


def _words(rule: str) -> dict[str, str]:
    """Return the family of a rule in a zone, the name of its service, and of its ipset if it has one."""
    return dict(re.findall(r'(family|ipset|name)="([^"]+)"', rule))


def _families(words: Mapping[str, str]) -> list[str]:
    """Return the families of a rule; one that somebody has written by hand may be for both."""
    return [words["family"]] if "family" in words else [*_host.EVERYONE]


def _lines(permanent: View, running: View) -> list[str]:
    """Return the lines of both views, once where they agree."""
    stored, live = permanent.lines(), running.lines()
    return [
        *(line if line in live else f"{line} (permanent only)" for line in stored),
        *(f"{line} (running only)" for line in live if line not in stored),
    ]


def _library() -> Any:
    """Return firewalld's client library. To import it takes longer than all else here, and most hosts have no firewalld."""
    try:
        return importlib.import_module("firewall.client")
    except ImportError as exc:
        raise _host.HostError("firewalld's Python library (python3-firewall) is missing for the Python that Ansible uses here") from exc


def _refusals() -> tuple[type[Exception], ...]:
    """Return the errors by which firewalld, or the way to it, refuses something."""
    return importlib.import_module("firewall.errors").FirewallError, importlib.import_module("dbus").DBusException


@contextlib.contextmanager
def _answers(what: str = "") -> Iterator[None]:
    """Raise HostError for ``what`` firewalld refuses meanwhile."""
    try:
        yield
    except _host.HostError:
        raise
    except _refusals() as exc:
        said = str(exc).replace("org.fedoraproject.FirewallD1.Exception: ", "")
        raise _host.HostError(f"firewalld refuses{what}: {said}") from exc


def evidence() -> str | None:
    """Return what shows that firewalld is in charge of this host, or None."""
    return "firewalld.service is active" if _host.succeeds("systemctl", "is-active", "--quiet", "firewalld") else None


def holds(request: _host.Request) -> bool:
    """Say whether firewalld keeps anything of this part."""
    return any(CONFIGURATION.glob(f"*/{request.prefix}*.xml"))


@_answers()
def prepare(request: _host.Request, former: _host.Snapshot | None = None) -> _host.Change:
    """Return the change that brings services, ipsets and policy in line with ``request``, or all of it back to what ``former`` holds.

    Raises HostError when firewalld does not answer or refuses something, so may the change; when something foreign bears a name of ours;
    or when a reload would lose what others added.
    """
    if not request.flows and former is None and not evidence():
        warning = "firewalld does not run, but keeps rules of ours: they go with the first run while it does"
        return _host.Change([], [], lambda _bind: None, _host.Snapshot("firewalld", request, None, {}), warnings=[warning])
    client = _library().FirewallClient()
    if not client.connected:
        raise _host.HostError("firewalld does not run: start it, or set avi_firewall_backend to the firewall that does")
    config = client.config()
    _refuse_foreign(config, request)
    wanted = _wanted(client, request) if former is None else View.of(former.state)
    permanent, running = _permanent(config, request), _running(client, request)
    if wanted.policy and former is None:
        wanted.priority = _firewalld_policy.place(client, config, permanent.priority)
    reload = _needs_reload(wanted, running)
    if reload and former is None:
        with _answers(NO_RELOAD):
            client.checkPermanentConfig()
        if not request.may_reload:
            _firewalld_reload.refuse_losses(client, config)

    heirs = _heirs(wanted, running)

    @_answers()
    def apply(bind: bool) -> None:
        bound = wanted.rules if bind else heirs
        _store(config, request, wanted, permanent, bound)
        if reload:
            with _answers(NO_RELOAD):
                client.reload()
        else:
            _change_running(client, request, wanted, running, bound)

    zones = sorted({*wanted.rules, *permanent.rules})
    return _host.Change(
        before=_lines(permanent, running),
        after=wanted.lines(),
        apply=apply,
        snapshot=_boot.snapshot("firewalld", request, permanent.state(), _files(request, wanted, zones)),
        lets_in=running.lets_in(),
        bindings=lambda: [
            {"zone": zone, "rich_rule": rule, "state": "enabled", "permanent": True, "immediate": True}
            for zone, rules in sorted(wanted.rules.items())
            for rule in sorted(rules - heirs[zone])
            if rule not in permanent.rules.get(zone, ()) or rule not in running.rules.get(zone, ())
        ],
        warnings=_firewalld_policy.denied_later(client, config, wanted.priority) if wanted.policy else [],
    )


def _files(request: _host.Request, wanted: View, zones: Iterable[str]) -> list[Path]:
    """Return the files of the permanent configuration that a change may touch."""
    names = [f"services/{name}" for name in wanted.services]
    names += [f"ipsets/{name}" for name in wanted.ipsets]
    names += [f"zones/{zone}" for zone in zones]
    paths = {CONFIGURATION / f"{name}.xml" for name in [*names, f"policies/{_firewalld_policy.name(request)}"]}
    return sorted(paths | set(CONFIGURATION.glob(f"*/{request.prefix}*.xml")))


def _wanted(client: Any, request: _host.Request) -> View:
    view = View()
    incoming: set[str] = set()
    outgoing: set[str] = set()
    for flow in request.flows:
        view.services[flow["name"]] = frozenset((str(port["port"]), port["protocol"]) for port in flow["ports"])
        for family, version in (("ipv4", "4"), ("ipv6", "6")):
            if not flow[family]:
                continue
            end = "source" if flow["direction"] == "in" else "destination"
            name = f"{flow['name']}-{version}"
            which = "" if _host.is_everyone(flow[family]) else f' {end} ipset="{name}"'
            if which:
                view.ipsets[name] = frozenset(_host.short(network) for network in flow[family])
            rule = f'rule family="{family}"{which} service name="{flow["name"]}" accept'
            (incoming if flow["direction"] == "in" else outgoing).add(rule)
    if incoming:
        view.rules = {zone: set(incoming) for zone in _zones(client, request)}
        _refuse_bound_elsewhere(client, request, list(view.rules))
    if outgoing:
        view.policy = frozenset(outgoing)
    return view


def _is_ours(rule: str, request: _host.Request) -> bool:
    return f'service name="{request.prefix}' in rule


def _permanent(config: Any, request: _host.Request) -> View:
    names = [name for name in config.getServiceNames() if name.startswith(request.prefix)]
    sets = [name for name in config.getIPSetNames() if name.startswith(request.prefix)]
    view = View(
        services={name: _ports(config.getServiceByName(name).getSettings()) for name in names},
        ipsets={name: _entries(config.getIPSetByName(name).getSettings()) for name in sets},
    )
    for zone in config.getZoneNames():
        # Each costs firewalld 10 ms, and one that nobody has changed has no file here.
        if (CONFIGURATION / "zones" / f"{zone}.xml").exists():
            _add_rules(view, str(zone), config.getZoneByName(zone).getSettings().getRichRules(), request)
    if _firewalld_policy.name(request) in config.getPolicyNames():
        _add_policy(view, config.getPolicyByName(_firewalld_policy.name(request)).getSettings())
    return view


def _running(client: Any, request: _host.Request) -> View:
    names = [name for name in client.listServices() if name.startswith(request.prefix)]
    sets = [name for name in client.getIPSets() if name.startswith(request.prefix)]
    view = View(
        services={str(name): _ports(client.getServiceSettings(name)) for name in names},
        ipsets={str(name): frozenset(map(str, client.getEntries(name))) for name in sets},
    )
    for zone in client.getZones():
        _add_rules(view, str(zone), client.getRichRules(zone), request)
    if _firewalld_policy.name(request) in client.getPolicies():
        _add_policy(view, client.getPolicySettings(_firewalld_policy.name(request)))
    return view


def _ports(settings: Any) -> Ports:
    return frozenset((str(port), str(protocol)) for port, protocol in settings.getPorts())


def _entries(settings: Any) -> frozenset[str]:
    return frozenset(map(str, settings.getEntries()))


def _add_rules(view: View, zone: str, rules: Any, request: _host.Request) -> None:
    if ours := {str(rule) for rule in rules if _is_ours(str(rule), request)}:
        view.rules[zone] = ours


def _add_policy(view: View, settings: Any) -> None:
    view.policy = frozenset(map(str, settings.getRichRules()))
    view.priority = int(settings.getPriority())


def _zones(client: Any, request: _host.Request) -> list[str]:
    """Return the zones that judge what comes in on the host's addresses, or on ``avi_firewall_interfaces``."""
    default = str(client.getDefaultZone())
    if request.zone is not None:
        if request.zone not in client.getZones():
            raise _host.HostError(f"avi_firewall_zone {request.zone!r} is not one of {', '.join(map(str, client.getZones()))}")
        return [request.zone]
    links = json.loads(_host.run("ip", "-json", "address", "show"))
    zone_of = {link["ifname"]: str(client.getZoneOfInterface(link["ifname"])) or default for link in links}
    if request.interfaces:
        if missing := [name for name in request.interfaces if name not in zone_of]:
            raise _host.HostError(f"avi_firewall_interfaces: this host has no interface {', '.join(missing)}")
        zones = sorted({zone_of[name] for name in request.interfaces})
        for link in links:
            name = link["ifname"]
            if "LOOPBACK" not in link["flags"] and name not in request.interfaces and zone_of[name] in zones:
                raise _host.HostError(
                    f"avi_firewall_interfaces leaves {name} out, but zone {zone_of[name]} carries it as well: "
                    "put the management interfaces into a zone of their own"
                )
        return zones
    carrying = {zone_of[link["ifname"]] for link in links for entry in link.get("addr_info", []) if entry.get("local") in request.addresses}
    return sorted(carrying) or [default]


def _refuse_bound_elsewhere(client: Any, request: _host.Request, zones: list[str]) -> None:
    """Stop when another zone claims a peer by its source: the rules of ours would never see it."""
    for zone in client.getZones():
        if str(zone) in zones:
            continue
        claimed = []
        for source in map(str, client.getSources(zone)):
            claimed += map(str, client.getEntries(source[6:])) if source.startswith("ipset:") else [source]
        for flow in request.in_direction("in"):
            for network in [*flow["ipv4"], *flow["ipv6"]]:
                for source in claimed:
                    if _overlap(network, source):
                        raise _host.HostError(
                            f"peer {flow['peer']} ({network}) is bound by its source {source} to zone {zone}, which then judges it, "
                            f"not {', '.join(zones)}: set avi_firewall_zone, or take the source out of that zone"
                        )


def _overlap(network: str, source: str) -> bool:
    try:
        return _host.overlap(network, source)
    except ValueError:  # a MAC address, which no network overlaps
        return False


def _refuse_foreign(config: Any, request: _host.Request) -> None:
    """Stop when a service, an ipset or a policy bears a name of ours and not our mark."""
    found = {
        **{f"service {name}": config.getServiceByName(name) for name in config.getServiceNames() if name.startswith(request.prefix)},
        **{f"ipset {name}": config.getIPSetByName(name) for name in config.getIPSetNames() if name.startswith(request.prefix)},
        **{f"policy {name}": config.getPolicyByName(name) for name in config.getPolicyNames() if name == _firewalld_policy.name(request)},
    }
    for name, thing in found.items():
        if str(thing.getSettings().getDescription()) != _host.MARK:
            raise _host.HostError(f"firewalld has a {name} that is not ours: rename or remove it")


def _needs_reload(wanted: View, running: View) -> bool:
    """Say whether something is to be done that firewalld cannot do while it runs: make, change or drop an object; or not as well."""
    return (
        wanted.services != running.services
        or wanted.ipsets.keys() != running.ipsets.keys()
        or (wanted.policy is None, wanted.priority) != (running.policy is None, running.priority)
        or sum(map(len, _bridges(wanted, running).values())) > MOST_BRIDGES
    )


def _heirs(wanted: View, running: View) -> dict[str, set[str]]:
    """Return the rules of each zone that let in some who get in now: they must stand before a stale one goes, and outlive a reload."""
    found = {}
    for zone, rules in wanted.rules.items():
        there = running.rules.get(zone, set())
        found[zone] = {
            rule for rule in rules if rule in there or any(_opens(wanted, rule) & _opens(running, stale) for stale in there - rules)
        }
    return found


def _opens(view: View, rule: str) -> set[tuple[str, str, str]]:
    """Return what a rule of ``view`` opens: its family with each port and protocol."""
    words = _words(rule)
    return {(family, *port) for family in _families(words) for port in view.services.get(words["name"], ())}


def _bind(config: Any, wanted: View, permanent: View, bound: Mapping[str, set[str]]) -> None:
    """Put into the permanent zones what they lack of ``bound``, in place of what is stale: each zone is written once."""
    for zone in sorted({*permanent.rules, *bound}):
        there = permanent.rules.get(zone, set())
        stale, missing = there - wanted.rules.get(zone, set()), bound.get(zone, set()) - there
        if stale or missing:
            stored = config.getZoneByName(zone)
            settings = stored.getSettings()
            for rule in sorted(stale):
                settings.removeRichRule(rule)
            for rule in sorted(missing):
                settings.addRichRule(rule)
            stored.update(settings)


def _store(config: Any, request: _host.Request, wanted: View, permanent: View, bound: Mapping[str, set[str]]) -> None:
    """Write services, ipsets, policy and bound rules into the permanent configuration: what refers goes first and comes last."""
    if permanent.policy is not None and wanted.policy is None:
        config.getPolicyByName(_firewalld_policy.name(request)).remove()
    for service, ports in wanted.services.items():
        if permanent.services.get(service) != ports:
            settings = _library().FirewallClientServiceSettings()
            settings.setDescription(_host.MARK)
            settings.setPorts(sorted(ports))
            if service in permanent.services:
                config.getServiceByName(service).update(settings)
            else:
                config.addService(service, settings)
    for ipset, entries in wanted.ipsets.items():
        if permanent.ipsets.get(ipset) != entries:
            settings = _library().FirewallClientIPSetSettings()
            settings.setDescription(_host.MARK)
            settings.setType("hash:net")
            settings.addOption("family", "inet6" if ipset.endswith("-6") else "inet")
            if len(entries) > 65536:
                settings.addOption("maxelem", str(len(entries)))
            settings.setEntries(sorted(entries))
            if ipset in permanent.ipsets:
                config.getIPSetByName(ipset).update(settings)
            else:
                config.addIPSet(ipset, settings)
    if wanted.policy is not None and (permanent.policy, permanent.priority) != (wanted.policy, wanted.priority):
        _firewalld_policy.store(config, request, wanted.policy, wanted.priority)
    _bind(config, wanted, permanent, bound)
    for service in permanent.services.keys() - wanted.services.keys():
        config.getServiceByName(service).remove()
    for ipset in permanent.ipsets.keys() - wanted.ipsets.keys():
        config.getIPSetByName(ipset).remove()
    # firewalld keeps a copy of what it removes.
    for folder in ("services", "ipsets", "policies"):
        for copy in (CONFIGURATION / folder).glob(f"{request.prefix}*.xml.old"):
            if not copy.with_suffix("").exists():
                copy.unlink()


def _change_running(client: Any, request: _host.Request, wanted: View, running: View, bound: Mapping[str, set[str]]) -> None:
    """Change what runs without a reload, and keep no one out meanwhile.

    A set takes no entry that overlaps one that stands: that one goes first, and until then a rule for each network in both stands in.
    Stale rules go when all else has come.
    """
    bridges = _bridges(wanted, running)
    rules = {zone: _bridging(there, bridges) for zone, there in running.rules.items()}
    policy = wanted.policy and wanted.policy | running.policy | _bridging(running.policy, bridges)
    for zone, bridging in rules.items():
        for rule in bridging:
            client.addRichRule(zone, rule, BRIDGE_SECONDS)
    if policy != running.policy:
        _firewalld_policy.change_running(client, request, policy)
    for name, entries in wanted.ipsets.items():
        for entry in sorted(running.ipsets[name] - entries):
            client.removeEntry(name, entry)
        for entry in sorted(entries - running.ipsets[name]):
            client.addEntry(name, entry)
    if policy != wanted.policy:
        _firewalld_policy.change_running(client, request, wanted.policy)
    for zone, bridging in rules.items():
        for rule in bridging:
            client.removeRichRule(zone, rule)
    for zone, some in bound.items():
        for rule in some - running.rules.get(zone, set()):
            client.addRichRule(zone, rule)
    for zone, there in running.rules.items():
        for rule in there - wanted.rules.get(zone, set()):
            client.removeRichRule(zone, rule)


def _bridges(wanted: View, running: View) -> dict[str, list[str]]:
    """Return, for each set, the networks that it holds and shall hold, but not as the same entry."""
    found = {}
    for name, entries in wanted.ipsets.items():
        added, there = ([ipaddress.ip_network(entry) for entry in some] for some in (entries - running.ipsets[name], running.ipsets[name]))
        found[name] = sorted(map(str, _host.within(added, there) | _host.within(there, added)))
    return found


def _bridging(rules: Iterable[str], bridges: Mapping[str, Sequence[str]]) -> set[str]:
    """Return what ``rules`` say of these sets, said of the networks instead."""
    return {
        rule.replace(f'ipset="{name}"', f'address="{network}"')
        for rule in rules
        for name, networks in bridges.items()
        if f' ipset="{name}"' in rule
        for network in networks
    }
