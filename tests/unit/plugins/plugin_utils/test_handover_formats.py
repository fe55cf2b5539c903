# Copyright: (c) 2026, avi.firewall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Each format to load is what its module makes of the report, and stands where people look for it."""

from __future__ import annotations

import ipaddress
import json

import pytest
import yaml
from ansible_collections.avi.firewall.plugins.plugin_utils import _handover_aerleon, _handover_formats, _handover_loadable, _handover_report
from ansible_collections.avi.firewall.tests.unit import handover_golden, handover_parsers
from ansible_collections.avi.firewall.tests.unit.handover_flows import CLUSTER, HTTPS, PORTAL, PORTS, SMTP

TO_READ = {"csv", "html", "json", "markdown", "xlsx"}
FILES = {
    "arista": "arista.acl",
    "cisco_asa": "cisco_asa.acl",
    "cisco_ios": "cisco_ios.acl",
    "cisco_nxos": "cisco_nxos.acl",
    "cisco_xr": "cisco_xr.acl",
    "fortinet": "fortinet.conf",
    "juniper": "juniper.conf",
    "nsx_t": "nsx_t.json",
    "paloalto": "paloalto.xml",
    "srx": "srx.conf",
    "aws_ec2": "aws_ec2.yml",
    "aws_terraform": "aws.tf.json",
    "openstack": "openstack.yml",
    "avi_access": "avi_access.json",
    "avi_access_tasks": "avi_access.yml",
}
GROUPS = {"controller", "service_engine"}


def report(flows, resolved=None):
    return {"flows": flows, "resolved": resolved or {}}


def made(name):
    return _handover_formats.FORMATS[name].make(report(PORTS))


def test_formats_and_their_files():
    assert {name: each.file for name, each in _handover_formats.FORMATS.items() if name not in TO_READ} == FILES
    assert len({each.file for each in _handover_formats.FORMATS.values()}) == len(_handover_formats.FORMATS)


@pytest.mark.parametrize("name", sorted(_handover_aerleon.TARGETS))
def test_a_network_firewall_gets_its_own_language(name):
    planned = list(handover_parsers.of_flows(PORTS))
    assert handover_parsers.same(handover_parsers.PARSERS[name](made(name)), planned)


def test_clouds_get_their_groups():
    planned = handover_parsers.group_rules_of_flows(PORTS, GROUPS)
    assert handover_parsers.terraform(made("aws_terraform")) == planned
    assert handover_parsers.openstack(yaml.safe_load(made("openstack"))[1]["loop"]) == planned
    names = [task["amazon.aws.ec2_security_group"]["name"] for task in yaml.safe_load(made("aws_ec2"))]
    assert names == ["avi-controller", "avi-service-engine"]


def test_avi_gets_its_lists():
    lists = json.loads(made("avi_access"))["mgmt_ip_access_control"]
    assert yaml.safe_load(made("avi_access_tasks"))[2]["vars"]["avi_access"] == lists
    assert ipaddress.ip_network("198.51.100.0/24") in handover_parsers.access_list(lists["api_access"])


@pytest.mark.parametrize("name", ["avi_access", "avi_access_tasks"])
def test_the_names_of_the_report_get_to_avi(name):
    named = report([CLUSTER, HTTPS], {"con1.example.com": ["192.0.2.11"]})
    with pytest.raises(_handover_loadable.LoadableError, match=r"known by host names \(con1\.example\.com\)"):
        _handover_formats.FORMATS[name].refuse(named, [])
    _handover_formats.FORMATS[name].refuse(named, ["con1.example.com"])


@pytest.mark.parametrize("name", sorted(_handover_formats.FORMATS))
def test_only_for_aws_there_is_a_warning(name):
    crowd = [{**PORTAL, "source_networks": [f"10.{number}.0.1/32" for number in range(61)]}, SMTP]
    warned = _handover_formats.FORMATS[name].warn(report(crowd))
    assert [text[:60] for text in warned] == ["the security group avi-controller has 61 inbound IPv4 rules,"] * name.startswith("aws_")


@pytest.mark.parametrize("path", ["roles/avi_report/meta/argument_specs.yml", "plugins/modules/report_write.py"])
def test_the_documentation_names_each_format(path):
    text = (handover_golden.ROOT / path).read_text(encoding="utf-8")
    assert [name for name in _handover_formats.FORMATS if f"V({name})" not in text] == []


def test_the_guide_names_each_format_and_its_file():
    text = (handover_golden.ROOT / "docs" / "handover.md").read_text(encoding="utf-8")
    assert [name for name, each in _handover_formats.FORMATS.items() if f"`{name}`" not in text or f"`{each.file}`" not in text] == []


def test_none_to_load_is_made_unasked():
    """Each is for one device, and a site of containers would get no report at all for the sake of avi_access."""
    assert set(_handover_formats.BY_DEFAULT) == TO_READ - {"xlsx"}


def test_json_is_the_report_as_people_can_read_it():
    assert (
        _handover_formats.FORMATS["json"].make({"flows": [{"why": "Größe"}]})
        == """{
 "flows": [
  {
   "why": "Größe"
  }
 ]
}
"""
    )


def test_formats_are_made_in_the_order_in_which_they_are_named_and_once():
    assert [each.file for each in _handover_formats.chosen(["json", "csv", "json"])] == ["report.json", "report.csv"]


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["csv", "pdf"], "avi_report_formats 'pdf' is not one of "),
        ([], "avi_report_formats is empty: name at least one of "),
    ],
)
def test_a_format_that_is_none_is_refused_with_those_that_are(names, message):
    allowed = (
        "csv, html, json, markdown, xlsx, arista, cisco_asa, cisco_ios, cisco_nxos, cisco_xr, fortinet, juniper, nsx_t, paloalto, srx, "
        "aws_ec2, aws_terraform, openstack, avi_access, avi_access_tasks"
    )
    with pytest.raises(_handover_report.HandoverError, match=f"^{message}{allowed}$"):
        _handover_formats.chosen(names)
