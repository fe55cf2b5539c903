# Copyright: (c) 2026, avi.firewall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Configuration for network firewalls: what it lets through is what the flows say, and what cannot be said is refused."""

from __future__ import annotations

import builtins
import functools
import logging
import re

import pytest
from aerleon import api
from aerleon.lib import aclcheck, naming, policy, policy_builder
from ansible_collections.avi.firewall.plugins.plugin_utils import _handover_aerleon, _handover_loadable
from ansible_collections.avi.firewall.tests.unit import handover_flows, handover_golden, handover_parsers, handover_site
from ansible_collections.avi.firewall.tests.unit.handover_flows import ECHO, ETHERIP, PORTAL, PORTS
from cisco_acl import Ace, Acl

TARGETS = sorted(_handover_aerleon.TARGETS)
# Which can be told of protocols without ports, as read in the manuals of their makers and in what aerleon writes.
ICMP = {"arista", "cisco_asa", "cisco_ios", "cisco_nxos", "cisco_xr", "fortinet", "juniper", "nsx_t", "srx"}
NUMBERS = {"arista", "cisco_asa", "cisco_ios", "cisco_nxos", "cisco_xr"}
PAIRS = NUMBERS

# PORTAL and ECHO, for the eyes.
IOS = """\
no ip access-list extended avi
ip access-list extended avi
 remark avi.firewall, release 22.1

 remark avi-system_portal-v4
 remark system_portal from service_engine to controller
 permit tcp 10.4.0.0 0.0.0.255 host 192.0.2.11 eq 8443
 permit tcp 10.4.0.0 0.0.0.255 192.0.2.12 0.0.0.1 eq 8443
 permit tcp 10.4.1.0 0.0.0.127 host 192.0.2.11 eq 8443
 permit tcp 10.4.1.0 0.0.0.127 192.0.2.12 0.0.0.1 eq 8443

 remark avi-echo-v4
 remark echo from service_engine to controller
 permit icmp 10.4.0.0 0.0.0.255 host 192.0.2.11
 permit icmp 10.4.0.0 0.0.0.255 192.0.2.12 0.0.0.1
 permit icmp 10.4.1.0 0.0.0.127 host 192.0.2.11
 permit icmp 10.4.1.0 0.0.0.127 192.0.2.12 0.0.0.1

exit

no ipv6 access-list ipv6-avi
ipv6 access-list ipv6-avi
 remark avi.firewall, release 22.1

 remark avi-system_portal-v6
 remark system_portal from service_engine to controller
 permit tcp 2001:db8:4::/64 host 2001:db8::11 eq 8443
 permit tcp 2001:db8:4::/64 2001:db8::12/127 eq 8443

 remark avi-echo-v6
 remark echo from service_engine to controller
 permit 58 2001:db8:4::/64 host 2001:db8::11
 permit 58 2001:db8:4::/64 2001:db8::12/127

exit
"""


def told(target):
    """Return the flows of the small site that ``target`` can be told."""
    return [*PORTS, *([ECHO] if target in ICMP else []), *([ETHERIP] if target in NUMBERS else [])]


def realistic(target):
    return [flow for flow in handover_site.flows() if flow["protocol"] != "icmp" or target in ICMP]


@functools.cache
def of_site(target):
    return _handover_aerleon.text(target, realistic(target))


def read(target, text):
    return list(handover_parsers.PARSERS[target](text))


def test_a_list_for_ios():
    assert _handover_aerleon.text("cisco_ios", [PORTAL, ECHO]) == IOS


@pytest.mark.parametrize("target", TARGETS)
def test_a_few_flows_as_they_were_looked_at(target):
    handover_golden.check(f"loadable/few.{target}", _handover_aerleon.text(target, told(target)))


@pytest.mark.parametrize("target", TARGETS)
def test_the_site_as_it_was_looked_at(target):
    if target in PAIRS:  # of 1,700 lines, 1,100 say the same of every pair of Service Engines
        text = _handover_aerleon.text(target, [flow for flow in realistic(target) if flow["name"] != "object_sync"])
    else:
        text = of_site(target)
    handover_golden.check(f"loadable/site.{target}", text)


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("flows", [told, realistic])
def test_it_lets_through_what_the_flows_say_and_nothing_else(target, flows):
    text = of_site(target) if flows is realistic else _handover_aerleon.text(target, told(target))
    written = read(target, text)
    planned = list(handover_parsers.of_flows(flows(target)))
    assert handover_parsers.same(written, planned)
    # The comparison can fail: in each column.
    (protocol, port, source, destination), *rest = written
    for other in (
        [],
        [("sctp", port, source, destination)],
        [(protocol, 1, source, destination)],
        [(protocol, port, source.supernet(), destination)],
        [(protocol, port, source, destination.supernet())],
    ):
        assert not handover_parsers.same([*other, *rest], planned)


@pytest.mark.parametrize(("target", "platform"), [("cisco_ios", "ios"), ("cisco_nxos", "nxos")])
def test_another_parser_of_cisco_lists_reads_the_same(target, platform, caplog):
    """The package cisco-acl knows IPv4 only, and logs the lines that it cannot read."""
    text = of_site(target)
    whole = text.partition("\nexit\n")[0]
    lines = [line for line in whole.splitlines() if line.strip() and not line.startswith("no ")]
    entries = [item for item in Acl("\n".join(lines), platform=platform).items if isinstance(item, Ace)]
    assert caplog.records == []
    assert {entry.action for entry in entries} == {"permit"}
    found = [
        (entry.protocol.name, *(entry.dstport.items or [None]), *map(str, entry.srcaddr.ipnets()), *map(str, entry.dstaddr.ipnets()))
        for entry in entries
    ]
    assert sorted(found, key=str) == sorted(
        [(protocol, port, str(one), str(other)) for protocol, port, one, other in read(target, text) if one.version == 4], key=str
    )


@pytest.mark.parametrize("target", TARGETS)
def test_aclcheck_finds_each_flow_in_the_policy_and_no_stranger(target):
    flows = realistic(target)
    known, named = _handover_aerleon.policy(_handover_aerleon.TARGETS[target], _handover_aerleon.terms(flows), "a test")
    definitions = naming.Naming()
    definitions.ParseDefinitionsObject(named, "")

    built = policy.FromBuilder(policy_builder.PolicyBuilder(known, definitions))

    def accepted(source, destination, port, protocol):
        return [match.action for match in aclcheck.AclCheck(built, source, destination, "any", port, protocol).ExactMatches()]

    for flow in [flow for flow in flows if flow["port"]]:
        source, destination = flow["source_networks"][0], flow["destination_networks"][0]
        assert accepted(source.split("/")[0], destination.split("/")[0], flow["port"], flow["protocol"]) == ["accept"]
        assert accepted("233.252.0.1", destination.split("/")[0], flow["port"], flow["protocol"]) == []
        assert accepted(source.split("/")[0], destination.split("/")[0], flow["port"] + 1, flow["protocol"]) == []


@pytest.mark.parametrize("target", TARGETS)
def test_the_same_flows_make_the_same_file(target):
    text = _handover_aerleon.text(target, told(target))
    assert _handover_aerleon.text(target, iter(told(target))) == text
    assert not re.search(r"20\d\d-\d\d|\$(Id|Date|Revision)", text)
    assert "\n\n\n" not in text
    # The order of networks is not for the format to decide.
    mixed = [{**flow, "source_networks": flow["source_networks"][::-1]} for flow in told(target)]
    assert handover_parsers.same(read(target, _handover_aerleon.text(target, mixed)), read(target, text))


@pytest.mark.parametrize("target", TARGETS)
def test_it_says_where_it_comes_from_and_of_which_rows(target):
    text = _handover_aerleon.text(target, told(target))
    assert "avi.firewall, release 22.1" in text
    assert "https from management_client to controller" in text
    assert "ako from ako to controller" in text
    assert "Because" not in text
    assert "permit ip any any" not in text


def test_overlapping_sources_of_one_port_make_each_line_once():
    """Those of ako are within those of management_client."""
    text = _handover_aerleon.text("cisco_ios", [handover_flows.HTTPS, handover_flows.AKO])
    lines = [line for line in text.splitlines() if line.startswith(" permit")]
    assert lines == [
        " permit tcp 198.51.100.0 0.0.0.255 host 192.0.2.11 eq 443",
        " permit tcp 198.51.100.0 0.0.0.255 192.0.2.12 0.0.0.1 eq 443",
        " permit tcp 2001:db8:5::/48 host 2001:db8::11 eq 443",
        " permit tcp 2001:db8:5::/48 2001:db8::12/127 eq 443",
    ]


@pytest.mark.parametrize("target", TARGETS)
def test_names_are_short_enough_and_each_is_given_once(target):
    long = [{**PORTAL, "name": "a_row_of_the_users_own_with_a_long_name", "port": port} for port in range(1001, 1011)]
    flows = [*long, {**long[0], "port": 1011, "destination_networks": ["192.0.2.11/32"]}]
    text = _handover_aerleon.text(target, flows)
    assert handover_parsers.same(read(target, text), handover_parsers.of_flows(flows))
    names = set(re.findall(r"\bavi-[\w-]+-v[46](?:-\d+)?\b", text))
    assert len(names) == 21
    # FortiOS takes no more than 35 for the name of a policy; of objects, Palo Alto and Junos take 63.
    assert max(map(len, names)) <= 35
    assert max(map(len, re.findall(r"\bAVI_\w+", text)), default=0) <= 63


@pytest.mark.parametrize("target", sorted(set(TARGETS) - ICMP))
def test_icmp_is_refused_where_it_cannot_be_said(target):
    message = (
        f"{target} cannot be told echo from service_engine to controller, which is icmp without a port: take {target} out of "
        "avi_report_formats, or the row's feature out of avi_firewall_features"
    )
    with pytest.raises(_handover_loadable.LoadableError, match=re.escape(message)):
        _handover_aerleon.text(target, [PORTAL, ECHO])


@pytest.mark.parametrize("target", sorted(set(TARGETS) - NUMBERS))
def test_a_protocol_number_is_refused_where_it_cannot_be_said(target):
    with pytest.raises(_handover_loadable.LoadableError, match=f"{target} cannot be told etherip .*, which is ip-97 without a port"):
        _handover_aerleon.text(target, [PORTAL, ETHERIP])


@pytest.mark.parametrize("target", TARGETS)
def test_tcp_without_a_port_is_refused(target):
    with pytest.raises(_handover_loadable.LoadableError, match=f"{target} cannot be told system_portal .*, which is tcp without a port"):
        _handover_aerleon.text(target, [{**PORTAL, "port": None}])


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("flows", [[], [{**PORTAL, "source_networks": ["10.4.0.0/24"], "destination_networks": ["2001:db8::11/128"]}]])
def test_no_flow_is_refused(target, flows):
    message = f"{target}: no flow has a source and a destination of the same family: there is nothing to let through"
    with pytest.raises(_handover_loadable.LoadableError, match=f"^{message}$"):
        _handover_aerleon.text(target, flows)


@pytest.mark.parametrize("target", TARGETS)
def test_a_family_that_only_one_end_has_is_let_through_nowhere(target):
    flows = [
        {**PORTAL, "source_networks": ["10.4.0.0/24"]},
        {**PORTAL, "port": 123, "protocol": "udp", "source_networks": ["2001:db8:4::/64"]},
    ]
    text = _handover_aerleon.text(target, flows)
    assert handover_parsers.same(read(target, text), handover_parsers.of_flows(flows))


def scattered(number):
    return [f"10.{n // 128}.{n % 128 * 2}.1/32" for n in range(number)]


@pytest.mark.parametrize("target", TARGETS)
def test_more_lines_than_a_router_takes_are_refused(target):
    """71 times 71 are 5,041, where a line says a pair; elsewhere it is one rule."""
    flows = [PORTAL, {**ETHERIP, "protocol": "tcp", "port": 4001, "source_networks": scattered(71), "destination_networks": scattered(71)}]
    if target not in PAIRS:
        assert handover_parsers.same(read(target, _handover_aerleon.text(target, flows)), handover_parsers.of_flows(flows))
        return
    message = (
        f"{target}: 5047 lines, and 5000 are allowed, for it has one for each pair of a source and a destination: etherip from "
        "service_engine to service_engine alone makes 5041 of 71 and 71 networks. Name whole networks in avi_firewall_peers, which take in "
        f"the hosts within them, or take {target} out of avi_report_formats"
    )
    with pytest.raises(_handover_loadable.LoadableError, match=re.escape(message)):
        _handover_aerleon.text(target, flows)
    fewer = [{**flows[1], "source_networks": scattered(50), "destination_networks": scattered(100)}]
    assert len(read(target, _handover_aerleon.text(target, fewer))) == 5000


@pytest.mark.parametrize("target", TARGETS)
def test_a_rule_that_gets_lost_stops(target, monkeypatch):
    """As it would if aerleon left one out: here it is handed one less."""
    whole = _handover_aerleon.policy

    def shortened(*arguments):
        policy, named = whole(*arguments)
        policy["filters"][0]["terms"].pop()
        return policy, named

    monkeypatch.setattr(_handover_aerleon, "policy", shortened)
    message = rf"^{target}: aerleon made \d+ rules of \d+: the file would not let through what is planned \("
    with pytest.raises(_handover_loadable.LoadableError, match=message):
        _handover_aerleon.text(target, told(target))


def test_what_aerleon_logs_of_a_rule_that_gets_lost_is_said(monkeypatch):
    def nothing(*_arguments):
        logging.getLogger("absl").warning("Term is not rendered")
        logging.getLogger("absl").warning("Nor another")

    monkeypatch.setattr(api, "Generate", nothing)
    message = "juniper: aerleon made 0 rules of 2: the file would not let through what is planned (Term is not rendered; Nor another)"
    with pytest.raises(_handover_loadable.LoadableError, match=f"^{re.escape(message)}$"):
        _handover_aerleon.text("juniper", [PORTAL])


def test_what_aerleon_refuses_is_said(monkeypatch):
    monkeypatch.setattr(_handover_aerleon, "_protocol", lambda _target, _term: "no-such-protocol")
    with pytest.raises(_handover_loadable.LoadableError, match=r"(?s)aerleon refuses the flows for juniper: .*no-such-protocol"):
        _handover_aerleon.text("juniper", [ECHO])


def test_aerleon_is_named_where_it_is_missing(monkeypatch):
    real = builtins.__import__

    def without(name, *arguments, **options):
        if name.split(".")[0] == "aerleon":
            raise ImportError(f"No module named {name!r}")
        return real(name, *arguments, **options)

    monkeypatch.setattr(builtins, "__import__", without)
    message = (
        "avi_report_formats: the formats for network firewalls need the Python package aerleon on the control node: "
        "pip install 'aerleon>=1.18,<1.19'"
    )
    with pytest.raises(_handover_loadable.LoadableError, match=re.escape(message)):
        _handover_aerleon.text("cisco_ios", [PORTAL])


def test_nothing_goes_to_the_terminal(capfd, caplog):
    """For NSX-T aerleon says that it leaves out comments, and does not."""
    for target in TARGETS:
        _handover_aerleon.text(target, told(target))
    assert capfd.readouterr() == ("", "")
    assert caplog.records == []


def test_the_packaged_aerleon_is_the_one_that_is_named():
    lines = (handover_golden.ROOT / "meta" / "ee-requirements.txt").read_text(encoding="utf-8").splitlines()
    assert _handover_aerleon.REQUIREMENT in lines


def test_no_policy_of_fortios_is_overwritten():
    text = _handover_aerleon.text("fortinet", told("fortinet"))
    assert set(re.findall(r"^    edit (\d+)$", text, re.MULTILINE)) == {"0"}


@pytest.mark.parametrize("tag", ["address-book", "policies", "applications"])
def test_loading_into_an_srx_replaces_nothing_of_others(tag):
    text = _handover_aerleon.text("srx", told("srx"))
    assert re.search(rf"^ *{tag} \{{$", text, re.MULTILINE)
    assert "replace:" not in text
