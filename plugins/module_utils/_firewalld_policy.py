# Copyright: (c) 2026, avi.firewall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""firewalld: the policy for what this host sends, and its place among those of others."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from . import _host


def name(request: _host.Request) -> str:
    """Return the name of the policy."""
    return f"{request.prefix}out"


def place(client: Any, config: Any, priority: int | None) -> int:
    """Return the priority by which ours comes before every one that lets nothing more pass: that it has, as long as it does."""
    catching = [policy.getPriority() for _name, policy in _sending(client, config) if str(policy.getTarget()) in ("DROP", "REJECT")]
    last = min([0, *catching]) - 1
    return last if priority is None else min(priority, last)


def denied_later(client: Any, config: Any, priority: int) -> list[str]:
    """Return a warning for each rule that denies something on its way out, and does not come before ours: a policy has one place."""
    found = [
        f"policy {foreign} denies what leaves this host by {rule}, but does not come before our policy, which may accept it: "
        f"give the rule to a policy with a priority below {priority}"
        for foreign, policy in _sending(client, config)
        if policy.getPriority() >= priority
        for rule in map(str, policy.getRichRules())
        if re.search(r" (drop|reject)\b", rule)
    ]
    return list(dict.fromkeys(found))


def _sending(client: Any, config: Any) -> list[tuple[str, Any]]:
    """Return the policies for what this host sends, as they run and as a reload will make them. Ours among them deny nothing."""
    running = [(str(policy), client.getPolicySettings(policy)) for policy in client.getPolicies()]
    stored = [(str(policy), config.getPolicyByName(policy).getSettings()) for policy in config.getPolicyNames()]
    return [(policy, settings) for policy, settings in [*running, *stored] if "HOST" in settings.getIngressZones()]


def store(config: Any, request: _host.Request, rules: Iterable[str], priority: int) -> None:
    """Write the policy into the permanent configuration."""
    if name(request) in config.getPolicyNames():
        stored = config.getPolicyByName(name(request))
        settings = stored.getSettings()
        settings.setRichRules(sorted(rules))
        settings.setPriority(priority)
        stored.update(settings)
        return
    policy = {
        "description": _host.MARK,
        "ingress_zones": ["HOST"],
        "egress_zones": ["ANY"],
        "priority": priority,
        "target": "CONTINUE",
        "rich_rules": sorted(rules),
    }
    config.addPolicy(name(request), policy)


def change_running(client: Any, request: _host.Request, rules: Iterable[str]) -> None:
    """Let the policy have these rules, without a reload; its priority cannot change so."""
    settings = client.getPolicySettings(name(request))
    settings.setRichRules(sorted(rules))
    client.setPolicySettings(name(request), settings)
