# Copyright: (c) 2026, avi.firewall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""docs/troubleshooting.md has every message that stops a play, and none that the code does not have."""

from __future__ import annotations

import ast
import functools
import re
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
HOLE = "…"

# What stands before another message: where it was found.
BEFORE_ANOTHER = re.compile(
    r"(host|host_plan of|avi_firewall_address of host|rule … of host) …: …|avi_firewall_peers: …: …|\w+: …|(…(: )?)+"
)
# The shape of a row of the matrix, and of a result: only who changes either comes to see them.
OF_DEVELOPERS = {
    "the matrix has the keys … in place of …",
    "published: …: … is no protocol, port and variable of a row of controller",
    "row … of … stands twice in release …",
    "two rows of … are named …",
    "… names no release",
    "format … is not …",
    "the result lacks …",
    "a host stands twice in hosts",
    "a cell lacks …: …",
    "…: the … is not in hosts",
    "…: passed is …, with … expected and … observed",
}


def template(node: ast.expr) -> str:
    """Return the text of an expression, with a hole for what is known at run time only."""
    match node:
        case ast.Constant(value=str() as text):
            return text
        case ast.JoinedStr(values=parts):
            return "".join(template(part) for part in parts)
        case ast.BinOp(left=left, op=ast.Add(), right=right):
            return template(left) + template(right)
    return HOLE


def errors(path: Path) -> set[str]:
    """Return the messages of the errors that are made in a file of Python."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call):
            name = ast.unparse(node.func).rpartition(".")[2]
            told = [word.value for word in node.keywords if word.arg == "msg"] if name == "fail_json" else node.args[:1]
            if name == "fail_json" or name.endswith(("Error", "Fail")):
                found |= {template(message) for message in told}
    return found


def assertions(value: Any) -> set[str]:
    """Return what the assertions among tasks say."""
    if isinstance(value, list):
        return {text for entry in value for text in assertions(entry)}
    if isinstance(value, dict):
        told = {re.sub(r"\{\{.*?\}\}", HOLE, value["fail_msg"])} if "fail_msg" in value else set()
        return told | {text for entry in value.values() for text in assertions(entry)}
    return set()


@functools.cache
def messages() -> list[str]:
    """Return every message that stops a play, with holes."""
    made = {text for path in (ROOT / "plugins").rglob("*.py") for text in errors(path)}
    files = [*ROOT.glob("roles/*/tasks/*.yml"), *ROOT.glob("playbooks/*.yml")]
    made |= {text for path in files for text in assertions(yaml.safe_load(path.read_text(encoding="utf-8")))}
    return sorted(text for text in made if not BEFORE_ANOTHER.fullmatch(text))


@functools.cache
def entries() -> list[str]:
    """Return the messages of the page: the code in the first cell of a row, or in an item of a list."""
    page = (ROOT / "docs" / "troubleshooting.md").read_text(encoding="utf-8")
    cells = re.findall(r"^(?:\| (.*?) \| |- (.*)$)", page, re.MULTILINE)
    return [entry for cell in cells for entry in re.findall(r"`(.*?)`", "".join(cell))]


def says(message: str, entry: str) -> bool:
    """Return whether the parts of ``entry`` stand in ``message``, in this order."""
    return re.search(".*".join(map(re.escape, entry.strip(HOLE).split(HOLE))), message, re.DOTALL) is not None


def test_there_are_messages_of_every_sort():
    found = messages()
    assert len(found) > 120
    assert "only root may change the firewall of this host: set ansible_become" in found
    assert "avi_report_dir is not set: name a directory on the control node for the report" in found
    assert "avi_firewall_release is not set: name the release that runs, of …" in found


def test_every_message_is_on_the_page():
    missing = [message for message in messages() if message not in OF_DEVELOPERS and not any(says(message, entry) for entry in entries())]
    assert missing == []


def test_what_is_left_out_is_still_in_the_code():
    assert set(messages()) >= OF_DEVELOPERS


def test_what_the_page_says_is_in_the_code():
    assert [entry for entry in entries() if not any(says(message, entry) for message in messages())] == []


def test_no_entry_stands_for_anything():
    assert [entry for entry in entries() if len(re.findall("[a-z]", entry)) < 5] == []
