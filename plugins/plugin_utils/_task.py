# Copyright: (c) 2026, avi.firewall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options that the tasks ``plan`` and ``apply`` share, and the plan they ask for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from . import _plan, _port_matrix, _published_ports

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
}


def plan(options: Mapping[str, Any], variables: Mapping[str, Any], template: Callable[[Any], Any]) -> _plan.Plan:
    """Return the plan of the host whose ``variables`` these are, ``template`` their values: an empty one when the rules are to go.

    ``options`` are those of SPEC; ``options["nodes"]`` names the variable that holds what ``collect`` returned. It is named,
    not handed over, because templating a list of all peers on every host grows with the square of the inventory.
    Raises PlanError and what :func:`_plan.make` raises.
    """
    if options["state"] == "absent":
        return _plan.Plan()
    try:
        nodes = variables[options["nodes"]]["nodes"]
    except (KeyError, TypeError) as exc:
        raise _plan.PlanError(f"nodes: {options['nodes']!r} is no variable that avi.firewall.collect registered") from exc
    known = {**options, "vendor_ports": _published_ports.given(variables, template)}
    settings = _plan.Settings(**{name: known[name] for name in _plan.Settings.__dataclass_fields__})
    return _plan.make(options["node"], variables["inventory_hostname"], settings, nodes)
