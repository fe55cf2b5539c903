# Copyright: (c) 2026, avi.firewall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A change stands only when it has been confirmed over a new connection; until then the host can take it back by itself.

Before the first write the former state goes to disk, with this code, and a timer of systemd is started that takes the change back; a
unit does so at the next boot, before any firewall starts. Confirming is the removal of one file. While it is there, no other run
changes the rules of this host.
"""

from __future__ import annotations

import contextlib
import dataclasses
import io
import json
import secrets
import shutil
import sys
import time
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import ModuleType

from . import (
    _boot,
    _firewalld,
    _firewalld_policy,
    _firewalld_reload,
    _host,
    _iptables,
    _iptables_rule,
    _nft_rule,
    _nft_words,
    _nftables,
    _place,
    _published,
    _ufw,
)

BACKENDS: dict[str, ModuleType] = {"firewalld": _firewalld, "ufw": _ufw, "iptables": _iptables, "nftables": _nftables}
# Whose changes can be taken back.
CHANGING: dict[str, ModuleType] = {**BACKENDS, "published": _published}

# There while systemd runs.
SYSTEMD = Path("/run/systemd/system")
HOME = Path("/var/lib/avi-firewall")
PENDING = HOME / "pending.json"
LIBRARY = HOME / "library.zip"
TIMER = "avi-firewall-timeout"
UNIT = _boot.UNITS / "avi-firewall-rollback.service"
ENABLED = _boot.UNITS / "sysinit.target.wants" / UNIT.name
OWN_UNITS = f"avi-firewall-sets.service {_published.UNIT.name}"
BEFORE = f"sysinit.target network-pre.target {OWN_UNITS} firewalld.service ufw.service {_iptables.LOADERS}"
HELPERS = (_host, _place, _boot, _firewalld_policy, _firewalld_reload, _iptables_rule, _nft_rule, _nft_words)
MODULES = (*HELPERS, *CHANGING.values(), sys.modules[__name__])
# A change may take long by itself before its time begins to run.
PATIENCE = 15 * 60


def now() -> float:
    """Return the seconds since the kernel booted: no clock that somebody sets."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


@contextlib.contextmanager
def turn() -> Iterator[None]:
    """Wait until no other run is at work on this host, then keep others out.

    A change that was left unconfirmed beyond its time, and that its timer did not take back, is taken back first.
    """
    while True:
        with _host.lock():
            pending = _pending()
            if pending is None or not 0 < pending["until"] - now() < pending["seconds"] + 1:
                roll_back()
                yield
                return
        time.sleep(1)


def arm(changes: Sequence[_host.Change], seconds: int) -> str:
    """Make sure that ``changes`` are taken back in ``seconds`` unless confirmed; return the word that confirms them.

    Raises HostError when that cannot be: then nothing may be changed.
    """
    if not SYSTEMD.is_dir():
        raise _host.HostError("this host does not run systemd, which takes back a change that locks you out")
    token = secrets.token_hex(8)
    snapshots = [dataclasses.asdict(change.snapshot) for change in changes]
    _host.write(LIBRARY, _library(), 0o600)
    try:
        _host.run(
            "systemd-run",
            "--quiet",
            "--collect",
            f"--unit={TIMER}-{token}",
            f"--on-active={seconds}",
            "--timer-property=AccuracySec=100ms",
            f"--setenv=PYTHONPATH={LIBRARY}",
            # It is there, for it runs this, and it has the library of firewalld, if that is needed.
            *_command(sys.executable, "timeout"),
        )
    except _host.HostError:
        _clear()
        raise
    _host.write(UNIT, _unit())
    ENABLED.parent.mkdir(exist_ok=True)
    ENABLED.unlink(missing_ok=True)
    ENABLED.symlink_to(UNIT)
    _write(PENDING, {"token": token, "until": now() + seconds, "seconds": seconds, "snapshots": snapshots})
    return token


def extend(seconds: float) -> None:
    """Let the time run from now on: the change has been made, and may have taken long."""
    pending = _pending()
    _write(PENDING, {**pending, "until": now() + seconds, "seconds": seconds})


@contextlib.contextmanager
def whole_or_not() -> Iterator[None]:
    """Take the change back at once, whatever goes wrong meanwhile; that is raised. A run that is interrupted leaves it to the timer."""
    try:
        yield
    except Exception as exc:
        try:
            roll_back()
        except Exception as another:
            raise _host.HostError(f"{_said(exc)}: {_said(another)}") from exc
        raise


def confirm(token: str) -> None:
    """Let the change stand. Raises HostError when it has been taken back, or is now because it does not stand as planned."""
    pending = _pending()
    if pending is None or pending["token"] != token:
        raise _host.HostError("no new connection confirmed the change in time, and this host has taken it back")
    with whole_or_not():
        changes = [_settle(snapshot) for snapshot in map(_snapshot, pending["snapshots"])]
        PENDING.unlink()
    for change in changes:
        change.finish()
    _disarm(pending)


def _settle(snapshot: _host.Snapshot) -> _host.Change:
    """Make sure that what stands is what was asked for: others may have changed rules meanwhile, and with them the place of ours."""
    for _attempt in range(_host.ATTEMPTS):
        change = CHANGING[snapshot.backend].prepare(snapshot.request)
        if change.stands:
            return change
        change.apply(True)
    missing = sorted(set(change.after) - set(change.before)) or ["stale rules did not go"]
    raise _host.HostError(
        f"somebody else changes the rules of this host at the same time, and the former rules are back: {'; '.join(missing)}"
    )


def roll_back() -> None:
    """Take back the change that is not confirmed, if there is one."""
    pending = _pending()
    if pending is None:
        return
    failed: list[Exception] = []
    for snapshot in map(_snapshot, pending["snapshots"]):
        if snapshot.state is None:
            continue
        try:
            change = CHANGING[snapshot.backend].prepare(snapshot.request, snapshot)
            change.apply(True)
            change.finish()
        except Exception as exc:
            failed.append(exc)  # what keeps one firewall from its former rules is no reason to leave the others
    if failed:
        said = "; ".join(map(_said, failed))
        raise _host.HostError(
            f"a change that was not confirmed cannot be taken back: {said}. Mend that, or remove {PENDING} to let the change stand"
        ) from failed[0]
    _disarm(pending)


def _said(error: Exception) -> str:
    return str(error) if isinstance(error, (_host.HostError, OSError)) else repr(error)


def timeout() -> None:
    """Take back the change when its time is over."""
    left = 1.0
    while left > 0:
        with _host.lock(PATIENCE):
            pending = _pending()
            if pending is None:
                _clear()  # of a run that was cut off before it changed anything
                return
            left = pending["until"] - now()
            if left <= 0:
                roll_back()
                sys.stdout.write("the change was not confirmed in time: the former rules are back\n")
        time.sleep(max(left, 0))


def boot() -> None:
    """Take back the change that a reboot came before: put the files back that the firewalls are about to read."""
    for path, text in _files(_pending() or {"snapshots": []}):
        _boot.restore(Path(path), text)
    _clear()


def _pending() -> dict | None:
    return json.loads(PENDING.read_text(encoding="utf-8")) if PENDING.exists() else None


def _write(path: Path, pending: dict) -> None:
    _host.write(path, json.dumps(pending), 0o600)


def _library() -> bytes:
    """Return this code as an archive that Python imports from."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("avi_firewall/__init__.py", "")
        for name, text in _boot.sources(MODULES).items():
            archive.writestr(f"avi_firewall/{name}.py", text)
    return file.getvalue()


def _snapshot(fields: dict) -> _host.Snapshot:
    return _host.Snapshot(**{**fields, "request": _host.Request(**fields["request"])})


def _files(pending: dict) -> list[tuple[str, str | None]]:
    return [file for snapshot in map(_snapshot, pending["snapshots"]) for file in snapshot.files.items()]


def _disarm(pending: dict) -> None:
    _clear()
    _host.succeeds("systemctl", "stop", f"{TIMER}-{pending['token']}.timer")
    if any(path.startswith(f"{_boot.UNITS}/") for path, _text in _files(pending)):
        _host.run("systemctl", "daemon-reload")  # there was one meanwhile, which has seen the unit


def _clear() -> None:
    # This file decides; the rest is clearing up.
    PENDING.unlink(missing_ok=True)
    ENABLED.unlink(missing_ok=True)
    UNIT.unlink(missing_ok=True)
    shutil.rmtree(HOME, ignore_errors=True)


def _command(python: str, what: str) -> list[str]:
    return [python, "-m", "avi_firewall._rollback", what]


def _unit() -> str:
    return f"""\
# {_host.MARK}
[Unit]
Description=Take back the change of avi.firewall that was not confirmed
ConditionPathExists={PENDING}
DefaultDependencies=no
After=local-fs.target
Before={BEFORE}

[Service]
Type=oneshot
Environment=PYTHONPATH={LIBRARY} PYTHONDONTWRITEBYTECODE=1
ExecStart={" ".join(_command(_boot.python(), "boot"))}
"""


if __name__ == "__main__":
    {"boot": boot, "timeout": timeout}[sys.argv[1]]()
