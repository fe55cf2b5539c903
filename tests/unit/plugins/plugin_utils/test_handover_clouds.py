# Copyright: (c) 2026, avi.firewall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Security groups: what they let in and out is what the flows say, also when AWS and Ansible's modules have read them."""

from __future__ import annotations

import importlib
import json
import re
import sys
from pathlib import Path

import boto3
import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar
from ansible_collections.avi.firewall.plugins.plugin_utils import _handover_aws, _handover_loadable, _handover_openstack
from ansible_collections.avi.firewall.tests.unit import commands, handover_golden, handover_parsers, handover_site
from ansible_collections.avi.firewall.tests.unit.handover_flows import AKO, CLUSTER, ECHO, ETHERIP, HTTPS, PORTAL, PORTS, SMTP
from ansible_collections.avi.firewall.tests.unit.trust import trust_as_template
from moto.ec2.models.security_groups import SecurityGroupBackend
from moto.server import ThreadedMotoServer

FEW = [*PORTS, ECHO, ETHERIP]
# Who is a host of ours at all, of the flows here.
ENDS = {"controller", "service_engine"}
SITES = {"few": lambda: FEW, "site": handover_site.flows}
EACH = [_handover_aws.terraform, _handover_aws.ec2_tasks, _handover_aws.warnings, _handover_openstack.tasks]
BOTH = "https from management_client to controller, ako from ako to controller"


@pytest.fixture(params=SITES)
def site(request):
    return request.param


@pytest.fixture
def flows(site):
    return SITES[site]()


def planned(flows):
    return handover_parsers.group_rules_of_flows(flows, ENDS)


def test_terraform(site, flows):
    text = _handover_aws.terraform(flows)
    handover_golden.check(f"loadable/{site}.tf.json", text)
    assert handover_parsers.terraform(text) == planned(flows)


def test_terraform_of_one_flow():
    assert json.loads(_handover_aws.terraform([{**SMTP, "source_networks": ["192.0.2.11/32"]}])) == {
        "//": "avi.firewall, release 22.1",
        "terraform": {"required_providers": {"aws": {"source": "hashicorp/aws", "version": ">= 5.0"}}},
        "variable": {"avi_vpc_id": {"type": "string", "description": "The VPC that the instances of Avi are in"}},
        "resource": {
            "aws_security_group": {
                "avi_controller": {
                    "name": "avi-controller",
                    "description": "controller: avi.firewall, release 22.1",
                    "vpc_id": "${var.avi_vpc_id}",
                }
            },
            "aws_vpc_security_group_egress_rule": {
                "avi_controller_tcp_25_192_0_2_25_32": {
                    "security_group_id": "${aws_security_group.avi_controller.id}",
                    "description": "smtp from controller to smtp_server",
                    "cidr_ipv4": "192.0.2.25/32",
                    "ip_protocol": "tcp",
                    "from_port": 25,
                    "to_port": 25,
                }
            },
        },
        "output": {"avi_controller_security_group_id": {"value": "${aws_security_group.avi_controller.id}"}},
    }


def test_terraform_has_a_name_for_each_rule_that_only_the_rule_decides():
    """Else one more Service Engine would have Terraform make half of the rules anew."""
    before = json.loads(_handover_aws.terraform([PORTAL]))["resource"]
    after = json.loads(_handover_aws.terraform([CLUSTER, HTTPS, PORTAL]))["resource"]
    for kind, resources in before.items():
        assert resources.keys() <= after[kind].keys()


def test_tasks_for_ec2(site, flows):
    handover_golden.check(f"loadable/{site}.ec2.yml", _handover_aws.ec2_tasks(flows))


def test_tasks_for_openstack(site, flows):
    handover_golden.check(f"loadable/{site}.openstack.yml", _handover_openstack.tasks(flows))


@pytest.fixture
def aws(monkeypatch):
    """A stand-in for AWS on this machine, with an empty network. The account has been given more than 60 rules for a group."""
    monkeypatch.setattr(SecurityGroupBackend, "_verify_group_will_respect_rule_count_limit", lambda *_arguments, **_options: None)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    for name, value in {
        "AWS_ENDPOINT_URL": f"http://{host}:{port}",
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_DEFAULT_REGION": "eu-central-1",
        "AWS_REGION": "eu-central-1",
    }.items():
        monkeypatch.setenv(name, value)
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    client = boto3.client("ec2")
    yield client, client.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    server.stop()


@pytest.fixture
def applied(flows):
    """What the stand-in can take: unlike AWS it wants ports for each protocol."""
    return [flow for flow in flows if flow != ETHERIP]


def there(client, vpc):
    groups = client.describe_security_groups(Filters=[{"Name": "vpc-id", "Values": [vpc]}])["SecurityGroups"]
    return [group for group in groups if group["GroupName"] != "default"]


def play(tmp_path, tasks, **variables):
    """Run ``tasks`` on this machine. Return how many changed something."""
    (tmp_path / "tasks.yml").write_text(tasks, encoding="utf-8")
    (tmp_path / "play.json").write_text(
        json.dumps([{"hosts": "localhost", "gather_facts": False, "tasks": [{"ansible.builtin.import_tasks": "tasks.yml"}]}])
    )
    options = ["-i", "localhost,", "-c", "local", "-e", json.dumps(variables)]
    ran = commands.ansible("playbook", *options, "play.json", cwd=tmp_path)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return int(re.search(r"changed=(\d+)", ran.stdout)[1])


def test_the_module_makes_the_groups(tmp_path, aws, site, applied):
    client, vpc = aws
    python = {"avi_vpc_id": vpc, "ansible_python_interpreter": sys.executable}
    assert play(tmp_path, _handover_aws.ec2_tasks(applied), **python) == 2
    groups = there(client, vpc)
    assert handover_parsers.ec2(groups) == planned(applied)
    if site == "few":
        assert play(tmp_path, _handover_aws.ec2_tasks(applied), **python) == 0


def test_the_api_takes_each_rule_of_terraform(aws, applied):
    """Each resource is one call of the API, with the same words; refused are duplicates, bad networks and bad ports."""
    client, vpc = aws
    resources = json.loads(_handover_aws.terraform(applied))["resource"]
    made = {}
    for key, group in resources["aws_security_group"].items():
        found = client.create_security_group(GroupName=group["name"], Description=group["description"], VpcId=vpc)
        made[f"${{aws_security_group.{key}.id}}"] = found["GroupId"]
        everything = [{"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}]
        client.revoke_security_group_egress(GroupId=found["GroupId"], IpPermissions=everything)
    for kind in ("ingress", "egress"):
        authorize = getattr(client, f"authorize_security_group_{kind}")
        for rule in resources[f"aws_vpc_security_group_{kind}_rule"].values():
            told = {"Description": rule["description"]}
            four = [{"CidrIp": rule["cidr_ipv4"], **told}] if "cidr_ipv4" in rule else []
            six = [{"CidrIpv6": rule["cidr_ipv6"], **told}] if "cidr_ipv6" in rule else []
            ports = {name: rule[key] for name, key in (("FromPort", "from_port"), ("ToPort", "to_port")) if key in rule}
            permission = {"IpProtocol": rule["ip_protocol"], **ports, "IpRanges": four, "Ipv6Ranges": six}
            authorize(GroupId=made[rule["security_group_id"]], IpPermissions=[permission])
    assert handover_parsers.ec2(there(client, vpc)) == planned(applied)


def arguments(task):
    """Return the arguments of each turn of a ``task`` with a loop, as its module gets them."""
    ((module, options),) = [(key, value) for key, value in task.items() if "." in key]
    trusted = {key: trust_as_template(value) for key, value in options.items()}
    for item in task["loop"]:
        templar = Templar(loader=DataLoader(), variables={"item": item, "omit": "__omitted__"})
        yield module, {key: value for key, value in templar.template(trusted).items() if value != "__omitted__"}


def spec(module):
    """Return the argument specification of a module of openstack.cloud, and what else it demands."""
    known = importlib.import_module(f"ansible_collections.{module.rpartition('.')[0]}.plugins.modules.{module.rpartition('.')[2]}")
    (found,) = [thing for thing in vars(known).values() if isinstance(thing, type) and thing.__module__ == known.__name__]
    demands = {
        key: value for key, value in found.module_kwargs.items() if key in ("mutually_exclusive", "required_if", "required_together")
    }
    return found.argument_spec, demands


def test_the_modules_of_openstack_take_the_arguments(flows):
    groups, rules = handover_parsers.tasks(_handover_openstack.tasks(flows))
    taken = []
    for task in (groups, rules):
        for module, options in arguments(task):
            known, demands = spec(module)
            result = ArgumentSpecValidator(known, **demands).validate(options)
            assert result.error_messages == []
            taken.append((module, {key: value for key, value in result.validated_parameters.items() if value is not None}))
    assert {options["name"] for module, options in taken if module.endswith(".security_group")} == {"avi-controller", "avi-service-engine"}
    calls = [options for module, options in taken if module.endswith(".security_group_rule")]
    assert {options["state"] for options in calls} == {"present"}
    assert handover_parsers.openstack(calls) == planned(flows)


def test_the_specification_of_openstack_refuses_what_is_wrong():
    known, demands = spec("openstack.cloud.security_group_rule")
    wrong = {"security_group": "a", "direction": "in", "remote_ip_prefix": "192.0.2.0/24"}
    assert ArgumentSpecValidator(known, **demands).validate(wrong).error_messages != []


def test_one_rule_where_the_sources_of_two_flows_overlap():
    (rule,) = _handover_loadable.groups([HTTPS, AKO])["controller"]
    assert rule == _handover_loadable.Rule("in", "tcp", 443, ("198.51.100.0/24", "2001:db8:5::/48"), tuple(BOTH.split(", ")))


def test_descriptions_are_what_clouds_take():
    """AWS takes 255 characters, of few kinds. What a person wrote is not among them."""
    many = [{**HTTPS, "name": f"row_{number}", "source_networks": ["198.51.100.0/24"]} for number in range(20)]
    for flows in (FEW, many):
        texts = [_handover_aws.terraform(flows), _handover_aws.ec2_tasks(flows), _handover_openstack.tasks(flows)]
        assert not any("Because" in text for text in texts)
        resources = json.loads(texts[0])["resource"]
        told = [entry["description"] for kind in resources.values() for entry in kind.values()]
        assert told
        assert all(re.fullmatch(r"[\w .:,/()#@\[\]+=&;{}!$*-]{1,255}", text, re.ASCII) for text in told)


@pytest.mark.parametrize("told", EACH)
@pytest.mark.parametrize("protocol", ["tcp", "udp"])
def test_tcp_or_udp_without_a_port_is_refused(told, protocol):
    message = f"system_portal from service_engine to controller has no port: a security group would open every {protocol} port"
    with pytest.raises(_handover_loadable.LoadableError, match=f"^{message}$"):
        told([{**PORTAL, "protocol": protocol, "port": None}])


@pytest.mark.parametrize("told", EACH)
@pytest.mark.parametrize("flows", [[], [{**SMTP, "source": "dns_server"}]])
def test_no_group_is_refused(told, flows):
    message = "no flow has a Controller, Service Engine or cluster node at an end: there is nothing to make a security group of"
    with pytest.raises(_handover_loadable.LoadableError, match=f"^{message}$"):
        told(flows)


def scattered(number):
    return [f"10.{n}.0.1/32" for n in range(number)]


def test_a_cluster_node_has_a_group_of_its_kind():
    login = {**SMTP, "name": "kubernetes_node_ssh", "destination": "kubernetes_node", "port": 22}
    groups = _handover_loadable.groups([login])
    assert {end: [rule.direction for rule in rules] for end, rules in groups.items()} == {"controller": ["out"], "kubernetes_node": ["in"]}
    assert "avi-kubernetes-node" in _handover_aws.ec2_tasks([login])


def test_more_rules_than_aws_allows_are_warned_of():
    assert _handover_aws.warnings([{**PORTAL, "source_networks": scattered(60)}]) == []
    split = [{**PORTAL, "source_networks": scattered(60)}, {**PORTAL, "port": 22, "source_networks": ["10.0.0.1/32", "2001:db8::1/128"]}]
    assert _handover_aws.warnings(split) == [
        "the security group avi-controller has 61 inbound IPv4 rules, and AWS allows 60: name whole networks in avi_firewall_peers, or ask "
        "AWS for more (inbound or outbound rules per security group)"
    ]
    calls = [{**SMTP, "destination_networks": scattered(61)}]
    assert [text[:66] for text in _handover_aws.warnings(calls)] == [
        "the security group avi-controller has 61 outbound IPv4 rules, and A"[:66]
    ]


def test_a_file_names_each_release_once():
    assert _handover_loadable.origin([PORTAL, {**PORTAL, "release": "16.3"}, PORTAL]) == "avi.firewall, release 22.1, 16.3"


def test_the_same_flows_make_the_same_file(tmp_path: Path):
    for told in (_handover_aws.terraform, _handover_aws.ec2_tasks, _handover_openstack.tasks):
        assert told(FEW) == told(list(FEW))
        assert not re.search(r"20\d\d-\d\d", told(FEW))
