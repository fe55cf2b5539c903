# Copyright: (c) 2026, avi.firewall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The page of a report as a real browser shows it."""

from __future__ import annotations

import pytest
from ansible_collections.avi.firewall.plugins.plugin_utils import _handover_page, _handover_report
from ansible_collections.avi.firewall.tests.unit import handover_site

FLOWS = "#flows tbody tr"
# What a text in the picture sticks out of: its box, or for the ports beside an arrow the room between two boxes.
OUTSIDE = """
const out = [];
for (const group of document.querySelectorAll(".talk g:has(> rect)")) {
  const box = group.querySelector("rect").getBBox();
  for (const text of group.querySelectorAll("text")) {
    const { x, y, width, height } = text.getBBox();
    if (x < box.x || x + width > box.x + box.width || y < box.y || y + height > box.y + box.height) out.push(text.textContent);
  }
}
for (const group of document.querySelectorAll(".talk g:has(> line)")) {
  const line = group.querySelector("line").getBBox();
  for (const text of group.querySelectorAll("text")) {
    const { x, width } = text.getBBox();
    if (x < line.x || x + width > line.x + line.width) out.push(text.textContent);
  }
}
return out;
"""
OVERLAPS = """
const texts = [...document.querySelectorAll(".talk text")].map((one) => [one.textContent, one.getBoundingClientRect()]);
const beside = (one, other) => one.left >= other.right - 1 || other.left >= one.right - 1;
const meet = (one, other) => !beside(one, other) && one.top < other.bottom - 2 && other.top < one.bottom - 2;
return texts.filter(([, one], at) => texts.slice(at + 1).some(([, other]) => meet(one, other))).map(([text]) => text);
"""


def plain():
    return handover_site.report()


def changed():
    return _handover_report.against(handover_site.report(), handover_site.former())


def crowded():
    """Return a report with every end of the matrix, long addresses and many ports."""
    flow = handover_site.flows()[0]
    address = ["2001:db8:1234:5678:9abc:def0:1234:5678/128"]
    ends = ["management_client", "ako", "service_engine", "smtp_server", "openstack_keystone", "kubernetes_master", "openshift_master"]
    pairs = [(end, "controller") for end in ends[:3]] + [("controller", end) for end in ends[2:]] + [("service_engine", "hsm")]
    networks = {"source_networks": address, "destination_networks": address}
    flows = [
        {**flow, **networks, "source": source, "destination": destination, "port": port, "protocol": protocol, "name": f"row_{port}"}
        for source, destination in pairs
        for port in range(50001, 50016)
        for protocol in ("tcp", "udp")
    ]
    return _handover_report.report(flows, {}, {}, {})


def hostile():
    """Return a report whose every text would like to run."""
    text = "</script><script>document.title = 'taken'</script><img src=http://192.0.2.1/ onerror=document.title='taken'>\"'"
    flow = {**handover_site.flows()[0], "name": text, "why": text, "document": text, "feature": text, "release": text}
    return _handover_report.report([flow], {}, {}, {text: ["192.0.2.1"]})


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    """Return a function that writes the page of a report and returns its address."""

    def address(make):
        path = tmp_path_factory.getbasetemp() / f"handover-{make.__name__}.html"
        path.write_text(_handover_page.make(make()), encoding="utf-8")
        return path.as_uri()

    return address


def test_every_flow_is_shown(browser, pages):
    browser.open(pages(plain))
    assert browser.shown(".meta") == ["Release 22.1 · 20 flows that firewalls in between have to let through, from the plan of every host"]
    assert len(browser.shown(FLOWS)) == 20
    assert browser.shown(".legend") == []
    assert browser.run("return [...document.querySelectorAll('.talk .name')].map((one) => one.textContent)") == [
        *("controller", "service engine", "management client", "smtp server"),
        *("dns server", "ldap server", "syslog server", "vcenter"),
    ]
    assert browser.shown("#names tbody td") == ["ldap.example.com", "192.0.2.40, 2001:db8::40"]


def test_the_filter_finds_a_network_and_a_port(browser, pages):
    browser.open(pages(plain))
    browser.type("#filter", "203.0.113.8/30 tcp/8443")
    assert [text.split("\n")[0] for text in browser.shown(FLOWS)] == ["service engine"]
    assert browser.shown("#found") == ["1 of 27 lines"]
    browser.open(pages(plain) + "#filter=ldap.example.com")
    assert browser.shown("#names tbody tr") == ["ldap.example.com\t192.0.2.40, 2001:db8::40"]
    assert browser.shown(FLOWS) == []


def test_a_difference_is_shown_first(browser, pages):
    browser.open(pages(changed))
    assert browser.shown(".verdict strong") == ["1 added, 1 removed, 6 changed; 13 as before"]
    assert [text.split("\t")[0] for text in browser.shown("#difference tbody tr")] == ["+ added", "- removed", *["± changed"] * 6]
    browser.type("#filter", "changed 9001")
    assert len(browser.shown("#difference tbody tr")) == 1
    assert browser.shown(FLOWS) == []


@pytest.mark.parametrize("make", [plain, crowded])
def test_every_text_of_the_picture_has_room(browser, pages, make):
    browser.command("Emulation.setDeviceMetricsOverride", width=1400, height=900, deviceScaleFactor=1, mobile=False)
    browser.open(pages(make))
    assert browser.run("return document.querySelectorAll('.talk text').length") > 40
    assert browser.run(OUTSIDE) == []
    assert browser.run(OVERLAPS) == []
    # As a person with 3 Controllers and 200 Service Engines sees it: at least ten pixels high.
    assert (
        browser.run("return Math.min(...[...document.querySelectorAll('.talk text')].map((one) => one.getBoundingClientRect().height))")
        > 10
    )
    browser.command("Emulation.clearDeviceMetricsOverride")


def test_the_picture_tells_itself_to_those_who_do_not_see_it(browser, pages):
    browser.open(pages(plain))
    browser.command("Accessibility.enable")
    nodes = browser.command("Accessibility.getFullAXTree")["nodes"]
    (image,) = [node for node in nodes if node["role"]["value"] in ("image", "img", "SvgRoot") and "talks" in node["name"]["value"]]
    assert "management client to controller: tcp 22, 80, 443, udp 161" in image["name"]["value"]


@pytest.mark.parametrize("width", [390, 800, 1400])
def test_the_page_itself_never_scrolls_sideways(browser, pages, width):
    browser.command("Emulation.setDeviceMetricsOverride", width=width, height=800, deviceScaleFactor=1, mobile=False)
    browser.open(pages(changed))
    assert browser.run("return document.documentElement.scrollWidth <= innerWidth")
    browser.command("Emulation.clearDeviceMetricsOverride")


def test_it_reads_without_scripts_and_on_paper(browser, pages):
    browser.command("Emulation.setScriptExecutionDisabled", value=True)
    try:
        browser.open(pages(changed))
        assert browser.shown(".tools") == []
        assert len(browser.shown(FLOWS)) == 20
    finally:
        browser.command("Emulation.setScriptExecutionDisabled", value=False)
    browser.open(pages(changed))
    assert browser.shown("#flows details .code") == []
    browser.run("dispatchEvent(new Event('beforeprint'))")
    browser.command("Emulation.setEmulatedMedia", media="print")
    assert len(browser.shown("#flows details .code")) == 7
    assert browser.shown(".tools") == []
    browser.command("Emulation.setEmulatedMedia", media="screen")


@pytest.mark.parametrize("make", [plain, changed, hostile])
def test_nothing_is_asked_for_on_the_network(browser, pages, make):
    browser.requests()
    browser.open(pages(make))
    assert [address for address in browser.requests() if address != "about:blank"] == [pages(make)]
    assert browser.run("return document.title") == "Who talks to whom"
