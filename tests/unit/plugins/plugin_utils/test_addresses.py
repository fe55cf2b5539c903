# Copyright: (c) 2026, avi.firewall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import ipaddress
import socket

import pytest
from ansible_collections.avi.firewall.plugins.plugin_utils import _addresses
from hypothesis import given
from hypothesis import strategies as st


def no_names(name):
    raise AssertionError(f"{name} was looked up")


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("192.0.2.1", "192.0.2.1/32"),
        (" 192.0.2.1\n", "192.0.2.1/32"),
        ("192.0.2.77/24", "192.0.2.0/24"),
        ("192.0.2.0/255.255.255.0", "192.0.2.0/24"),
        ("192.0.2.1/32", "192.0.2.1/32"),
        ("2001:DB8::1", "2001:db8::1/128"),
        ("2001:db8::1/128", "2001:db8::1/128"),
        ("2001:db8::77/64", "2001:db8::/64"),
        ("::ffff:192.0.2.1", "192.0.2.1/32"),
        ("::ffff:192.0.2.0/120", "192.0.2.0/24"),
        ("0.0.0.0/0", "0.0.0.0/0"),
        ("::/0", "::/0"),
    ],
)
def test_an_address_is_written_one_way(written, meant):
    assert str(_addresses.network(written)) == meant


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ("192.0.2.256", "'192.0.2.256' is not an address or network"),
        ("192.0.2", "not an address"),
        ("192.0.2.1/33", "not an address"),
        ("2001:db8::/129", "not an address"),
        ("192.0.2.010", "not an address"),
        ("", "not an address"),
        ("any", "not an address"),
        ("192.0.2.1; reboot", "not an address"),
        ("fe80::1%eth0", "names a zone"),
        ("0.0.0.0", "everyone is written '0.0.0.0/0' and '::/0'"),
        ("::", "everyone is written"),
        ("224.0.0.1", "multicast"),
        ("ff02::1", "multicast"),
        (3232235777, "3232235777 is a int, not a string"),
        (None, "None is a NoneType"),
        (["192.0.2.1"], "is a list"),
    ],
)
def test_what_is_no_address_says_why(written, message):
    with pytest.raises(_addresses.AddressError, match=message):
        _addresses.network(written)


@pytest.mark.parametrize(
    "name",
    ["controller1", "avi.example.com", "avi.example.com.", "a-b.example", "1avi.example", "xn--bcher-kva.example"],
)
def test_a_host_name_is_one(name):
    assert _addresses.is_host_name(name)


@pytest.mark.parametrize(
    "name",
    [
        "192.0.2.256",
        "192.0.2",
        "1",
        "-a.example",
        "a_b.example",
        "a..b",
        "",
        "a b",
        "bücher.example",
        "a" * 64,
        "::1",
        "a/24",
        5,
    ],
)
def test_a_mistyped_address_is_no_host_name(name):
    assert not _addresses.is_host_name(name)


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("192.0.2.1", ["192.0.2.1/32"]),
        ([], []),
        (["192.0.2.1", "192.0.2.1/32", "::ffff:192.0.2.1"], ["192.0.2.1/32"]),
        (["192.0.2.128/25", "192.0.2.0/25"], ["192.0.2.0/24"]),
        (["2001:db8::1", "192.0.2.0/24", "192.0.2.7"], ["192.0.2.0/24", "2001:db8::1/128"]),
        (["0.0.0.0/0", "192.0.2.1", "2001:db8::1"], ["0.0.0.0/0", "2001:db8::1/128"]),
        (["::/0", "2001:db8::1"], ["::/0"]),
    ],
)
def test_networks_are_collapsed(written, meant):
    assert _addresses.networks(written, no_names) == meant


def test_a_name_stands_for_its_addresses():
    assert _addresses.networks(["198.51.100.1", "avi.example"], {"avi.example": ["192.0.2.1", "2001:db8::1"]}.get) == [
        "192.0.2.1/32",
        "198.51.100.1/32",
        "2001:db8::1/128",
    ]


def test_each_family_is_told_from_the_other():
    both = ["0.0.0.0/0", "192.0.2.1/32", "::/0", "2001:db8::1/128"]
    assert _addresses.of_family(both, 4) == ["0.0.0.0/0", "192.0.2.1/32"]
    assert _addresses.of_family(both, 6) == ["::/0", "2001:db8::1/128"]


def answer(monkeypatch, *addresses):
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_arguments, **_more: [(0, 0, 6, "", (address, 0)) for address in addresses])


def test_a_name_resolves_in_both_families(monkeypatch):
    answer(monkeypatch, "2001:db8::1", "192.0.2.1", "127.0.1.1", "192.0.2.1")
    assert _addresses.resolve("both.example") == ("192.0.2.1", "2001:db8::1")


def test_a_name_that_leads_back_to_the_control_node_is_named(monkeypatch):
    answer(monkeypatch, "127.0.1.1", "::1")
    with pytest.raises(_addresses.AddressError, match=r"'own\.example' resolves to 127\.0\.1\.1, ::1, which only the control node itself"):
        _addresses.resolve("own.example")


def test_a_name_that_does_not_resolve_is_named():
    with pytest.raises(_addresses.AddressError, match=r"'nowhere\.invalid' does not resolve"):
        _addresses.resolve("nowhere.invalid")


@pytest.mark.parametrize(
    ("written", "shown"), [(None, "None is a NoneType"), (5, "5 is a int"), ({"a": 1}, "{'a': 1} is a dict"), (True, "True is a bool")]
)
def test_what_is_no_list_is_refused(written, shown):
    with pytest.raises(_addresses.AddressError) as caught:
        _addresses.networks(written, no_names)
    assert str(caught.value) == f"{shown}, not an address or a list of them"


@pytest.mark.parametrize(
    ("written", "meant"), [("192.0.2.7/32", "192.0.2.7"), ("2001:DB8::7", "2001:db8::7"), ("::ffff:192.0.2.7", "192.0.2.7")]
)
def test_the_address_of_a_host_is_written_one_way(written, meant):
    assert _addresses.address(written) == meant


@pytest.mark.parametrize("written", ["192.0.2.0/24", "::/0"])
def test_a_host_has_an_address_not_a_network(written):
    with pytest.raises(_addresses.AddressError, match="is a network"):
        _addresses.address(written)


# A few bytes only, so that overlaps, neighbours and duplicates are the rule.
few = st.sampled_from([0, 1, 2, 3, 7, 8, 127, 128, 255])
v4 = st.builds(lambda a, b, length: f"10.{a}.0.{b}/{length}", few, few, st.sampled_from([0, 8, 9, 16, 23, 24, 25, 30, 31, 32]))
v6 = st.builds(lambda a, b, length: f"fd00:{a:x}::{b:x}/{length}", few, few, st.sampled_from([0, 16, 32, 64, 65, 126, 127, 128]))
mapped = st.builds(lambda a, length: f"::ffff:10.0.0.{a}/{length}", few, st.integers(96, 128))
mixed = st.lists(st.one_of(v4, v6, mapped), max_size=20).filter(lambda values: "::/128" not in values)
samples = st.lists(
    st.one_of(
        st.builds(lambda a, b: ipaddress.ip_address(f"10.{a}.0.{b}"), few, few),
        st.builds(lambda a, b: ipaddress.ip_address(f"fd00:{a:x}::{b:x}"), few, few),
        st.ip_addresses(),
    ),
    max_size=20,
)


def covers(networks, address):
    return any(address in network for network in networks if network.version == address.version)


@given(mixed, samples)
def test_collapsing_neither_adds_nor_loses_an_address(written, addresses):
    meant = [_addresses.network(value) for value in written]
    collapsed = [ipaddress.ip_network(value) for value in _addresses.networks(written, no_names)]
    edges = [end for network in meant for end in (network.network_address, network.broadcast_address)]
    for address in [*addresses, *edges]:
        assert covers(collapsed, address) == covers(meant, address)


@given(mixed)
def test_collapsed_networks_do_not_overlap_and_stay_as_they_are(written):
    collapsed = _addresses.networks(written, no_names)
    networks = [ipaddress.ip_network(value) for value in collapsed]
    for index, network in enumerate(networks):
        assert not any(network.version == other.version and network.overlaps(other) for other in networks[index + 1 :])
    assert _addresses.networks(collapsed, no_names) == collapsed
    assert _addresses.of_family(collapsed, 4) + _addresses.of_family(collapsed, 6) == collapsed


@given(mixed, st.randoms())
def test_the_order_in_which_networks_are_written_does_not_matter(written, random):
    shuffled = list(written)
    random.shuffle(shuffled)
    assert _addresses.networks(shuffled, no_names) == _addresses.networks(written, no_names)


@given(st.text(max_size=40))
def test_any_text_is_an_address_a_name_or_refused_by_name(text):
    error = None
    try:
        found = _addresses.networks(text, lambda name: ["192.0.2.1"])
    except _addresses.AddressError as exc:
        found, error = [], str(exc)
    assert error is None or repr(text) in error
    assert [str(ipaddress.ip_network(value)) for value in found] == found


@given(st.sets(st.integers(0, 40), min_size=1), st.sets(st.integers(0, 40), max_size=2))
def test_what_is_taken_out_of_merged_networks_was_never_in(all_of_them, some):
    def networks(numbers):
        return _addresses.networks([address for number in numbers for address in (f"192.0.2.{number}", f"2001:db8::{number:x}")])

    own = [address for number in some for address in (f"192.0.2.{number}", f"2001:db8::{number:x}")]
    assert _addresses.without(networks(all_of_them), own) == networks(all_of_them - some)


@pytest.mark.parametrize(
    ("values", "others", "left"),
    [
        (["10.0.0.4/31"], ["10.0.0.4/32"], ["10.0.0.5/32"]),
        (["10.0.0.0/30"], ["10.0.0.1/32", "10.0.0.2/32"], ["10.0.0.0/32", "10.0.0.3/32"]),
        (["10.0.0.0/24"], ["10.0.0.0/16"], []),
        (["10.0.0.0/24", "2001:db8::/127"], ["2001:db8::1/128"], ["10.0.0.0/24", "2001:db8::/128"]),
        (["10.0.0.0/25", "10.0.0.128/25"], [], ["10.0.0.0/24"]),
        ([], ["10.0.0.0/8"], []),
    ],
)
def test_what_is_left_without_others(values, others, left):
    assert _addresses.minus(values, others) == left


SMALL = st.lists(st.tuples(st.integers(0, 63), st.integers(26, 32)), max_size=8)


@given(SMALL, SMALL)
def test_what_is_left_is_exact(values, others):
    def networks(found):
        return [str(ipaddress.ip_network((f"10.0.0.{number}"), strict=False).supernet(new_prefix=length)) for number, length in found]

    def held(found):
        return {address for network in found for address in ipaddress.ip_network(network)}

    assert held(_addresses.minus(networks(values), networks(others))) == held(networks(values)) - held(networks(others))
