# Copyright: (c) 2026, avi.firewall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""All that is on a host of any firewall, as its own tools and its files tell, with or without what is ours."""

from __future__ import annotations

import difflib
import json
import re

from faults.machines import Machine, podman

State = dict[str, list[str]]

# Runs on the host. Commands that are missing there tell nothing. firewalld keeps the former version of each file it writes as *.old.
_LOOK = r"""
import json, os, pathlib, stat, subprocess

COMMANDS = {
    "nft list ruleset": False,
    "iptables-save": False,
    "ip6tables-save": False,
    "ipset save": True,
    "ufw status verbose": False,
    "ufw show added": False,
    "ufw app list": False,
    "firewall-cmd --list-all-zones": True,
    "firewall-cmd --list-all-policies": True,
    "firewall-cmd --permanent --list-all-zones": True,
    "firewall-cmd --permanent --list-all-policies": True,
    "firewall-cmd --get-services | tr ' ' '\n'": True,
    "firewall-cmd --get-ipsets | tr ' ' '\n'": True,
    "firewall-cmd --get-policies | tr ' ' '\n'": True,
    "firewall-cmd --direct --get-all-rules": False,
    "fail2ban-client banned": False,
    "systemctl list-unit-files --no-legend": True,
    "find / /run -xdev -iname 'avi[-_]*' ! -path '*/proc/*'": True,
}
found = {}
for command, unsorted in COMMANDS.items():
    done = subprocess.run(command, shell=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    found["$ " + command] = sorted(done.stdout.splitlines()) if unsorted else done.stdout.splitlines()
for path in sorted(pathlib.Path("/etc").rglob("*")):
    if path.suffix == ".old":
        continue
    text = [oct(path.lstat().st_mode)]
    if path.is_symlink():
        text.append(os.readlink(path))
    elif path.is_file():
        text += path.read_text(encoding="latin-1").split("\n")
    found[str(path)] = text
print(json.dumps(found))
"""
# Counters move by themselves; the dates are those of the listing; a set gets a seed each time it is made, as in a reload of firewalld.
_MOVING = re.compile(r" initval 0x\w+|(?<=counter )packets \d+ bytes \d+|\[\d+:\d+\]|^# (?:Generated|Completed).*$")

_OURS = re.compile(r"avi-(?:con|se|node)(?:-|\b)|avi:(?:controller|service_engine|cluster_node)|avi-firewall|/nftables\.service\.d$")
# What is ours and stands on more than one line: in listings of nftables, in zones of firewalld, in ufw's record (comments in hexadecimal).
_BLOCKS = [
    # nft shows the tables of iptables without the comments by which ours are known; iptables-save does better.
    re.compile(r"^table ip6? (?:filter|nat|mangle|raw|security) \{.*?^\}\n", re.MULTILINE | re.DOTALL),
    re.compile(r"^\t(?:set|chain) avi-(?:con|se|node)-.*?^\t\}\n", re.MULTILINE | re.DOTALL),
    re.compile(r"^  <rule(?:(?!</rule>).)*\"avi-(?:con|se|node)-(?:(?!</rule>).)*</rule>\n", re.MULTILINE | re.DOTALL),
    re.compile(rf"^### tuple ### [^\n]* comment={b'avi:controller'.hex()}\n(?:-A [^\n]*\n)*", re.MULTILINE),
]


def look(host: Machine) -> State:
    """Return the lines of each listing and of each file under /etc of a host."""
    told = json.loads(podman("exec", "--interactive", host.container, "python3", "-", text=_LOOK))
    # In the order of their names: a reload of firewalld makes its table anew, as the last one.
    tables = re.split(r"^(?=table )", "".join(f"{line}\n" for line in told["$ nft list ruleset"]), flags=re.MULTILINE)
    told["$ nft list ruleset"] = [line for table in sorted(tables) for line in table.splitlines()]
    return {title: [_MOVING.sub("", line) for line in lines] for title, lines in told.items()}


def without_ours(state: State) -> State:
    """Return a state without what carries our names, and without empty lines, which stand between ours as well."""
    found = {}
    for title, lines in state.items():
        if _OURS.search(title) and not title.startswith("$"):
            continue
        text = "".join(f"{line}\n" for line in lines)
        for block in _BLOCKS:
            text = block.sub("", text)
        found[title] = [line for line in text.splitlines() if line.strip() and not _OURS.search(line)]
    return found


def changes(before: State, after: State) -> list[str]:
    """Return the lines by which two states differ, each after its title."""
    return [
        f"{title}: {line}"
        for title in sorted(before.keys() | after.keys())
        for line in difflib.unified_diff(before.get(title, []), after.get(title, []), lineterm="", n=0)
        if not line.startswith(("---", "+++", "@@"))
    ] + [f"{title}: {'gone' if title in before else 'new'}" for title in sorted(before.keys() ^ after.keys())]
