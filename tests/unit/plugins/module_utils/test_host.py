# Copyright: (c) 2026, avi.firewall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import stat
import subprocess

import pytest
from ansible_collections.avi.firewall.plugins.module_utils import _boot, _host


def test_a_file_is_written_whole_with_its_mode_and_nothing_beside_it(tmp_path):
    path = tmp_path / "new" / "file"
    _host.write(path, "one\n", 0o600)
    _host.write(path, "two\n", 0o600)
    assert path.read_text(encoding="utf-8") == "two\n"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [entry.name for entry in path.parent.iterdir()] == ["file"]


def test_a_write_that_fails_leaves_the_old_file(tmp_path):
    path = tmp_path / "file"
    _host.write(path, "old\n")
    with pytest.raises(UnicodeEncodeError):
        _host.write(path, "\ud800")
    assert path.read_text(encoding="utf-8") == "old\n"
    assert [entry.name for entry in tmp_path.iterdir()] == ["file"]


def test_bytes_that_are_no_text_pass_unchanged(tmp_path):
    assert _host.run("printf", "caf\\351") == "caf\udce9"
    assert _host.run("od", "-An", "-tx1", stdin="caf\udce9").split() == ["63", "61", "66", "e9"]
    _host.write(tmp_path / "file", "caf\udce9\r\n")
    assert (tmp_path / "file").read_bytes() == b"caf\xe9\r\n"
    assert _boot.read(tmp_path / "file") == "caf\udce9\r\n"
    assert len(_boot.found_lines({tmp_path / "file": None})) == 1


def test_a_module_says_them_as_escapes():
    told = {"msg": ("caf\udce9", ["caf\N{LATIN SMALL LETTER E WITH ACUTE}", 9, None])}
    assert _host.printable(told) == {"msg": ["caf\\xe9", ["caf\N{LATIN SMALL LETTER E WITH ACUTE}", 9, None]]}


def test_a_command_that_fails_says_what_it_said():
    with pytest.raises(_host.HostError, match=r"ls --no-such-option failed \(2\): .*unrecognized option"):
        _host.run("ls", "--no-such-option")


def test_a_command_that_is_missing_is_named():
    with pytest.raises(_host.HostError, match="the command avi-no-such-command is missing on this host"):
        _host.run("avi-no-such-command")
    assert _host.succeeds("avi-no-such-command") is False


@pytest.mark.parametrize(
    ("network", "short"),
    [
        ("192.0.2.1/32", "192.0.2.1"),
        ("192.0.2.0/24", "192.0.2.0/24"),
        ("2001:db8::1/128", "2001:db8::1"),
        ("2001:db8::/32", "2001:db8::/32"),
        ("0.0.0.0/0", "0.0.0.0/0"),
    ],
)
def test_a_host_loses_its_length(network, short):
    assert _host.short(network) == short


@pytest.mark.parametrize(
    ("one", "meets"),
    [("192.0.2.0/24", True), ("192.0.2.21", True), ("203.0.113.9", False), ("2001:db8::1", False), ("somebody.example.com", True)],
)
def test_networks_meet_unless_they_are_told_apart(one, meets):
    assert _host.may_meet(one, ["198.51.100.0/24", "192.0.2.16/28"]) is meets


@pytest.mark.parametrize(("networks", "everyone"), [(["0.0.0.0/0"], True), (["::/0"], True), (["192.0.2.0/24"], False), ([], False)])
def test_everyone_is_told_apart(networks, everyone):
    assert _host.is_everyone(networks) is everyone


def test_one_run_at_a_time():
    with _host.lock(), pytest.raises(_host.HostError, match="another run has changed the rules of this host for 0 seconds"), _host.lock(0):
        pass
    with _host.lock(0):
        pass


def test_only_its_owner_can_hold_the_lock_and_it_leaves_nothing_behind(lock):
    with _host.lock():
        assert stat.S_IMODE(lock.stat().st_mode) == 0o600
    assert not lock.exists()


def test_a_lock_is_not_taken_through_a_link(lock, tmp_path):
    lock.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(OSError, match=str(lock)), _host.lock(0):
        pass


def test_what_a_run_that_was_killed_has_left_keeps_nobody_out(lock):
    lock.touch()
    with _host.lock(0):
        pass


def test_a_lock_whose_file_went_meanwhile_is_none(lock, monkeypatch):
    """As who waited for one that has just been given back gets it."""
    flock = _host.fcntl.flock

    def late(descriptor, operation):
        if lock.exists():
            lock.unlink()
            monkeypatch.setattr(_host.fcntl, "flock", flock)
        flock(descriptor, operation)

    monkeypatch.setattr(_host.fcntl, "flock", late)
    assert _host._hold() is None
    with _host.lock(0):
        assert lock.exists()


def test_no_child_holds_the_lock():
    with _host.lock(0):
        done = subprocess.run(["ls", "-l", "/proc/self/fd"], close_fds=False, capture_output=True, text=True, check=True)
    assert "/proc/" in done.stdout
    assert _host.LOCK.name not in done.stdout


def test_a_file_keeps_its_mode_unless_told_otherwise(tmp_path):
    path = tmp_path / "file"
    _host.write(path, b"one")
    assert stat.S_IMODE(path.stat().st_mode) == 0o644
    path.chmod(0o640)
    _host.write(path, b"two")
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
