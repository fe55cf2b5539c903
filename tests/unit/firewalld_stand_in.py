# Copyright: (c) 2026, avi.firewall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A stand-in for firewalld and its client library, which answers as 1.3 does. It writes down who gets in after each step.

The method names are those of firewalld.
"""

# ruff: noqa: N802

from __future__ import annotations

import copy
import functools
import re
from collections.abc import Callable
from typing import Any

# How the settings of a policy are called over D-Bus, and as an object.
POLICY = {
    "description": "Description",
    "ingress_zones": "IngressZones",
    "egress_zones": "EgressZones",
    "priority": "Priority",
    "target": "Target",
    "rich_rules": "RichRules",
}


class RefusedError(Exception):
    """Stands in for the error that comes over D-Bus."""

    def __str__(self) -> str:
        return f"org.fedoraproject.FirewallD1.Exception: {super().__str__()}"


class Settings:
    """What a service, an ipset, a zone or a policy holds: ``getX`` and ``setX`` for each X."""

    def __init__(self, **held: Any) -> None:
        self.held = {"Description": "", "Ports": [], "Entries": [], "RichRules": [], "Sources": [], **held}

    def __getattr__(self, name: str) -> Callable[..., Any]:
        verb, what = name[:3], name[3:]
        if (verb, what[:1].isupper()) == ("get", True):
            return lambda: self.held[what]
        if (verb, what[:1].isupper()) == ("set", True):
            return lambda value: self.held.update({what: value})
        raise AttributeError(name)

    def __deepcopy__(self, memo: Any) -> Settings:
        return Settings(**copy.deepcopy(self.held, memo))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Settings) and self.held == other.held

    def addOption(self, name: str, value: str) -> None:
        self.held[name] = value

    def addRichRule(self, rule: str) -> None:
        assert rule not in self.held["RichRules"], "ALREADY_ENABLED"
        self.held["RichRules"] = [*self.held["RichRules"], rule]

    def removeRichRule(self, rule: str) -> None:
        assert rule in self.held["RichRules"], "NOT_ENABLED"
        self.held["RichRules"] = [there for there in self.held["RichRules"] if there != rule]


Things = dict[str, Settings]


class Configuration:
    """What firewalld holds: permanently or running."""

    def __init__(self) -> None:
        self.zones: Things = {"public": Settings()}
        self.services: Things = {}
        self.ipsets: Things = {}
        self.policies: Things = {}

    def peers(self) -> list[str]:
        """Return who is let in at any port, sorted."""
        found: set[str] = set()
        for rule in [rule for zone in self.zones.values() for rule in zone.held["RichRules"]]:
            words = dict(re.findall(r'(family|ipset|address|name)="([^"]+)"', rule))
            assert words["name"] in self.services, f"INVALID_SERVICE: {rule}"
            if "ipset" in words:
                assert words["ipset"] in self.ipsets, f"INVALID_IPSET: {rule}"
                found |= set(self.ipsets[words["ipset"]].held["Entries"])
            else:
                found.add(words.get("address", "everyone"))
        return sorted(found)


class Stored:
    """One thing of the permanent configuration."""

    def __init__(self, firewalld: Firewalld, things: Things, name: str) -> None:
        self.firewalld, self.things, self.name = firewalld, things, name

    def getSettings(self) -> Settings:
        return copy.deepcopy(self.things[self.name])

    def update(self, settings: Settings) -> None:
        self.firewalld.write()
        self.things[self.name] = settings

    def remove(self) -> None:
        self.firewalld.write()
        del self.things[self.name]


class Firewalld:
    """The client; :meth:`config` is that of the permanent configuration, and the same object.

    ``history`` is who was let in, a list each time that it changed. ``denies`` is what a write is answered with, ``broken`` what a check of
    the permanent configuration is; both are empty where there is nothing to refuse. ``interfaces`` are those that are bound to a zone.
    """

    connected = True

    def __init__(self) -> None:
        self.permanent, self.running = Configuration(), Configuration()
        self.history: list[list[str]] = [[]]
        self.reloads = 0
        self.writes = 0
        self.broken = self.denies = ""
        self.interfaces: dict[str, str] = {}
        for kind, what in {"Zone": "zones", "Service": "services", "IPSet": "ipsets", "Policy": "policies"}.items():
            setattr(self, f"get{kind}Names", functools.partial(self._names, what))
            setattr(self, f"get{kind}ByName", functools.partial(self._stored, what))
            setattr(self, f"add{kind}", functools.partial(self._add, what))

    # What the library offers.
    FirewallClientServiceSettings = FirewallClientIPSetSettings = Settings

    def FirewallClient(self) -> Firewalld:
        return self

    def config(self) -> Firewalld:
        return self

    def write(self) -> None:
        if self.denies:
            raise RefusedError(self.denies)
        self.writes += 1

    def checkPermanentConfig(self) -> None:
        if self.broken:
            raise RefusedError(self.broken)

    def changed(self) -> None:
        """Write down who gets in now."""
        if (now := self.running.peers()) != self.history[-1]:
            self.history.append(now)

    # The permanent configuration.
    def _names(self, what: str) -> list[str]:
        return list(getattr(self.permanent, what))

    def _stored(self, what: str, name: str) -> Stored:
        assert name in getattr(self.permanent, what), f"INVALID_NAME: {name}"
        return Stored(self, getattr(self.permanent, what), name)

    def _add(self, what: str, name: str, settings: Settings | dict[str, Any]) -> None:
        assert name not in getattr(self.permanent, what), f"NAME_CONFLICT: {name}"
        self.write()
        if isinstance(settings, dict):
            settings = Settings(**{POLICY[key]: value for key, value in settings.items()})
        getattr(self.permanent, what)[name] = settings

    # What runs.
    def reload(self) -> None:
        self.write()
        self.checkPermanentConfig()
        self.permanent.peers()
        self.reloads += 1
        self.running = copy.deepcopy(self.permanent)
        self.changed()

    def getDefaultZone(self) -> str:
        return "public"

    def getZones(self) -> list[str]:
        return list(self.running.zones)

    def getZoneOfInterface(self, name: str) -> str:
        return self.interfaces.get(name, "")

    def getSources(self, zone: str) -> list[str]:
        return self.running.zones[zone].held["Sources"]

    def listServices(self) -> list[str]:
        return list(self.running.services)

    def getServiceSettings(self, name: str) -> Settings:
        return self.running.services[name]

    def getIPSets(self) -> list[str]:
        return list(self.running.ipsets)

    def getEntries(self, ipset: str) -> list[str]:
        return list(self.running.ipsets[ipset].held["Entries"])

    def addEntry(self, ipset: str, entry: str) -> None:
        self.write()
        self.running.ipsets[ipset].held["Entries"] = [*self.getEntries(ipset), entry]
        self.changed()

    def removeEntry(self, ipset: str, entry: str) -> None:
        self.write()
        self.running.ipsets[ipset].held["Entries"] = [there for there in self.getEntries(ipset) if there != entry]
        self.changed()

    def getPolicies(self) -> list[str]:
        return list(self.running.policies)

    def getPolicySettings(self, name: str) -> Settings:
        return copy.deepcopy(self.running.policies[name])

    def setPolicySettings(self, name: str, settings: Settings) -> None:
        self.write()
        # What runs takes no other priority.
        settings.setPriority(self.running.policies[name].held["Priority"])
        self.running.policies[name] = settings

    def getRichRules(self, zone: str) -> list[str]:
        return list(self.running.zones[zone].held["RichRules"])

    def addRichRule(self, zone: str, rule: str, seconds: int = 0) -> None:
        """One that stands in must not outlive the run for long."""
        assert seconds == (60 if "address=" in rule else 0)
        self.write()
        self.running.zones[zone].addRichRule(rule)
        self.changed()

    def removeRichRule(self, zone: str, rule: str) -> None:
        self.write()
        self.running.zones[zone].removeRichRule(rule)
        self.changed()
