# Copyright: (c) 2026, avi.firewall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every format in which the flows are handed over: one line each."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any, NamedTuple

from . import _handover_aerleon, _handover_avi, _handover_aws, _handover_markdown, _handover_openstack, _handover_page, _handover_sheet
from ._handover_report import HandoverError


class Format(NamedTuple):
    """``file`` is the name of the file, ``make`` makes its content of a report (docs/handover_json.md; its flows: ``report["flows"]``).

    ``warn`` tells what a person should hear about that file. ``make`` raises ValueError for what the format cannot say, and so does
    ``refuse``, of the report and the names of the hosts of the inventory.
    """

    file: str
    make: Callable[[Mapping[str, Any]], str | bytes]
    warn: Callable[[Mapping[str, Any]], list[str]] = lambda _report: []
    refuse: Callable[[Mapping[str, Any], Collection[str]], None] = lambda _report, _hosts: None


def _json(report: Mapping[str, Any]) -> str:
    return json.dumps(report, indent=1, ensure_ascii=False) + "\n"


def _firewall(target: str, report: Mapping[str, Any]) -> str:
    return _handover_aerleon.text(target, report["flows"])


def _aws_warnings(report: Mapping[str, Any]) -> list[str]:
    return _handover_aws.warnings(report["flows"])


def _named_controllers(report: Mapping[str, Any], hosts: Collection[str]) -> None:
    _handover_avi.refuse_names(report["flows"], report["resolved"], hosts)


FORMATS = {
    # To read.
    "csv": Format("report.csv", _handover_sheet.make_csv),
    "html": Format("report.html", _handover_page.make),
    "json": Format("report.json", _json),
    "markdown": Format("report.md", _handover_markdown.make),
    "xlsx": Format("report.xlsx", _handover_sheet.make_xlsx),
    # To load: network firewalls.
    "arista": Format("arista.acl", functools.partial(_firewall, "arista")),
    "cisco_asa": Format("cisco_asa.acl", functools.partial(_firewall, "cisco_asa")),
    "cisco_ios": Format("cisco_ios.acl", functools.partial(_firewall, "cisco_ios")),
    "cisco_nxos": Format("cisco_nxos.acl", functools.partial(_firewall, "cisco_nxos")),
    "cisco_xr": Format("cisco_xr.acl", functools.partial(_firewall, "cisco_xr")),
    "fortinet": Format("fortinet.conf", functools.partial(_firewall, "fortinet")),
    "juniper": Format("juniper.conf", functools.partial(_firewall, "juniper")),
    "nsx_t": Format("nsx_t.json", functools.partial(_firewall, "nsx_t")),
    "paloalto": Format("paloalto.xml", functools.partial(_firewall, "paloalto")),
    "srx": Format("srx.conf", functools.partial(_firewall, "srx")),
    # To load: clouds, and Avi itself.
    "aws_ec2": Format("aws_ec2.yml", lambda report: _handover_aws.ec2_tasks(report["flows"]), _aws_warnings),
    "aws_terraform": Format("aws.tf.json", lambda report: _handover_aws.terraform(report["flows"]), _aws_warnings),
    "openstack": Format("openstack.yml", lambda report: _handover_openstack.tasks(report["flows"])),
    "avi_access": Format("avi_access.json", lambda report: _handover_avi.as_json(report["flows"]), refuse=_named_controllers),
    "avi_access_tasks": Format("avi_access.yml", lambda report: _handover_avi.tasks(report["flows"]), refuse=_named_controllers),
}

#: Those to read that need no library more than Ansible does. What is to be loaded is for one device, and some sites it cannot be made for.
BY_DEFAULT = ("csv", "html", "json", "markdown")


def chosen(names: Iterable[str]) -> list[Format]:
    """Return the formats that ``avi_report_formats`` names. Raises HandoverError naming variable, value and what is allowed."""
    names = list(dict.fromkeys(names))
    for name in names:
        if name not in FORMATS:
            raise HandoverError(f"avi_report_formats {name!r} is not one of {', '.join(FORMATS)}")
    if not names:
        raise HandoverError(f"avi_report_formats is empty: name at least one of {', '.join(FORMATS)}")
    return [FORMATS[name] for name in names]
