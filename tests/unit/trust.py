# Copyright: (c) 2026, avi.firewall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What Ansible takes for a template: from ansible-core 2.19 on only strings that are trusted, before that every string."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ansible import template
from ansible.parsing.dataloader import DataLoader

TRUSTS = hasattr(template, "trust_as_template")


def trust_as_template(value: str) -> str:
    """Return ``value`` as a string that is a template, if it has braces."""
    return template.trust_as_template(value) if TRUSTS else value


def load_as_templates(path: Path) -> Any:
    """Return what the YAML file ``path`` holds, its strings as templates."""
    return DataLoader().load_from_file(str(path), **({"trusted_as_template": True} if TRUSTS else {}))
