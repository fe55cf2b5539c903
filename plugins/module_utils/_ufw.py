# Copyright: (c) 2026, avi.firewall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""ufw: an application profile for each flow, a rule for each network that may use it.

The profiles are one file of ours; the rules are added by M(community.general.ufw) and carry our comment; one that takes the place of a
stale rule is added here, before that goes. ufw keeps both over a reboot, a reload, and being disabled and enabled again. Nothing here
reloads ufw: that lets forbidden connections in.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from . import _host

PROFILES = Path("/etc/ufw/applications.d")
# IPv4 first, as ufw numbers them. Debian and its like keep them in /etc, others in /var/lib or /lib.
RULES = ("user.rules", "user6.rules")
PLACES = tuple(Path(place) for place in ("/etc/ufw", "/var/lib/ufw", "/lib/ufw"))

# The words of a record of ufw's, for a rule with a profile; a comment follows.
RECORD = ("action", "protocol", "ports", "destination", "source_port", "source", "profile", "source_profile", "where")

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


def evidence() -> str | None:
    """Return what shows that ufw is in charge of this host, or None."""
    try:
        status = _host.run("ufw", "status")
    except _host.HostError:
        return None
    return "ufw status says: active" if status.startswith("Status: active") else None


def holds(request: _host.Request) -> bool:
    """Say whether ufw keeps anything of this part."""
    return _file(request).exists() or bool(_ours(_tuples(), request))


def reconcile(request: _host.Request, check: bool) -> _host.Outcome:
    """Bring the profiles of ``request`` in line and take stale rules out; return the rules that are missing.

    Raises HostError, before any change, when ufw is missing, when a profile of ours stands in a foreign file, or when a foreign
    rule that stops everything would stand before ours.
    """
    _host.run("ufw", "--version")
    file = _file(request)
    _refuse_foreign(file, request)
    stored = file.read_text(encoding="utf-8") if file.exists() else ""
    wanted = _rules(request)
    profiles = {flow["name"]: frozenset((port["protocol"], str(port["port"])) for port in flow["ports"]) for flow in request.flows}
    text = _text(profiles)
    tuples = _tuples()
    standing = _ours(tuples, request)
    _refuse_stopped_before(tuples, request, wanted)
    stale = [rule for rule in standing if rule not in wanted]
    missing = [rule for rule in wanted if rule not in standing]
    heirs = _heirs(missing, stale)
    outcome = _host.Outcome(
        before=[*stored.splitlines(), *_lines(standing)],
        after=[*text.splitlines(), *_lines({rule: profiles[rule.profile] for rule in wanted})],
        bindings=[_binding(rule, request) for rule in missing if rule not in heirs],
    )
    if outcome.changed and not check:
        # ufw deletes a rule only while it knows the profile. Standing rules keep their ports until they are told of new ones.
        lost = {rule.profile: standing[rule] for rule in stale if rule.profile not in profiles}
        known = _text({**profiles, **lost})
        if known and known != stored:
            _host.write(file, known)
        for rule in heirs:
            _host.run("ufw", *rule.words(), "comment", request.mark)
        for rule in stale:
            _host.run("ufw", "delete", *rule.words())
        for profile in sorted({rule.profile for rule in standing if rule in wanted and standing[rule] != profiles[rule.profile]}):
            _host.run("ufw", "app", "update", profile)
        if not text:
            file.unlink(missing_ok=True)
        elif text != known:
            _host.write(file, text)
    return outcome


def _heirs(missing: list[Rule], stale: list[Rule]) -> list[Rule]:
    """Return the missing rules that let in some whom a stale one let in: they must stand before that goes."""
    found = []
    for rule in missing:
        network = ipaddress.ip_network(rule.network)
        for other in stale:
            same = (rule.direction, rule.profile, rule.interface) == (other.direction, other.profile, other.interface)
            there = ipaddress.ip_network(other.network)
            if same and network.version == there.version and network.overlaps(there):
                found.append(rule)
                break
    return found


def _file(request: _host.Request) -> Path:
    return PROFILES / request.prefix.rstrip("-")


def _rules(request: _host.Request) -> list[Rule]:
    return [
        Rule(flow["direction"], flow["name"], _host.short(network), interface)
        for flow in request.flows
        for interface in request.interfaces or [""]
        for network in [*flow["ipv4"], *flow["ipv6"]]
    ]


def _binding(rule: Rule, request: _host.Request) -> dict[str, Any]:
    return {
        "profile": rule.profile,
        "direction": rule.direction,
        "network": rule.network,
        "interface": rule.interface,
        "comment": request.mark,
    }


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


def _lines(rules: dict[Rule, Ports]) -> list[str]:
    return [
        f"{' '.join(rule.words())} ({' '.join('/'.join(reversed(port)) for port in sorted(ports))})"
        for rule, ports in sorted(rules.items())
    ]


def _tuples() -> list[list[str]]:
    """Return the rules that people gave ufw, as the words of its own record of them, IPv4 before IPv6."""
    place = next((place for place in PLACES if (place / RULES[0]).exists()), PLACES[0])
    found = []
    for name in RULES:
        path = place / name
        if path.exists():
            text = path.read_text(encoding="utf-8")
            found += [line.split()[3:] for line in text.splitlines() if line.startswith("### tuple ### ")]
    return found


def _comment(words: list[str]) -> str:
    last = words[-1]
    return bytes.fromhex(last[len("comment=") :]).decode("utf-8", "replace") if last.startswith("comment=") else ""


def _ours(tuples: list[list[str]], request: _host.Request) -> dict[Rule, Ports]:
    """Return the standing rules of this part with the ports they open.

    A profile of several protocols has one record for each.
    """
    found: dict[Rule, Ports] = {}
    for words in tuples:
        if _comment(words) != request.mark or len(words) < 10:
            continue
        record = dict(zip(RECORD, words))
        direction, interface = [*record["where"].split("_", 1), ""][:2]
        rule = Rule(direction, record["profile"], record["source" if direction == "in" else "destination"], interface)
        found[rule] = found.get(rule, frozenset()) | {(record["protocol"], port) for port in record["ports"].split(",")}
    return found


def _refuse_foreign(file: Path, request: _host.Request) -> None:
    """Stop when the file of ours is not ours, or another one holds a profile with a name of ours."""
    if not PROFILES.is_dir():
        return
    for path in sorted(PROFILES.iterdir()):
        if path.name.startswith(".") or not path.is_file():
            continue
        text = path.read_text(encoding="utf-8", errors="replace")
        if path == file:
            if not text.startswith(f"# {_host.MARK}"):
                raise _host.HostError(f"{path} is not ours: rename or remove it")
        elif named := re.search(rf"^\[({re.escape(request.prefix)}[^\]]*)\]", text, re.MULTILINE):
            raise _host.HostError(f"{path} defines the profile {named[1]}, a name of ours: rename it")


def _refuse_stopped_before(tuples: list[list[str]], request: _host.Request, wanted: list[Rule]) -> None:
    """Stop when a foreign rule that stops everything stands where a new rule of ours would come after it."""
    directions = {rule.direction for rule in wanted}
    for words in tuples:
        action, protocol, port, destination, source_port, source = words[:6]
        where = next((word for word in words[6:] if re.fullmatch(r"(in|out)(_\S+)?", word)), "in")
        everyone = {"0.0.0.0/0", "::/0"}
        if (
            action in ("deny", "reject")
            and where in directions
            and (protocol, port, source_port) == ("any", "any", "any")
            and {destination, source} <= everyone
        ):
            raise _host.HostError(
                f"ufw has a rule that {'denies' if action == 'deny' else 'rejects'} everything {where}: rules that come after it, as ours "
                "would, never match. Delete it and say so with `ufw default` instead"
            )
