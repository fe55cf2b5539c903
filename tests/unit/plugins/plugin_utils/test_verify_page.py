# Copyright: (c) 2026, avi.firewall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import random
import re
from html.parser import HTMLParser

import jinja2
import pytest
from ansible_collections.avi.firewall.plugins.plugin_utils import _page, _verify_page
from ansible_collections.avi.firewall.tests.unit import verify_results


class Reader(HTMLParser):
    """What a page holds: its elements, and the text of every row of a table. Complains of tags that do not close."""

    VOID = ("meta", "link", "input", "col")

    def __init__(self, page):
        super().__init__()
        self.elements, self.rows, self._open = [], [], []
        self.feed(page)
        assert self._open == []

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self._open.append(tag)
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")

    def handle_endtag(self, tag):
        assert self._open.pop() == tag

    def handle_data(self, data):
        if {"td", "th"} & set(self._open):
            self.rows[-1][-1] += data

    def lines(self):
        return [[" ".join(cell.split()) for cell in row] for row in self.rows]

    def cells(self, state):
        return [attrs.get("title") for tag, attrs in self.elements if tag == "td" and attrs.get("class", "").split()[:1] == [state]]


def test_the_picture_of_one_of_everything():
    rows = Reader(_verify_page.page(verify_results.mixed())).lines()
    to_controllers = {row[0]: row[1:] for row in rows[[row[0] for row in rows].index("con1") - 1 :] if len(row) == 25}
    ports = "22 80 123/udp 161/udp 443 5054 8443 9443"
    assert [" ".join(row[1:9]) for row in rows if len(row) == 25 and row[0] == ""] == [ports]
    assert "".join(to_controllers["con1"]) == "●·····●·●·····●·"
    assert "".join(to_controllers["se1"]) == "●·●···●·●·●·▲·●·●·●···●·"
    assert "".join(to_controllers["se3"]) == "●·●···✕·●·●·▲·●·●·●···●·"
    assert "".join(to_controllers["jump1"]) == "●··●●···●··●●···✕v6··●●···"
    assert "".join(to_controllers["stranger"]) == "·" * 9 + "▲v4··▲" + "·" * 11
    assert "".join(to_controllers["management client"]) == "○○○" * 3


def test_a_cell_tells_its_paths():
    page = Reader(_verify_page.page(verify_results.mixed()))
    assert page.cells("blocked") == [
        "se3 → con1 tcp/8443\n"
        "10.16.3.23 → 10.16.3.11: expected open, observed filtered\n"
        "fd16:3::23 → fd16:3::11: expected open, observed filtered",
        "jump1 → con3 tcp/22\n10.16.3.41 → 10.16.3.13: open as planned\nfd16:3::41 → fd16:3::13: expected open, observed filtered",
    ]
    assert page.cells("unknown")[0].startswith("services → node1 tcp/22\n")
    assert len(page.cells("untried")) == 9


def test_differences_stand_in_full():
    rows = Reader(_verify_page.page(verify_results.mixed())).lines()
    stranger = next(row for row in rows if row[1:3] == ["stranger", "con2"])
    assert stranger[3:6] == ["tcp/80IPv4", "shut", "closed"]
    assert stranger[6].startswith(verify_results.NO_ROW)
    assert stranger[6].endswith("stranger 10.16.3.51 → con2 10.16.3.12 tcp/80")


def test_large_groups_share_lines_and_differing_hosts_stand_out():
    text = _verify_page.page(verify_results.troubled_site())
    assert len(text.encode()) < 2_000_000
    page = Reader(text)
    labels = [row[0] for row in page.lines() if row]
    assert "se1…se41, se43…se97 96" in labels
    assert "se42" in labels
    assert page.cells("exposed")[-1] == "se1…se97 → se7, se8 tcp/22\n384 of 384 paths open but should be shut"


@pytest.mark.parametrize("engines", [12, 13])
def test_hosts_share_a_line_only_in_large_groups(engines):
    labels = [row[0] for row in Reader(_verify_page.page(verify_results.site(engines))).lines() if row]
    assert ("se12" in labels[: labels.index("Host")]) == (engines == 12)


def test_a_site_where_anything_may_be_wrong_stays_a_small_file():
    chance = random.Random(7)  # noqa: S311
    words = ["open", "closed", "filtered", "rejected", "unknown"]

    def differs(_seen):
        return {"observed": chance.choice(words), "causes": [f"Cause {chance.randrange(30)} of some length, as they are."]}

    page = _verify_page.page(verify_results.site(97, differs))
    assert len(page.encode()) < 2_500_000
    assert "more, which the JSON result holds" in page


def test_paths_are_listed_as_long_as_the_file_stays_small():
    def differs(seen):
        return {"observed": "open", "causes": [f"The firewall of {seen['destination']} is off."]} if seen["expected"] == "shut" else None

    page = _verify_page.page(verify_results.site(97, differs))
    assert page.count("<li>se") + page.count("<li>con") == _verify_page.MOST_PATHS
    assert len(page.encode()) < 2_000_000


HOSTILE = """</td></script><script>alert(1)</script>"'><img src=x onerror=alert(1)>{{ 7 * 7 }}&amp;\x00\x1b\ud800"""


def test_hostile_texts_stay_texts():
    hosts = [verify_results.host(f"{HOSTILE}{n}", n, "controller", backend=HOSTILE) for n in (1, 2)]
    hosts += [verify_results.host(f"{HOSTILE}{n}", n, None, [HOSTILE]) for n in range(3, 20)]
    for host in hosts:
        host["addresses"] = [HOSTILE, "::" + HOSTILE]
    result = verify_results.everyone(hosts, lambda _seen: {"observed": "unknown", "detail": HOSTILE, "causes": [HOSTILE], "row": HOSTILE})
    result["not_tried"] = [{"peer": HOSTILE, "networks": [HOSTILE], "destination": hosts[0]["name"], "ports": ["tcp/1"], "why": HOSTILE}]
    result["release"] = HOSTILE
    page = _verify_page.page(result, HOSTILE)
    page.encode("utf-8")
    elements = Reader(page).elements
    tags = [tag for tag, _attrs in elements]
    assert tags.count("script") == 1
    assert "img" not in tags
    assert not [name for _tag, attrs in elements for name in attrs if name.startswith("on")]
    assert "49" not in re.sub(r"sha256-\S+", "", page[: page.index("<style>")])
    assert "<h1>&lt;/td&gt;&lt;/script&gt;&lt;script&gt;alert(1)&lt;/script&gt;&#34;&#39;" in page


@pytest.mark.parametrize("made", [verify_results.mixed, verify_results.troubled_site, lambda: verify_results.result([], [])])
def test_the_page_names_nothing_outside_itself(made):
    page = _verify_page.page(made())
    assert not re.search(r"(?:src|href)=[\"'](?!#|data:,)|url\(|@import|\bfetch\(|XMLHttpRequest|WebSocket", page)
    assert "://" not in page
    assert "default-src 'none'" in page


GONE = {"peer": "anyone", "networks": [], "destination": "con1", "ports": [], "why": "the host failed before anything was tried"}


@pytest.mark.parametrize(
    ("result", "mood", "said"),
    [
        (verify_results.everyone(verify_results.lab()), "good", "None: every path that was tried is as planned."),
        ({**verify_results.everyone(verify_results.lab()), "not_tried": [GONE]}, "bad", "None: every path that was tried is as planned."),
        (verify_results.mixed(), "bad", "12 differ, 2 unknown"),
        (verify_results.result([], []), "none", "Nothing was tried."),
    ],
)
def test_mood(result, mood, said):
    page = _verify_page.page(result)
    assert f'<p class="verdict {mood}">' in page
    assert said in page


def test_same_input_same_bytes():
    assert _verify_page.page(verify_results.troubled_site(20)) == _verify_page.page(verify_results.troubled_site(20))


def test_the_frame_refuses_what_it_was_not_given():
    with pytest.raises(jinja2.UndefinedError, match="no attribute 'symbol'"):
        _page.render("page.html.j2", "Title", [{"name": "open", "meaning": "open", "count": 1}])
