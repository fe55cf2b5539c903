# Copyright: (c) 2026, avi.firewall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import itertools

import pytest
from ansible_collections.avi.firewall.plugins.plugin_utils import _handover_picture, _handover_report
from ansible_collections.avi.firewall.tests.unit import handover_site


def flow(source, destination, port=22, protocol="tcp", sources=("192.0.2.11/32",), destinations=("192.0.2.25/32",)):
    known = {"name": f"row_{port}", "why": "", "document": "matrix_page", "feature": None, "release": "22.1"}
    networks = {"source_networks": list(sources), "destination_networks": list(destinations)}
    return {"source": source, "destination": destination, "protocol": protocol, "port": port, **networks, **known}


def draw(*flows):
    return _handover_picture.picture(_handover_report.report(flows, {}, {}, {}))


def texts(box):
    return [line["text"] for line in box["lines"]]


def box(picture, name):
    return next(one for one in picture["boxes"] if texts(one)[0] == name)


def told(picture):
    """Return the arrows as (who calls, who is called, ports), by the boxes that they touch."""
    found = []
    for arrow in picture["arrows"]:
        there = [one for one in picture["boxes"] if one["y"] <= arrow["y"] <= one["y"] + one["height"]]
        near = {
            end: min(there, key=lambda one, x=arrow[end]: min(abs(one["x"] - x), abs(one["x"] + one["width"] - x)))
            for end in ("from", "to")
        }
        found.append((texts(near["from"])[0], texts(near["to"])[0], *texts(arrow)))
    return found


SITE = [
    ("service engine", "controller", "tcp 22, 8443", "udp 123", "icmp echo"),
    ("controller", "service engine", "icmp echo"),
    ("management client", "controller", "tcp 22, 80, 443", "udp 161"),
    ("controller", "smtp server", "tcp 25"),
    ("controller", "dns server", "udp 53"),
    ("controller", "ldap server", "tcp 389, 636", "udp 389"),
    ("controller", "syslog server", "tcp 514"),
    ("controller", "vcenter", "tcp 443"),
]


def test_the_picture_of_the_realistic_site_has_a_box_for_each_end():
    picture = _handover_picture.picture(handover_site.report())
    assert told(picture) == SITE
    assert texts(box(picture, "service engine")) == [
        "service engine",
        "200 hosts",
        "50 in 10.16.1.0/24",
        # 101 to 127, and the network of tomorrow's, 128 to 255.
        "155 in 10.16.2.0/24",
        "50 in 10.16.3.0/24",
        "203.0.113.8/30",
        "50 in 2001:db8:1::/64",
        "50 in 2001:db8:4::/64",
        "among each other:",
        "tcp 9001",
    ]
    assert texts(box(picture, "controller"))[-1] == "tcp 22, 443, 8443"
    assert [one["hub"] for one in picture["boxes"]].count(True) == 1
    assert "service engine to controller: tcp 22, 8443, udp 123, icmp echo; " in picture["told"]


def drawn_box(x, y, height, *lines, hub=False):
    return {"x": x, "y": y, "width": 280, "height": height, "hub": hub, "lines": list(lines)}


def drawn_arrow(start, end, y, *lines):
    return {"from": start, "to": end, "y": y, "lines": list(lines)}


def line(x, y, kind, text):
    return {"x": x, "y": y, "kind": kind, "text": text}


def test_the_whole_picture_of_a_small_site():
    """Lines are 17 apart, a box leaves 14 above and below, an arrow takes 20 below its ports and is 7 short for its tip."""
    ends = [
        {"name": "controller", "hosts": 1003, "networks": ["192.0.2.11/32", "192.0.2.12/31"]},
        {"name": "service_engine", "hosts": 1, "networks": ["10.4.0.0/24"]},
        {"name": "smtp_server", "hosts": None, "networks": ["192.0.2.25/32"]},
        {"name": "dns_server", "hosts": None, "networks": ["192.0.2.53/32"]},
        {"name": "hsm", "hosts": None, "networks": ["192.0.2.90/32"]},
    ]
    flows = [
        flow("controller", "controller", 22),
        flow("service_engine", "controller", 8443),
        flow("service_engine", "controller", 22),
        flow("service_engine", "controller", 123, "udp"),
        flow("controller", "service_engine", None, "icmp"),
        flow("controller", "smtp_server", 25),
        flow("controller", "dns_server", 53, "udp"),
        flow("service_engine", "hsm", 1792),
    ]
    assert _handover_picture.picture({"ends": ends, "flows": flows}) == {
        "width": 1240,
        "height": 303,
        "boxes": [
            drawn_box(
                480,
                0,
                148,
                line(494, 36, "name", "controller"),
                line(494, 53, "size", "1,003 hosts"),
                line(494, 70, "network", "192.0.2.11"),
                line(494, 87, "network", "192.0.2.12/31"),
                line(494, 104, "size", "among each other:"),
                line(494, 121, "port", "tcp 22"),
                hub=True,
            ),
            drawn_box(
                0,
                14,
                119,
                line(14, 61, "name", "service engine"),
                line(14, 78, "size", "1 host"),
                line(14, 95, "network", "10.4.0.0/24"),
            ),
            drawn_box(960, 0, 65, line(974, 28, "name", "smtp server"), line(974, 45, "network", "192.0.2.25")),
            drawn_box(960, 83, 65, line(974, 111, "name", "dns server"), line(974, 128, "network", "192.0.2.53")),
            drawn_box(
                0,
                184,
                119,
                line(14, 231, "name", "service engine"),
                line(14, 248, "size", "1 host"),
                line(14, 265, "network", "10.4.0.0/24"),
            ),
            drawn_box(480, 184, 119, line(494, 239, "name", "hsm"), line(494, 256, "network", "192.0.2.90")),
        ],
        "arrows": [
            drawn_arrow(280, 473, 72, line(380, 48, "port", "tcp 22, 8443"), line(380, 65, "port", "udp 123")),
            drawn_arrow(480, 287, 109, line(380, 102, "port", "icmp echo")),
            drawn_arrow(760, 953, 41, line(860, 34, "port", "tcp 25")),
            drawn_arrow(760, 953, 124, line(860, 117, "port", "udp 53")),
            drawn_arrow(280, 473, 252, line(380, 245, "port", "tcp 1792")),
        ],
        "told": "controller to controller: tcp 22; service engine to controller: tcp 22, 8443, udp 123; "
        "controller to service engine: icmp echo; controller to smtp server: tcp 25; controller to dns server: udp 53; "
        "service engine to hsm: tcp 1792.",
    }


def test_ends_without_a_controller_are_one_below_the_other():
    picture = draw(
        flow("service_engine", "service_engine", 9001),
        flow("service_engine", "hsm", 1792),
        flow("ako", "ako", 1, sources=["192.0.2.25/32"]),
    )
    assert (picture["width"], picture["height"]) == (760, 245)
    assert [(texts(one)[0], one["x"], one["y"], one["height"]) for one in picture["boxes"]] == [
        ("service engine", 0, 0, 113),
        ("hsm", 480, 0, 113),
        ("ako", 0, 149, 96),
    ]


def test_a_picture_is_as_high_as_what_its_boxes_tell():
    alone = draw(flow("controller", "controller", 22))
    assert (alone["height"], [one["height"] for one in alone["boxes"]]) == (113, [113])


def test_boxes_below_are_as_high_as_the_ports_between_them():
    picture = draw(
        *(flow("service_engine", "hsm", 1792, protocol) for protocol in ("tcp", "udp")), flow("service_engine", "hsm", None, "icmp")
    )
    assert ([one["height"] for one in picture["boxes"]], picture["height"], picture["arrows"][0]["y"]) == ([99, 99], 99, 75)


def sound(picture):
    """Nothing covers anything else, all is on the sheet, and at whole numbers, or lines would be blurred."""
    boxes, arrows = picture["boxes"], picture["arrows"]
    for one in [*boxes, *arrows, *(line for part in [*boxes, *arrows] for line in part["lines"])]:
        assert all(isinstance(value, int | str | list) for value in one.values())
    for one, other in itertools.combinations(boxes, 2):
        assert (
            one["x"] + one["width"] <= other["x"]
            or other["x"] + other["width"] <= one["x"]
            or one["y"] + one["height"] <= other["y"]
            or other["y"] + other["height"] <= one["y"]
        )
    for one in boxes:
        assert one["x"] >= 0
        assert one["y"] >= 0
        assert one["x"] + one["width"] <= picture["width"]
        assert one["y"] + one["height"] <= picture["height"]
        for line in one["lines"]:
            assert one["y"] + 12 <= line["y"] <= one["y"] + one["height"]
            assert len(line["text"]) * 6.5 <= one["width"] - 22
    rows = sorted((min(arrow["from"], arrow["to"]), line["y"]) for arrow in arrows for line in arrow["lines"])
    assert all(second - first >= 14 for (column, first), (same, second) in itertools.pairwise(rows) if column == same)
    for arrow in arrows:
        assert all(line["y"] < arrow["y"] for line in arrow["lines"])
        assert all(len(line["text"]) * 6.5 <= abs(arrow["to"] - arrow["from"]) for line in arrow["lines"])


CROWD = [
    *(flow("management_client", "controller", port, protocol) for port in range(1000, 60000, 997) for protocol in ("tcp", "udp")),
    *(flow("controller", "service_engine", None, protocol) for protocol in ("icmp", "ip-63", "ip-97")),
    *(flow("service_engine", "controller", 8443, sources=[f"10.{n}.0.0/16" for n in range(100)]) for _once in "1"),
    *(flow("controller", end, 443) for end in ("smtp_server", "openstack_keystone", "kubernetes_master", "openshift_node", "vcenter")),
    flow("service_engine", "hsm", 1792),
    flow("service_engine", "service_engine", 9001),
    flow("ako", "controller", 443, sources=["2001:db8:1234:5678:9abc:def0:1234:5678/128"]),
]


# One more line of networks than of ports.
ODD = [
    flow("controller", "ldap_server", 389, destinations=[f"192.0.2.{n}/32" for n in (40, 42, 44)]),
    flow("service_engine", "hsm", 1792, destinations=[f"192.0.2.{n}/32" for n in (50, 52, 54)]),
]


@pytest.mark.parametrize("flows", [CROWD, CROWD[-3:-2], CROWD[-2:-1], [], CROWD[:5], ODD])
def test_nothing_covers_anything_else(flows):
    sound(draw(*flows))


def test_the_realistic_picture_is_sound():
    picture = _handover_picture.picture(handover_site.report())
    sound(picture)
    assert (picture["width"], picture["height"]) == (1240, 428)


def test_what_concerns_no_controller_is_below():
    picture = draw(*CROWD)
    assert ("service engine", "hsm", "tcp 1792") in told(picture)
    hub = next(one for one in picture["boxes"] if one["hub"])
    assert box(picture, "hsm")["y"] > hub["height"]
    assert told(draw(flow("service_engine", "hsm", 1792))) == [("service engine", "hsm", "tcp 1792")]


def test_what_only_talks_among_itself_is_a_box():
    (alone,) = draw(flow("service_engine", "service_engine", 9001))["boxes"]
    assert texts(alone)[-2:] == ["among each other:", "tcp 9001"]


@pytest.mark.parametrize(
    ("networks", "shown"),
    [
        (["192.0.2.1/32", "10.0.0.0/24", "2001:db8::1/128"], ["192.0.2.1", "10.0.0.0/24", "2001:db8::1"]),
        ([f"10.0.0.{n}/32" for n in range(0, 20, 2)], ["10 in 10.0.0.0/24"]),
        ([f"10.0.0.{n}/32" for n in range(0, 10, 2)], [f"10.0.0.{n}" for n in range(0, 10, 2)]),
        ([f"10.0.{n}.0/32" for n in range(5)], [f"10.0.{n}.0" for n in range(5)]),
        ([f"10.0.{n}.1/32" for n in range(6)], [f"10.0.{n}.1" for n in range(6)]),
        ([f"10.0.{n}.0/24" for n in range(0, 14, 2)], [*(f"10.0.{n}.0/24" for n in range(0, 10, 2)), "and 2 more networks"]),
        (
            [*(f"2001:db8::{n:x}:0:0:0/80" for n in range(1, 9, 2)), "10.0.0.0/8", "2001:db8:1::/48"],
            ["10.0.0.0/8", "part of 2001:db8::/64", "2001:db8:1::/48"],
        ),
    ],
)
def test_networks_in_few_lines(networks, shown):
    assert sorted(_handover_picture.summary(networks)) == sorted(shown)


def test_a_line_of_ports_is_no_wider_than_the_way_between_two_boxes():
    flows = [flow("ako", "controller", port) for port in (22, 80, 443, 900, 8443, 9001, 9002)]
    (arrow,) = draw(*flows, flow("ako", "controller", None, "ip-97"), flow("ako", "controller", None, "ip-63"))["arrows"]
    assert texts(arrow) == ["tcp 22, 80, 443, 900, 8443,", "  9001, 9002", "IP protocol 63", "IP protocol 97"]


@pytest.mark.parametrize(
    ("lengths", "shown"),
    [
        ((112, 113, 118, 119, 121, 124, 125, 126, 127, 128), "99,999 in 2001:db8::/64"),
        ((112, 113, 118, 119, 121, 123), "part of 2001:db8::/64"),
    ],
)
def test_of_a_hundred_thousand_addresses_no_number_is_told(lengths, shown):
    assert _handover_picture.summary([f"2001:db8:0:0:{place}::/{length}" for place, length in enumerate(lengths, 1)]) == [shown]
