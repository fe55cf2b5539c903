# Copyright: (c) 2026, avi.firewall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The page of a verification as a real browser shows it. A browser that is missing is an error: `make browser` installs it."""

from __future__ import annotations

import pytest
from ansible_collections.avi.firewall.plugins.plugin_utils import _verify_page
from ansible_collections.avi.firewall.tests.unit import verify_results

DIFFERENCES = "#differences tbody tr"
ROWS = "#picture tr[data-find]"
LOOK = "const cell = document.querySelector(arguments[0]); return [cell.innerText[0], getComputedStyle(cell).color]"


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    """Return a function that writes the page of a result, once, and returns its address."""
    written = {}

    def address(make):
        if make not in written:
            path = tmp_path_factory.mktemp("pages") / f"{make.__name__}.html"
            path.write_text(_verify_page.page(make()), encoding="utf-8")
            written[make] = path.as_uri()
        return written[make]

    return address


def test_verdict_and_counts(browser, pages):
    browser.open(pages(verify_results.mixed))
    assert browser.shown(".verdict strong") == ["924 paths tried: 12 differ, 2 unknown; 9 not tried"]
    assert [text.split("\n")[1:] for text in browser.shown(".legend li")] == [
        ["93", "open as planned"],
        ["817", "shut as planned"],
        ["9", "open but should be shut"],
        ["3", "shut but should be open"],
        ["2", "unknown"],
        ["9", "not tried"],
    ]


def test_every_difference_is_shown_with_its_cause(browser, pages):
    browser.open(pages(verify_results.mixed))
    assert [" ".join(text.split()) for text in browser.shown(DIFFERENCES)] == [
        f"▲ se1…se3, stranger 4 hosts con2 tcp/443 IPv4, IPv6 shut open {verify_results.NO_ROW} 8 paths",
        f"▲ stranger con2 tcp/80 IPv4 shut closed {verify_results.NO_ROW} seen: connection refused 1 path",
        f"✕ jump1 con3 tcp/22 IPv6 open filtered {verify_results.DROPPED} 1 path, row ssh",
        f"✕ se3 con1 tcp/8443 IPv4, IPv6 open filtered {verify_results.NO_RULE} seen: no answer in 2 s 2 paths, row system_portal",
        f"? services node1 tcp/22 IPv4, IPv6 shut unknown {verify_results.SILENT} seen: exit status 127 2 paths",
    ]
    assert [" ".join(text.split()) for text in browser.shown("#untried tbody tr")] == [
        "management client 192.0.2.0/24 con1…con3 3 hosts tcp/22, tcp/443, udp/161 9 no host of the inventory has an address there"
    ]


def test_symbols_are_drawn_in_colours_of_their_own(browser, pages):
    browser.open(pages(verify_results.mixed))
    for scheme in ("light", "dark"):
        browser.command("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
        looks = {state: browser.run(LOOK, f".grid td.{state}") for state in ("open", "shut", "exposed", "blocked", "unknown", "untried")}
        assert [symbol for symbol, _colour in looks.values()] == ["●", "·", "▲", "✕", "?", "○"]
        assert len({colour for state, (_symbol, colour) in looks.items() if state != "untried"}) == 5
        back = browser.run("return getComputedStyle(document.body).backgroundColor")
        assert back == {"light": "rgb(255, 255, 255)", "dark": "rgb(17, 21, 27)"}[scheme]
    browser.command("Emulation.setEmulatedMedia", features=[])


def test_the_filter_hides_what_does_not_match(browser, pages):
    browser.open(pages(verify_results.mixed))
    assert (len(browser.shown(DIFFERENCES)), len(browser.shown(ROWS))) == (5, 37)
    browser.type("#filter", "Stranger 443")
    assert [text.split()[1:3] for text in browser.shown(DIFFERENCES)] == [["se1…se3,", "stranger"]]
    assert [text.split()[0] for text in browser.shown(ROWS)] == ["stranger"]
    assert browser.shown("#picture .block th") == ["other"]
    assert browser.shown("#found") == ["2 of 55 lines"]
    assert browser.run("return location.hash") == "#filter=Stranger%20443"


def test_the_filter_can_be_sent_in_the_address(browser, pages):
    browser.open(pages(verify_results.mixed) + "#filter=jump1")
    assert [text.split()[1] for text in browser.shown(DIFFERENCES)] == ["jump1"]
    assert {text.split()[0] for text in browser.shown(ROWS)} == {"jump1"}


def test_a_cell_tells_its_story_to_mouse_and_keyboard(browser, pages):
    browser.open(pages(verify_results.mixed))
    assert browser.shown("#panel") == []
    browser.point(".grid td.blocked")
    assert browser.shown("#panel") == [
        "se3 → con1 tcp/8443\n"
        "10.16.3.23 → 10.16.3.11: expected open, observed filtered\n"
        "fd16:3::23 → fd16:3::11: expected open, observed filtered"
    ]
    browser.run("document.querySelector('#picture .wide').focus()")
    browser.press("tab")
    assert browser.shown("#panel")[0].startswith("con1 → con2 tcp/22\n")
    browser.press("right")
    assert browser.shown("#panel")[0].startswith("con1 → con2 tcp/80\n")
    browser.press("down", "down")  # over con2 itself
    assert browser.shown("#panel")[0].startswith("se1 → con2 tcp/80\n")
    browser.press("escape")
    assert browser.shown("#panel") == []


def test_a_hundred_hosts_stay_legible(browser, pages):
    browser.command("Emulation.setDeviceMetricsOverride", width=1400, height=900, deviceScaleFactor=1, mobile=False)
    browser.open(pages(verify_results.troubled_site))
    assert browser.shown(".verdict strong") == ["62,370 paths tried: 590 differ, 2 unknown; 6 not tried"]
    assert len(browser.shown(ROWS)) == 10
    assert browser.run("return document.documentElement.scrollWidth <= innerWidth")
    assert not [text for text in browser.shown("#hosts td") if text]
    browser.type("#filter", "se42")
    assert [text.split()[0] for text in browser.shown("#picture .grid tr[data-find] th")] == ["se42", "se1…se97"]


@pytest.mark.parametrize("width", [390, 800, 1400])
def test_the_page_itself_never_scrolls_sideways(browser, pages, width):
    browser.command("Emulation.setDeviceMetricsOverride", width=width, height=800, deviceScaleFactor=1, mobile=False)
    browser.open(pages(verify_results.mixed))
    assert browser.run("return document.documentElement.scrollWidth <= innerWidth")
    browser.command("Emulation.clearDeviceMetricsOverride")


def test_it_reads_without_scripts(browser, pages):
    browser.command("Emulation.setScriptExecutionDisabled", value=True)
    try:
        browser.open(pages(verify_results.mixed))
        assert browser.shown(".tools") == []
        assert browser.shown(".verdict strong") == ["924 paths tried: 12 differ, 2 unknown; 9 not tried"]
        assert len(browser.shown(DIFFERENCES)) == 5
        assert browser.run("return document.querySelector('.grid td.blocked').title").startswith("se3 → con1 tcp/8443\n")
    finally:
        browser.command("Emulation.setScriptExecutionDisabled", value=False)


def test_hidden_lists_are_opened_on_paper(browser, pages):
    browser.open(pages(verify_results.mixed))
    assert browser.shown(".paths li") == []
    browser.run("dispatchEvent(new Event('beforeprint'))")
    assert "stranger 10.16.3.51 → con2 10.16.3.12 tcp/80" in browser.shown(".paths li")
    browser.command("Emulation.setEmulatedMedia", media="print")
    assert browser.shown(".tools") == []
    browser.command("Emulation.setEmulatedMedia", media="screen")


def hostile():
    """Return a result whose every text would like to run."""
    text = "</script><script>document.title = 'taken'</script><img src=http://192.0.2.1/ onerror=document.title='taken'>\"'"
    hosts = [verify_results.host(f"{text}{n}", n, "controller", backend=text) for n in (1, 2)]
    return verify_results.everyone(hosts, lambda _seen: {"observed": "unknown", "detail": text, "causes": [text], "row": text})


@pytest.mark.parametrize("make", [verify_results.mixed, verify_results.troubled_site, hostile])
def test_nothing_is_asked_for_on_the_network(browser, pages, make):
    browser.requests()
    browser.open(pages(make))
    browser.point(".grid td[title]")
    assert [address for address in browser.requests() if address != "about:blank"] == [pages(make)]
    assert browser.run("return document.title") == "Who reaches whom"
