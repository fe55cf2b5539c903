# Copyright: (c) 2026, avi.firewall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a file of each format to load lets through, read back without a line of the code that wrote it.

Every parser returns rectangles ``(protocol, port, source, destination)``, the ends as networks. It knows the words that it is to meet, and
stops at any other.
"""

from __future__ import annotations

import ipaddress
import json
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from xml.etree import ElementTree

import yaml

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Rectangle = tuple[str, int | None, Network, Network]
EVERYONE = {4: ipaddress.ip_network("0.0.0.0/0"), 6: ipaddress.ip_network("::/0")}

# The names that Cisco's ASA and Arista's EOS have for ports.
PORTS = {
    ("tcp", "ssh"): 22,
    ("tcp", "smtp"): 25,
    ("tcp", "www"): 80,
    ("tcp", "ldap"): 389,
    ("tcp", "https"): 443,
    ("tcp", "cmd"): 514,
    ("tcp", "ldaps"): 636,
    ("udp", "domain"): 53,
    ("udp", "ntp"): 123,
    ("udp", "snmp"): 161,
}


def of_flows(flows: Iterable[dict]) -> Iterator[Rectangle]:
    for flow in flows:
        for source in map(ipaddress.ip_network, flow["source_networks"]):
            for destination in map(ipaddress.ip_network, flow["destination_networks"]):
                if source.version == destination.version:
                    yield flow["protocol"], flow["port"], source, destination


def allowed(rectangles: Iterable[Rectangle], cuts: Iterable[Network]) -> dict:
    """Return who may reach whom, in a shape that depends on nothing else: by protocol, port and stretch of sources, the destinations.

    ``cuts`` are networks, of whatever is to be compared, at whose edges the sources are cut.
    """
    edges = {version: sorted({edge for network in cuts if network.version == version for edge in _edges(network)}) for version in (4, 6)}
    found: dict[tuple, list] = defaultdict(list)
    for protocol, port, source, destination in rectangles:
        first, beyond = _edges(source)
        for edge in edges[source.version]:
            if first <= edge < beyond:
                found[protocol, port, source.version, edge].append(destination)
    return {key: tuple(ipaddress.collapse_addresses(networks)) for key, networks in found.items()}


def _edges(network: Network) -> tuple[int, int]:
    return int(network[0]), int(network[-1]) + 1


def same(one: Iterable[Rectangle], other: Iterable[Rectangle]) -> bool:
    """Say whether both let through the same packets, addresses by address, whatever rectangles they say it with."""
    one, other = list(one), list(other)
    cuts = {source for _protocol, _port, source, _destination in [*one, *other]}
    return allowed(one, cuts) == allowed(other, cuts)


def cisco(text: str, masks: str) -> Iterator[Rectangle]:
    """Read lists of Cisco and Arista, whose IPv4 ``masks`` are wildcard, netmask or prefix."""
    version = 4
    for line in text.splitlines():
        words = line.split()
        if not words or words[0] in ("exit", "remark", "no", "clear") or words[2:3] == ["remark"]:
            continue
        if words[:2] in (["ip", "access-list"], ["ipv4", "access-list"], ["ipv6", "access-list"]):
            version = 6 if words[0] == "ipv6" else 4
            continue
        if words[0] == "access-list":
            assert words[2] == "extended"
            words = words[3:]
            version = 6 if ":" in line else 4
        assert words.pop(0) == "permit", line
        protocol = _protocol(words.pop(0))
        source, destination = _address(words, version, masks), _address(words, version, masks)
        port = None
        if words:
            assert words.pop(0) == "eq", line
            name = words.pop(0)
            port = int(name) if name.isdigit() else PORTS[protocol, name]
        assert not words, line
        yield protocol, port, source, destination


def _address(words: list[str], version: int, masks: str) -> Network:
    word = words.pop(0)
    if word == "any":
        return EVERYONE[version]
    if word == "host":
        return ipaddress.ip_network(words.pop(0))
    if "/" in word:
        assert version == 6 or masks == "prefix"
        return ipaddress.ip_network(word)
    mask = words.pop(0)
    if masks == "wildcard":
        mask = str(ipaddress.ip_address(0xFFFFFFFF ^ int(ipaddress.ip_address(mask))))
    else:
        assert masks == "netmask"
    return ipaddress.ip_network(f"{word}/{mask}")


def _protocol(word: str) -> str:
    known = {"tcp": "tcp", "udp": "udp", "icmp": "icmp", "icmpv6": "icmp", "icmp6": "icmp", "58": "icmp"}
    return known[word] if word in known else f"ip-{int(word)}"


def _junos(text: str) -> list:
    """Return configuration of Junos as a list of ``[words, children]``, where children is None for a statement."""
    tokens = re.findall(r"[{};]|[^\s{};]+", re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL))

    def block() -> list:
        found, words = [], []
        while tokens and (token := tokens.pop(0)) != "}":
            if token == "{":
                found.append([words, block()])
                words = []
            elif token == ";":
                found.append([words, None])
                words = []
            else:
                words.append(token)
        assert not words
        return found

    return block()


def _inside(children: list, *path: str) -> Iterator[list]:
    """Return what stands in the blocks whose words begin with those of ``path``, one after the other."""
    if not path:
        yield from children
        return
    for words, within in children:
        if words[0].removesuffix(":") == path[0] and within is not None:
            yield from _inside(within, *path[1:])


def juniper(text: str) -> Iterator[Rectangle]:
    for words, families in _junos(text):
        assert words == ["firewall"]
        for family, filters in families:
            version = {"inet": 4, "inet6": 6}[family[1]]
            for name, terms in filters:
                assert name[:2] == ["replace:", "filter"]
                for term, parts in [entry for entry in terms if entry[1] is not None]:
                    assert term[0] == "term"
                    then = [words for words, _children in parts if words[0] == "then"]
                    assert then == [["then", "accept"]]
                    source, destination, protocol, port = [], [], None, None
                    for words, children in _inside(parts, "from"):
                        if words == ["source-address"]:
                            source = [ipaddress.ip_network(address[0]) for address, _children in children]
                        elif words == ["destination-address"]:
                            destination = [ipaddress.ip_network(address[0]) for address, _children in children]
                        elif words[0] == {4: "protocol", 6: "next-header"}[version]:
                            protocol = _protocol(words[1])
                        else:
                            assert words[0] == "destination-port"
                            port = int(words[1])
                    assert {network.version for network in source + destination} == {version}
                    yield from ((protocol, port, one, other) for one in source for other in destination)


def srx(text: str) -> Iterator[Rectangle]:
    tree = _junos(text)
    assert [words for words, _children in tree] == [["security"], ["applications"]]
    addresses, sets, applications, groups = {}, {}, {}, {}
    for words, children in _inside(tree, "security", "address-book", "global"):
        if words[0] == "address":
            addresses[words[1]] = ipaddress.ip_network(words[2])
        else:
            assert words[0] == "address-set"
            sets[words[1]] = [member[1] for member, _children in children]
    for words, children in _inside(tree, "applications"):
        if words[0] == "application":
            ((term, _none),) = children
            assert term[:3] == ["term", "t1", "protocol"]
            assert term[4:] == [] or (term[4] == "destination-port" and len(term) == 6)
            applications[words[1]] = _protocol(term[3]), int(term[5]) if term[5:] else None
        else:
            assert words[0] == "application-set"
            groups[words[1]] = [member[1] for member, _children in children]
    for words, children in _inside(tree, "security", "policies", "global"):
        assert words[0] == "policy"
        assert [words for words, _children in _inside(children, "then")] == [["permit"]]
        match = {words[0]: [word for word in words[1:] if word not in "[]"] for words, _children in _inside(children, "match")}
        ends = [[addresses[one] for name in match[end] for one in sets[name]] for end in ("source-address", "destination-address")]
        for name in match["application"]:
            for application in groups[name]:
                yield from ((*applications[application], one, other) for one in ends[0] for other in ends[1])


def paloalto(text: str) -> Iterator[Rectangle]:
    (vsys,) = ElementTree.fromstring(text).findall("./devices/entry/vsys/entry")  # noqa: S314 (our own)
    addresses = {entry.get("name"): ipaddress.ip_network(entry.findtext("ip-netmask")) for entry in vsys.findall("address/entry")}
    groups = {entry.get("name"): _members(entry.find("static")) for entry in vsys.findall("address-group/entry")}
    services = {
        entry.get("name"): (protocol.tag, int(protocol.findtext("port")))
        for entry in vsys.findall("service/entry")
        for protocol in entry.find("protocol")
    }
    for rule in vsys.findall("rulebase/security/rules/entry"):
        assert rule.findtext("action") == "allow"
        assert [_members(rule.find(tag)) for tag in ("from", "to", "application")] == [["any"]] * 3
        ends = [[addresses[one] for name in _members(rule.find(tag)) for one in groups[name]] for tag in ("source", "destination")]
        for service in _members(rule.find("service")):
            yield from ((*services[service], one, other) for one in ends[0] for other in ends[1] if one.version == other.version)


def _members(element: ElementTree.Element) -> list[str]:
    return [member.text for member in element.findall("member")]


def fortinet(text: str) -> Iterator[Rectangle]:
    tables: dict[str, dict[str, dict[str, list[str]]]] = defaultdict(dict)
    policies, table, entry = [], None, None
    for line in text.splitlines():
        words = [word.strip('"') for word in re.findall(r'"[^"]*"|\S+', line)]
        match words:
            case ["config", "firewall", *name]:
                table = " ".join(name)
            case ["edit", name]:
                entry = {}
                if table == "policy":
                    assert name == "0"
                    policies.append(entry)
                else:
                    tables[table][name] = entry
            case ["set", key, *values]:
                entry[key] = values
            case _:
                assert words in (["next"], ["end"]), line
    addresses = {name: ipaddress.ip_network("/".join(entry["subnet"])) for name, entry in tables["address"].items()}
    addresses |= {name: ipaddress.ip_network(entry["ip6"][0]) for name, entry in tables["address6"].items()}
    groups = {name: entry["member"] for table in ("addrgrp", "addrgrp6") for name, entry in tables[table].items()}
    services = {"ALL_ICMP": ("icmp", None), "ALL_ICMP6": ("icmp", None)}
    for name, entry in tables["service custom"].items():
        ((key, (port,)),) = entry.items()
        services[name] = {"tcp-portrange": "tcp", "udp-portrange": "udp"}[key], int(port)
    for policy in policies:
        assert (policy["action"], policy["srcintf"], policy["dstintf"]) == (["accept"], ["any"], ["any"])
        six = "6" if "srcaddr6" in policy else ""
        assert (policy["service"] == ["ALL_ICMP6"]) <= (six == "6")
        ends = [[addresses[one] for name in policy[f"{end}{six}"] for one in groups[name]] for end in ("srcaddr", "dstaddr")]
        for service in policy["service"]:
            yield from ((*services[service], one, other) for one in ends[0] for other in ends[1])


def nsx_t(text: str) -> Iterator[Rectangle]:
    policy = json.loads(text)
    assert policy["resource_type"] == "SecurityPolicy"
    for rule in policy["rules"]:
        assert (rule["action"], rule["direction"], rule["services"]) == ("ALLOW", "IN_OUT", ["ANY"])
        (entry,) = rule["service_entries"]
        if entry["resource_type"] == "ICMPTypeServiceEntry":
            protocol, port = _protocol(entry["protocol"].lower().removesuffix("v4")), None
        else:
            assert entry["resource_type"] == "L4PortSetServiceEntry"
            (ports,) = entry["destination_ports"]
            first, last = ports.split("-")
            assert first == last
            protocol, port = entry["l4_protocol"].lower(), int(first)
        ends = [map(ipaddress.ip_network, rule[f"{end}_groups"]) for end in ("source", "destination")]
        sources, destinations = map(list, ends)
        yield from ((protocol, port, one, other) for one in sources for other in destinations if one.version == other.version)


PARSERS = {
    "cisco_ios": lambda text: cisco(text, "wildcard"),
    "cisco_asa": lambda text: cisco(text, "netmask"),
    "cisco_nxos": lambda text: cisco(text, "prefix"),
    "cisco_xr": lambda text: cisco(text, "wildcard"),
    "arista": lambda text: cisco(text, "prefix"),
    "juniper": juniper,
    "srx": srx,
    "paloalto": paloalto,
    "fortinet": fortinet,
    "nsx_t": nsx_t,
}


# What a security group lets in or out: (end, direction, protocol, port, network).
GroupRule = tuple[str, str, str, int | None, Network]


def group_rules_of_flows(flows: Iterable[dict], ends: Iterable[str]) -> set[GroupRule]:
    """Return what groups of ``ends`` are to let in and out."""
    found: dict[tuple, list[Network]] = defaultdict(list)
    for flow in flows:
        what = flow["protocol"], flow["port"]
        found[(flow["destination"], "in", *what)] += map(ipaddress.ip_network, flow["source_networks"])
        found[(flow["source"], "out", *what)] += map(ipaddress.ip_network, flow["destination_networks"])
    return _normal({key: networks for key, networks in found.items() if key[0] in ends})


def _normal(found: dict[tuple, list[Network]]) -> set[GroupRule]:
    return {
        (*key, network)
        for key, networks in found.items()
        for version in (4, 6)
        for network in ipaddress.collapse_addresses([one for one in networks if one.version == version])
    }


def _grouped(rules: Iterable[GroupRule]) -> set[GroupRule]:
    found: dict[tuple, list[Network]] = defaultdict(list)
    for *key, network in rules:
        assert network not in found[tuple(key)], f"clouds refuse a rule that is there: {key} {network}"
        found[tuple(key)].append(network)
    return _normal(found)


def _end(group: str) -> str:
    return re.fullmatch(r"avi[-_](\w+(?:-\w+)*)", group)[1].replace("-", "_")


def _port(protocol: str, version: int, first: int | None, last: int | None) -> tuple[str, int | None]:
    """Return protocol and port as the flows have them."""
    assert first == last
    if protocol in ("tcp", "udp"):
        assert 1 <= first <= 65535
        return protocol, first
    assert first in (None, -1)
    if protocol in ("icmp", "1", "icmpv6", "ipv6-icmp", "58"):
        assert (protocol in ("icmp", "1")) == (version == 4)
        return "icmp", None
    return f"ip-{int(protocol)}", None


def terraform(text: str) -> set[GroupRule]:
    resources = json.loads(text)["resource"]
    groups = {f"${{aws_security_group.{key}.id}}": _end(group["name"]) for key, group in resources.pop("aws_security_group").items()}
    ways = {"aws_vpc_security_group_ingress_rule": "in", "aws_vpc_security_group_egress_rule": "out"}
    found = []
    for kind, rules in resources.items():
        for rule in rules.values():
            ((cidr, network),) = [(key, ipaddress.ip_network(value)) for key, value in rule.items() if key.startswith("cidr_")]
            assert cidr == f"cidr_ipv{network.version}"
            what = _port(rule["ip_protocol"], network.version, rule.get("from_port"), rule.get("to_port"))
            found.append((groups[rule["security_group_id"]], ways[kind], *what, network))
    return _grouped(found)


def ec2(groups: Iterable[dict]) -> set[GroupRule]:
    """Read what the API of EC2 answers to describe_security_groups."""
    found = []
    for group in groups:
        for key, way in (("IpPermissions", "in"), ("IpPermissionsEgress", "out")):
            for permission in group[key]:
                assert not permission.get("UserIdGroupPairs")
                ranges = [one["CidrIp"] for one in permission["IpRanges"]] + [one["CidrIpv6"] for one in permission["Ipv6Ranges"]]
                for network in map(ipaddress.ip_network, ranges):
                    ports = permission.get("FromPort"), permission.get("ToPort")
                    found.append((_end(group["GroupName"]), way, *_port(permission["IpProtocol"], network.version, *ports), network))
    return _grouped(found)


def openstack(rules: Iterable[dict]) -> set[GroupRule]:
    """Read the arguments of the calls of security_group_rule."""
    found = []
    for rule in rules:
        network = ipaddress.ip_network(rule["remote_ip_prefix"])
        assert rule["ether_type"] == f"IPv{network.version}"
        what = _port(rule["protocol"], network.version, rule.get("port_range_min"), rule.get("port_range_max"))
        found.append((_end(rule["security_group"]), {"ingress": "in", "egress": "out"}[rule["direction"]], *what, network))
    return _grouped(found)


def access_list(match: dict) -> set[Network]:
    """Read an IpAddrMatch of Avi's API."""
    assert match.pop("match_criteria") == "IS_IN"
    found = [_ip(address, None) for address in match.pop("addrs", [])]
    found += [_ip(prefix["ip_addr"], prefix["mask"]) for prefix in match.pop("prefixes", [])]
    assert not match
    return {network for version in (4, 6) for network in ipaddress.collapse_addresses([one for one in found if one.version == version])}


def _ip(address: dict, mask: int | None) -> Network:
    network = ipaddress.ip_network(address["addr"] if mask is None else f"{address['addr']}/{mask}")
    assert address["type"] == f"V{network.version}"
    return network


def tasks(text: str) -> list[dict]:
    return yaml.safe_load(text)
