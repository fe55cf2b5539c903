# Copyright: (c) 2026, avi.firewall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The guard of the ports that a Controller in a container publishes: a table of nftables of our own, beside any firewall.

Docker and podman rewrite the destination of what comes to a published port (DNAT) and forward it: it never passes INPUT. What a proxy in
user space carries to the container does, and so does everything once somebody has stopped a firewall that took Docker's chains with it.
So the guard stands on both hooks. There it drops what calls such a port of the host and is from none of the plan's sources; it accepts
nothing that another table drops. It names the host's port and none of their chains, which differ and come and go.

The kernel forgets it at a reboot: a unit loads it before any container can start. `flush ruleset` takes it away: a drop-in of
nftables.service loads it again as the last step there, and an include line in the user's ruleset within the user's own transaction.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from . import _boot, _host
from ._nft_words import ADDRESS_TYPES, PROTOCOLS

TABLE = "inet avi-firewall"
FILES = _boot.RECORDS / "published"
UNIT = _boot.UNITS / "avi-firewall-published.service"
DROP_IN = _boot.UNITS / "nftables.service.d" / "avi-firewall-published.conf"
# Everything that starts a container comes after sysinit.target; the rest is for units without that order.
BEFORE = "sysinit.target network-pre.target docker.service containerd.service podman.service podman-restart.service"

# The bit by which the first of these chains tells the last one of a call that is not for an address of this host: DNAT has
# overwritten that by then. kube-proxy, say, rewrites what its pods send to port 443 of a service, and that is nothing published.
LABEL = 127
HOOKS = {
    "called": "type filter hook prerouting priority mangle; policy accept;",
    "delivered": "type filter hook input priority filter; policy accept;",
    "forwarded": "type filter hook forward priority filter; policy accept;",
}
ACCEPT = re.compile(r"(?:ip6? saddr @(\S+)|meta nfproto ipv([46])) meta l4proto (\w+) ct original proto-dst (\d+) accept\b")

# What stands in the table: the lines of each set and chain, as nft lists them, an element on each. The table itself is a block without a
# name and without lines.
Blocks = dict[str, "list[str]"]


def wanted(request: _host.Request) -> Blocks:
    """Return what shall stand in the table: nothing where no port is published."""
    if not request.published:
        return {}
    ports = [(port["protocol"], port["port"]) for port in request.published]
    sets: Blocks = {}
    rules = [f"ct label {LABEL} accept"]
    for flow in request.in_direction("in"):
        rows = [port for port in flow["ports"] if (port["protocol"], port["port"]) in ports]
        for version in (4, 6):
            networks = flow[f"ipv{version}"]
            if not rows or not networks:
                continue
            match = f"meta nfproto ipv{version}"
            if not _host.is_everyone(networks):
                name = f"{flow['peer']}-{version}"
                elements = [f"element {network}" for network in sorted(map(_host.short, networks))]
                sets[f"set {name}"] = [f"type {ADDRESS_TYPES[version]}", "flags interval", *elements]
                match = f"{PROTOCOLS[version]} saddr @{name}"
            rules += [
                f'{device}{match} {_port(row["protocol"], row["port"])} accept comment "avi:{row["row"]}"'
                for device in ([f'iifname "{interface}" ' for interface in request.interfaces] or [""])
                for row in rows
            ]
    elsewhere = [f"{protocol} dport {port} ct state new fib daddr type != local ct label set {LABEL}" for protocol, port in ports]
    return {
        "": [],
        **sets,
        "chain published": [*rules, *(f'{_port(*port)} drop comment "{request.mark}"' for port in ports)],
        "chain called": [HOOKS["called"], *elsewhere],
        "chain delivered": [HOOKS["delivered"], 'iifname != "lo" ct state new jump published'],
        "chain forwarded": [HOOKS["forwarded"], "ct state new ct status dnat jump published"],
    }


def _port(protocol: str, port: int) -> str:
    return f"meta l4proto {protocol} ct original proto-dst {port}"


def parse(listing: str) -> Blocks:
    """Return what ``nft list table`` printed; a line of the table itself is a block of its own."""
    found: Blocks = {}
    head = ""
    for line in re.sub(r",\n\s+", ", ", listing).splitlines():
        depth, text = len(line) - len(line.lstrip("\t")), line.strip()
        if text == f"table {TABLE} {{":
            found[head] = []
        elif depth == 1 and text != "}":
            head = text.removesuffix(" {")
            found[head] = []
        elif text.startswith("elements = { "):
            found[head] += [f"element {element}" for element in sorted(text[len("elements = { ") : -len(" }")].split(", "))]
        elif depth > 1:
            found[head].append(text)
    return found


def standing() -> Blocks:
    """Return what stands in the table: nothing where it is not there."""
    if f"table {TABLE}" not in _host.run("nft", "list", "tables").splitlines():
        return {}
    return parse(_host.run("nft", "--stateless", "list", "table", *TABLE.split()))


def _table(blocks: Blocks) -> str:
    """Return ``blocks`` in the language of nft."""
    text = []
    for head, lines in ((head, lines) for head, lines in blocks.items() if head):
        elements = [line[len("element ") :] for line in lines if line.startswith("element ")]
        body = [line for line in lines if not line.startswith("element ")] + [f"elements = {{ {', '.join(elements)} }}"] * bool(elements)
        # An empty chain is a block, and flags of the table are none.
        block = body or head.startswith("chain ")
        text += [f"\t{head} {{", *(f"\t\t{line}" for line in body), "\t}"] if block else [f"\t{head}"]
    return "".join(f"{line}\n" for line in [f"table {TABLE} {{", *text, "}"])


def definition(blocks: Blocks) -> str:
    """Return the transaction after which the table holds ``blocks``, whatever it held."""
    return f"table {TABLE}\ndelete table {TABLE}\n" + (_table(blocks) if blocks else "")


def _frame(lines: Iterable[str]) -> list[str]:
    return [line for line in lines if line.startswith(("type ", "flags "))]


def transaction(found: Blocks, blocks: Blocks) -> str:
    """Return the transaction that turns ``found`` into ``blocks``.

    A table that is defined anew has another chain on the hook, and a packet may fall between the two. So where they fit, sets and chains
    keep their place, and are emptied and filled.
    """
    heads = sorted(head for head in found if head)
    fit = found and all(
        head.startswith(("set ", "chain ")) and _frame(found[head]) == _frame(blocks.get(head, found[head])) for head in heads
    )
    if not blocks or not fit:
        return definition(blocks)
    # Chains first: they name sets and each other.
    names = {head: " ".join((head.split()[0], TABLE, head.split()[1])) for head in heads}
    emptied = [f"flush {names[head]}\n" for head in heads]
    gone = [f"delete {names[head]}\n" for head in heads if head not in blocks]
    return "".join([*emptied, _table(blocks), *gone])


def lines(blocks: Blocks) -> list[str]:
    """Return a line for everything that stands in the table."""
    return [": ".join(filter(None, (f"table {TABLE}", head, line))) for head, body in sorted(blocks.items()) for line in body or [""]]


def lets_in(found: Blocks, request: _host.Request) -> Iterator[_host.Access]:
    """Return who reaches the ports that ``request`` has published: everyone, as long as a port is not guarded."""
    rules = found.get("chain published", [])
    ports = [(port["protocol"], port["port"]) for port in request.published]
    for protocol, port in ports:
        if not any(rule.startswith(f"{_port(protocol, port)} drop") for rule in rules):
            yield from ((protocol, port, network) for network in _host.EVERYONE.values())
    for name, version, protocol, port in (accepted.groups() for accepted in map(ACCEPT.search, rules) if accepted):
        members = [line.split()[1] for line in found.get(f"set {name}", []) if line.startswith("element ")]
        networks = members if name else [_host.EVERYONE[f"ipv{version}"]]
        yield from ((protocol, int(port), network) for network in networks if (protocol, int(port)) in ports)


def file(request: _host.Request) -> Path:
    """Return the file that the table is loaded from. It is also the record that tells ours from a foreign table of the same name."""
    return FILES / f"{request.part}.nft"


def holds(request: _host.Request) -> bool:
    """Say whether a record tells of anything of this part."""
    return file(request).exists()


def _files(request: _host.Request, blocks: Blocks) -> dict[Path, str | None]:
    own = file(request)
    enabled = _boot.UNITS / "sysinit.target.wants" / UNIT.name
    if not blocks:
        return dict.fromkeys([own, UNIT, enabled, DROP_IN])
    load = f"/usr/sbin/nft -f {own}"
    unit = [
        f"# {_host.MARK}",
        "[Unit]",
        "Description=Guard of the ports that a Controller in a container publishes",
        f"ConditionPathExists={own}",
        "DefaultDependencies=no",
        "After=local-fs.target",
        f"Before={BEFORE}",
        "Wants=network-pre.target",
        "",
        "[Service]",
        "Type=oneshot",
        "RemainAfterExit=yes",
        f"ExecStart={load}",
        "",
        "[Install]",
        "WantedBy=sysinit.target",
    ]
    # Its stop flushes the ruleset as well, and containers live on. A failure here is not that of the user's own rules.
    drop_in = [f"# {_host.MARK}", "[Service]", *(f"{step}=-{load}" for step in ("ExecStartPost", "ExecReload", "ExecStopPost"))]
    return {
        own: f"# {_host.MARK}\n{definition(blocks)}",
        UNIT: "".join(f"{line}\n" for line in unit),
        enabled: "",
        DROP_IN: "".join(f"{line}\n" for line in drop_in),
    }


def prepare(request: _host.Request, former: _host.Snapshot | None = None) -> _host.Change:
    """Return the change that brings the table and the boot files in line with ``request``, or back to what ``former`` holds.

    It is one transaction, which has been checked, with nothing left to bind. Raises HostError when nft is missing though a port is
    published, or refuses it, or when something foreign bears the name of the table.
    """
    try:
        found = standing()
    except _host.HostError as exc:
        # What has to go only, goes from the files where nft was removed before.
        if (request.published if former is None else former.state) or not _host.missing("nft"):
            raise _host.HostError(f"the ports that the Controller's container publishes cannot be guarded without nftables: {exc}") from exc
        found = {}
    if former is None:
        if found and not holds(request):
            raise _host.HostError(f"table {TABLE}: not ours, for {file(request)} is not there; rename or remove")
        if not request.published:
            _boot.refuse_named(f"table {TABLE}", str(file(request)))
        blocks = wanted(request)
        files = _files(request, blocks)
    else:
        blocks = former.state
        files = _boot.former_files(former)
    text = transaction(found, blocks)
    differs = lines(found) != lines(blocks)
    if differs:
        _host.run("nft", "-c", "-f", "-", stdin=text)

    def apply(_bind: bool) -> None:
        if differs:
            _host.run("nft", "-f", "-", stdin=text)

    return _boot.change(
        file(request),
        files,
        (lines(found), lines(blocks)),
        _boot.snapshot("published", request, found, files),
        apply,
        lets_in=list(lets_in(found, request)),
        warnings=_host.left_in_kernel("nft"),
    )
