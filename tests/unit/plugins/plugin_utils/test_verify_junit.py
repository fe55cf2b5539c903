# Copyright: (c) 2026, avi.firewall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from xml.etree import ElementTree

import pytest
from ansible_collections.avi.firewall.plugins.plugin_utils import _verify_junit
from ansible_collections.avi.firewall.tests.unit import verify_results
from hypothesis import given
from hypothesis import strategies as st

A, B = verify_results.host("a", 1, "controller"), verify_results.host("b", 2, "controller")


def small():
    return verify_results.result(
        [A, B],
        [
            verify_results.cell(A, B, "tcp", 22, "open"),
            verify_results.cell(A, B, "tcp", 80, "shut", observed="closed", detail="RST", causes=["Nobody asked for <80>."]),
            verify_results.cell(A, B, "tcp", 443, "open", observed="unknown", row="https", peer="management_client"),
            verify_results.cell(B, A, "udp", 123, "open", observed="unknown", detail="none"),
        ],
        [{"peer": "management_client", "networks": ["192.0.2.0/24"], "destination": "a", "ports": ["tcp/443"], "why": "nobody there"}],
    )


SMALL = """\
<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="avi.firewall.verify" tests="3" failures="1" errors="1" skipped="1" time="0">
  <testsuite name="a" tests="2" failures="0" errors="1" skipped="1" time="0">
    <testcase classname="a" name="from b" time="0">
      <error type="unknown" message="1 of 1 paths unknown">10.16.3.2 to 10.16.3.1 udp/123: expected open, observed unknown (none)</error>
    </testcase>
    <testcase classname="a" name="from management_client at 192.0.2.0/24: tcp/443" time="0">
      <skipped message="not tried: nobody there" />
    </testcase>
  </testsuite>
  <testsuite name="b" tests="1" failures="1" errors="0" skipped="0" time="0">
    <testcase classname="b" name="from a" time="0">
      <failure type="difference" message="2 of 3 paths not as planned">10.16.3.1 to 10.16.3.2 tcp/80: expected shut, observed closed (RST)
    Nobody asked for &lt;80&gt;.
10.16.3.1 to 10.16.3.2 tcp/443: expected open by row https for management_client, observed unknown</failure>
    </testcase>
  </testsuite>
</testsuites>
"""


def test_small():
    assert _verify_junit.junit(small()) == SMALL


def test_a_host_that_dropped_out_is_an_error():
    gone = {"peer": "anyone", "networks": [], "destination": "c", "ports": [], "why": "the host failed before anything was tried"}
    root = ElementTree.fromstring(_verify_junit.junit(verify_results.result([A], [], [gone])))  # noqa: S314
    assert (root.get("tests"), root.get("errors"), root.get("skipped")) == ("1", "1", "0")
    assert root.find("testsuite/testcase[@classname='c']/error").get("message") == gone["why"]


def test_same_input_same_document():
    assert _verify_junit.junit(small()) == _verify_junit.junit(small())


@pytest.mark.parametrize("result", [small(), verify_results.mixed(), verify_results.troubled_site(20), verify_results.result([], [])])
def test_totals_are_what_stands_there(result):
    root = ElementTree.fromstring(_verify_junit.junit(result))  # noqa: S314
    for suite in [root, *root.iter("testsuite")]:
        counted = {tag: len(list(suite.iter(tag))) for tag in ("testcase", "failure", "error", "skipped")}
        assert {key: int(suite.get(key)) for key in ("tests", "failures", "errors", "skipped")} == {
            "tests": counted["testcase"],
            "failures": counted["failure"],
            "errors": counted["error"],
            "skipped": counted["skipped"],
        }
    pairs = {(cell["source"], cell["destination"]) for cell in result["cells"]}
    assert int(root.get("tests")) == len(pairs) + len(result["not_tried"])
    names = [(case.get("classname"), case.get("name")) for case in root.iter("testcase")]
    assert len(names) == len(set(names))
    for case in root.iter("testcase"):
        assert len(case) <= 1


@given(st.text(st.characters(exclude_categories=())), st.text(st.characters(exclude_categories=())))
def test_every_text_makes_a_document_that_can_be_read(name, cause):
    host = verify_results.host(f"h{name}", 3, "controller")
    cells = [verify_results.cell(A, host, "tcp", 22, "shut", observed="open", detail=cause, causes=[cause])]
    absent = [{"peer": cause, "networks": [name], "destination": name, "ports": ["tcp/1"], "why": cause}]
    document = _verify_junit.junit(verify_results.result([A, host], cells, absent))
    root = ElementTree.fromstring(document.encode("utf-8"))  # noqa: S314
    assert (root.get("tests"), root.get("failures"), root.get("skipped")) == ("2", "1", "1")
