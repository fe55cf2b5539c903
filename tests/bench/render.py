#!/usr/bin/env python
# Copyright: (c) 2026, avi.firewall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Write docs/performance.md and its plots from the figures in docs/performance: medians, ratios, and whether each goal is met."""

from __future__ import annotations

import csv
import statistics
from collections.abc import Iterable, Sequence
from pathlib import Path

DOCS = Path(__file__).parents[2] / "docs"
FIGURES = DOCS / "performance"
FIREWALLS = ("firewalld", "ufw", "iptables", "nftables")
COMPETITORS = {"ours": "this collection", "grouped": "grouped modules", "naive": "a naive loop"}
STEPS = {"first": "first run", "peer": "a peer more", "idle": "nothing to do"}
STANDARD = "the standard module that binds"
PING = "ansible.builtin.ping"
RUNS = {"ping": "a play of one ping", "first": "first run", "idle": "nothing to do"}
WALL, CPU = ("wall_s",), ("control_cpu_s", "host_cpu_s")

Row = dict[str, str]
Lines = list[str]


def read(name: str) -> list[Row]:
    with (FIGURES / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def chosen(rows: Iterable[Row], **where: object) -> list[Row]:
    return [row for row in rows if all(row[key] == str(value) for key, value in where.items())]


def median(rows: Iterable[Row], columns: Sequence[str], **where: object) -> float:
    """Return the median of the sum of ``columns`` over the rows that ``where`` selects; there must be one."""
    found = [sum(float(row[column]) for column in columns) for row in chosen(rows, **where)]
    if not found:
        raise ValueError(f"no figure for {where}")
    return statistics.median(found)


def numbers(rows: Iterable[Row], column: str) -> list[int]:
    return sorted({int(row[column]) for row in rows})


def table(head: Sequence[str], lines: Iterable[Sequence[str]]) -> Lines:
    return [f"| {' | '.join(head)} |", f"|{' --- |' * len(head)}", *(f"| {' | '.join(line)} |" for line in lines), ""]


class Goals:
    """What was aimed at, and what came of it."""

    def __init__(self) -> None:
        self.lines: list[tuple[str, str, str, str]] = []

    def at_most(self, what: str, limit: float, value: float) -> None:
        self.lines.append((what, f"at most {limit:g}", f"{value:.2f}", "yes" if value <= limit else "**no**"))

    def at_least(self, what: str, limit: float, value: float) -> None:
        self.lines.append((what, f"at least {limit:g}", f"{value:.1f}", "yes" if value >= limit else "**no**"))


def apply_goals(rows: list[Row], goals: Goals) -> None:
    """Judge the runs of every firewall. A first run may take 0.8 of a ping more, for the new connection that confirms it."""
    limits = {"nftables": 1.5, "iptables": 1.5, "firewalld": 2.0}
    for firewall in FIREWALLS:
        own = chosen(rows, firewall=firewall)
        ours = chosen(own, competitor="ours")
        first = {size: median(ours, WALL, run="first", addresses=size) for size in numbers(ours, "addresses")}
        goals.at_most(f"{firewall}: nothing to do, to a play of one ping", 1.3, to_ping(own, "idle"))
        if firewall in limits:
            goals.at_most(f"{firewall}: first run, to a play of one ping", limits[firewall] + 0.8, to_ping(own, "first"))
            goals.at_most(f"{firewall}: first run with 50 addresses, to 1", 1.2, first[50] / first[1])
            goals.at_most(f"{firewall}: first run with 1,000 addresses, to 10", 1.3, first[1000] / first[10])
        for unit, columns in (("", WALL), (" in CPU seconds", CPU)) if firewall != "nftables" else ():
            naive, mine = (median(own, columns, competitor=one, addresses=10, run="first") for one in ("naive", "ours"))
            limit = {"firewalld": 12, "iptables": 9, "ufw": 7}[firewall]
            goals.at_least(f"{firewall}: first run of a naive loop with 10 addresses, to ours{unit}", limit, naive / mine)


def to_ping(rows: list[Row], run: str) -> float:
    """Return the median, over the rounds and numbers of addresses, of what a run of ours took, to the play of one ping just before it."""
    ours = chosen(rows, competitor="ours", run=run)
    return statistics.median(
        median([row], WALL) / median(rows, WALL, competitor="ping", run=run, addresses=row["addresses"], round=row["round"]) for row in ours
    )


def apply_table(rows: list[Row]) -> Lines:
    lines = []
    for firewall in FIREWALLS:
        own = chosen(rows, firewall=firewall)
        for name, competitor in (("an empty play", "empty"), ("a play of one ping", "ping")):
            some = chosen(own, competitor=competitor)
            lines.append([firewall, name, "", f"{median(some, WALL):.2f}", "", "", f"{median(some, CPU):.2f}", "", ""])
        for competitor, name in COMPETITORS.items():
            for size in numbers(chosen(own, competitor=competitor), "addresses"):
                some = chosen(own, competitor=competitor, addresses=size)
                cells = [
                    f"{median(some, columns, run=step):.2f}" if chosen(some, run=step) else "" for columns in (WALL, CPU) for step in STEPS
                ]
                lines.append([firewall, name, f"{size:,}", *cells])
    head = [f"{step} ({unit})" for unit in ("s", "CPU s") for step in STEPS.values()]
    return table(["firewall", "what runs", "addresses", *head], lines)


def profile_table(rows: list[Row]) -> Lines:
    """Return what each step of each run took by firewall; the standard module that binds rules is another one for each firewall."""
    own = [{**row, "module": STANDARD if row["module"].partition(".")[0] in ("ansible", "community") else row["module"]} for row in rows]
    lines = []
    for run, name in RUNS.items():
        here = chosen(own, run=run)
        for step, module in dict.fromkeys((row["step"], row["module"]) for row in here):
            what = "Ansible itself" if step == "Ansible" else f"{PING if run == 'ping' else module}, {step}"
            some = [chosen(here, firewall=firewall, step=step, module=module) for firewall in FIREWALLS]
            lines.append([name, what, *(f"{median(rows, ('seconds',)):.2f}" if rows else "" for rows in some)])
    return table(["run", "seconds", *FIREWALLS], lines)


def peers_goals(rows: list[Row], goals: Goals) -> None:
    for firewall in FIREWALLS:
        own = chosen(rows, firewall=firewall)
        sizes = numbers(own, "networks")
        worst = max(price(own, size) for size in sizes)
        goals.at_most(f"{firewall}: a packet, to that of a host without rules, the dearest of all sizes", 1.3, worst)
        if firewall != "ufw":
            most, least = (median(own, ("first_s",), networks=size) for size in (10000, 10))
            goals.at_most(f"{firewall}: first run with 10,000 networks, to 10", 2, most / least)


def price(rows: list[Row], size: int, beside: str = "packet_without_rules_us") -> float:
    return median(rows, ("packet_us",), networks=size) / median(rows, (beside,), networks=size)


def peers_table(rows: list[Row]) -> Lines:
    columns = {"first_s": "first run (s)", "idle_s": "nothing to do (s)", "control_mib": "control node (MiB)", "host_mib": "host (MiB)"}
    lines = []
    for firewall in FIREWALLS:
        own = chosen(rows, firewall=firewall)
        for size in numbers(own, "networks"):
            cells = [f"{median(own, (column,), networks=size):.{0 if 'mib' in column else 2}f}" for column in columns]
            connects = median(own, ("connects_per_s",), networks=size)
            prices = [f"{price(own, size, beside):.2f}" for beside in ("packet_without_rules_us", "packet_own_rule_us")]
            lines.append([firewall, f"{size:,}", *cells, *prices, f"{connects:,.0f}"])
    packets = ["a packet, to one without rules", "to one by a rule of the firewall's own"]
    return table(["firewall", "networks", *columns.values(), *packets, "connections a second"], lines)


def planning_goals(rows: list[Row], goals: Goals) -> None:
    ratio = {size: planned(rows, size) for size in (1000, 3000)}
    goals.at_most("planning 1,000 hosts, to an action that does nothing on each, in CPU seconds", 1.2, ratio[1000])
    goals.at_most("that ratio at 3,000 hosts, to the one at 1,000", 1.1, ratio[3000] / ratio[1000])


def planned(rows: list[Row], size: int) -> float:
    plan, trivial = (median(rows, ("control_cpu_s",), hosts=size, play=play) for play in ("plan", "trivial"))
    return plan / trivial


def planning_table(rows: list[Row]) -> Lines:
    lines = []
    for size in numbers(rows, "hosts"):
        cpu = [f"{median(rows, ('control_cpu_s',), hosts=size, play=play):.1f}" for play in ("empty", "trivial", "plan")]
        memory = [f"{median(rows, ('memory_mib',), hosts=size, play=play):.0f}" for play in ("trivial", "plan")]
        lines.append([f"{size:,}", *cpu, f"{planned(rows, size):.2f}", *memory])
    head = ["an empty play (CPU s)", "an action that does nothing (CPU s)", "planning (CPU s)", "planning, to that action"]
    return table(["hosts", *head, "that action (MiB)", "planning (MiB)"], lines)


def page(sections: dict[str, Lines], template: str) -> str:
    """Return ``template`` with each of its lines ``<!-- NAME -->`` and what follows it up to an empty comment replaced."""
    text = template
    for name, lines in sections.items():
        begin, end = f"<!-- {name} -->\n", "<!-- -->\n"
        before, _mark, rest = text.partition(begin)
        _old, _mark, after = rest.partition(end)
        text = f"{before}{begin}\n" + "\n".join(lines) + f"\n{end}{after}"
    return text


def sections() -> dict[str, Lines]:
    goals = Goals()
    figures = {name: read(name) for name in ("apply", "profile", "peers", "planning")}
    apply_goals(figures["apply"], goals)
    peers_goals(figures["peers"], goals)
    planning_goals(figures["planning"], goals)
    verify = [[*(f"{int(row[name]):,}" for name in ("hosts", "paths", "wall_s")), row["s_per_host"]] for row in read("verify")]
    return {
        "goals": table(["what", "goal", "measured", "met"], goals.lines),
        "apply": apply_table(figures["apply"]),
        "profile": profile_table(figures["profile"]),
        "peers": peers_table(figures["peers"]),
        "planning": planning_table(figures["planning"]),
        "verify": table(["hosts", "paths", "seconds", "seconds a host"], verify),
        "machine": [*(FIGURES / "machine.txt").read_text(encoding="utf-8").splitlines(), ""],
    }


def main() -> None:
    target = DOCS / "performance.md"
    target.write_text(page(sections(), target.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()
