# Copyright: (c) 2026, avi.firewall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The flows as configuration of a network firewall, in its own language, through aerleon.

What aerleon cannot say it leaves out, or says too widely, with a line in a log at most. So everything is asked for in the one way that was
seen to be right for the target (a term for each family, see :data:`TARGETS`), and the rules that come back are counted.
"""

from __future__ import annotations

import importlib
import logging
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from . import _addresses, _handover_loadable
from ._handover_loadable import NAME, Flow, LoadableError

REQUIREMENT = "aerleon>=1.18,<1.19"
# Where a target has a line for each pair of networks. More than this no router takes, and nobody reads.
MOST_LINES = 5000


@dataclass(frozen=True)
class Target:
    """One firewall: what aerleon calls it, the options of a filter, and what a rule looks like in what comes back.

    ``pairs``: there is a rule for each pair of a source and a destination, not one for each term. ``portless``: which protocols without
    ports it can be told. ``icmpv6``: what to call that protocol. ``corrected`` makes of what aerleon wrote what is safe to load.
    ``header``: the file has a place for where it comes from; else each rule says so.
    """

    platform: str
    options: str
    rule: str
    pairs: bool = False
    portless: Sequence[str] = ()
    icmpv6: str = "icmpv6"
    corrected: Callable[[str], str] = str
    header: bool = True


@dataclass(frozen=True)
class Term:
    """What one rule says: ``sources`` may reach ``port`` of ``destinations``, all of one IP ``version``. ``rows`` tells of which flows."""

    name: str
    version: int
    protocol: str
    port: int | None
    sources: tuple[str, ...]
    destinations: tuple[str, ...]
    source: str
    destination: str
    rows: tuple[str, ...]

    def lines(self) -> int:
        return len(self.sources) * len(self.destinations)


def _next_free(text: str) -> str:
    """Number the policies of FortiOS 0, which is the next free number: 1 and so on are policies that somebody else has made.

    What has no port is ICMP, and gets all of that, where aerleon would give it all there is.
    """
    addresses, section, policies = text.partition("config firewall policy\n")
    numbered = re.sub(r"^    edit \d+$", "    edit 0", policies, flags=re.MULTILINE)
    blocks = [
        block.replace('set service "ALL"', 'set service "ALL_ICMP6"' if "set srcaddr6 " in block else 'set service "ALL_ICMP"')
        for block in re.split(r"(?<=^    next\n)", numbered, flags=re.MULTILINE)
    ]
    return addresses + section + "".join(blocks)


def _beside(text: str) -> str:
    """Take the tags from Junos that would replace all policies, addresses and applications of the device by these."""
    return re.sub(r"\breplace: (address-book|policies|applications) ", r"\1 ", text)


ANY = ("icmp", "ip")
# Seen: NSX-T would let everything in for the number of a protocol, and the application icmp of Palo Alto does not let a ping through. The
# rest aerleon refuses itself.
TARGETS = {
    "cisco_ios": Target("cisco", f"{NAME} mixed", r"^ permit ", pairs=True, portless=ANY),
    "cisco_asa": Target("ciscoasa", NAME, r"^access-list \S+ extended permit ", pairs=True, portless=ANY, icmpv6="58"),
    "cisco_nxos": Target("cisconx", f"{NAME} mixed", r"^ permit ", pairs=True, portless=ANY),
    "cisco_xr": Target("ciscoxr", f"{NAME} mixed", r"^ permit ", pairs=True, portless=ANY),
    "arista": Target("arista", f"{NAME} mixed", r"^ permit ", pairs=True, portless=ANY),
    "juniper": Target("juniper", f"{NAME} mixed", r"^ +term \S+ \{", portless=("icmp",)),
    "srx": Target("srx", "from-zone all to-zone all", r"^ +policy \S+ \{", portless=("icmp",), corrected=_beside),
    "paloalto": Target("paloalto", "from-zone any to-zone any mixed", r"^ +<action>allow</action>"),
    "fortinet": Target(
        "fortigate", "from-zone any to-zone any mixed", r"^        set name ", portless=("icmp",), corrected=_next_free, header=False
    ),
    "nsx_t": Target("nsxt", f"{NAME} mixed", r'^      "display_name": ', portless=("icmp",), header=False),
}


def text(target: str, flows: Iterable[Flow]) -> str:
    """Return the configuration of a firewall of the type ``target`` (a key of TARGETS) that lets through exactly ``flows``.

    Raises LoadableError without aerleon, for no flows, for what the target cannot be told, for more than MOST_LINES lines, and when rules
    got lost.
    """
    known = TARGETS[target]
    given = list(flows)
    found = terms(given)
    if not found:
        raise LoadableError(f"{target}: no flow has a source and a destination of the same family: there is nothing to let through")
    for term in found:
        if term.port is None and term.protocol.partition("-")[0] not in known.portless:
            raise LoadableError(
                f"{target} cannot be told {term.rows[0]}, which is {term.protocol} without a port: take {target} out of "
                "avi_report_formats, or the row's feature out of avi_firewall_features"
            )
    lines = sum(term.lines() for term in found) if known.pairs else len(found)
    if known.pairs and lines > MOST_LINES:
        _refuse(target, lines, found)
    written, told = _written(known, found, _handover_loadable.origin(given))
    kept = len(re.findall(known.rule, written, re.MULTILINE))
    if kept != lines:
        raise LoadableError(f"{target}: aerleon made {kept} rules of {lines}: the file would not let through what is planned ({told})")
    return written


def _refuse(target: str, lines: int, found: Iterable[Term]) -> None:
    most = max(found, key=Term.lines)
    raise LoadableError(
        f"{target}: {lines} lines, and {MOST_LINES} are allowed, for it has one for each pair of a source and a destination: "
        f"{most.rows[0]} alone makes {most.lines()} of {len(most.sources)} and {len(most.destinations)} networks. Name whole networks in "
        f"avi_firewall_peers, which take in the hosts within them, or take {target} out of avi_report_formats"
    )


def terms(flows: Iterable[Flow]) -> list[Term]:
    """Return what ``flows`` (as :func:`_handover.flows` returns them) say, once each, one family at a time.

    Flows to the same port of the same destinations become one: their sources may overlap, and no device wants a line twice.
    """
    told = [term for flow in flows for term in (_term(flow, 4), _term(flow, 6)) if term.sources and term.destinations]
    alike: dict[Any, list[Term]] = defaultdict(list)
    for term in told:
        alike[term.version, term.protocol, term.port, term.destinations].append(term)
    return list(_named(_joined(group) for group in alike.values()))


def _term(flow: Flow, version: int) -> Term:
    return Term(
        name=flow["name"],
        version=version,
        protocol=flow["protocol"],
        port=flow["port"],
        sources=tuple(_addresses.of_family(flow["source_networks"], version)),
        destinations=tuple(_addresses.of_family(flow["destination_networks"], version)),
        source=flow["source"],
        destination=flow["destination"],
        rows=(_handover_loadable.row(flow),),
    )


def _joined(group: Sequence[Term]) -> Term:
    """Return one term that says what those of ``group`` do, which differ by who they are from."""
    sources = (_addresses.network(value) for term in group for value in term.sources)
    return replace(
        group[0],
        sources=tuple(_addresses.collapse(sources)),
        source="-".join(dict.fromkeys(term.source for term in group)),
        rows=tuple(dict.fromkeys(row for term in group for row in term.rows)),
    )


def _named(found: Iterable[Term]) -> Iterator[Term]:
    """Give each term a name of its own, of at most 35 characters: FortiOS takes no longer ones."""
    seen: dict[str, int] = defaultdict(int)
    for term in found:
        stem = f"{NAME}-{term.name[:25]}-v{term.version}"
        seen[stem] += 1
        yield replace(term, name=stem if seen[stem] == 1 else f"{stem}-{seen[stem]}")


def _written(target: Target, found: Sequence[Term], origin: str) -> tuple[str, str]:
    """Return what aerleon makes of ``found``, corrected and without its tags of a version control, and what it logged of it."""
    try:
        from aerleon import aclgen, api
        from aerleon.lib import aclgenerator, naming, policy_builder
        from aerleon.lib import policy as policies
    except ImportError as exc:
        raise LoadableError(
            "avi_report_formats: the formats for network firewalls need the Python package aerleon on the control node: "
            f"pip install '{REQUIREMENT}' ({exc})"
        ) from exc
    known: Any  # aerleon's own type is that of its YAML
    known, named = policy(target, found, origin)
    definitions = naming.Naming()
    definitions.ParseDefinitionsObject(named, "")
    with _listening() as told:
        try:
            if target.platform == "ciscoasa":
                built = policies.FromBuilder(policy_builder.PolicyBuilder(known, definitions))
                written = _asa(built.filters[0][1], found, origin)
            else:
                written = "".join((api.Generate([known], definitions) or {}).values())
        except (aclgen.ACLGeneratorError, aclgen.ACLParserError, aclgenerator.Error, policies.Error) as exc:
            raise LoadableError(f"aerleon refuses the flows for {target.platform}: {exc}") from exc
    return target.corrected(_tidy(written)), "; ".join(told)


def _tidy(written: str) -> str:
    """Take out the tags of a version control that nobody fills, the comments that are empty then, and needless blank lines."""
    for needless, instead in (
        (r"^.*\$(?:Id|Date|Revision):\$.*\n", ""),
        (r"^ +\*\*\n", ""),
        (r"^ *\/\*\n *\*\/\n", ""),
        (r"\n{3,}", "\n\n"),
    ):
        written = re.sub(needless, instead, written, flags=re.MULTILINE)
    return written.strip() + "\n"


def policy(target: Target, found: Sequence[Term], origin: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the policy that aerleon is given for ``found``, and the networks and services that it names: it takes no addresses."""
    names = _network_names(found)
    terms = [
        {
            "name": term.name,
            "comment": ",\n".join(term.rows) + ("" if target.header else f"\n({origin})"),
            "source-address": names[term.sources],
            "destination-address": names[term.destinations],
            "protocol": _protocol(target, term),
            **({"destination-port": _service(term)} if term.port is not None else {}),
            "action": "accept",
        }
        for term in found
    ]
    header = {"targets": {target.platform: target.options}, "comment": origin}
    networks = {name: {"values": [{"address": value} for value in values]} for values, name in names.items()}
    services = {_service(term): [{"protocol": term.protocol, "port": str(term.port)}] for term in found if term.port is not None}
    return {"filename": NAME, "filters": [{"header": header, "terms": terms}]}, {"networks": networks, "services": services}


def _network_names(found: Iterable[Term]) -> dict[tuple[str, ...], str]:
    """Return a name for each list of networks, after whom it is of, of at most 63 characters with what aerleon adds."""
    names: dict[tuple[str, ...], str] = {}
    seen: dict[str, int] = defaultdict(int)
    for term in found:
        for end, values in ((term.source, term.sources), (term.destination, term.destinations)):
            if values not in names:
                # N2 and so on, for aerleon calls the members of a list _0, _1, _2.
                stem = f"{NAME}_{end}".upper().replace("-", "_AND_")[:48] + f"_V{term.version}"
                seen[stem] += 1
                names[values] = stem if seen[stem] == 1 else f"{stem}_N{seen[stem]}"
    return names


def _service(term: Term) -> str:
    return f"{NAME}_{term.protocol}_{term.port}"


def _protocol(target: Target, term: Term) -> str:
    if term.protocol == "icmp":
        return "icmp" if term.version == 4 else target.icmpv6
    return term.protocol.removeprefix("ip-")


def _asa(policy_terms: Iterable[Any], found: Iterable[Term], origin: str) -> str:
    """Return the list for an ASA. aerleon writes IPv6 for it as well, but does not when it is asked for the whole."""
    # The module keeps its Term to itself, for type checkers.
    term_of: Any = importlib.import_module("aerleon.lib.ciscoasa").Term
    versions = {term.name: term.version for term in found}
    return "\n".join(
        [
            f"clear configure access-list {NAME}",
            f"access-list {NAME} remark {origin}",
            *(str(term_of(term, NAME, versions[term.name])) for term in policy_terms),
        ]
    )


@contextmanager
def _listening() -> Iterator[list[str]]:
    """Collect what aerleon logs, which would go to the terminal, for the message when rules got lost."""
    told: list[str] = []

    def heard(record: logging.LogRecord) -> bool:
        told.append(record.getMessage())
        return False

    logger = logging.getLogger("absl")
    logger.addFilter(heard)
    try:
        yield told
    finally:
        logger.removeFilter(heard)
