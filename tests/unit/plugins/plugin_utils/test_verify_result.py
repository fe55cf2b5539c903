# Copyright: (c) 2026, avi.firewall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import copy

import pytest
from ansible_collections.avi.firewall.plugins.plugin_utils import _verify_result
from ansible_collections.avi.firewall.tests.unit import verify_results
from hypothesis import given
from hypothesis import strategies as st


@pytest.mark.parametrize(
    ("expected", "observed", "passed", "state"),
    [
        ("open", "open", True, "open"),
        ("open", "closed", False, "blocked"),
        ("open", "filtered", False, "blocked"),
        ("open", "rejected", False, "blocked"),
        ("open", "unknown", False, "unknown"),
        ("shut", "open", False, "exposed"),
        ("shut", "closed", False, "exposed"),
        ("shut", "filtered", True, "shut"),
        ("shut", "rejected", True, "shut"),
        ("shut", "unknown", False, "unknown"),
    ],
)
def test_what_passes_and_what_it_is_called(expected, observed, passed, state):
    assert _verify_result.passes(expected, observed) is passed
    assert _verify_result.state({"expected": expected, "observed": observed, "passed": passed}) == state


def broken(**change):
    made = copy.deepcopy(verify_results.mixed())
    made["cells"][0].update(change)
    return made


@pytest.mark.parametrize(
    ("result", "message"),
    [
        ({"format": "avi.firewall/verify/2"}, "verify/2' is not avi.firewall/verify/1"),
        ({"format": "avi.firewall/verify/1", "release": "16.3"}, "lacks cells, hosts, not_tried"),
        (broken(passed=False), "con1 to con2 tcp/22: passed is False, with open expected and open observed"),
        (broken(observed="unknown"), "passed is True, with open expected and unknown observed"),
        (broken(observed="closed", expected="shut"), "passed is True, with shut expected and closed observed"),
        (broken(observed="maybe"), "observed 'maybe' is not one of open, closed, filtered, rejected, unknown"),
        (broken(expected="closed"), "expected 'closed' is not one of open, shut"),
        (broken(source="con9"), "the source is not in hosts"),
    ],
)
def test_a_result_that_contradicts_itself_is_refused(result, message):
    with pytest.raises(_verify_result.VerifyResultError, match=message):
        _verify_result.read(result)


def test_a_cell_that_lacks_a_key_and_a_host_said_twice_are_refused():
    lacking, twice = verify_results.mixed(), verify_results.mixed()
    del lacking["cells"][3]["detail"]
    twice["hosts"].append(twice["hosts"][0])
    for result, message in ((lacking, "a cell lacks detail"), (twice, "twice")):
        with pytest.raises(_verify_result.VerifyResultError, match=message):
            _verify_result.read(result)


@pytest.mark.parametrize(
    ("names", "shown"),
    [
        (["se10", "se9", "se11", "se1"], "se1, se9…se11"),
        (["a1", "a2"], "a1, a2"),
        (["a09", "a10", "a11"], "a09…a11"),
        (["a9", "a010", "a11"], "a9, a010, a11"),
        (["se1.dc2.example", "se2.dc2.example", "se3.dc2.example"], "se1.dc2.example…se3.dc2.example"),
        (["a1.b1", "a1.b2", "a2.b2", "a3.b2"], "a1.b1, a1.b2, a2.b2, a3.b2"),
        (["stranger"], "stranger"),
        ([], ""),
    ],
)
def test_names_as_a_person_would_write_them(names, shown):
    assert _verify_result.ranges(names) == shown


@given(st.sets(st.integers(0, 40)))
def test_a_range_stands_for_exactly_its_names(numbers):
    shown = _verify_result.ranges(f"h{number}" for number in numbers)
    found = set()
    for part in filter(None, shown.split(", ")):
        first, _sign, last = part.partition("…")
        found |= set(range(int(first[1:]), int((last or first)[1:]) + 1))
    assert found == numbers


PAIRS = [(source, destination) for source in "abcd" for destination in "abcd" if source != destination]


@given(st.sets(st.tuples(st.sampled_from(PAIRS), st.sampled_from([22, 443]), st.sampled_from([0, 1])), max_size=48))
def test_differences_put_together_say_no_more_and_no_less(wrong):
    hosts = [verify_results.host(name, number, "controller") for number, name in enumerate("abcd", 1)]
    known = {host["name"]: host for host in hosts}
    cells = [
        verify_results.cell(
            known[source],
            known[destination],
            "tcp",
            port,
            "shut",
            address=known[destination]["addresses"][at],
            observed="open" if ((source, destination), port, at) in wrong else "filtered",
        )
        for source, destination in PAIRS
        for port in (22, 443)
        for at in (0, 1)
    ]
    said = [
        ((source, destination), int(port.partition("/")[2]), ["IPv4", "IPv6"].index(family))
        for item in _verify_result.differences(verify_results.result(hosts, cells))
        for source in item.sources
        for destination in item.destinations
        if source != destination
        for port in item.ports
        for family in item.families
    ]
    assert sorted(said) == sorted(wrong)


def test_all_to_all_is_one_difference():
    result = verify_results.site(20, lambda seen: {"observed": "open"} if seen["destination"].startswith("se") else None)
    [found] = _verify_result.differences(result)
    assert (len(found.sources), len(found.destinations), found.ports) == (23, 20, ("tcp/22", "tcp/443", "tcp/8443"))


def test_differences_with_other_causes_stay_apart():
    result = verify_results.site(3, lambda seen: {"observed": "open", "causes": [seen["source"]]} if seen["destination"] == "se1" else None)
    assert len(_verify_result.differences(result)) == 5


@pytest.mark.parametrize(
    ("counted", "said"),
    [
        ({"open": 12000, "shut": 345, "not_tried": 14}, "12,345 paths tried: all as planned; 14 not tried"),
        ({"open": 1}, "1 path tried: all as planned"),
        ({"open": 7, "exposed": 1, "blocked": 2}, "10 paths tried: 3 differ"),
        ({"shut": 1, "exposed": 1, "unknown": 4, "not_tried": 1}, "6 paths tried: 1 differ, 4 unknown; 1 not tried"),
        ({"unknown": 4}, "4 paths tried: 4 unknown"),
        ({"open": 7, "dropped_out": 1}, "7 paths tried: 1 host failed"),
        ({"open": 7, "exposed": 1, "dropped_out": 2, "not_tried": 3}, "8 paths tried: 1 differ, 2 hosts failed; 3 not tried"),
        ({"not_tried": 4}, "no path was tried; 4 not tried"),
        ({}, "no path was tried"),
    ],
)
def test_verdict(counted, said):
    assert _verify_result.verdict(counted) == said


def test_a_host_that_dropped_out_is_counted_and_no_path():
    gone = {"peer": "anyone", "networks": [], "destination": "con9", "ports": [], "why": "the host failed before anything was tried"}
    assert _verify_result.counts({"cells": [], "not_tried": [gone]}) == {"dropped_out": 1}


@given(st.text())
def test_printable_leaves_nothing_that_acts(text):
    shown = _verify_result.printable(text)
    assert shown.isprintable()
    shown.encode("utf-8")
    assert shown == text or not text.isprintable()
