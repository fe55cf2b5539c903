# Copyright: (c) 2026, avi.firewall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import re
from types import SimpleNamespace

import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.avi.firewall.plugins.plugin_utils import _plan, _task

FINE = {"interfaces": ["eth0", "bond0.100", "br-lan"], "zone": "my-zone", "nftables_chain": "inet filter input", "confirm_timeout": 30}


def test_what_hosts_have_is_let_through():
    _task.check_means(FINE)
    _task.check_means({**FINE, "interfaces": [], "zone": None, "nftables_chain": None, "confirm_timeout": 3600})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("interfaces", ['eth0" accept']),
        ("interfaces", ["eth+"]),
        ("interfaces", ["eth0", "a-name-too-long-0"]),
        ("zone", "public; reboot"),
        ("zone", ""),
        ("nftables_chain", "filter input"),
        ("nftables_chain", "bridge filter input"),
        ("nftables_chain", "inet filter input; flush ruleset"),
        ("confirm_timeout", 0),
        ("confirm_timeout", 3601),
    ],
)
def test_what_no_host_has_is_named(name, value):
    shown = value[-1] if isinstance(value, list) else value
    with pytest.raises(_plan.PlanError, match=f"avi_firewall_{name}") as caught:
        _task.check_means({**FINE, name: value})
    assert str(shown) in str(caught.value)


def test_what_the_host_holds_and_what_is_planned_are_told_apart():
    diff = {"before": "same\nstale\n", "after": "missing\nsame\n"}
    assert _task.drift("controller", diff) == [
        "controller: there and not planned: stale",
        "controller: planned and not there: missing",
    ]
    assert _task.drift("controller", {"before": "same\n", "after": "same\n"}) == []


def test_rules_that_are_to_go_need_no_plan():
    plan = _task.plan({**FINE, "state": "absent"}, {}, lambda value: value)
    assert (plan.rules, plan.published, plan.warnings) == ([], [], [])


@pytest.mark.parametrize("plan", [_task.plan, _task.plans])
@pytest.mark.parametrize("held", [{}, {"there": None}, {"there": {"nodes": {}}}])
def test_what_collect_did_not_register_is_named(held, plan):
    with pytest.raises(_plan.PlanError, match=r"^nodes: 'there' is no variable that avi\.firewall\.collect registered$"):
        plan({**FINE, "state": "present", "nodes": "there"}, {"inventory_hostname": "con1", **held}, lambda value: value)


def test_what_a_task_does_not_name_the_variables_of_the_roles_tell():
    held = {
        "avi_firewall_release": "16.3",
        "avi_firewall_outbound": "{{ yes }}",
        "avi_controller_runtime": "docker",
        "avi_cluster_node_kinds": ["marathon"],
        "avi_controller_ports": {"https": 9443},
        "avi_firewall_firewalld_reload": True,
        "avi_firewall_allow_lockout": False,
        "avi_firewall_nodes": "not meant",
        "release": "17.1",
    }

    def template(values):
        return {option: True if value == "{{ yes }}" else value for option, value in values.items()}

    assert _task.given({"nodes": "kept", "source": "se1"}, held, template, _task.SPEC) == {
        "nodes": "kept",
        "source": "se1",
        "release": "16.3",
        "outbound": True,
        "runtime": "docker",
        "kinds": ["marathon"],
        "ports": {"https": 9443},
        "may_reload": True,
        "may_lock_out": False,
    }
    assert _task.given({"release": "17.1"}, {"avi_firewall_release": "16.3"}, lambda value: value, _task.SPEC) == {"release": "17.1"}


def options(named, **variables):
    """Return the options of a task that names some itself, checked as action plugins check them."""

    def validate(spec):
        checked = ArgumentSpecValidator(spec).validate(action._task.args)
        if checked.error_messages:
            raise ValueError("; ".join(checked.error_messages))
        return checked, checked.validated_parameters

    action = SimpleNamespace(_task=SimpleNamespace(args=named), _templar=SimpleNamespace(template=dict), validate_argument_spec=validate)
    return _task.options(action, variables, _task.EVERY_TYPE)


def test_raw_values_are_not_checked():
    peers = {"dns_server": ["192.0.2.1"]}
    found = options({"nodes": "nodes", "outbound": "yes"}, avi_firewall_peers=peers, avi_firewall_release=16.3)
    assert found["peers"] is peers
    assert (found["release"], found["outbound"], found["confirm_timeout"]) == ("16.3", True, 30)
    # It is planned as every node type it is of, whatever a role before has set.
    assert "node" not in options({"nodes": "nodes"}, avi_firewall_node="controller")


@pytest.mark.parametrize(
    ("named", "message"),
    [
        ({"nodes": "nodes"}, "value of avi_firewall_backend must be one of: auto, firewalld, ufw, iptables, nftables, got: pf"),
        ({"nodes": "nodes", "backend": "ipf"}, "value of backend must be one of: auto, firewalld, ufw, iptables, nftables, got: ipf"),
        ({"backend": "auto"}, "missing required arguments: nodes"),
        ({"nodes": "nodes", "backend": "auto", "typo": 1}, "typo. Supported parameters include: backend, "),
    ],
)
def test_a_wrong_value_is_told_by_the_name_that_it_was_given(named, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        options(named, avi_firewall_backend="pf")
