# Copyright: (c) 2026, avi.firewall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""ufw: an application profile for each flow, a rule for each network that may use it.

The profiles are one file of ours; the rules are added by M(community.general.ufw) and carry our comment; one that takes the place of a
stale rule is added here, before that goes. ufw keeps both over a reboot, a reload, and being disabled and enabled again. Nothing here
reloads ufw: that lets forbidden connections in.
"""

from __future__ import annotations

import dataclasses
import ipaddress
import re
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from . import _boot, _host

PROFILES = Path("/etc/ufw/applications.d")
# IPv4 first, as ufw numbers them. Debian and its like keep them in /etc, others in /var/lib or /lib.
RULES = ("user.rules", "user6.rules")
PLACES = tuple(Path(place) for place in ("/etc/ufw", "/var/lib/ufw", "/lib/ufw"))

# What ufw puts before its own record of a rule.
TUPLE = "### tuple ### "

STOPS = ("deny", "reject", "limit")

Ports = frozenset[tuple[str, str]]


@dataclass(frozen=True, order=True)
class Rule:
    """One rule as ufw prints it: who may use which profile, over which interface (empty: any)."""

    direction: str
    profile: str
    network: str
    interface: str = ""

    def words(self) -> list[str]:
        """Return the rule in the words of the command line of ufw."""
        on = [self.direction, *(["on", self.interface] if self.interface else [])]
        ends = ["from", self.network, "to", "any"] if self.direction == "in" else ["from", "any", "to", self.network]
        return ["allow", *on, *ends, "app", self.profile]


@dataclass(frozen=True)
class Entry:
    """A rule under its number: ours (of any part), or what matters of a foreign one for the place of ours."""

    action: str
    protocol: str
    ports: str
    source_port: str
    peer: str
    own_end: str
    direction: str
    interface: str
    comment: str
    profile: str

    @classmethod
    def of(cls, words: list[str]) -> Entry:
        """Return the entry that ufw records as ``words``. Raises ValueError for what it does not record."""
        comment = bytes.fromhex(words.pop()[len("comment=") :]).decode(errors="replace") if words[-1].startswith("comment=") else ""
        # Old releases knew no direction. Where an end has a profile, those of both ends stand before the last word.
        action, protocol, ports, destination, source_port, source, *profiles, where = words if len(words) > 6 else [*words, "in"]
        direction, _on, interface = where.partition("_")
        peer, own_end = (source, destination) if direction == "in" else (destination, source)
        profile = profiles[0] if profiles else "-"
        # deny_log is a deny as well.
        return cls(action.split("_")[0], protocol, ports, source_port, peer, own_end, direction, interface, comment, profile)

    @property
    def rule(self) -> Rule:
        """Return the entry as a rule of ours."""
        return Rule(self.direction, self.profile, self.peer, self.interface)

    @property
    def number(self) -> object:
        """Return what entries that ufw counts as one, those of a profile with several protocols, have in common."""
        return self if self.profile == "-" else (self.profile, self.peer, self.own_end, self.direction, self.interface)

    def catches_all(self, direction: str) -> bool:
        """Say whether it stops all that goes in this direction."""
        conditions = (self.protocol, self.ports, self.source_port, self.interface)
        return (
            self.action in ("deny", "reject")
            and self.direction == direction
            and conditions == ("any", "any", "any", "")
            and self.peer in _host.EVERYONE.values()
            and self.own_end in _host.EVERYONE.values()
        )

    def stops(self, rule: Rule, ports: Ports) -> bool:
        """Say whether it stops some of what ``rule`` lets pass."""
        return (
            self.action in STOPS
            and self.direction == rule.direction
            and (not rule.interface or self.interface in ("", rule.interface))
            and _host.overlap(self.peer, rule.network)
            and any(self.protocol in ("any", protocol) and self._covers(int(port)) for protocol, port in ports)
        )

    def _covers(self, port: int) -> bool:
        if self.ports == "any":
            return True
        ranges = [list(map(int, word.split(":"))) for word in self.ports.split(",")]
        return any(first <= port <= last for first, last in ((ends[0], ends[-1]) for ends in ranges))


def evidence() -> str | None:
    """Return what shows that ufw is in charge of this host, or None."""
    # What its status says follows from this chain; to ask for it costs ten times as much, and most hosts have no ufw at work.
    if not _host.succeeds("iptables", "--wait", "-n", "-L", "ufw-user-input"):
        return None
    try:
        status = _host.run("ufw", "status")
    except _host.HostError:
        return None
    return "ufw status says: active" if status.startswith("Status: active") else None


def holds(request: _host.Request) -> bool:
    """Say whether ufw keeps anything of this part."""
    return _file(request).exists() or bool(_ours(_entries(strict=False), request))


def prepare(request: _host.Request, former: _host.Snapshot | None = None) -> _host.Change:
    """Return the change that brings profiles and rules in line with ``request``, or back to what ``former`` holds.

    Raises HostError when ufw is missing, though rules are wanted, or a profile of ours stands in a foreign file.
    """
    file = _file(request)
    _refuse_foreign(file, request)
    if not request.flows and _host.missing("ufw"):
        return _leftovers(request, former)
    _host.run("ufw", "--version")
    stored = _boot.read(file) or ""
    if former is None:
        ports = {flow["name"]: frozenset((port["protocol"], str(port["port"])) for port in flow["ports"]) for flow in request.flows}
        wanted = {rule: ports[rule.profile] for rule in _rules(request)}
        text = _text(ports)
    else:
        wanted = {Rule(*rule): frozenset(map(tuple, ports)) for rule, ports in former.state["rules"]}
        text = former.state["text"]
    entries = _entries()
    if former is None:
        _refuse_unreached(entries, wanted)
    standing = _ours(entries, request)
    misplaced = _misplaced(entries, {rule: ports for rule, ports in standing.items() if rule in wanted})

    def apply(bind: bool) -> None:
        _change(request, standing, wanted, text, misplaced)
        for rule in wanted.keys() - _ours(_entries(), request).keys() if bind else ():
            _add(rule, request)
        if former is not None:
            _load()

    return _host.Change(
        before=[*stored.splitlines(), *_lines(standing, misplaced)],
        after=[*text.splitlines(), *_lines(wanted)],
        apply=apply,
        snapshot=_boot.snapshot(
            "ufw",
            request,
            {"text": stored, "rules": [[list(dataclasses.astuple(rule)), sorted(ports)] for rule, ports in standing.items()]},
            (file, *_paths()),
        ),
        lets_in=[
            (protocol, int(port), rule.network) for rule, ports in standing.items() if rule.direction == "in" for protocol, port in ports
        ],
        bindings=lambda: _missing(request, wanted),
    )


def _leftovers(request: _host.Request, former: _host.Snapshot | None) -> _host.Change:
    """Return the change that takes away what a ufw that was removed has left of ours, or brings it back: files that nothing reads now."""
    file = _file(request)
    found = {path: _boot.read(path) for path in (file, *_paths())}
    standing = _ours(_entries(strict=False), request)
    if former is None:
        wanted = {path: None if path == file or text is None else _without_ours(text, request) for path, text in found.items()}
    else:
        wanted = _boot.former_files(former)

    def apply(_bind: bool) -> None:
        for path, text in wanted.items():
            _boot.restore(path, text)

    return _host.Change(
        before=[*(found[file] or "").splitlines(), *_lines(standing)],
        after=[*(wanted[file] or "").splitlines()],
        apply=apply,
        snapshot=_boot.snapshot("ufw", request, {}, found),
        warnings=_host.left_in_kernel("ufw"),
    )


def _without_ours(text: str, request: _host.Request) -> str:
    """Return ``text``, what ufw keeps its rules in, without those of this part: each is its record and what that became in iptables."""

    def kept(found: re.Match[str]) -> str:
        try:
            return "" if _ours([[Entry.of(found[1].split())]], request) else found[0]
        except ValueError:
            return found[0]

    return re.sub(rf"^{re.escape(TUPLE)}(.*)\n(?:-A .*\n)*\n?", kept, text, flags=re.MULTILINE)


def _change(request: _host.Request, standing: dict[Rule, Ports], wanted: dict[Rule, Ports], text: str, misplaced: list[Rule]) -> None:
    """Write the profiles, take stale rules out, and move misplaced ones; nobody whom a rule lets in before and after is kept out."""
    stale = [rule for rule in standing if rule not in wanted]
    twins = {rule: dataclasses.replace(rule, profile=_twin(rule, request)) for rule in misplaced}
    # ufw deletes a rule only while it knows the profile. Standing rules keep their ports until they are told of new ones.
    known = {rule.profile: ports for rule, ports in (*wanted.items(), *((rule, standing[rule]) for rule in stale))}
    known |= {twin.profile: wanted[rule] for rule, twin in twins.items()}
    known |= {rule.profile: ports for rule, ports in wanted.items()}
    if known:
        _host.write(_file(request), _text(known))
    for rule in _heirs([rule for rule in wanted if rule not in standing], stale):
        _add(rule, request)
    for rule in stale:
        _host.run("ufw", "delete", *rule.words())
    for profile in sorted({rule.profile for rule in standing if rule in wanted and standing[rule] != wanted[rule]}):
        _host.run("ufw", "app", "update", profile)
    # ufw holds a rule once: another one that says the same stands in while it goes to its place.
    for rule, twin in twins.items():
        _add(twin, request)
        _host.run("ufw", "delete", *rule.words())
        _add(rule, request)
        _host.run("ufw", "delete", *twin.words())
    if not text:
        _host.remove(_file(request))
    elif text != _text(known):
        _host.write(_file(request), text)


def _twin(rule: Rule, request: _host.Request) -> str:
    return f"{request.prefix}moving-{rule.profile.removeprefix(request.prefix)}"


def _add(rule: Rule, request: _host.Request) -> None:
    number = _number(_entries(), rule)
    _host.run("ufw", *(["insert", str(number)] if number else []), *rule.words(), "comment", request.mark)


def _end(entries: list[Entry], direction: str) -> int:
    """Return the place before the rule of a family that catches all; their number if there is none."""
    return next((index for index, entry in enumerate(entries) if entry.catches_all(direction)), len(entries))


def _number(entries: list[list[Entry]], rule: Rule) -> int | None:
    """Return the number that ``rule`` must be inserted at, None if it may come last."""
    version = ipaddress.ip_network(rule.network).version
    family = entries[0 if version == 4 else 1]
    end = _end(family, rule.direction)
    if end == len(family):
        return None
    before = [*([] if version == 4 else entries[0]), *family[:end]]
    return len({entry.number for entry in before}) + 1


def _misplaced(entries: list[list[Entry]], rules: dict[Rule, Ports]) -> list[Rule]:
    """Return those of ``rules`` that stand before a foreign one that stops some of theirs, or after one that stops all."""
    found = []
    for family in entries:
        places = {entry.rule: index for index, entry in enumerate(family) if entry.comment.startswith("avi:")}
        for rule in rules.keys() & places.keys():
            end = _end(family, rule.direction)
            if places[rule] > end or any(entry.stops(rule, rules[rule]) for entry in family[places[rule] : end]):
                found.append(rule)
    return sorted(found)


def _refuse_unreached(entries: list[list[Entry]], wanted: dict[Rule, Ports]) -> None:
    """Stop when a rule would have to stand both before and behind rules of others."""
    for family in entries:
        for rule, ports in wanted.items():
            end = _end(family, rule.direction)
            for entry in family[end:]:
                if entry.stops(rule, ports) and not entry.catches_all(rule.direction):
                    stopping = f"{family[end].action} {rule.direction} from any to any"
                    _host.refuse_unreached("ufw", stopping, f"{entry.action} {entry.direction} of {entry.peer}")


def _missing(request: _host.Request, wanted: dict[Rule, Ports]) -> list[_host.Binding]:
    """Return the rules that are not there, in the words of community.general.ufw; those for IPv6 first, for they are numbered last."""
    entries = _entries()
    standing = _ours(entries, request)
    missing = [rule for rule in wanted if rule not in standing]
    found = []
    for rule in sorted(missing, key=lambda rule: ":" not in rule.network):
        number = _number(entries, rule)
        found.append(
            {
                "rule": "allow",
                "name": rule.profile,
                "direction": rule.direction,
                **({"interface": rule.interface} if rule.interface else {}),
                **({"insert": number} if number else {}),
                "from_ip" if rule.direction == "in" else "to_ip": rule.network,
                "comment": request.mark,
            }
        )
    return found


def _load() -> None:
    """Bring the kernel in line with the files of ufw, which one of its processes that was cut off may have left behind them.

    It is what ufw does at boot; each family is one transaction, while `ufw reload` takes everything down first.
    """
    if evidence():
        for command, path in zip(("iptables-restore", "ip6tables-restore"), _paths()):
            _host.run(command, "--wait", "--noflush", stdin=_boot.read(path) or "")


def _heirs(missing: list[Rule], stale: list[Rule]) -> list[Rule]:
    """Return the missing rules that let in some whom a stale one let in: they must stand before that goes."""
    return [
        rule
        for rule in missing
        if any(dataclasses.replace(rule, network=other.network) == other and _host.overlap(rule.network, other.network) for other in stale)
    ]


def _file(request: _host.Request) -> Path:
    return PROFILES / request.prefix.removesuffix("-")


def _rules(request: _host.Request) -> list[Rule]:
    return [
        Rule(flow["direction"], flow["name"], _host.short(network), interface)
        for flow in request.flows
        for interface in request.interfaces or [""]
        for network in [*flow["ipv4"], *flow["ipv6"]]
    ]


def _text(profiles: dict[str, Ports]) -> str:
    """Return the file of ``profiles``: a section each, the ports of a protocol in one word."""
    if not profiles:
        return ""
    sections = [f"# {_host.MARK}\n"]
    for name, ports in profiles.items():
        words = []
        for protocol in sorted({protocol for protocol, port in ports}):
            numbers = sorted((port for wanted, port in ports if wanted == protocol), key=int)
            words.append(f"{','.join(numbers)}/{protocol}")
        sections.append(f"\n[{name}]\ntitle={name}\ndescription=Ports of the Avi load balancer\nports={'|'.join(words)}\n")
    return "".join(sections)


def _lines(rules: dict[Rule, Ports], misplaced: Collection[Rule] = ()) -> list[str]:
    return [
        f"{' '.join(rule.words())} ({' '.join('/'.join(reversed(port)) for port in sorted(ports))})"
        + (" (misplaced)" if rule in misplaced else "")
        for rule, ports in sorted(rules.items())
    ]


def _paths() -> list[Path]:
    """Return the files with the rules that people gave ufw, IPv4 before IPv6."""
    place = next((place for place in PLACES if (place / RULES[0]).exists()), PLACES[0])
    return [place / name for name in RULES]


def _entries(strict: bool = True) -> list[list[Entry]]:
    """Return the rules that people gave ufw, by family, as it numbers them.

    Raises HostError for one that is not understood, unless ``strict`` is off: where only ours are looked for.
    """
    found: list[list[Entry]] = []
    for path in _paths():
        found.append([])
        for number, line in enumerate((_boot.read(path) or "").split("\n"), 1):
            try:
                found[-1] += [Entry.of(line[len(TUPLE) :].split())] if line.startswith(TUPLE) else []
            except ValueError as exc:
                if strict:
                    raise _host.HostError(f"{path}, line {number}: {line!r} is no rule as ufw records it: mend or remove it") from exc
    return found


def _ours(entries: list[list[Entry]], request: _host.Request) -> dict[Rule, Ports]:
    """Return the standing rules of this part with the ports they open."""
    found: dict[Rule, Ports] = {}
    for entry in (entry for family in entries for entry in family):
        if entry.comment == request.mark and entry.profile != "-":
            found[entry.rule] = found.get(entry.rule, frozenset()) | {(entry.protocol, port) for port in entry.ports.split(",")}
    return found


def _refuse_foreign(file: Path, request: _host.Request) -> None:
    """Stop when the file of ours is not ours, or another one holds a profile with a name of ours."""
    if not PROFILES.is_dir():
        return
    for path in sorted(PROFILES.iterdir()):
        if path.name.startswith(".") or not path.is_file():
            continue
        text = path.read_bytes().decode(**_host.TEXT)
        if path == file:
            if not text.startswith(f"# {_host.MARK}"):
                raise _host.HostError(f"{path} is not ours: rename or remove it")
        elif named := re.search(rf"^\[({re.escape(request.prefix)}[^\]]*)\]", text, re.MULTILINE):
            raise _host.HostError(f"{path} defines the profile {named[1]}, a name of ours: rename it")
