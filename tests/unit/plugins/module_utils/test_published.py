# Copyright: (c) 2026, avi.firewall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
from ansible_collections.avi.firewall.plugins.module_utils import _boot, _host, _lockout, _published

SSH, HTTP, SNMP = {"protocol": "tcp", "port": 5098}, {"protocol": "tcp", "port": 80}, {"protocol": "udp", "port": 161}
FLOW = {
    "name": "avi-con-management_client",
    "direction": "in",
    "peer": "management_client",
    "ports": [{"row": "ssh_container", **SSH}, {"row": "snmp", **SNMP}, {"row": "time", "protocol": "udp", "port": 123}],
    "ipv4": ["192.0.2.0/24", "198.51.100.7/32"],
    "ipv6": ["::/0"],
}
REQUEST = _host.Request("controller", "con", [FLOW, {**FLOW, "direction": "out"}], published=[SSH, HTTP, SNMP])
WANTED = _published.wanted(REQUEST)

# What nft prints of it.
LISTING = Path(__file__).parents[2].joinpath("data", "published.nft").read_text(encoding="utf-8")


def test_what_nft_lists_is_what_was_wanted():
    assert _published.parse(LISTING) == WANTED
    assert _published._table(WANTED) == LISTING.replace(",\n\t\t\t     ", ", ").replace("\n\n\t", "\n\t")


def test_without_a_published_port_there_is_no_guard():
    assert _published.wanted(_host.Request("controller", "con", [FLOW])) == {}


def test_a_flow_counts_for_the_families_it_has_and_the_ports_that_are_published():
    flows = [{**FLOW, "peer": "ntp_client", "ports": FLOW["ports"][2:]}, {**FLOW, "ipv4": [], "ipv6": ["2001:db8::/32"]}]
    assert _published.wanted(_host.Request("controller", "con", flows, published=[SSH])) == {
        "": [],
        "set management_client-6": ["type ipv6_addr", "flags interval", "element 2001:db8::/32"],
        "chain published": [
            "ct label 127 accept",
            'ip6 saddr @management_client-6 meta l4proto tcp ct original proto-dst 5098 accept comment "avi:ssh_container"',
            'meta l4proto tcp ct original proto-dst 5098 drop comment "avi:controller"',
        ],
        "chain called": [
            "type filter hook prerouting priority mangle; policy accept;",
            "tcp dport 5098 ct state new fib daddr type != local ct label set 127",
        ],
        "chain delivered": [
            "type filter hook input priority filter; policy accept;",
            'iifname != "lo" ct state new jump published',
        ],
        "chain forwarded": [
            "type filter hook forward priority filter; policy accept;",
            "ct state new ct status dnat jump published",
        ],
    }


def test_without_a_flow_everyone_is_shut_out():
    rules = _published.wanted(_host.Request("controller", "con", published=[SSH]))["chain published"]
    assert rules == ["ct label 127 accept", 'meta l4proto tcp ct original proto-dst 5098 drop comment "avi:controller"']


def test_rules_hold_for_the_interfaces_that_are_named():
    request = _host.Request("controller", "con", [FLOW], interfaces=["eth0", "eth1"], published=[SSH])
    assert _published.wanted(request)["chain published"] == [
        "ct label 127 accept",
        'iifname "eth0" ip saddr @management_client-4 meta l4proto tcp ct original proto-dst 5098 accept comment "avi:ssh_container"',
        'iifname "eth1" ip saddr @management_client-4 meta l4proto tcp ct original proto-dst 5098 accept comment "avi:ssh_container"',
        'iifname "eth0" meta nfproto ipv6 meta l4proto tcp ct original proto-dst 5098 accept comment "avi:ssh_container"',
        'iifname "eth1" meta nfproto ipv6 meta l4proto tcp ct original proto-dst 5098 accept comment "avi:ssh_container"',
        'meta l4proto tcp ct original proto-dst 5098 drop comment "avi:controller"',
    ]


@pytest.mark.parametrize(
    "edit",
    [
        lambda text: text.replace("ct label 127 accept", "accept"),
        lambda text: text.replace("192.0.2.0/24", "0.0.0.0/0"),
        lambda text: text.replace("policy accept", "policy drop", 1),
        lambda text: text.replace("\tchain forwarded", "\tflags dormant\n\n\tchain forwarded"),
        lambda text: text.replace("\tchain forwarded", "\tchain other {\n\t}\n\n\tchain forwarded"),
        lambda text: text.replace('drop comment "avi:controller"', "drop", 1),
    ],
)
def test_every_edit_of_the_table_shows(edit):
    assert _published.lines(_published.parse(edit(LISTING))) != _published.lines(WANTED)


def test_sets_and_chains_keep_their_place_while_they_are_filled_anew():
    found = {**WANTED, "set gone-4": ["type ipv4_addr", "flags interval"], "chain published": ["accept"]}
    text = _published.transaction(found, WANTED)
    table = _published._table(WANTED)
    assert text == (
        "flush chain inet avi-firewall called\nflush chain inet avi-firewall delivered\n"
        "flush chain inet avi-firewall forwarded\nflush chain inet avi-firewall published\n"
        f"flush set inet avi-firewall gone-4\nflush set inet avi-firewall management_client-4\n{table}delete set inet avi-firewall gone-4\n"
    )


@pytest.mark.parametrize(
    "found",
    [
        {},
        {**WANTED, "flags dormant": []},
        {**WANTED, "chain forwarded": ["type filter hook output priority filter; policy accept;"]},
        {**WANTED, "set management_client-4": ["type ipv4_addr"]},
    ],
)
def test_a_table_that_does_not_fit_is_defined_anew(found):
    table = _published._table(WANTED)
    assert _published.transaction(found, WANTED) == f"table inet avi-firewall\ndelete table inet avi-firewall\n{table}"


def test_lines_tell_where_each_thing_stands():
    assert _published.lines({"": [], "set x-4": ["type ipv4_addr", "element 192.0.2.1"], "chain published": []}) == [
        "table inet avi-firewall",
        "table inet avi-firewall: chain published",
        "table inet avi-firewall: set x-4: type ipv4_addr",
        "table inet avi-firewall: set x-4: element 192.0.2.1",
    ]


def test_an_empty_table_is_one():
    assert _published.lines(_published.parse("table inet avi-firewall {\n}\n")) == ["table inet avi-firewall"]


def test_an_empty_chain_can_come_back():
    text = "table inet avi-firewall {\n\tflags dormant\n\tchain published {\n\t}\n}\n"
    assert _published.transaction({}, _published.parse(text)) == f"table inet avi-firewall\ndelete table inet avi-firewall\n{text}"


def test_the_table_goes_with_the_last_port():
    assert _published.transaction(WANTED, {}) == "table inet avi-firewall\ndelete table inet avi-firewall\n"


def test_who_gets_in_is_everyone_while_a_port_is_not_guarded():
    fresh = _host.Request("controller", "con", published=[SSH])
    assert list(_published.lets_in({}, fresh)) == [("tcp", 5098, "0.0.0.0/0"), ("tcp", 5098, "::/0")]
    assert list(_published.lets_in(WANTED, fresh)) == [
        ("tcp", 5098, "192.0.2.0/24"),
        ("tcp", 5098, "198.51.100.7"),
        ("tcp", 5098, "::/0"),
    ]


def test_a_set_that_is_gone_lets_nobody_in():
    port = "meta l4proto tcp ct original proto-dst 5098"
    rules = [f"meta nfproto ipv4 {port} accept", f"ip6 saddr @gone-6 {port} accept", f"{port} drop"]
    fresh = _host.Request("controller", "con", published=[SSH])
    assert list(_published.lets_in({"chain published": rules}, fresh)) == [("tcp", 5098, "0.0.0.0/0")]


@pytest.mark.parametrize(("client", "port", "stops"), [("203.0.113.9", 5098, True), ("192.0.2.9", 5098, False), ("203.0.113.9", 22, False)])
def test_the_connection_in_use_must_not_be_shut_out(monkeypatch, client, port, stops):
    monkeypatch.setattr(_lockout, "connection", lambda: _lockout.Connection(client, port))
    if stops:
        with pytest.raises(_host.HostError, match=f"from {client} to port {port}, .* avi_firewall_allow_lockout"):
            _lockout.refuse(_published.lets_in({}, REQUEST), REQUEST)
    else:
        _lockout.refuse(_published.lets_in({}, REQUEST), REQUEST)


UNIT = """\
# Managed by the Ansible collection avi.firewall; do not edit.
[Unit]
Description=Guard of the ports that a Controller in a container publishes
ConditionPathExists=/etc/avi-firewall/published/con.nft
DefaultDependencies=no
After=local-fs.target
Before=sysinit.target network-pre.target docker.service containerd.service podman.service podman-restart.service
Wants=network-pre.target

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/usr/sbin/nft -f /etc/avi-firewall/published/con.nft

[Install]
WantedBy=sysinit.target
"""
DROP_IN = """\
# Managed by the Ansible collection avi.firewall; do not edit.
[Service]
ExecStartPost=-/usr/sbin/nft -f /etc/avi-firewall/published/con.nft
ExecReload=-/usr/sbin/nft -f /etc/avi-firewall/published/con.nft
ExecStopPost=-/usr/sbin/nft -f /etc/avi-firewall/published/con.nft
"""
TABLE = """\
# Managed by the Ansible collection avi.firewall; do not edit.
table inet avi-firewall
delete table inet avi-firewall
table inet avi-firewall {
\tchain published {
\t\taccept
\t}
}
"""


FILES = {
    "/etc/avi-firewall/published/con.nft": TABLE,
    "/etc/systemd/system/avi-firewall-published.service": UNIT,
    "/etc/systemd/system/sysinit.target.wants/avi-firewall-published.service": "",
    "/etc/systemd/system/nftables.service.d/avi-firewall-published.conf": DROP_IN,
}


@pytest.mark.parametrize(("blocks", "files"), [({"": [], "chain published": ["accept"]}, FILES), ({}, dict.fromkeys(FILES))])
def test_a_boot_loads_the_table_before_any_container_starts(blocks, files):
    assert {str(path): text for path, text in _published._files(REQUEST, blocks).items()} == files


class Nft:
    """Stands in for the kernel: what ``nft`` lists, and what it was given to load."""

    def __init__(self):
        self.listing, self.checked, self.loaded = "", [], []

    def run(self, *command, stdin=None):
        words = " ".join(command)
        if stdin is None:
            tables = "table ip filter\n" + ("table inet avi-firewall\n" if self.listing else "")
            listed = {"nft list tables": tables, "nft --stateless list table inet avi-firewall": self.listing}
            return "" if command[0] == "systemctl" else listed[words]
        {"nft -c -f -": self.checked, "nft -f -": self.loaded}[words].append(stdin)
        return ""


@pytest.fixture
def nft(monkeypatch, tmp_path):
    found = Nft()
    monkeypatch.setattr(_host, "run", found.run)
    monkeypatch.setattr(_boot, "ETC", tmp_path)
    for name, path in (("FILES", "published"), ("UNIT", "units/guard.service"), ("DROP_IN", "units/nftables.service.d/guard.conf")):
        monkeypatch.setattr(_published, name, tmp_path / path)
    monkeypatch.setattr(_boot, "UNITS", tmp_path / "units")
    return found


def test_a_change_is_checked_before_it_is_made(nft):
    change = _published.prepare(REQUEST)
    assert change.needed
    assert (len(nft.checked), nft.loaded) == (1, [])
    change.apply(False)
    assert nft.loaded == nft.checked
    assert _published.holds(REQUEST)
    nft.listing = LISTING
    (_boot.UNITS / "sysinit.target.wants").mkdir()
    (_boot.UNITS / "sysinit.target.wants" / "guard.service").symlink_to("../guard.service")
    assert not _published.prepare(REQUEST).needed


def test_a_change_tells_what_it_finds(nft, tmp_path):
    change = _published.prepare(REQUEST)
    assert change.lets_in == [
        ("tcp", 5098, "0.0.0.0/0"),
        ("tcp", 5098, "::/0"),
        ("tcp", 80, "0.0.0.0/0"),
        ("tcp", 80, "::/0"),
        ("udp", 161, "0.0.0.0/0"),
        ("udp", 161, "::/0"),
    ]
    files = ("published/con.nft", "units/guard.service", "units/sysinit.target.wants/guard.service", "units/nftables.service.d/guard.conf")
    assert change.snapshot == _host.Snapshot("published", REQUEST, {}, {str(tmp_path / name): None for name in files})


def test_what_stood_before_comes_back(nft):
    nft.listing = LISTING
    _published.file(REQUEST).parent.mkdir()
    _published.file(REQUEST).write_text("former", encoding="utf-8")
    snapshot = _published.prepare(REQUEST).snapshot
    nft.listing = ""
    _published.prepare(REQUEST, snapshot).apply(False)
    assert nft.loaded == [_published.definition(WANTED)]
    assert _published.file(REQUEST).read_text(encoding="utf-8") == "former"


@pytest.mark.parametrize("listing", [LISTING, "table inet avi-firewall {\n}\n"])
def test_a_foreign_table_is_named(nft, listing):
    nft.listing = listing
    with pytest.raises(_host.HostError, match=r"table inet avi-firewall: not ours, for .*/con\.nft is not there; rename or remove"):
        _published.prepare(REQUEST)


@pytest.mark.parametrize("saved", ["table inet avi-firewall {\n}\n", 'include "{file}"\n'])
def test_the_table_does_not_go_while_a_saved_ruleset_names_it(nft, tmp_path, saved):
    file = _published.file(REQUEST)
    file.parent.mkdir()
    file.touch()
    (tmp_path / "nftables.conf").write_text(saved.replace("{file}", str(file)), encoding="utf-8")
    with pytest.raises(_host.HostError, match=r"nftables\.conf was saved while our rules stood"):
        _published.prepare(_host.Request("controller", "con"))


def test_a_host_without_nft_is_told_what_for(monkeypatch):
    monkeypatch.setattr(_host, "ENVIRONMENT", {"PATH": "/nonexistent"})
    with pytest.raises(_host.HostError, match="cannot be guarded without nftables: the command nft is missing on this host"):
        _published.prepare(REQUEST)


def test_where_nft_was_removed_only_the_files_are_left_to_go(nft, monkeypatch):
    _host.write(_published.file(REQUEST), "")
    nothing = _host.Request("controller", "con")

    def run(*_command, **_options):
        raise _host.HostError("the command nft is missing on this host")

    monkeypatch.setattr(_host, "run", run)
    monkeypatch.setattr(_host, "missing", lambda command: command == "nft")
    change = _published.prepare(nothing)
    assert (change.needed, change.stands) == (True, True)
    assert [warning.split()[2] for warning in change.warnings] == ["nft"]
    assert _published.prepare(nothing, change.snapshot).before == change.before
    with pytest.raises(_host.HostError, match="cannot be guarded without nftables"):
        _published.prepare(nothing, dataclasses.replace(change.snapshot, state=WANTED))
