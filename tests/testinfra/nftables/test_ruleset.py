# Copyright: (c) 2026, avi.firewall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A user loads the ruleset by hand, with its `flush ruleset`: drift that the next run finds, unless it includes our files."""

from __future__ import annotations

import pytest
from expectation import CONTROLLERS, Told, differences
from lab_hosts import changes, listing, machine
from plays import run

HAND = "nft -f /etc/nftables.conf"
# The lines the guide tells users to write, each in its place: one in the table, one where the jump belongs.
INCLUDE = r"""
sed -i -e '/chain unwanted {/i include "/etc/avi-firewall/nftables/*.inet-filter.nft"' \
  -e '/jump unwanted/a include "/etc/avi-firewall/nftables/*.inet-filter-input.nft"' /etc/nftables.conf
"""


@pytest.fixture(scope="module", autouse=True)
def ruleset():
    """Keep the ruleset of the first Controller, which ends in a last rule, and of the second, which ends by policy."""
    for name in CONTROLLERS[:2]:
        machine(name).check_output("cp /etc/nftables.conf /root/nftables.conf")
    yield
    for name in CONTROLLERS[:2]:
        machine(name).check_output("mv /root/nftables.conf /etc/nftables.conf")


@pytest.mark.parametrize("name", CONTROLLERS[:2])
def test_a_flushed_ruleset_is_drift_that_a_check_tells_and_a_run_mends(name):
    before = listing(name)
    machine(name).check_output(HAND)
    assert not differences(None, [name])[name], "the rules should be gone, and the host closed"
    told = run("--check", "--diff", f"--limit={name}")
    assert told.changed[name] == 1
    assert '+rule inet filter input jump avi-con-in comment "avi:controller"' in told.output
    assert not differences(None, [name])[name], "a check should change nothing"
    assert run(f"--limit={name}").changed[name] == 1
    assert changes(before, listing(name)) == []


@pytest.mark.parametrize("name", CONTROLLERS[:2])
def test_the_include_lines_bring_the_rules_back_in_the_same_transaction(name):
    machine(name).check_output(INCLUDE)
    machine(name).check_output(HAND)
    assert differences(Told(), [name])[name] == []
    assert run("--check", f"--limit={name}").changed[name] == 0


@pytest.mark.parametrize("name", CONTROLLERS[:2])
def test_the_include_lines_do_no_harm_without_our_files(name):
    run(f"--limit={name}", variables={"avi_firewall_state": "absent"})
    machine(name).check_output(HAND)
    assert differences(None, [name])[name] == []
    run(f"--limit={name}")
    assert differences(Told(), [name])[name] == []
