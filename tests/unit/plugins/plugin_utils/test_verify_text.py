# Copyright: (c) 2026, avi.firewall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.avi.firewall.plugins.plugin_utils import _verify_text
from ansible_collections.avi.firewall.tests.unit import verify_results

MIXED = """\
from                        to                  tried  as planned  differ  unknown
controller (3)              controller (3)         96          96
controller (3)              service_engine (3)     54          54
controller (3)              cluster_node (3)       54          54
service_engine (3)          controller (3)        144         136       8
service_engine (3)          service_engine (3)     36          36
service_engine (3)          cluster_node (3)       54          54
cluster_node (3)            controller (3)        144         144
cluster_node (3)            service_engine (3)     54          54
cluster_node (3)            cluster_node (3)       36          36
management_client (1)       controller (3)         48          47       1
management_client (1)       service_engine (3)     18          18
management_client (1)       cluster_node (3)       18          18
other (1)                   controller (3)         48          45       3
other (1)                   service_engine (3)     18          18
other (1)                   cluster_node (3)       18          18
ntp_server, dns_server (1)  controller (3)         48          48
ntp_server, dns_server (1)  service_engine (3)     18          18
ntp_server, dns_server (1)  cluster_node (3)       18          16                2

Differences

from                   to     port      over        expected             observed
se1…se3, stranger (4)  con2   tcp/443   IPv4, IPv6  shut                 open
    · No row of the matrix asks for this path, and the zone public of con2 lets in the service https
      from everywhere.
stranger               con2   tcp/80    IPv4        shut                 closed
    · No row of the matrix asks for this path, and the zone public of con2 lets in the service https
      from everywhere.
    · seen: connection refused
jump1                  con3   tcp/22    IPv6        open: ssh            filtered
    · Another device between them drops IPv6: the counters of con3 saw no packet.
se3                    con1   tcp/8443  IPv4, IPv6  open: system_portal  filtered
    · The rules on con1 name only 10.16.3.21 and 10.16.3.22 for this port: apply the plan again on
      con1.
    · seen: no answer in 2 s
services               node1  tcp/22    IPv4, IPv6  shut                 unknown
    · The probe on services could not be started: /usr/bin/python3 is missing.
    · seen: exit status 127

closed: the host answered that nothing listens there, so its firewall let the packet through

Not tried

management_client: 9 paths, no host of the inventory has an address there
    192.0.2.0/24 → con1…con3 (3) tcp/22, tcp/443, udp/161

924 paths tried: 12 differ, 2 unknown; 9 not tried
"""


def test_one_of_everything():
    assert _verify_text.summary(verify_results.mixed()) == MIXED


def test_all_as_planned_says_nothing_of_differences():
    text = _verify_text.summary(verify_results.everyone(verify_results.lab()))
    assert text.splitlines()[-2:] == ["", "924 paths tried: all as planned"]
    assert "Differences" not in text
    assert "Not tried" not in text


def test_a_host_that_dropped_out_is_named():
    gone = {"peer": "anyone", "networks": [], "destination": "con9", "ports": [], "why": "the host failed before anything was tried"}
    lines = _verify_text.summary({**verify_results.everyone(verify_results.lab()), "not_tried": [gone]}).splitlines()
    assert lines[-5:] == [
        "Not tried",
        "",
        "con9: the host failed before anything was tried",
        "",
        "924 paths tried: 1 host failed",
    ]


def test_nothing_tried_is_no_success():
    assert _verify_text.summary(verify_results.result([], [])) == "no path was tried\n"


def test_a_hundred_hosts_fit_on_a_screen():
    lines = _verify_text.summary(verify_results.troubled_site()).splitlines()
    assert len(lines) < 24
    assert "se1…se97 (97)              con1      tcp/8443  IPv4, IPv6  open: system_portal  filtered" in lines
    assert "con1…con3, se1…se97 (100)  se7, se8  tcp/22    IPv4, IPv6  shut                 open" in lines
    assert lines[-1] == "62,370 paths tried: 590 differ, 2 unknown; 6 not tried"


@pytest.mark.parametrize("width", [72, 80, 100, 200])
@pytest.mark.parametrize("names", [["short"], [f"{'long' * 20}{n}x{n}" for n in range(12)]])
def test_lines_keep_to_the_width(width, names):
    hosts = [verify_results.host(name, n, "controller") for n, name in enumerate(names)] + [verify_results.host("x", 99, "controller")]
    result = verify_results.everyone(
        hosts, lambda seen: {"observed": "rejected", "causes": ["y" * 300]} if seen["expected"] == "open" else None
    )
    result["not_tried"] = [{"peer": "p", "networks": ["192.0.2.0/24"] * 9, "destination": "x", "ports": ["tcp/1"], "why": "word " * 40}]
    assert max(map(len, _verify_text.summary(result, width).splitlines())) <= width


@pytest.mark.parametrize(
    ("details", "told"),
    [
        (3, ["seen: at 0", "seen: at 1", "seen: at 2"]),
        (4, ["seen: at 0", "seen: at 1", "seen: at 2", "and 1 more of the kind"]),
        (1203, ["seen: at 0", "seen: at 1", "seen: at 2", "and 1,200 more of the kind"]),
    ],
)
def test_no_more_than_three_details_are_shown(details, told):
    one, other = verify_results.host("se1", 21, "service_engine"), verify_results.host("con1", 11, "controller")
    cells = [verify_results.cell(one, other, "tcp", 22, "open", observed="filtered", detail=f"at {number}") for number in range(details)]
    text = _verify_text.summary(verify_results.result([one, other], cells))
    assert [line.strip(" ·") for line in text.splitlines() if line.startswith("    ·")] == told


def test_plain_is_ascii():
    text = _verify_text.summary(verify_results.mixed(), plain=True)
    assert text.isascii()
    assert "se1...se3, stranger (4)" in text
    assert "192.0.2.0/24 -> con1...con3 (3)" in text


def test_no_text_reaches_the_terminal_as_a_command():
    hosts = [verify_results.host("a\x1b[2Jb", 1, "controller"), verify_results.host("c\u202ed", 2, "controller")]
    hostile = {"observed": "unknown", "detail": "x\ny\x07", "causes": ["\x9b31m"]}
    text = _verify_text.summary(verify_results.everyone(hosts, lambda _seen: hostile))
    assert text.replace("\n", "").isprintable()
    assert "a\\x1b[2Jb" in text
    assert "seen: x\\ny\\x07" in text


def test_same_input_same_text():
    assert _verify_text.summary(verify_results.troubled_site(20)) == _verify_text.summary(verify_results.troubled_site(20))
