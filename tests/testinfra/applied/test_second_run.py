# Copyright: (c) 2026, avi.firewall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A second run is quiet: no change, and one module call on each host besides facts. Molecule's own step asks for the first alone."""

from __future__ import annotations

import pytest
from expectation import MANAGED
from lab_hosts import changes, everywhere, journal_end, listing, modules_since
from plays import run


@pytest.fixture(scope="module")
def second():
    """Return what a further run changed, which modules ran on each host, how its rules differ, and of what it warned."""
    before, ends = everywhere(listing, MANAGED), everywhere(journal_end, MANAGED)
    with pytest.MonkeyPatch.context() as patch:
        # As most people have it, and Ansible then warns of more.
        patch.setenv("ANSIBLE_INJECT_FACT_VARS", "1")
        said = run()
    changed = said.changed
    warnings = [line for line in said.output.splitlines() if "[WARNING]" in line]
    modules = everywhere(lambda name: modules_since(name, ends[name]), MANAGED)
    after = everywhere(listing, MANAGED)
    return {name: (changed[name], modules[name], changes(before[name], after[name]), warnings) for name in MANAGED}


@pytest.mark.parametrize("name", MANAGED)
def test_it_says_nothing_changed(second, name):
    assert second[name][0] == 0


@pytest.mark.parametrize("name", MANAGED)
def test_it_calls_one_module(second, name):
    assert len(second[name][1]) == 1, second[name][1]


@pytest.mark.parametrize("name", MANAGED)
def test_it_changes_nothing(second, name):
    assert not second[name][2], "\n".join(second[name][2])


def test_it_warns_of_nothing(second):
    assert second[MANAGED[0]][3] == []
