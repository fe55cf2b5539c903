# Copyright: (c) 2026, avi.firewall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which rule decides on a packet that comes to this host, by what is in the kernel. Nothing is sent, and nothing changed.

A packet has to be accepted by every chain on its way, whoever made it: an accept ends its own chain only. What is judged is the way of a
packet from elsewhere into this host or, where its destination is another or is rewritten to one, through it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path as File

from . import _host, _nft_path, _walk, _xtables, _xtables_match
from ._packet import Packet, Path, PathError, Step, World

# By version of IP: what each variant of iptables calls itself here, and what saves its rules.
SAVES = {
    4: {"iptables": ("iptables-nft-save", "iptables-save"), "iptables-legacy": ("iptables-legacy-save", "iptables-save")},
    6: {"ip6tables": ("ip6tables-nft-save", "ip6tables-save"), "ip6tables-legacy": ("ip6tables-legacy-save", "ip6tables-save")},
}
# The legacy tables that are in use. To read one that is not would load it.
LEGACY = {"iptables-legacy": File("/proc/net/ip_tables_names"), "ip6tables-legacy": File("/proc/net/ip6_tables_names")}

# A call that no rule is meant for: who stops it stops all that it does not know.
UNKNOWN_CALLERS = {4: ("198.51.100.250", "203.0.113.250"), 6: ("2001:db8:ffff::250", "2001:db8:eeee::250")}
UNKNOWN_PORT = 64999


@dataclass
class Host:
    """What a host's own tools print of it; an empty text where there is no such tool, or nothing in the kernel.

    ``saves`` are by manager; ``routes`` are the answers to ``ip -json route get`` by what was asked, an address or ``ADDRESS from OWN``,
    ``unrouted`` why there is none; ``unread`` is what could not be read though it may decide.
    """

    nft: str = ""
    nft_words: str = ""
    saves: dict[str, str] = field(default_factory=dict)
    ipset: str = ""
    addresses: str = ""
    routes: dict[str, str] = field(default_factory=dict)
    unrouted: dict[str, str] = field(default_factory=dict)
    unread: list[str] = field(default_factory=list)

    @classmethod
    def read(cls) -> Host:
        """Return what is in the kernel of this host, for root."""
        host = cls()
        host.nft = host._print("nft", "--json", "list", "ruleset")
        host.nft_words = host._print("nft", "--stateless", "--handle", "list", "ruleset")
        host.ipset = host._print("ipset", "save")
        host.addresses = host._print("ip", "-json", "address", "show")
        for managers in SAVES.values():
            for manager, commands in managers.items():
                host.saves[manager] = host._save(manager, commands)
        return host

    def _print(self, *command: str) -> str:
        try:
            return _host.run(*command)
        except _host.HostError as exc:
            if "is missing on this host" not in str(exc):
                self.unread.append(str(exc))
            return ""

    def _save(self, manager: str, commands: tuple[str, str]) -> str:
        variant, plain = commands
        legacy = manager in LEGACY
        if legacy and not (LEGACY[manager].exists() and LEGACY[manager].read_text(encoding="ascii").strip()):
            return ""
        # Where there is one variant only, it may go by the plain name; releases before 1.8 are legacy and do not say so.
        if _host.succeeds(variant, "--version"):
            return self._print(variant, "-c")
        try:
            is_nft = "nf_tables" in _host.run(plain, "--version")
        except _host.HostError:
            return ""
        return "" if is_nft is legacy else self._print(plain, "-c")

    def route(self, address: str, source: str = "") -> None:
        """Look up the route to ``address``, once; from an address of this host, if ``source`` is one."""
        asked = _from(address, source if source and self.world("input").is_local(source) else "")
        if asked in self.routes or asked in self.unrouted:
            return
        try:
            self.routes[asked] = _host.run("ip", "-json", "route", "get", *asked.split())
        except _host.HostError as exc:
            self.unrouted[asked] = str(exc).rpartition("): ")[2]

    def _asked(self, address: str, source: str) -> str:
        """Return what was asked of the route to ``address``, from ``source`` if it was asked so: rules may send each another way."""
        own = _from(address, source)
        return own if own in self.routes or own in self.unrouted else address

    def world(self, hook: str, back: str | None = None) -> World:
        """Return what the rules are judged against. Raises PathError when the addresses are not what ip prints."""
        found = {}
        try:
            for link in json.loads(self.addresses) if self.addresses.strip() else []:
                for own in link.get("addr_info", []):
                    found[own["local"]] = (link["ifname"], own["prefixlen"])
        except (AttributeError, KeyError, TypeError, ValueError) as exc:
            raise PathError(f"not what ip prints of addresses: {exc!r}") from exc
        return World(found, back, hook)

    def device(self, address: str, source: str = "") -> str | None:
        """Return the device of the route to ``address``: empty where there is no route, None where it was not looked up."""
        asked = self._asked(address, source)
        if asked in self.unrouted:
            return ""
        if asked not in self.routes:
            return None
        try:
            route = json.loads(self.routes[asked])[0]
            return "" if route.get("type") in ("unreachable", "blackhole", "prohibit") else route["dev"]
        except (AttributeError, IndexError, KeyError, TypeError, ValueError):
            return None

    def route_back(self, address: str, source: str = "") -> str:
        """Return the route to ``address`` in the words of ip, or why there is none; empty where it was not looked up."""
        asked = self._asked(address, source)
        if asked in self.unrouted:
            return f"no route to {address}: {self.unrouted[asked]}"
        try:
            route = json.loads(self.routes[asked])[0]
            words = [f"{name} {route[key]}" for name, key in (("via", "gateway"), ("dev", "dev"), ("src", "prefsrc")) if key in route]
            return " ".join([*([route["type"]] if "type" in route else []), address, *words])
        except (AttributeError, IndexError, KeyError, TypeError, ValueError):
            return ""

    def tables(self, version: int) -> tuple[list[_walk.Table], list[str]]:
        """Return the tables for a version of IP, and what of them could not be read."""
        sets = _xtables_match.sets(self.ipset)
        tables: list[_walk.Table] = []
        unread = list(self.unread)
        for manager in SAVES[version]:
            try:
                tables += _xtables.parse(manager, self.saves.get(manager, ""), sets)
            except PathError as exc:
                unread.append(str(exc))
        try:
            family = {4: "ip", 6: "ip6"}[version]
            chains = _nft_path.chains(self.nft)
            # iptables-nft keeps its tables there; one that it cannot print is not its own any more.
            known = {(family, table.name): {base.chain for base in table.bases} for table in tables if table.manager not in LEGACY}
            without = [home for home, names in known.items() if chains.get(home, set()) <= names]
            tables += _nft_path.parse(self.nft, self.nft_words, version, without)
        except PathError as exc:
            unread.append(str(exc))
        return tables, unread


def _from(address: str, source: str) -> str:
    return f"{address} from {source}" if source else address


@dataclass
class _Way:
    """The way of one packet through the chains so far. ``wavers`` is the kinds of step that rules in doubt may have led to instead."""

    packet: Packet
    world: World
    path: Path
    wavers: set[str] = field(default_factory=set)
    rewritten: bool = False

    def through(self, tables: list[_walk.Table], hook: str) -> bool:
        """Go through all chains on ``hook``, and say whether the packet gets through."""
        self.world.hook = self.path.hook = hook
        found = [(base.priority, place, table, base) for place, table in enumerate(tables) for base in table.bases if base.hook == hook]
        for _priority, _place, table, base in sorted(found, key=lambda one: one[:2]):
            # A connection is rewritten once.
            if not (base.nat and self.rewritten) and not self._pass(table, base):
                return False
        return True

    def _pass(self, table: _walk.Table, base: _walk.Base) -> bool:
        try:
            outcome = _walk.decide(table, base, self.packet, self.world)
        except PathError as exc:
            step = Step(table.manager, table.name, base.chain, str(exc), 0, None, "unknown", certain=False)
            outcome = _walk.Outcome(step, doubts=[str(exc)])
        step = outcome.first
        self.path.steps.append(step)
        others = {other.kind for other in outcome.others} - {step.kind}
        if others or step.kind == "unknown":
            self.path.doubts += [doubt for doubt in outcome.doubts if doubt not in self.path.doubts]
            self.wavers |= others | ({"unknown"} if step.kind == "unknown" else set())
        if step.kind == "dnat":
            self._rewrite(step)
        elif step.kind == "stop":
            # Others may stop it earlier; only what would let it pass or send it elsewhere makes a difference.
            undecided = others & {"accept", "unknown"} or self.wavers & {"dnat", "unknown"}
            self.path.decision = "unknown" if undecided else step.verdict.replace("policy ", "")
            self.path.deciding = step
        return step.kind != "stop"

    def _rewrite(self, step: Step) -> None:
        self.rewritten = True
        if step.to is None:
            self.wavers.add("unknown")
            self.path.doubts.append(f"{step.manager} {step.table} {step.chain}: {step.text}")
            return
        where, port = step.to
        if not where:  # a redirect: to the address of the device it came in by
            same = [own for own, (name, _length) in self.world.addresses.items() if name == self.packet.interface]
            where = next((own for own in same if (":" in own) == (self.packet.version == 6)), self.packet.destination)
        before = self.packet
        self.packet = replace(before, destination=where, port=port, original=before.destination, original_port=before.port, dnat=True)
        self.path.forwarded_to = (where, port)


def judge(host: Host, packet: Packet) -> Path:
    """Return what becomes of ``packet`` at ``host``. Raises PathError only when the addresses of the host are not what ip prints."""
    back = host.device(packet.source, packet.destination)
    world = host.world("prerouting", back)
    if not packet.interface:
        packet = replace(packet, interface="lo" if world.is_local(packet.source) else back or world.device(packet.source))
    tables, unread = host.tables(packet.version)
    path = Path("accept", doubts=unread, route_back=host.route_back(packet.source, packet.destination))
    way = _Way(packet, world, path, {"unknown"} if unread else set())
    if way.through(tables, "prerouting"):
        forwarded = world.is_local(way.packet.destination) is False
        if forwarded and not way.packet.out:
            out = host.device(way.packet.destination) or world.device(way.packet.destination)
            way.packet = replace(way.packet, out=out)
        if way.through(tables, "forward" if forwarded else "input"):
            path.decision = "unknown" if way.wavers - {"accept"} else "accept"
            path.deciding = _accepting(path)
    hook = "forward" if path.hook == "forward" else "input"
    world.hook = hook
    path.carrier = _carrier(tables, hook, way.packet, world)
    return path


def _accepting(path: Path) -> Step | None:
    accepted = [step for step in path.steps if step.kind == "accept"]
    by_rule = [step for step in accepted if step.number]
    ours = [step for step in by_rule if step.ours]
    return next((steps[-1] for steps in (ours, by_rule, accepted) if steps), None)


def _carrier(tables: list[_walk.Table], hook: str, packet: Packet, world: World) -> Step | None:
    found = [step for table in tables for step in _walk.carriers(table, hook, packet, world)]
    return next((step for step in found if step.certain), next(iter(found), None))


def path(packet: Packet, host: Host | None = None) -> Path:
    """Return what becomes of ``packet`` at this host, which is read now unless ``host`` was read before."""
    host = host or Host.read()
    host.route(packet.source, packet.destination)
    found = judge(host, packet)
    if found.forwarded_to and not packet.out:
        host.route(found.forwarded_to[0])
        found = judge(host, packet)
    return found


def findings(host: Host) -> list[str]:
    """Return what there is to say of the firewalls of ``host`` as such, a sentence each."""
    found = [
        f"the rules of {' and '.join(managers)} are both in the kernel: a packet has to pass both, and each tool shows its own only"
        for managers in map(list, SAVES.values())
        if all("\n-A " in text or "] -A " in text for text in (host.saves.get(manager, "") for manager in managers))
    ]
    for version, callers in UNKNOWN_CALLERS.items():
        found += _stopping(host, version, Packet(*callers, "tcp", UNKNOWN_PORT))
    try:
        early = _nft_path.early(host.nft)
    except PathError:
        early = []
    found += [f"chain {chain} of nftables sees packets before any other; what it drops is not judged here" for chain in early]
    return [*found, *(f"not read: {what}" for what in host.unread)]


def _stopping(host: Host, version: int, packet: Packet) -> Iterator[str]:
    """Yield a sentence where more than one firewall stops what comes in: whatever it does not know, or some of it."""
    tables, unread = host.tables(version)
    yield from (f"not understood: {what}" for what in unread if what not in host.unread)
    world = host.world("input")
    strict: dict[str, str] = {}
    some: dict[str, str] = {}
    for table in tables:
        for base in table.bases:
            if base.hook != "input" or base.nat or table.name == "inet avi-firewall":
                continue
            try:
                stops = _walk.decide(table, base, packet, world).first.stops
            except PathError:
                continue
            rules = [rule for chain in table.reachable(base.chain).values() for rule in chain]
            stopping = sum(any(verdict.kind in ("drop", "reject") for verdict in rule.verdicts()) for rule in rules)
            where = f"chain {base.chain} of {table.manager}, table {table.name}{_owner(table)}"
            if stops:
                strict[where] = where
            elif stopping:
                some[where] = f"{where} ({stopping} rule{'s' if stopping > 1 else ''})"
    if len(strict) > 1:
        yield f"IPv{version}: several firewalls stop what they do not know, and a packet has to pass each: {'; '.join(strict.values())}"
    if strict and some:
        yield f"IPv{version}: besides {'; '.join(strict.values())} there is what can stop some of it: {'; '.join(some.values())}"


def _owner(table: _walk.Table) -> str:
    """Return whose table it is, where the names in it tell."""
    if "ufw-before-input" in table.chains or "ufw6-before-input" in table.chains:
        return " (ufw)"
    return " (firewalld)" if "INPUT_ZONES" in table.chains else ""
