# Copyright: (c) 2026, avi.firewall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rules of iptables, as iptables-save -c prints them, for the way of a packet through them."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from . import _walk, _xtables_match
from ._packet import Packet, PathError, Tri, World, address, both, negated

PRIORITIES = {"raw": -300, "mangle": -150, "nat": -100, "filter": 0, "security": 50}
HOOKS = {"PREROUTING": "prerouting", "INPUT": "input", "FORWARD": "forward", "OUTPUT": "output", "POSTROUTING": "postrouting"}
# Where the table nat rewrites sources only.
SOURCE_NAT = ("INPUT", "POSTROUTING")

ENDS = {"ACCEPT": "accept", "DROP": "drop", "REJECT": "reject", "RETURN": "return"}
# Those that let the packet go on to the next rule.
# fmt: off
PASSING = frozenset({
    "AUDIT", "CHECKSUM", "CLASSIFY", "CONNMARK", "CONNSECMARK", "CT", "DSCP", "ECN", "HL", "HMARK", "IDLETIMER", "LED", "LOG", "MARK",
    "MASQUERADE", "NFLOG", "NOTRACK", "RATEEST", "SECMARK", "SET", "SNAT", "TCPMSS", "TCPOPTSTRIP", "TEE", "TOS", "TRACE", "TTL",
    "ULOG",
})
# fmt: on
LINE = re.compile(r"(?:\[(\d+):\d+\] )?(-A (\S+) ?(.*))")
CHAIN = re.compile(r":(\S+) (\S+)(?: \[(\d+):\d+\])?")
LARGEST = 0xFFFFFFFF


@dataclass
class Match:
    """One condition: the module and option, its values, and whether it is turned around."""

    module: str
    option: str
    values: list[str]
    inverted: bool


@dataclass
class Rule(_walk.Rule):
    """A rule of iptables."""

    matches: list[Match] = field(default_factory=list)
    target: str = ""
    is_goto: bool = False
    options: dict[str, str] = field(default_factory=dict)
    sets: Mapping[str, _xtables_match.Set] = field(default_factory=dict)
    chains: Mapping[str, object] = field(default_factory=dict)

    def judge(self, packet: Packet, world: World) -> list[tuple[Tri, _walk.Verdict]]:
        """Return the verdict, and whether all conditions hold. A rule for the ports of another protocol holds for none."""
        matches: Tri = True
        for match in self.matches:
            found = _xtables_match.holds(match.module, match.option, match.values, packet, world, self.sets)
            matches = both(matches, negated(found) if match.inverted else found)
            if matches is False:
                return []
        if verdicts := self.verdicts(packet):
            return [(matches, verdict) for verdict in verdicts]
        self._touch(matches, world)
        return []

    def verdicts(self, packet: Packet | None = None) -> list[_walk.Verdict]:
        """Return the verdict of the rule, none where the packet goes on; where it is rewritten to, ``packet`` may have to tell."""
        if not self.target or (self.target in PASSING and self.target not in self.chains):
            return []
        if self.target in ENDS:
            return [_walk.Verdict(ENDS[self.target])]
        if self.target in self.chains:
            return [_walk.Verdict("goto" if self.is_goto else "jump", self.target)]
        if self.target == "DNAT":
            return [_walk.Verdict("dnat", to=_destination(self.options.get("--to-destination", ""), packet))]
        if self.target == "REDIRECT":
            port = self.options.get("--to-ports", str(packet.port) if packet else "")
            return [_walk.Verdict("redirect", to=("", int(port)) if port.isdigit() else None)]
        return [_walk.Verdict("unknown")]

    def _touch(self, matches: Tri, world: World) -> None:
        sure = matches if world.sure else None
        if self.target == "NOTRACK" or (self.target == "CT" and "--notrack" in self.options):
            world.tracked = False if sure else None
        if self.target == "MARK":
            world.mark = self._marked(world.mark) if sure else None
        if self.target == "CONNMARK":
            restores = "--restore-mark" in self.options
            if restores:
                world.mark = None if not sure or "--nfmask" in self.options or "--mask" in self.options else world.connection_mark
            else:
                world.connection_mark = self._marked(world.connection_mark) if sure else None

    def _marked(self, mark: int | None) -> int | None:
        change: dict[str, Callable[[int, int, int], int]] = {
            "--set-xmark": lambda now, value, mask: (now & ~mask & LARGEST) ^ value,
            "--set-mark": lambda now, value, mask: (now & ~(mask | value) & LARGEST) | value,
            "--and-mark": lambda now, value, _mask: now & value,
            "--or-mark": lambda now, value, _mask: now | value,
            "--xor-mark": lambda now, value, _mask: now ^ value,
        }
        for option, apply in change.items():
            if option in self.options and mark is not None:
                value, _slash, mask = self.options[option].partition("/")
                try:
                    return apply(mark, int(value, 0), int(mask, 0) if mask else LARGEST)
                except ValueError:
                    return None
        return None


def _destination(text: str, packet: Packet | None) -> tuple[str, int] | None:
    """Return where DNAT leads, None where that is not one address and port."""
    bracketed = re.fullmatch(r"\[([^]]+)\](?::(\d+))?", text)
    plain = re.fullmatch(r"([\d.]*)(?::(\d+))?|([0-9a-fA-F:]+)", text)
    found = bracketed or plain
    if not found or not text:
        return None
    where, port = (found.group(1) or (not bracketed and found.group(3)) or (packet.destination if packet else "")), found.group(2)
    try:
        return str(address(where)), int(port) if port else packet.port if packet else 0
    except PathError:
        return None


def parse(manager: str, text: str, sets: Mapping[str, _xtables_match.Set]) -> list[_walk.Table]:
    """Return the tables that iptables-save -c printed as ``text`` for ``manager``. Raises PathError for what it does not print."""
    tables: list[_walk.Table] = []
    for line in text.splitlines():
        if line.startswith("*"):
            tables.append(_walk.Table(manager, line[1:].strip()))
        elif found := CHAIN.fullmatch(line.strip()):
            _chain(_last(tables, line), *found.groups())
        elif found := LINE.fullmatch(line.strip()):
            packets, words, chain, rest = found.groups()
            table = _last(tables, line)
            if chain not in table.chains:
                raise PathError(f"{manager}: {line!r} is for a chain that is not there")
            rules = table.chains[chain]
            rules.append(_rule(words, len(rules) + 1, int(packets) if packets else None, rest, table, sets))
        elif line.strip() not in ("", "COMMIT") and not line.startswith("#"):
            raise PathError(f"{manager}: {line!r} is no line of iptables-save")
    return tables


def _last(tables: list[_walk.Table], line: str) -> _walk.Table:
    if not tables:
        raise PathError(f"{line!r} is outside of any table")
    return tables[-1]


def _chain(table: _walk.Table, name: str, policy: str, packets: str | None) -> None:
    table.chains.setdefault(name, [])
    if policy != "-" and name in HOOKS:
        priority = 100 if table.name == "nat" and name in SOURCE_NAT else PRIORITIES.get(table.name, 0)
        text, counter = f"-P {name} {policy}", int(packets) if packets else None
        table.bases.append(_walk.Base(name, HOOKS[name], priority, policy.lower(), text, counter, nat=table.name == "nat"))


def _rule(text: str, number: int, counter: int | None, rest: str, table: _walk.Table, sets: Mapping[str, _xtables_match.Set]) -> Rule:
    rule = Rule(text, number, counter, sets=sets, chains=table.chains)
    try:
        words = shlex.split(rest)
    except ValueError as exc:
        raise PathError(f"{table.manager}: {text!r}: {exc}") from exc
    module, inverted = "", False
    for index, word in enumerate(words):
        last = rule.matches[-1] if rule.matches else Match("", "", [], False)
        if last.option == "--comment" and not last.values:
            last.values.append(word)  # whatever it looks like
        elif word in ("-j", "-g"):
            rule.target, rule.is_goto, rule.options = "".join(words[index + 1 : index + 2]), word == "-g", _options(words[index + 2 :])
            break
        elif word == "!":
            inverted = True
        elif last.values[:1] == ["rpfilter"] and word.startswith("--"):
            last.inverted |= word == "--invert"
            last.values.append(word)
        elif re.match(r"-{1,2}[A-Za-z]", word):
            rule.matches.append(Match(module, word, [], inverted))
            inverted = False
        else:
            last.values.append(word)
            module = word if last.option == "-m" else module
    return rule


def _options(words: list[str]) -> dict[str, str]:
    """Return the options of a target, with what follows each."""
    found: dict[str, str] = {}
    for word in words:
        if word.startswith("--"):
            found[word] = ""
        elif found:
            last = next(reversed(found))
            found[last] = f"{found[last]} {word}".strip()
    return found
