# Copyright: (c) 2026, avi.firewall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The collection's own verify.yml, the probes of these tests and the document say the same of every cell."""

from __future__ import annotations

import json

import pytest
from expectation import EVERYONE, MANAGED, Told, accepts
from lab.reach import reach
from lab.runs import Run
from lab_hosts import KEPT, ROOT, addresses
from plays import attempt

VERIFY = str(ROOT / "playbooks" / "verify.yml")
SOURCES = [name for name in EVERYONE if name != "services"]
# The ports of the document at which a node of any type listens, in whatever release and runtime.
PORTS = {"tcp/22", "tcp/80", "tcp/443", "tcp/5050", "tcp/5054", "tcp/5098", "tcp/8080", "tcp/8443", "udp/123", "udp/161"}


@pytest.fixture(scope="module")
def said() -> Run:
    reports = KEPT / "verify"
    return attempt(playbook=VERIFY, variables={"avi_verify_vantage": "clients:strangers", "avi_verify_dir": str(reports)})


@pytest.fixture(scope="module")
def cells(said) -> list[dict]:
    return json.loads((KEPT / "verify" / "verify.json").read_text(encoding="utf-8"))["cells"]


def test_it_finds_all_as_planned(said):
    assert said.code == 0, said.output
    assert "paths tried: all as planned" in said.output


def test_it_tries_every_port_from_every_host(cells):
    tried = {(cell["source"], cell["address"], f"{cell['protocol']}/{cell['port']}") for cell in cells}
    assert tried == {
        (source, address, port)
        for source in SOURCES
        for destination in MANAGED
        if destination != source
        for address in addresses(destination)
        for port in PORTS
    }
    assert len(tried) == len(cells)


def test_it_expects_what_the_document_says(cells):
    told = Told()
    for cell in cells:
        port = f"{cell['protocol']}/{cell['port']}"
        assert (cell["expected"] == "open") == (port in accepts(cell["destination"], cell["source"], told)), cell


def test_its_probes_and_those_of_these_tests_agree(cells):
    targets = sorted({(cell["address"], cell["protocol"], cell["port"]) for cell in cells})
    words = reach(SOURCES, targets)
    for cell in cells:
        word = words[cell["source"], (cell["address"], cell["protocol"], cell["port"])]
        assert not word.startswith("unknown")
        assert (cell["observed"] == "open") == (word == "open"), (cell, word)
