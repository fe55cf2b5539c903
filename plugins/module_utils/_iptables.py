# Copyright: (c) 2026, avi.firewall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""iptables: a chain of ours for each direction, an ipset for each flow and family, a jump that ties them in.

Sets are filled beside the old ones and swapped, chains replaced by iptables-restore --noflush: neither lets a connection in nor keeps
one out meanwhile. The jump is bound by M(ansible.builtin.iptables); one that stands in the wrong place is moved here.

The kernel forgets all of it at a reboot. So the request is kept in RECORD, this file and _host.py in LIBRARY, and two units
bring it back: the sets before anything loads saved rules (a saved ruleset that names a missing set fails whole, and the host
would come up open), the chains and jumps after that.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import shlex
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from . import _host

RECORD = Path("/etc/avi-firewall")
LIBRARY = Path("/usr/local/lib/avi-firewall")
UNITS = Path("/etc/systemd/system")

COMMANDS = {4: "iptables", 6: "ip6tables"}
FAMILIES = {4: "ipv4", 6: "ipv6"}
BUILTIN = {"in": "INPUT", "out": "OUTPUT"}
LOADERS = "netfilter-persistent.service iptables.service ip6tables.service nftables.service ipset.service"

Tokens = tuple[str, ...]


@dataclass
class Table:
    """The filter table of one family: the policy of each built-in chain, and the rules of every chain."""

    policies: dict[str, str] = field(default_factory=dict)
    chains: dict[str, list[Tokens]] = field(default_factory=dict)


def parse(text: str) -> Table:
    """Return the table that ``iptables -S`` printed as ``text``."""
    table = Table()
    for line in text.splitlines():
        kind, chain, *rest = shlex.split(line)
        if kind == "-P":
            table.policies[chain] = rest[0]
        if kind == "-A":
            table.chains[chain].append(tuple(rest))
        else:
            table.chains[chain] = []
    return table


def target(rule: Tokens) -> str | None:
    """Return where ``rule`` leads: a chain, ACCEPT, DROP, …"""
    return next((after for word, after in zip(rule, rule[1:]) if word in ("-j", "-g")), None)


def conditions(rule: Tokens) -> Tokens:
    """Return the part of ``rule`` that picks packets. Empty: it is for all of them."""
    words = list(rule[: next((i for i, word in enumerate(rule) if word in ("-j", "-g")), len(rule))])
    if "--comment" in words:
        at = words.index("--comment")
        del words[at - 2 : at + 2]
    return tuple(words)


def stops(table: Table, rule: Tokens, seen: frozenset[str] = frozenset()) -> bool:
    """Say whether ``rule`` can stop a packet: by itself, or in a chain it leads to."""
    to = target(rule)
    if to in ("DROP", "REJECT"):
        return True
    return to in table.chains and to not in seen and any(stops(table, inner, seen | {to}) for inner in table.chains[to])


def catches_all(table: Table, rule: Tokens, seen: frozenset[str] = frozenset()) -> bool:
    """Say whether no packet gets past ``rule``: an unconditional DROP, REJECT, or chain that ends so."""
    to = target(rule)
    if conditions(rule) or to is None or to in seen:
        return False
    return to in ("DROP", "REJECT") or end(table, table.chains.get(to, []), seen | {to}) < len(table.chains.get(to, []))


def end(table: Table, rules: list[Tokens], seen: frozenset[str] = frozenset()) -> int:
    """Return the place before the catch-all of ``rules`` and the logging that leads up to it; their number if there is none."""
    place = next((index for index, rule in enumerate(rules) if catches_all(table, rule, seen)), None)
    if place is None:
        return len(rules)
    while place and target(rules[place - 1]) in ("LOG", "NFLOG"):
        place -= 1
    return place


def well_placed(table: Table, rules: list[Tokens], index: int, ours: frozenset[Tokens]) -> bool:
    """Say whether the jump ``rules[index]`` stands after every foreign rule that stops some, and before the one that stops all."""
    before = [rule for rule in rules[:index] if rule not in ours]
    after = [rule for rule in rules[index + 1 :] if rule not in ours]
    last = end(table, before + after)
    return len(before) <= last and not any(stops(table, rule) for rule in (before + after)[len(before) : last])


def evidence() -> str | None:
    """Return what shows that iptables is in charge of this host, or None. What ufw and firewalld make of it is theirs."""
    for version in (4, 6):
        try:
            table = parse(_host.run(COMMANDS[version], "--wait", "-S"))
        except _host.HostError:
            continue
        if table.chains.keys() & {"ufw-user-input", "ufw6-user-input", "INPUT_ZONES"}:
            return None
        if table.policies.get("INPUT") == "DROP":
            return f"the policy of INPUT is DROP ({COMMANDS[version]})"
        if (last := end(table, table.chains.get("INPUT", []))) < len(table.chains.get("INPUT", [])):
            return f"rule {last + 1} of INPUT stops all that is left ({COMMANDS[version]})"
    return None


class Part:
    """The sets, chains and jumps of one request, wanted and found."""

    def __init__(self, request: _host.Request) -> None:
        self.request = request
        self.record = RECORD / f"{request.part}.json"
        self.sets: dict[str, frozenset[str]] = {}
        self.rules: dict[int, dict[str, list[Tokens]]] = {4: {}, 6: {}}
        self.jumps: dict[int, dict[str, list[Tokens]]] = {4: {}, 6: {}}
        for flow in request.flows:
            for version in (4, 6):
                if flow[FAMILIES[version]]:
                    self._add(flow, version, flow[FAMILIES[version]])
        self.found_sets = self._read_sets()
        self.tables = self._read_tables()

    def _chain(self, direction: str) -> str:
        return f"{self.request.prefix}{direction}"

    def _add(self, flow: dict[str, Any], version: int, networks: list[str]) -> None:
        chain = self._chain(flow["direction"])
        match: Tokens = ()
        if not _host.is_everyone(networks):
            name = f"{flow['name']}-{version}"
            self.sets[name] = frozenset(map(_host.short, networks))
            match = ("-m", "set", "--match-set", name, "src" if flow["direction"] == "in" else "dst")
        for port in flow["ports"]:
            protocol = port["protocol"]
            number = ("-m", protocol, "--dport", str(port["port"]))
            comment = ("-m", "comment", "--comment", f"avi:{port['row']}")
            self.rules[version].setdefault(chain, []).append(("-p", protocol, *match, *number, *comment, "-j", "ACCEPT"))
        option = {"in": "-i", "out": "-o"}[flow["direction"]]
        self.jumps[version][BUILTIN[flow["direction"]]] = [
            (*((option, interface) if interface else ()), "-m", "comment", "--comment", self.request.mark, "-j", chain)
            for interface in self.request.interfaces or [""]
        ]

    def _read_sets(self) -> dict[str, frozenset[str]]:
        found: dict[str, list[str]] = {}
        for line in _host.run("ipset", "save").splitlines():
            action, name, *rest = line.split()
            if name.startswith(self.request.prefix):
                found.setdefault(name, [])
                if action == "add":
                    found[name].append(rest[0])
        return {name: frozenset(entries) for name, entries in found.items()}

    def _read_tables(self) -> dict[int, Table]:
        tables = {4: parse(_host.run("iptables", "--wait", "-S"))}
        try:
            tables[6] = parse(_host.run("ip6tables", "--wait", "-S"))
        except _host.HostError:
            if self.rules[6]:
                raise
            tables[6] = Table()  # a host without IPv6, and no rule for it
        return tables

    def chains(self, version: int) -> dict[str, list[Tokens]]:
        """Return the chains of this part that stand in the kernel."""
        found = self.tables[version].chains
        return {name: found[name] for name in map(self._chain, BUILTIN) if name in found}

    def standing(self, version: int) -> dict[str, list[tuple[Tokens, bool]]]:
        """Return the jumps to this part from each built-in chain, and whether each is in its place."""
        table = self.tables[version]
        targets = {self._chain(direction) for direction in BUILTIN}
        found: dict[str, list[tuple[Tokens, bool]]] = {}
        for builtin in BUILTIN.values():
            rules = table.chains.get(builtin, [])
            ours = frozenset(rule for rule in rules if (target(rule) or "").startswith("avi-"))
            found[builtin] = [(rule, well_placed(table, rules, index, ours)) for index, rule in enumerate(rules) if target(rule) in targets]
        return found

    def refuse_foreign(self) -> None:
        """Stop when a set or chain bears a name of ours and there is no record that we made it."""
        if self.record.exists():
            return
        found = [f"ipset {name}" for name in sorted(self.found_sets)]
        found += [f"chain {name} ({COMMANDS[version]})" for version in (4, 6) for name in self.chains(version)]
        if found:
            raise _host.HostError(f"{', '.join(found)}: not ours, for {self.record} is not there; rename or remove")

    def wanted_lines(self) -> list[str]:
        """Return what shall be, a line each."""
        return [
            *_set_lines(self.sets),
            *(line for version in (4, 6) for line in _rule_lines(version, self.rules[version])),
            *(line for version in (4, 6) for line in _rule_lines(version, self.jumps[version])),
        ]

    def found_lines(self) -> list[str]:
        """Return what is, a line each; a jump that stands in the wrong place says so."""
        lines = [*_set_lines(self.found_sets)]
        for version in (4, 6):
            lines += _rule_lines(version, self.chains(version))
        for version in (4, 6):
            for builtin, jumps in self.standing(version).items():
                for jump, good in jumps:
                    lines += [line + ("" if good else " (misplaced)") for line in _rule_lines(version, {builtin: [jump]})]
        return lines

    def missing(self) -> list[dict[str, Any]]:
        """Return the jumps that are nowhere, with the place each belongs to, in the words of ansible.builtin.iptables."""
        found = []
        for version in (4, 6):
            table, standing = self.tables[version], self.standing(version)
            for builtin, jumps in self.jumps[version].items():
                present = [jump for jump, good in standing[builtin]]
                for jump in jumps:
                    if jump not in present:
                        found.append(
                            {
                                "ip_version": FAMILIES[version],
                                "chain": builtin,
                                "interface": jump[1] if jump[0] in ("-i", "-o") else "",
                                "jump": target(jump),
                                "comment": self.request.mark,
                                "rule_num": end(table, table.chains[builtin]) + 1,
                            }
                        )
        return found

    def fill_sets(self) -> None:
        """Make the sets that are missing, and swap in those that differ, filled beside the old ones."""
        lines = []
        for name, entries in self.sets.items():
            if self.found_sets.get(name) == entries:
                continue
            family = "inet6" if name.endswith("-6") else "inet"
            fresh = name if name not in self.found_sets else f"{self.request.prefix}new-{name[-1]}"
            if fresh != name and fresh in self.found_sets:
                lines.append(f"destroy {fresh}")  # left by a run that was cut off
            lines.append(f"create {fresh} hash:net family {family} maxelem {max(65536, len(entries))}")
            lines += [f"add {fresh} {entry}" for entry in sorted(entries)]
            if fresh != name:
                lines += [f"swap {fresh} {name}", f"destroy {fresh}"]
                self.found_sets.pop(fresh, None)
        if lines:
            _host.run("ipset", "restore", stdin="".join(f"{line}\n" for line in lines))

    def load_rules(self, jumps_too: bool) -> None:
        """Replace the chains, take stale jumps out and move misplaced ones, each family in one transaction.

        ``jumps_too``: put missing jumps in as well, as a boot does, where no module follows to bind them.
        """
        for version in (4, 6):
            if self.rules[version] or self.chains(version):
                lines = self._restore(version, jumps_too)
                if lines:
                    text = "".join(f"{line}\n" for line in ["*filter", *lines, "COMMIT"])
                    _host.run(f"{COMMANDS[version]}-restore", "--wait", "--noflush", stdin=text)

    def _restore(self, version: int, jumps_too: bool) -> list[str]:
        table, chains, rules = self.tables[version], self.chains(version), self.rules[version]
        changed = [name for name in rules if chains.get(name) != rules[name]]
        stale = [name for name in chains if name not in rules]
        lines = [f":{name} - [0:0]" for name in [*changed, *stale]]
        lines += [shlex.join(("-A", name, *rule)) for name in changed for rule in rules[name]]
        for builtin, jumps in self.standing(version).items():
            wanted = self.jumps[version].get(builtin, [])
            gone = [jump for jump, good in jumps if not good or jump not in wanted]
            kept = [jump for jump, good in jumps if good and jump in wanted]
            back = [jump for jump in wanted if jump not in kept and (jumps_too or jump in gone)]
            lines += [shlex.join(("-D", builtin, *jump)) for jump in gone]
            left = list(table.chains.get(builtin, []))
            for jump in gone:
                left.remove(jump)
            lines += [shlex.join(("-I", builtin, str(end(table, left) + 1), *jump)) for jump in back]
        return lines + [f"-X {name}" for name in stale]

    def drop_sets(self) -> None:
        """Destroy the sets that no rule of ours names any more."""
        stale = sorted(self.found_sets.keys() - self.sets.keys())
        if stale:
            _host.run("ipset", "restore", stdin="".join(f"destroy {name}\n" for name in stale))


def _set_lines(sets: dict[str, frozenset[str]]) -> list[str]:
    return [f"ipset {name}: {entry}" for name, entries in sorted(sets.items()) for entry in sorted(entries)]


def _rule_lines(version: int, chains: dict[str, list[Tokens]]) -> list[str]:
    return [shlex.join((COMMANDS[version], "-A", chain, *rule)) for chain, rules in sorted(chains.items()) for rule in rules]


def reconcile(request: _host.Request, check: bool) -> _host.Outcome:
    """Bring sets, chains and boot units of ``request`` in line; return the jumps that are missing.

    Raises HostError, before any change, when a tool is missing, or something foreign bears a name of ours.
    """
    if not Path("/run/systemd/system").is_dir():
        raise _host.HostError("this host does not run systemd, which would bring the rules back after a reboot")
    part = Part(request)
    part.refuse_foreign()
    files = _files(request)
    outcome = _host.Outcome(
        before=part.found_lines() + _file_lines({path: _read(path) for path in files}),
        after=part.wanted_lines() + _file_lines(files),
        bindings=part.missing(),
    )
    if outcome.changed and not check:
        # The record comes first and goes last: it is what tells ours from foreign after a run that was cut off.
        if request.flows:
            _keep(files)
        part.fill_sets()
        part.load_rules(jumps_too=False)
        part.drop_sets()
        if not request.flows:
            _keep(files)
    return outcome


def _files(request: _host.Request) -> dict[Path, str | None]:
    """Return every file that this part needs for the next boot with its text; None: it has to go."""
    record = RECORD / f"{request.part}.json"
    others = [path for path in RECORD.glob("*.json") if path != record]
    if not request.flows:
        # Files that the other parts need stay, as they are.
        return {record: None} if others else dict.fromkeys([record, *_boot_files()])
    kept = {name: value for name, value in dataclasses.asdict(request).items() if name in ("node", "part", "flows", "interfaces")}
    return {record: json.dumps(kept, indent=1, sort_keys=True) + "\n", **_boot_files()}


def _boot_files() -> dict[Path, str | None]:
    package = LIBRARY / "avi_firewall"
    sources = {f"{module.__name__.rpartition('.')[2]}.py": module for module in (_host, sys.modules[__name__])}
    return {
        **{package / name: module.__spec__.loader.get_source(module.__spec__.name) for name, module in sources.items()},
        UNITS / "avi-firewall-sets.service": _unit(
            "Sets that the rules of avi.firewall name",
            "sets",
            f"DefaultDependencies=no\nAfter=local-fs.target\nBefore=sysinit.target network-pre.target {LOADERS}",
            "sysinit.target",
        ),
        UNITS / "avi-firewall.service": _unit(
            "Rules of avi.firewall",
            "rules",
            f"After=avi-firewall-sets.service network-pre.target {LOADERS}",
            "multi-user.target",
        ),
        UNITS / "sysinit.target.wants/avi-firewall-sets.service": "",
        UNITS / "multi-user.target.wants/avi-firewall.service": "",
    }


def _unit(description: str, what: str, order: str, wanted_by: str) -> str:
    return f"""# {_host.MARK}
[Unit]
Description={description}
{order}

[Service]
Type=oneshot
RemainAfterExit=yes
Environment=PYTHONPATH={LIBRARY} PYTHONDONTWRITEBYTECODE=1
ExecStart={sys.executable} -m avi_firewall._iptables {what}

[Install]
WantedBy={wanted_by}
"""


def _read(path: Path) -> str | None:
    if path.is_symlink():
        return ""  # what `systemctl enable` makes: that it is there is all there is to know
    return path.read_text(encoding="utf-8") if path.exists() else None


def _file_lines(files: dict[Path, str | None]) -> list[str]:
    return [f"file {path} {hashlib.sha256(text.encode()).hexdigest()[:12]}" for path, text in sorted(files.items()) if text is not None]


def _keep(files: dict[Path, str | None]) -> None:
    """Write the files for the next boot and enable the units, or take away what is not wanted any more."""
    units = sorted(path.name for path in files if path.parent == UNITS)
    gone = [path for path, text in files.items() if text is None and _read(path) is not None]
    if any(path.name in units for path in gone):
        _host.run("systemctl", "disable", "--now", *units)
    for path, text in files.items():
        if path.parent.suffix == ".wants":
            continue
        if text is None:
            path.unlink(missing_ok=True)
        elif _read(path) != text:
            _host.write(path, text, 0o600 if path.parent == RECORD else 0o644)
    if any(text is None for text in files.values()):
        for folder in (LIBRARY / "avi_firewall", LIBRARY, RECORD):
            if folder.is_dir() and not any(folder.iterdir()):
                folder.rmdir()
    if gone:
        _host.run("systemctl", "daemon-reload")
    elif any(_read(path) is None for path in files if path.parent.suffix == ".wants"):
        _host.run("systemctl", "enable", *units)


def boot(what: str) -> None:
    """Bring back what the records ask for: the ``sets``, or the ``rules`` with their jumps."""
    for record in sorted(RECORD.glob("*.json")):
        part = Part(_host.Request(**json.loads(record.read_text(encoding="utf-8"))))
        part.fill_sets()
        if what == "rules":
            part.load_rules(jumps_too=True)


if __name__ == "__main__":
    boot(sys.argv[1])
