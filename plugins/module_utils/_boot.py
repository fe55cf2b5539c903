# Copyright: (c) 2026, avi.firewall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What brings rules back after a reboot where the firewall itself does not: a record of the request, this code, and units that run it.

The record is also what tells our objects from foreign ones of the same name.
"""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import json
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

from . import _host

RECORDS = Path("/etc/avi-firewall")
LIBRARY = Path("/usr/local/lib/avi-firewall")
ETC = Path("/etc")
UNITS = Path("/etc/systemd/system")
# Where people's own rules are saved for the next boot, by hand or by their distribution's tools.
SAVED = ("iptables/*", "sysconfig/ip*tables", "nftables.conf", "nftables/*", "sysconfig/nftables.conf")

# What of a request a boot does not ask for.
NOT_RECORDED = ("addresses", "zone", "may_reload", "published")

# An upgrade of the system replaces it in its place.
SYSTEM_PYTHON = "/usr/bin/python3"

Files = dict[Path, "str | None"]


@dataclasses.dataclass(frozen=True)
class Unit:
    """A oneshot unit: ``order`` are lines of its Unit section, ``steps`` are commands, or single words: arguments of the backend."""

    name: str
    description: str
    steps: Sequence[str]
    order: Sequence[str]
    wanted_by: str


@dataclasses.dataclass(frozen=True)
class DropIn:
    """What makes another unit run this code as the last step of its own start and reload: nothing can come in between.

    Its failure is not theirs: a start that failed would be followed by a stop, which takes the user's own rules away.
    """

    unit: str

    @property
    def path(self) -> Path:
        """Return the file of the drop-in."""
        return UNITS / f"{self.unit}.d" / "avi-firewall.conf"


def record(backend: str, request: _host.Request) -> Path:
    """Return where the record of ``request`` is kept: it is there as long as anything of it may be."""
    return RECORDS / backend / f"{request.part}.json"


def requests(backend: str) -> list[_host.Request]:
    """Return what the records of ``backend`` ask for."""
    found = sorted((RECORDS / backend).glob("*.json"))
    return [_host.Request(**json.loads(path.read_text(encoding="utf-8"))) for path in found]


def files(backend: str, request: _host.Request, modules: Sequence[ModuleType], units: Sequence[Unit | DropIn]) -> Files:
    """Return every file that ``request`` needs for the next boot with its text; None: it has to go.

    ``modules`` are those the backend is made of, itself last. Files that another part or backend needs stay.
    """
    own = record(backend, request)
    kept = _library(modules, units)
    if request.flows:
        fields = {field: value for field, value in dataclasses.asdict(request).items() if field not in NOT_RECORDED}
        return {own: json.dumps(fields, indent=1, sort_keys=True) + "\n", **kept}
    others = [path for path in RECORDS.glob("*/*.json") if path != own]
    if not others:
        return dict.fromkeys([own, *kept])
    if any(path.parent == own.parent for path in others):
        return {own: None}
    return dict.fromkeys([own, *(path for path in kept if UNITS in path.parents)])


def _library(modules: Sequence[ModuleType], units: Sequence[Unit | DropIn]) -> dict[Path, str]:
    found = {LIBRARY / "avi_firewall" / f"{name}.py": text for name, text in sources(modules).items()}
    for unit in units:
        if isinstance(unit, DropIn):
            found[unit.path] = _drop_in_text(_name(modules[-1]))
            continue
        found[UNITS / unit.name] = _text(unit, _name(modules[-1]))
        found[UNITS / f"{unit.wanted_by}.wants" / unit.name] = ""
    return found


def sources(modules: Sequence[ModuleType]) -> dict[str, str]:
    """Return the source of each of ``modules`` under its name."""
    return {_name(module): module.__spec__.loader.get_source(module.__spec__.name) for module in modules}


def _name(module: ModuleType) -> str:
    return module.__spec__.name.rpartition(".")[2]


def _drop_in_text(module: str) -> str:
    command = f"-/usr/bin/env PYTHONPATH={LIBRARY} PYTHONDONTWRITEBYTECODE=1 {_command(module)}"
    return f"# {_host.MARK}\n[Service]\nExecStartPost={command}\nExecReload={command}\n"


def _command(module: str) -> str:
    return f"{python()} -m avi_firewall.{module}"


@functools.cache
def python() -> str:
    """Return the Python that a boot runs this code with: the system's, if that can, else the one that runs it now.

    The latter may have its version in its name, or be of a virtual environment, and be gone by then.
    """
    can = _host.succeeds(SYSTEM_PYTHON, "-I", "-c", "import sys; sys.exit(sys.version_info < (3, 9))")
    return SYSTEM_PYTHON if can else sys.executable


def _text(unit: Unit, module: str) -> str:
    lines = [
        f"# {_host.MARK}",
        "[Unit]",
        f"Description={unit.description}",
        # A change that was taken back at this boot may have left nothing to bring back.
        f"ConditionPathExists={RECORDS}",
        *unit.order,
        "",
        "[Service]",
        "Type=oneshot",
        "RemainAfterExit=yes",
        f"Environment=PYTHONPATH={LIBRARY} PYTHONDONTWRITEBYTECODE=1",
        *(f"ExecStart={step if ' ' in step else f'{_command(module)} {step}'}" for step in unit.steps),
        "",
        "[Install]",
        f"WantedBy={unit.wanted_by}",
    ]
    return "".join(f"{line}\n" for line in lines)


def refuse_saved(backend: str, request: _host.Request) -> None:
    """Stop before the rules go while a file that somebody saved for the next boot names them."""
    if not request.flows and record(backend, request).exists():
        refuse_named(request.prefix)


def refuse_named(*names: str) -> None:
    """Stop while a file that somebody saved for the next boot holds one of ``names``, which are to go."""
    for path in sorted(found for pattern in SAVED for found in ETC.glob(pattern) if found.is_file()):
        text = path.read_text(encoding="utf-8", errors="replace")
        for name in names:
            if name in text:
                raise _host.HostError(
                    f"{path} was saved while our rules stood, and would bring them back at the next boot, or fail there as a whole: "
                    f"take what names {name} out of it, then run again"
                )


def read(path: Path) -> str | None:
    """Return the text of ``path``, None if it is not there."""
    if path.parent.suffix == ".wants" and path.is_symlink():
        return ""  # what `systemctl enable` makes: that it is there is all there is to know
    return path.read_bytes().decode(**_host.TEXT) if path.exists() else None


def lines(wanted: Mapping[Path, str | None]) -> list[str]:
    """Return a line for each file that shall be there."""
    return [
        f"file {path} {hashlib.sha256(text.encode(**_host.TEXT)).hexdigest()[:12]}"
        for path, text in sorted(wanted.items())
        if text is not None
    ]


def found_lines(wanted: Mapping[Path, str | None]) -> list[str]:
    """Return a line for each of these files that is there."""
    return lines({path: read(path) for path in wanted})


def snapshot(backend: str, request: _host.Request, state: Any, paths: Iterable[Path]) -> _host.Snapshot:
    """Return what a firewall holds of ``request``: its rules as ``state``, and these files as they are."""
    return _host.Snapshot(backend, request, state, {str(path): read(path) for path in paths})


def former_files(former: _host.Snapshot) -> Files:
    """Return the files of ``former`` with their text."""
    return {Path(path): text for path, text in former.files.items()}


def change(
    own: Path,
    wanted: Files,
    rules: tuple[Sequence[str], Sequence[str]],
    former: _host.Snapshot,
    apply: Callable[[bool], None],
    **more: Any,
) -> _host.Change:
    """Return the change of a firewall that forgets its rules at a boot: ``apply``, and what keeps the files ``wanted``.

    ``own`` is the record among them, ``rules`` are the lines of the rules that stand and that shall. The record comes first and goes last:
    it is what tells ours from foreign after a run that was cut off.
    """
    stays = wanted[own] is not None
    found = found_lines(wanted)

    def make(bind: bool) -> None:
        if stays:
            keep(wanted)
        apply(bind)

    def finish() -> None:
        if not stays:
            keep(wanted)

    before, after = rules
    leftover = [] if stays else found
    return _host.Change([*before, *found], [*after, *lines(wanted)], make, former, finish=finish, leftover=leftover, **more)


def restore(path: Path, text: str | None) -> None:
    """Put ``path`` back as :func:`read` found it, while systemd does not look."""
    if text is None:
        _host.remove(path)
    elif path.parent.suffix == ".wants":
        path.unlink(missing_ok=True)
        path.symlink_to(UNITS / path.name)
    elif read(path) != text:
        _host.write(path, text)
    _tidy(path)


def _tidy(*paths: Path) -> None:
    """Remove the folders of ours that hold nothing any more."""
    for folder in (
        *(path.parent for path in paths if path.parent.suffix == ".d"),
        *RECORDS.glob("*"),
        RECORDS,
        LIBRARY / "avi_firewall",
        LIBRARY,
    ):
        if folder.is_dir() and not any(folder.iterdir()):
            folder.rmdir()


def keep(wanted: Mapping[Path, str | None]) -> None:
    """Write the files for the next boot and enable the units, or take away what is not wanted any more."""
    units = sorted(path.name for path in wanted if path.parent == UNITS)
    gone = [path for path, text in wanted.items() if text is None and read(path) is not None]
    if any(path.name in units for path in gone):
        # Stopping does nothing to the rules: a oneshot without ExecStop. It keeps systemd from remembering a unit that is gone.
        _host.run("systemctl", "disable", "--now", *units)
    changed = bool(gone)
    for path, text in wanted.items():
        if path.parent.suffix == ".wants":
            continue
        if text is None:
            _host.remove(path)
        elif read(path) != text:
            _host.write(path, text, 0o600 if RECORDS in path.parents else 0o644)
            changed = changed or UNITS in path.parents
    _tidy(*wanted)
    if changed:
        _host.run("systemctl", "daemon-reload")
    if not gone and any(read(path) is None for path in wanted if path.parent.suffix == ".wants"):
        _host.run("systemctl", "enable", *units)
