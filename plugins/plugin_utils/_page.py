# Copyright: (c) 2026, avi.firewall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The frame of every report that is an HTML page: head, style, filter, legend. One file, which asks for nothing on the network."""

from __future__ import annotations

import base64
import functools
import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup

TEMPLATES = Path(__file__).parent.parent / "templates"


def render(template: str, title: str, legend: Sequence[Mapping[str, Any]], **content: Any) -> str:
    """Return the page that ``template``, which extends page.html.j2, makes of ``content``.

    ``legend`` lists what a cell can show: ``name`` (the class of such a cell), ``symbol``, ``meaning``, and ``count`` of them. Texts are
    escaped; should one slip through, the page's own policy lets no script or style run but those of these files, by their digests.
    Raises jinja2.UndefinedError for what the template lacks.
    """
    style, script = _asset("page.css"), _asset("page.js")
    return (
        _environment()
        .get_template(template)
        .render(
            title=title,
            legend=legend,
            style=Markup(style),
            style_digest=_digest(style),
            script=Markup(script),
            script_digest=_digest(script),
            **content,
        )
    )


@functools.cache
def _environment() -> jinja2.Environment:
    return jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )


@functools.cache
def _asset(name: str) -> str:
    """Return the file without the comment that begins it: a page names no address but those of its report."""
    return (TEMPLATES / name).read_text(encoding="utf-8").partition("*/\n")[2]


def _digest(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
