# Copyright: (c) 2026, avi.firewall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Sphinx: the pages of docs, which are written for GitHub, beside the reference that antsibull-docs makes of plugins and roles."""

from __future__ import annotations

import re
from pathlib import Path

from sphinx.application import Sphinx

ROOT = Path(__file__).parents[2]
ON_GITHUB = "https://github.com/avi-firewall/avi.firewall/tree/main"

project = "avi.firewall"
author = "avi.firewall contributors"
project_copyright = "2026, avi.firewall contributors"
extensions = ["myst_parser", "sphinx_antsibull_ext"]
html_theme = "sphinx_ansible_theme"
html_show_sphinx = False
# Links to headings are those that GitHub makes.
myst_heading_anchors = 3
# Ansible's own documentation, to which the reference links, is not asked for: the build needs no network.
suppress_warnings = ["ref.ref"]

# [text](target#anchor)
_LINK = re.compile(r"(?<=\]\()([^)#\s:]+)(#[^)\s]*)?(?=\))")


def target(path: str) -> str:
    """Return where a link of a page to ``path`` leads on this site: to itself for what is part of it, else to the reference or GitHub."""
    file = (ROOT / "docs" / path).resolve()
    kind, *rest = file.relative_to(ROOT).parts
    if not file.exists() or (kind == "docs" and file.is_file()):
        return path  # Sphinx says of what is missing where the link stands
    if kind == "roles" and rest[1:] == ["README.md"]:
        return f"reference/{rest[0]}_role.rst"
    if kind == "plugins" and rest[0] in ("filter", "lookup"):
        return f"reference/{file.stem}_{rest[0]}.rst"
    return f"{ON_GITHUB}/{file.relative_to(ROOT)}"


def turn(_app: Sphinx, name: str, source: list[str]) -> None:
    """Turn the links of a page of docs to files of the repository."""
    if not name.startswith("reference/"):
        source[0] = _LINK.sub(lambda found: target(found[1]) + (found[2] or ""), source[0])


def setup(app: Sphinx) -> None:
    app.connect("source-read", turn)
