# Copyright: (c) 2026, avi.firewall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options of all tasks that plan a host or look at its rules, and the plan they ask for."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from . import _inventory, _peers, _plan, _port_matrix, _published_ports

SPEC: dict[str, dict[str, Any]] = {
    "node": {"type": "str", "choices": _port_matrix.node_types(), "required": True},
    "nodes": {"type": "str", "required": True},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "release": {"type": "str"},
    "features": {"type": "raw", "default": []},
    "peers": {"type": "raw", "default": {}},
    "outbound": {"type": "bool", "default": False},
    "runtime": {"type": "str"},
    "kinds": {"type": "raw", "default": []},
    "ports": {"type": "raw", "default": {}},
    "cloud": {"type": "str"},
    "object_sync_port": {"type": "raw"},
    "extra_rows": {"type": "raw", "default": []},
    "backend": {"type": "str", "choices": ["auto", "firewalld", "ufw", "iptables", "nftables"], "default": "auto"},
    "interfaces": {"type": "list", "elements": "str", "default": []},
    "zone": {"type": "str"},
    "nftables_chain": {"type": "str"},
    "may_reload": {"type": "bool", "default": False},
    "may_lock_out": {"type": "bool", "default": False},
    "confirm_timeout": {"type": "int", "default": 30},
}
# For a task that looks at a host as every node type it is of.
EVERY_TYPE = {option: rule for option, rule in SPEC.items() if option != "node"}
# The variables of the roles for options that are not named after them: the others are `avi_firewall_` and the option.
VARIABLES = {
    "runtime": "avi_controller_runtime",
    "kinds": "avi_cluster_node_kinds",
    "ports": "avi_controller_ports",
    "may_reload": "avi_firewall_firewalld_reload",
    "may_lock_out": "avi_firewall_allow_lockout",
}
# Those of them that say how the plan is brought to the host.
MEANS = ("backend", "interfaces", "zone", "nftables_chain", "may_reload", "may_lock_out", "confirm_timeout")

# Each host is planned in a process of its own, forked from this one: what has been read before need not be read there.
_port_matrix.table()
_port_matrix.ends()

# The kernel allows more; wildcards and quotes would mean something to one firewall or another.
INTERFACE = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,14}")
ZONE = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_-]*")
CHAIN = re.compile(r"(inet|ip|ip6)( [A-Za-z_][A-Za-z0-9_./-]*){2}")
LONGEST = 3600


def _variable(option: str) -> str:
    return VARIABLES.get(option, f"avi_firewall_{option}")


def given(
    named: Mapping[str, Any], variables: Mapping[str, Any], template: Callable[[Any], Any], spec: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the options of a task: those ``named`` in it, and for the others of ``spec`` what the variables of the roles hold.

    They are read here because each that a task names as a template costs milliseconds of Jinja on every host.
    """
    names = {option: _variable(option) for option in spec if option in SPEC and option not in named and option != "nodes"}
    return {**template({option: variables[name] for option, name in names.items() if name in variables}), **named}


def options(action: Any, variables: Mapping[str, Any], spec: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options of the task of ``action``, an action plugin, as :func:`given` finds them, checked.

    ``spec`` is SPEC, or EVERY_TYPE with more. Fails as ``validate_argument_spec`` of the action does, naming the variable where the value
    is that of one; raw values are checked where a plan is made of them.
    """
    named = action._task.args
    arguments = given(named, variables, action._templar.template, spec)
    # The check would copy these on every host, and has nothing to say of them.
    raw = {option: value for option, value in arguments.items() if spec.get(option, {}).get("type") == "raw"}
    told = {option: _variable(option) if option in arguments.keys() - named.keys() else option for option in spec}
    action._task.args = {told.get(option, option): value for option, value in arguments.items() if option not in raw}
    checked = action.validate_argument_spec({told[option]: rule for option, rule in spec.items()})[1]
    return {**{option: checked[name] for option, name in told.items()}, **raw}


def plan(options: Mapping[str, Any], variables: Mapping[str, Any], template: Callable[[Any], Any], both: bool = False) -> _plan.Plan:
    """Return the plan of the host whose ``variables`` these are, ``template`` their values: an empty one when the rules are to go.

    ``options`` are those of SPEC; ``options["nodes"]`` names the variable that holds what ``collect`` returned. It is named,
    not handed over, because templating a list of all peers on every host grows with the square of the inventory. ``both`` is that of
    :func:`_plan.make`. Raises PlanError and what :func:`_plan.make` raises.
    """
    check_means(options)
    if options["state"] == "absent":
        return _plan.Plan()
    settings, nodes = known_to(options, variables, template)
    return _plan.make(options["node"], variables["inventory_hostname"], settings, nodes, both=both)


def known_to(
    options: Mapping[str, Any], variables: Mapping[str, Any], template: Callable[[Any], Any]
) -> tuple[_plan.Settings, _peers.Collected]:
    """Return what a plan is made from, as :func:`_plan.make` takes it. Takes what :func:`plan` does. Raises PlanError."""
    nodes = collected(options, variables)
    known = {**options, "vendor_ports": _published_ports.given(variables, template)}
    return _plan.Settings(**{name: known[name] for name in _plan.Settings.__dataclass_fields__}), nodes


def collected(options: Mapping[str, Any], variables: Mapping[str, Any]) -> _peers.Collected:
    """Return what ``collect`` returned, from the variable that ``options["nodes"]`` names. Raises PlanError if there is none."""
    found = variables.get(options["nodes"])
    if not isinstance(found, Mapping) or "runtimes" not in found:
        raise _plan.PlanError(f"nodes: {options['nodes']!r} is no variable that avi.firewall.collect registered")
    return found


def plans(
    options: Mapping[str, Any], variables: Mapping[str, Any], template: Callable[[Any], Any], both: bool = False
) -> tuple[dict[str, _plan.Plan], list[str]]:
    """Return the plan of the host as every node type it is of, by type, and its addresses; nothing for a host of no type.

    Takes and raises what :func:`plan` does; ``options["node"]`` is not looked at.
    """
    host = variables["inventory_hostname"]
    hosts = collected(options, variables)["hosts"]
    if host not in hosts:
        return {}, []
    found = {node: plan({**options, "node": node}, variables, template, both) for node in hosts[host]["types"]}
    return found, _inventory.addresses(host, known(variables, template))


def parts(types: Iterable[str]) -> list[dict[str, str]]:
    """Return node types as the module host_explain takes them."""
    return [{"node": node, "part": _plan.PARTS[node]} for node in types]


def host_arguments(options: Mapping[str, Any], made: _plan.Plan, addresses: list[str]) -> dict[str, Any]:
    """Return the arguments by which the module host_rules brings a plan to the host that has ``addresses``."""
    return {
        "node": options["node"],
        "part": _plan.PARTS[options["node"]],
        "flows": _plan.flows(made.rules),
        "published": made.published,
        "addresses": addresses,
        **{name: options[name] for name in MEANS},
    }


def known(variables: Mapping[str, Any], template: Callable[[Any], Any]) -> dict[str, Any]:
    """Return the variables that tell the address of a task's own host, as the task sees them."""
    names = ("avi_firewall_address", "ansible_host", "ansible_facts")
    return {name: template(variables[name]) for name in names if name in variables}


def drift(node: str, diff: Mapping[str, str]) -> list[str]:
    """Return what the ``diff`` of host_rules says is not as planned, a sentence each."""
    before, after = diff["before"].splitlines(), diff["after"].splitlines()
    return [
        *(f"{node}: there and not planned: {line}" for line in before if line not in after),
        *(f"{node}: planned and not there: {line}" for line in after if line not in before),
    ]


def check_means(options: Mapping[str, Any]) -> None:
    """Raise PlanError for what no host has, naming variable, value and what is allowed."""
    for name in options["interfaces"]:
        if not INTERFACE.fullmatch(name):
            raise _plan.PlanError(f"avi_firewall_interfaces: {name!r} is no interface: at most 15 letters, digits, '.', '_' and '-'")
    if options["zone"] is not None and not ZONE.fullmatch(options["zone"]):
        raise _plan.PlanError(f"avi_firewall_zone {options['zone']!r} is no zone of firewalld: letters, digits, '_' and '-'")
    if options["nftables_chain"] is not None and not CHAIN.fullmatch(options["nftables_chain"]):
        chain = options["nftables_chain"]
        raise _plan.PlanError(f"avi_firewall_nftables_chain {chain!r} is no chain of nftables: family (inet, ip, ip6), table and name")
    if not 1 <= options["confirm_timeout"] <= LONGEST:
        raise _plan.PlanError(f"avi_firewall_confirm_timeout is {options['confirm_timeout']}: seconds from 1 to {LONGEST} are allowed")
