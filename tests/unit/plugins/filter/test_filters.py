# Copyright: (c) 2026, avi.firewall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The filters as a playbook calls them, behind the lookup, and what the roles they are for make of it."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path

import pytest
import yaml
from ansible.errors import AnsibleError
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar
from ansible_collections.avi.firewall.plugins.filter import debops_ferm, firewalld_rich_rules, system_role_firewall
from ansible_collections.avi.firewall.tests.unit.trust import load_as_templates, trust_as_template

COMMON = {
    "avi_firewall_release": "16.3",
    "avi_firewall_peers": {"management_client": ["198.51.100.0/24", "2001:db8:5::/48"], "smtp_server": ["203.0.113.25"]},
}
INVENTORY = {"con1": {"avi_firewall_address": "192.0.2.11"}, "se1": {"avi_firewall_address": ["192.0.2.21", "2001:db8::21"]}}
VARIABLES = {
    "inventory_hostname": "con1",
    "groups": {"avi_controllers": ["con1"], "avi_service_engines": ["se1"]},
    "hostvars": {host: {**COMMON, **variables} for host, variables in INVENTORY.items()},
    **COMMON,
}
PLAN = "query('avi.firewall.host_plan', inventory_hostname)"
RICH_RULES = [
    'rule family="ipv4" source address="192.0.2.21/32" port port="22" protocol="tcp" accept',
    'rule family="ipv6" source address="2001:db8::21/128" port port="22" protocol="tcp" accept',
    'rule family="ipv4" source address="192.0.2.21/32" port port="8443" protocol="tcp" accept',
    'rule family="ipv6" source address="2001:db8::21/128" port port="8443" protocol="tcp" accept',
    'rule family="ipv4" source address="192.0.2.21/32" port port="123" protocol="udp" accept',
    'rule family="ipv6" source address="2001:db8::21/128" port port="123" protocol="udp" accept',
    'rule family="ipv4" source address="198.51.100.0/24" port port="22" protocol="tcp" accept',
    'rule family="ipv6" source address="2001:db8:5::/48" port port="22" protocol="tcp" accept',
    'rule family="ipv4" source address="198.51.100.0/24" port port="443" protocol="tcp" accept',
    'rule family="ipv6" source address="2001:db8:5::/48" port port="443" protocol="tcp" accept',
    'rule family="ipv4" source address="198.51.100.0/24" port port="161" protocol="udp" accept',
    'rule family="ipv6" source address="2001:db8:5::/48" port port="161" protocol="udp" accept',
]

# Every option of an entry, as linux-system-roles.firewall 1.12.4 documents it in README.md and with its module.
BY_TYPE = {
    "str": ["zone", "set_default_zone", "ipset", "ipset_type", "description", "short"],
    "bool": ["masquerade", "icmp_block_inversion", "permanent", "runtime"],
    "dict": ["firewalld_conf", "ipset_options"],
    "raw": ["forward_port"],
    "int": ["timeout"],
}
LISTS = ["service", "port", "source_port", "rich_rule", "source", "interface", "interface_pci_id", "icmp_block"]
LISTS += ["ipset_entries", "protocol", "helper_module", "destination", "includes"]
SYSTEM_ROLE = {
    **{name: {"type": kind} for kind, names in BY_TYPE.items() for name in names},
    **{name: {"type": "list", "elements": "str"} for name in LISTS},
    "target": {"type": "str", "choices": ["default", "ACCEPT", "DROP", "%%REJECT%%"]},
    "state": {"type": "str", "choices": ["enabled", "disabled", "present", "absent"]},
    "previous": {"type": "str", "choices": ["replaced", "kept"]},
}


def template(expression, **variables):
    return Templar(loader=DataLoader(), variables={**VARIABLES, **variables}).template(trust_as_template("{{ " + expression + " }}"))


def test_the_plan_becomes_rich_rules():
    assert template(f"{PLAN} | avi.firewall.firewalld_rich_rules") == RICH_RULES


def test_the_plan_becomes_what_the_system_role_documents():
    (entry,) = template(f"{PLAN} | avi.firewall.system_role_firewall(zone='public', state='disabled')")
    assert entry == {"zone": "public", "rich_rule": RICH_RULES, "state": "disabled"}
    checked = ArgumentSpecValidator(SYSTEM_ROLE).validate(entry)
    assert checked.error_messages == []
    assert {name: value for name, value in checked.validated_parameters.items() if value is not None} == entry


@pytest.fixture(scope="module")
def ferm():
    """The folder of the role ferm in the package of DebOps."""
    package = Path(importlib.util.find_spec("debops").origin).parent
    return package / "_data" / "ansible" / "collections" / "ansible_collections" / "debops" / "debops" / "roles" / "ferm"


def test_the_role_of_debops_makes_rules_of_the_plan(ferm):
    """By its own defaults and templates. What ferm makes of the text, and the kernel, is tested with containers."""
    variables = {
        **load_as_templates(ferm / "defaults" / "main.yml"),
        "ansible_search_path": [str(ferm)],
        "ansible_distribution_release": "bookworm",
        "ansible_all_ipv4_addresses": ["192.0.2.11"],
        "ansible_all_ipv6_addresses": ["2001:db8::11"],
        "ansible_managed": "Ansible managed",
        "ferm__dependent_rules": trust_as_template(
            "{{ query('avi.firewall.host_plan', inventory_hostname, outbound=true) | avi.firewall.debops_ferm }}"
        ),
    }
    parsed = template("ferm__parsed_rules", **variables)
    ours = {name: rule for name, rule in parsed.items() if name.startswith("avi-")}
    assert {name: rule["rule_state"] for name, rule in ours.items()} == {"avi-con-in": "present", "avi-con-out": "present"}
    assert template("ferm__combined_weight_map['accept'] < ferm__combined_weight_map['reject']", **variables)
    made = [rule for item in ours.values() for rule in written(template(RULE_FILE, **variables, item={"value": item}))]
    assert made == [
        ("INPUT", "tcp", "22", "saddr", "192.0.2.21/32 2001:db8::21/128"),
        ("INPUT", "tcp", "8443", "saddr", "192.0.2.21/32 2001:db8::21/128"),
        ("INPUT", "udp", "123", "saddr", "192.0.2.21/32 2001:db8::21/128"),
        ("INPUT", "tcp", "22", "saddr", "198.51.100.0/24 2001:db8:5::/48"),
        ("INPUT", "tcp", "443", "saddr", "198.51.100.0/24 2001:db8:5::/48"),
        ("INPUT", "udp", "161", "saddr", "198.51.100.0/24 2001:db8:5::/48"),
        ("OUTPUT", "tcp", "25", "daddr", "203.0.113.25/32"),
    ]


RULE_FILE = "lookup('template', 'etc/ferm/rules.d/rule.conf.j2')"


def written(text):
    """Return the rules in a file of ferm: chain, protocol, port, and who; there is nothing in it but such rules."""
    rule = re.compile(
        r"domain \(ip ip6\) table filter chain (\w+) \{ protocol (\w+) dport (\d+) \{ "
        r"@def \$([SD])ITEMS = \( @ipfilter\( \(([^()]*)\) \) \); "
        r'@if @ne\(\$\4ITEMS,""\) \{ ([sd]addr) \$\4ITEMS ACCEPT; \} \} \}'
    )
    code = " ".join(line.strip() for line in text.splitlines() if line.strip() and not line.startswith("#"))
    assert rule.sub("", code).strip() == ""
    return [(chain, protocol, port, other_end, networks) for chain, protocol, port, _letter, networks, other_end in rule.findall(code)]


@pytest.mark.parametrize("name", ["firewalld_rich_rules", "system_role_firewall", "debops_ferm"])
def test_a_plan_that_is_none_is_refused_by_the_name_of_the_filter(name):
    with pytest.raises(AnsibleError, match=f"{name}: 'con1' is a str, not the list of rules"):
        template(f"inventory_hostname | avi.firewall.{name}")


@pytest.mark.parametrize("name", ["firewalld_rich_rules", "system_role_firewall"])
def test_what_goes_out_is_refused_where_it_cannot_be_said(name):
    with pytest.raises(AnsibleError, match=f"{name}: rule smtp goes out, to smtp_server"):
        template(f"query('avi.firewall.host_plan', 'con1', outbound=true) | avi.firewall.{name}")


@pytest.mark.parametrize("plugin", [debops_ferm, firewalld_rich_rules, system_role_firewall])
def test_the_documentation_names_the_filter_and_shows_what_it_takes(plugin):
    name = yaml.safe_load(plugin.DOCUMENTATION)["name"]
    assert plugin.FilterModule().filters().keys() == {name}
    assert f"query('avi.firewall.host_plan', inventory_hostname) | avi.firewall.{name}" in plugin.EXAMPLES


def templates(value):
    """Return the strings in a play that call a filter of ours."""
    if isinstance(value, str):
        return [value] if re.search(r"\| avi\.firewall\.", value) else []
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [found for part in parts for found in templates(part)]


def plays():
    """Return the plays of the page about other roles."""
    page = Path(debops_ferm.__file__).parents[2] / "docs" / "other_roles.md"
    blocks = re.findall(r"```yaml\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)
    return [play for block in blocks for play in yaml.safe_load(block)]


def test_the_plays_of_the_page_hand_over_what_they_say():
    handed = []
    for play in plays():
        variables = {name: trust_as_template(value) for name, value in play.pop("vars", {}).items()}
        handed += [template(text.strip("{} \n"), **variables) for text in templates(play)]
    assert [[(entry.get("state"), len(entry.get("rich_rule", []))) for entry in one if isinstance(entry, dict)] for one in handed] == [
        [("enabled", 0), ("enabled", 12)],
        [("enabled", 12), ("disabled", 0)],
        [(None, 0)],
        [],
    ]
    assert handed[3] == RICH_RULES
