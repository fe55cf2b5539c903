# Copyright: (c) 2026, avi.firewall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import stat

import pytest
from ansible_collections.avi.firewall.plugins.module_utils import _host


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
        _host.write(path, "\udcff")
    assert path.read_text(encoding="utf-8") == "old\n"
    assert [entry.name for entry in tmp_path.iterdir()] == ["file"]


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


def test_a_file_keeps_its_mode_unless_told_otherwise(tmp_path):
    path = tmp_path / "file"
    _host.write(path, b"one")
    assert stat.S_IMODE(path.stat().st_mode) == 0o644
    path.chmod(0o640)
    _host.write(path, b"two")
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
