# Copyright: (c) 2026, avi.firewall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""iptables: a chain of ours for each direction, an ipset for each flow and family, a jump that ties them in.

Sets are filled beside the old ones and swapped, chains replaced by iptables-restore --noflush: neither lets a connection in nor keeps
one out meanwhile. The jump is bound by M(ansible.builtin.iptables); one that stands in the wrong place is moved here.

The kernel forgets all of it at a reboot. Two units bring it back: the sets before anything loads saved rules, the chains and jumps
after that. A saved ruleset that names a missing set fails whole, and the host would come up open: so the first unit makes every set of
ours that such a file names, before and without any of this code.
"""

from __future__ import annotations

import shlex
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from . import _boot, _host, _iptables_rule, _place
from ._iptables_rule import Tokens

COMMANDS = {4: "iptables", 6: "ip6tables"}
FAMILIES = {4: "ipv4", 6: "ipv6"}
BUILTIN = {"in": "INPUT", "out": "OUTPUT"}
LOADERS = "netfilter-persistent.service iptables.service ip6tables.service nftables.service ipset.service"

MODULES = (_host, _place, _boot, _iptables_rule, sys.modules[__name__])
# An empty set for each that a saved ruleset names.
SAVED_SETS = (
    "-/bin/sh -c \"sed -nE 's/.* --match-set (avi-[^ ]+-4) .*/create \\\\1 hash:net family inet/p; "
    "s/.* --match-set (avi-[^ ]+-6) .*/create \\\\1 hash:net family inet6/p' "
    '/etc/iptables/* /etc/sysconfig/ip*tables | sort -u | ipset -exist restore"'
)
UNITS = (
    _boot.Unit(
        "avi-firewall-sets.service",
        "Sets that the rules of avi.firewall name",
        [SAVED_SETS, "sets"],
        ["DefaultDependencies=no", "After=local-fs.target", f"Before=sysinit.target network-pre.target {LOADERS}"],
        "sysinit.target",
    ),
    _boot.Unit(
        "avi-firewall.service",
        "Rules of avi.firewall",
        ["rules"],
        [f"After=avi-firewall-sets.service network-pre.target {LOADERS}"],
        "multi-user.target",
    ),
)


@dataclass
class Table:
    """The filter table of one family: the policy of each built-in chain, and the rules of every chain."""

    policies: dict[str, str] = field(default_factory=dict)
    chains: dict[str, list[Tokens]] = field(default_factory=dict)

    def judged(self) -> _place.Chains:
        """Return the chains as far as the place of a jump matters."""
        return {name: [_iptables_rule.judge(rule) for rule in rules] for name, rules in self.chains.items()}

    def drops(self, chain: str) -> bool:
        """Say whether the policy of a built-in chain lets nothing through."""
        return self.policies.get(chain) == "DROP"


def parse(text: str) -> Table:
    """Return the table that ``iptables -S`` printed as ``text``."""
    table = Table()
    for kind, chain, *rest in _lines(text):
        if kind == "-P":
            table.policies[chain] = rest[0]
        if kind == "-A":
            table.chains[chain].append(tuple(rest))
        else:
            table.chains[chain] = []
    return table


def _lines(text: str) -> Iterator[list[str]]:
    """Yield the words of each line of ``text``; one in the quotes of a comment may go on in the next."""
    line = ""
    for part in text.split("\n"):  # not what else ends a line elsewhere: that may stand in a comment
        line = f"{line}\n{part}" if line else part
        try:
            words = shlex.split(line)
        except ValueError:
            continue
        line = ""
        if words:
            yield words
    if line:
        raise _host.HostError(f"{line!r} is no line of iptables -S")


def place(table: Table, rules: Sequence[Tokens], drops: bool) -> int:
    """Return the place of a jump of ours among ``rules``, which are not ours, of a chain whose policy ``drops`` or does not."""
    return _place.end(table.judged(), [_iptables_rule.judge(rule) for rule in rules], drops)


def evidence() -> str | None:
    """Return what shows that iptables is in charge of this host, or None. What ufw and firewalld make of it is theirs."""
    for version in (4, 6):
        try:
            table = parse(_host.run(COMMANDS[version], "--wait", "-S"))
        except _host.HostError:
            continue
        if table.chains.keys() & {"ufw-user-input", "ufw6-user-input", "INPUT_ZONES"}:
            return None
        if table.drops("INPUT"):
            return f"the policy of INPUT is DROP ({COMMANDS[version]})"
        chains = table.judged()
        if (last := _place.catch_all(chains, chains.get("INPUT", []))) is not None:
            return f"rule {last + 1} of INPUT stops all that is left ({COMMANDS[version]})"
    return None


class Part:
    """The sets, chains and jumps of one request, wanted and found; wanted is what ``former`` was, if that is given."""

    def __init__(self, request: _host.Request, former: dict[str, Any] | None = None) -> None:
        self.request = request
        self.record = _boot.record("iptables", request)
        self.sets: dict[str, frozenset[str]] = {}
        self.rules: dict[int, dict[str, list[Tokens]]] = {4: {}, 6: {}}
        self.jumps: dict[int, dict[str, list[Tokens]]] = {4: {}, 6: {}}
        if former is not None:
            self.sets = {name: frozenset(entries) for name, entries in former["sets"].items()}
            for version in (4, 6):
                self.rules[version], self.jumps[version] = (
                    {chain: [tuple(rule) for rule in rules] for chain, rules in former[what][str(version)].items()}
                    for what in ("rules", "jumps")
                )
        for flow in request.flows if former is None else []:
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
        if not self.sets and _host.missing("ipset"):
            return {}
        for words in map(str.split, _host.run("ipset", "save").split("\n")):
            action, name, *rest = (*words, "", "")
            if name.startswith(self.request.prefix):
                found.setdefault(name, [])
                if action == "add":
                    found[name].append(rest[0])
        return {name: frozenset(entries) for name, entries in found.items()}

    def _read_tables(self) -> dict[int, Table]:
        tables: dict[int, Table] = {}
        for version, command in COMMANDS.items():
            try:
                tables[version] = parse(_host.run(command, "--wait", "-S"))
            except _host.HostError:
                # A host without IPv6, or one that iptables has left, and no rule for it.
                if self.rules[version] or (version == 4 and not _host.missing(command)):
                    raise
                tables[version] = Table()
        return tables

    def chains(self, version: int) -> dict[str, list[Tokens]]:
        """Return the chains of this part that stand in the kernel."""
        found = self.tables[version].chains
        return {name: found[name] for name in map(self._chain, BUILTIN) if name in found}

    def standing(self, version: int) -> dict[str, list[tuple[Tokens, bool]]]:
        """Return the jumps to this part from each built-in chain, and whether each is in its place.

        Of equal ones only the last can be: a rule is deleted by its words, which takes the first that there is.
        """
        table = self.tables[version]
        chains = table.judged()
        targets = {self._chain(direction) for direction in BUILTIN}
        found: dict[str, list[tuple[Tokens, bool]]] = {}
        for builtin in BUILTIN.values():
            rules = table.chains.get(builtin, [])
            judged = chains.get(builtin, [])
            ours = frozenset(index for index, rule in enumerate(judged) if rule.target.startswith("avi-"))
            found[builtin] = [
                (rule, rule not in rules[index + 1 :] and _place.well_placed(chains, judged, index, ours, table.drops(builtin)))
                for index, rule in enumerate(rules)
                if _iptables_rule.target(rule) in targets
            ]
        return found

    def state(self) -> dict[str, Any]:
        """Return what stands, as JSON can hold it: what ``former`` takes."""
        return {
            "sets": {name: sorted(entries) for name, entries in self.found_sets.items()},
            "rules": {str(version): self.chains(version) for version in (4, 6)},
            "jumps": {
                str(version): {builtin: [jump for jump, _good in jumps] for builtin, jumps in self.standing(version).items() if jumps}
                for version in (4, 6)
            },
        }

    def lets_in(self) -> list[_host.Access]:
        """Return who gets in by the rules that stand."""
        found = []
        for version in (4, 6):
            for rule in self.chains(version).get(self._chain("in"), []):
                words = dict(zip(rule, rule[1:]))
                everyone = [_host.EVERYONE[FAMILIES[version]]]
                networks = self.found_sets.get(words["--match-set"], []) if "--match-set" in words else everyone
                found += [(words["-p"], int(words["--dport"]), network) for network in networks if "--dport" in words]
        return found

    def refuse_foreign(self) -> None:
        """Stop when a set or chain bears a name of ours and there is no record that we made it."""
        if self.record.exists():
            return
        found = [f"ipset {name}" for name in sorted(self.found_sets)]
        found += [f"chain {name} ({COMMANDS[version]})" for version in (4, 6) for name in self.chains(version)]
        if found:
            raise _host.HostError(f"{', '.join(found)}: not ours, for {self.record} is not there; rename or remove")

    def refuse_unreached(self) -> None:
        """Stop when a jump would have to stand both before and behind rules of others."""
        for version in (4, 6):
            table = self.tables[version]
            chains = table.judged()
            for builtin in self.jumps[version]:
                where = f"chain {builtin} ({COMMANDS[version]})"
                rules = [rule for rule in table.chains[builtin] if not (_iptables_rule.target(rule) or "").startswith("avi-")]
                judged = [_iptables_rule.judge(rule) for rule in rules]
                if found := _place.unreached(chains, judged):
                    stopping, behind = (shlex.join(rules[index]) for index in found)
                    _host.refuse_unreached(where, stopping, behind)
                for index, way in _place.inside(chains, judged, table.drops(builtin)):
                    passed = [table.chains[chain][place] for chain, place in way]
                    if self._concerns(version, builtin, passed):
                        _host.refuse_inside(where, shlex.join(rules[index]), shlex.join(("-A", way[-1][0], *passed[-1])))

    def _concerns(self, version: int, builtin: str, rules: Sequence[Tokens]) -> bool:
        """Say whether something that ours let pass may match each of ``rules``."""
        return any(
            BUILTIN[flow["direction"]] == builtin and all(_iptables_rule.may_match(rule, flow, FAMILIES[version], port) for rule in rules)
            for flow in self.request.flows
            for port in flow["ports"]
        )

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

    def missing(self) -> list[_host.Binding]:
        """Return the jumps that are nowhere, with the place each belongs to, in the words of ansible.builtin.iptables."""
        found = []
        for version in (4, 6):
            table, standing = self.tables[version], self.standing(version)
            for builtin, jumps in self.jumps[version].items():
                present = [jump for jump, good in standing[builtin]]
                for jump in jumps:
                    if jump not in present:
                        interface = {"in_interface" if jump[0] == "-i" else "out_interface": jump[1]} if jump[0] in ("-i", "-o") else {}
                        found.append(
                            {
                                "ip_version": FAMILIES[version],
                                "chain": builtin,
                                "action": "insert",
                                "rule_num": str(place(table, table.chains[builtin], table.drops(builtin)) + 1),
                                **interface,
                                "comment": self.request.mark,
                                "jump": _iptables_rule.target(jump),
                                "wait": "30",
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
            lines += [shlex.join(("-I", builtin, str(place(table, left, table.drops(builtin)) + 1), *jump)) for jump in back]
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


def holds(request: _host.Request) -> bool:
    """Say whether a record tells of anything of this part."""
    return _boot.record("iptables", request).exists()


def prepare(request: _host.Request, former: _host.Snapshot | None = None) -> _host.Change:
    """Return the change that brings sets, chains and boot units in line with ``request``, or back to what ``former`` holds.

    Raises HostError when a tool is missing, though rules are wanted, or something foreign bears a name of ours.
    """
    part = Part(request, former and former.state)
    if former is None:
        part.refuse_foreign()
        part.refuse_unreached()
        _boot.refuse_saved("iptables", request)
        files = _boot.files("iptables", request, MODULES, UNITS)
    else:
        files = _boot.former_files(former)

    def load(bind: bool) -> None:
        Part(request, former and former.state).load_rules(jumps_too=bind)

    def apply(bind: bool) -> None:
        part.fill_sets()
        _host.persist(lambda: load(bind))
        part.drop_sets()

    return _boot.change(
        part.record,
        files,
        (part.found_lines(), part.wanted_lines()),
        _boot.snapshot("iptables", request, part.state(), files),
        apply,
        lets_in=part.lets_in(),
        bindings=lambda: Part(request).missing(),
        warnings=[] if request.flows else _host.left_in_kernel("iptables", "ipset"),
    )


def boot(what: str) -> None:
    """Bring back what the records ask for: the ``sets``, or the ``rules`` with their jumps."""
    for request in _boot.requests("iptables"):
        part = Part(request)
        part.fill_sets()
        if what == "rules":
            part.load_rules(jumps_too=True)
            part.drop_sets()


if __name__ == "__main__":
    boot(sys.argv[1])
