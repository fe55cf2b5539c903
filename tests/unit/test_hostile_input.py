# Copyright: (c) 2026, avi.firewall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whatever a variable holds gives a valid plan or an error that names it, and nothing of it reaches a firewall but what belongs there."""

from __future__ import annotations

import ipaddress
import re
import socket

import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.avi.firewall.plugins.module_utils import _firewalld, _host, _iptables, _nftables, _published, _ufw
from ansible_collections.avi.firewall.plugins.plugin_utils import (
    _addresses,
    _exported,
    _inventory,
    _peers,
    _plan,
    _port_matrix,
    _published_ports,
    _task,
)
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

DOCUMENTED = (
    _plan.PlanError,
    _peers.PeersError,
    _port_matrix.PortMatrixError,
    _inventory.InventoryError,
    _exported.ExportedError,
    _published_ports.PublishedPortError,
    _addresses.AddressError,
)
CASES = 500

GOOD = {
    "release": "16.3",
    "features": ["http"],
    "peers": {"management_client": ["192.0.2.0/24", "2001:db8::/32"], "smtp_server": ["192.0.2.25"]},
    "outbound": True,
    "runtime": "docker",
    "kinds": [],
    "ports": {"https": 9443},
    "cloud": "gcp",
    "object_sync_port": 4001,
    "extra_rows": [
        {"name": "exporter", "source": "management_client", "destination": "controller", "protocol": "tcp", "port": 9100, "why": "Metrics"}
    ],
    "interfaces": ["eth0"],
    "zone": None,
    "nftables_chain": None,
    "confirm_timeout": 30,
    "backend": "auto",
    "state": "present",
    "avi_firewall_address": ["192.0.2.21", "2001:db8::21"],
    "avi_firewall_address_seen_as": {"controller": ["203.0.113.21", "2001:db8:1::/64"]},
    "peers_from": [],
    "ansible_host": "192.0.2.22",
    "ansible_facts": {"default_ipv4": {"address": "192.0.2.23"}},
    "avi_controller_runtime": "docker",
    "avi_cluster_node_kinds": ["mesos_node"],
    "con_portal_https_port": 9443,
    "groups": {"controller": "controllers", "service_engine": "engines"},
}
KNOWN_BY_FACTS = {**GOOD, "avi_firewall_address": None, "ansible_host": "se1.example.com"}
OF_HOST = (
    "avi_firewall_address",
    "avi_firewall_address_seen_as",
    "ansible_host",
    "ansible_facts",
    "avi_controller_runtime",
    "avi_cluster_node_kinds",
)

# What means something to a shell, to nft, to XML, to a rules file or to a resolver; and what is almost an address.
# One on each line.
SHARP = r"""
$(reboot)
`id`
; rm -rf /
'
"
eth0" accept; add rule x "
<!ENTITY x>
]]>
&amp;
{{ 7*7 }}
{% raw %}
--help
-j ACCEPT
/0
0/0
0.0.0.0/0
::/0
192.0.2.1/33
192.0.2.256
192.0.2.1%eth0
fe80::1%$(id)
::ffff:192.0.2.1
::ffff:0:0/95
010.0.0.1
1e3
nan
True
host_name
eth0:1
eth+
*
..
../../etc/passwd
inet filter input; flush ruleset
""".strip().splitlines()
SHARP += [
    "a\nb",
    "eth0\n-A INPUT -j ACCEPT",
    "\0",
    "192.0.2.1 ",
    "\u0661\u0669\u0662.0.2.1",
    "xn--\u00fc",
    "\u202e22",
    "a" * 300,
    "9" * 5000,
]
SCALARS = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.sampled_from(SHARP), st.text(), st.binary(max_size=8))
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4), st.dictionaries(st.one_of(st.sampled_from(SHARP), st.text(max_size=5)), inner, max_size=3)
    ),
    max_leaves=8,
)
# The right shape with a sharp thing inside gets further in than chaos.
SHAPED = st.one_of(
    st.lists(st.sampled_from([*SHARP, "192.0.2.7", "2001:db8::/40", "http", "mesos_node", "eth1"]), max_size=5),
    st.dictionaries(st.sampled_from(["management_client", "smtp_server", "https", "ssh", "controller", *SHARP]), VALUES, max_size=4),
    st.builds(lambda number: {"management_client": [f"10.{i % 256}.{i // 256 % 256}.1" for i in range(number)]}, st.integers(0, 300)),
)
# A row that is good but for a part of it.
ROWS = st.lists(
    st.dictionaries(st.sampled_from([*GOOD["extra_rows"][0], "runtime", "cloud"]), VALUES).map(
        lambda bad: {**GOOD["extra_rows"][0], **bad}
    ),
    max_size=3,
)
BAD = st.one_of(
    st.dictionaries(st.sampled_from(sorted(GOOD)), VALUES | SHAPED, min_size=1, max_size=3), st.fixed_dictionaries({"extra_rows": ROWS})
)


@pytest.fixture(scope="module", autouse=True)
def closed():
    """Let no name resolve, and no command run."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket, "getaddrinfo", lambda *arguments, **more: (name for name in ()).throw(OSError("no network")))
        patch.setattr(_host, "run", lambda *command, stdin=None: "-P INPUT DROP\n-P OUTPUT DROP\n" if "-S" in command else "")
        patch.setattr(_firewalld, "_zones", lambda client, request: ["public"])
        patch.setattr(_firewalld, "_refuse_bound_elsewhere", lambda client, request, zones: None)
        bases = {("inet", "filter", hook): (hook, "drop") for hook in ("input", "output")}
        patch.setattr(_nftables, "_listing", lambda: _nftables.Ruleset(base=bases, chains={base: [] for base in bases}))
        yield


def planned(values):
    """Return the request that a host would get, or None where Ansible itself refuses the type of a value."""
    options = {"node": "controller", "nodes": "nodes", **{name: values[name] for name in _task.SPEC if name in values}}
    checked = ArgumentSpecValidator(_task.SPEC).validate(options)
    if checked.error_messages:
        event("refused by its type")
        return None
    options = checked.validated_parameters
    variables = {name: values[name] for name in OF_HOST}
    nodes = _inventory.collect(
        values["groups"], {"controllers": ["con1"], "engines": ["se1"]}, {"con1": {"ansible_host": "192.0.2.11"}, "se1": variables}
    )
    exported = _exported.collect(_exported.paths(values["peers_from"]), nodes)
    known = {
        "nodes": _peers.collected(nodes, exported),
        "inventory_hostname": "con1",
        "con_portal_https_port": values["con_portal_https_port"],
    }
    plan = _task.plan(options, known, lambda value: value)
    means = {name: options[name] for name in ("interfaces", "zone", "nftables_chain")}
    return _host.Request("controller", "con", _plan.flows(plan.rules), published=plan.published, **means)


def is_clean(request):
    """Assert that a request holds nothing but names of ours, networks, ports and names of interfaces."""
    for flow in request.flows:
        assert re.fullmatch(r"avi-con-(to-)?[a-z_]+", flow["name"])
        for version in (4, 6):
            assert [str(ipaddress.ip_network(network)) for network in flow[f"ipv{version}"]] == flow[f"ipv{version}"]
        for port in flow["ports"]:
            assert re.fullmatch(r"[a-z0-9_]{1,40}", port["row"])
            assert isinstance(port["port"], int)
            assert 1 <= port["port"] <= 65535
    for interface in request.interfaces:
        assert re.fullmatch(r"[\w.-]{1,15}", interface, re.ASCII)


def rendered(request):
    """Return every line that the firewalls would be told."""
    yield from _ufw._text(
        {flow["name"]: frozenset((port["protocol"], str(port["port"])) for port in flow["ports"]) for flow in request.flows}
    ).splitlines()
    yield from (" ".join(rule.words()) for rule in _ufw._rules(request))
    part = _iptables.Part(request)
    yield from (line for version in (4, 6) for line in part._restore(version, jumps_too=True))
    yield from part.wanted_lines()
    if request.nftables_chain in (None, "inet filter input"):
        yield from _nftables.Part(request).commands()
    yield from _firewalld._wanted(None, request).lines()
    yield from _published.definition(_published.wanted(request)).splitlines()


PLAIN = re.compile(r"""[\w\t .,:/@"={}\[\];|#!()'-]*""", re.ASCII)


def attempt(make):
    """Return what ``make`` returns, and None; or None, and the message of a documented error."""
    try:
        return make(), None
    except DOCUMENTED as exc:
        return None, str(exc)


@settings(max_examples=CASES, suppress_health_check=list(HealthCheck))
@given(st.sampled_from([GOOD, KNOWN_BY_FACTS]), BAD)
def test_any_value_gives_a_plan_or_an_error_that_names_it(good, bad):
    request, message = attempt(lambda: planned({**good, **bad}))
    if message is not None:
        event("refused by name")
        assert re.search(r"avi_\w+|con_\w+|\bfact", message), message
    elif request:
        event("planned")
        is_clean(request)
        for line in rendered(request):
            assert PLAIN.fullmatch(line), line


def test_what_is_good_is_planned():
    """Else the test above could pass by refusing everything."""
    request = planned(GOOD)
    assert {flow["name"] for flow in request.flows} >= {"avi-con-management_client", "avi-con-service_engine", "avi-con-to-smtp_server"}
    assert 9443 in [port["port"] for port in request.flows[0]["ports"] + request.published]
    assert len(list(rendered(request))) > 50


@settings(max_examples=CASES)
@given(VALUES)
def test_an_address_is_an_address_or_an_error(value):
    found, message = attempt(lambda: _addresses.networks(value, lambda name: ["192.0.2.1"]))
    if not message:
        assert [str(ipaddress.ip_network(network)) for network in found] == found
