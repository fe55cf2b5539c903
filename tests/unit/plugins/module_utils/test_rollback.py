# Copyright: (c) 2026, avi.firewall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import subprocess
import sys

import pytest
from ansible_collections.avi.firewall.plugins.module_utils import _boot, _host, _iptables, _nftables, _rollback
from ansible_collections.avi.firewall.plugins.modules import host_rules

REQUEST = _host.Request("controller", "con", interfaces=["eth0"])


class Firewall:
    """Stands in for a backend: its rules are a list."""

    def __init__(self):
        self.rules = ["old"]
        self.fails = False
        self.disturbed = 0
        self.leftover = []
        self.finished = []

    def prepare(self, request, former=None):
        assert request == REQUEST
        if self.fails:
            raise _host.HostError("it is off")
        wanted = former.state if former else ["new"]

        def apply(bind):
            assert bind
            self.rules = [] if former is None and self.disturbed else wanted
            self.disturbed -= 1

        def finish():
            self.finished.append((self.rules, _rollback.PENDING.exists()))

        return _host.Change(self.rules, wanted, apply, former, finish=finish, leftover=self.leftover)


@pytest.fixture
def firewall(monkeypatch, tmp_path):
    found = Firewall()
    monkeypatch.setattr(_rollback, "HOME", tmp_path / "home")
    monkeypatch.setattr(_rollback, "PENDING", tmp_path / "home" / "pending.json")
    monkeypatch.setattr(_rollback, "LIBRARY", tmp_path / "home" / "library.zip")
    monkeypatch.setattr(_rollback, "UNIT", tmp_path / "units" / "rollback.service")
    monkeypatch.setattr(_rollback, "ENABLED", tmp_path / "wants" / "rollback.service")
    monkeypatch.setattr(_rollback, "CHANGING", {"firewalld": found})
    monkeypatch.setattr(_rollback, "SYSTEMD", tmp_path)
    monkeypatch.setattr(_host, "run", lambda *command: "")
    monkeypatch.setattr(_host, "succeeds", lambda *command: True)
    return found


def arm(tmp_path, seconds=30):
    snapshot = _host.Snapshot("firewalld", REQUEST, ["old"], {str(tmp_path / "kept"): "old", str(tmp_path / "new"): None})
    return _rollback.arm([_host.Change(["old"], ["new"], lambda bind: None, snapshot)], seconds)


def left(tmp_path):
    return [path for path in tmp_path.rglob("*") if path.is_file() or path.is_symlink()]


def test_a_change_that_is_confirmed_stands_and_leaves_nothing_behind(firewall, tmp_path):
    token = arm(tmp_path)
    firewall.rules = ["new"]
    _rollback.confirm(token)
    assert firewall.rules == ["new"]
    assert left(tmp_path) == []


def test_what_others_changed_meanwhile_is_mended_before_the_change_stands(firewall, tmp_path):
    token = arm(tmp_path)
    firewall.rules, firewall.disturbed = ["new", "moved"], 2
    _rollback.confirm(token)
    assert firewall.rules == ["new"]
    assert left(tmp_path) == []


def test_a_change_that_others_keep_from_standing_is_taken_back(firewall, tmp_path):
    token = arm(tmp_path)
    firewall.rules, firewall.disturbed = ["moved"], 100
    with pytest.raises(_host.HostError, match=r"somebody else changes the rules .*: new$"):
        _rollback.confirm(token)
    assert firewall.rules == ["old"]
    assert left(tmp_path) == []


def test_the_word_of_another_run_confirms_nothing(firewall, tmp_path):
    arm(tmp_path)
    with pytest.raises(_host.HostError, match="has taken it back"):
        _rollback.confirm("other")


def test_what_a_boot_would_bring_back_goes_once_the_change_stands(firewall, tmp_path):
    token = arm(tmp_path)
    firewall.rules, firewall.leftover = ["new", "file"], ["file"]
    _rollback.confirm(token)
    assert firewall.finished == [(["new", "file"], False)]


def test_a_change_is_taken_back_when_its_time_is_over(firewall, tmp_path, capsys):
    arm(tmp_path, seconds=0)
    firewall.rules = ["new"]
    _rollback.timeout()
    assert firewall.rules == ["old"]
    assert left(tmp_path) == []
    assert capsys.readouterr().out == "the change was not confirmed in time: the former rules are back\n"


def test_its_time_runs_from_the_end_of_the_change(firewall, tmp_path, monkeypatch):
    arm(tmp_path, seconds=0)
    _rollback.extend(1000)
    clock = iter([0.0, 0.0, 2000.0])
    monkeypatch.setattr(_rollback, "now", lambda: _rollback._pending()["until"] - 1000 + next(clock))
    slept = []
    monkeypatch.setattr(_rollback.time, "sleep", slept.append)
    _rollback.timeout()
    assert slept[:2] == [1000.0, 1000.0]
    assert firewall.rules == ["old"]


def test_a_run_waits_for_the_change_of_another(firewall, tmp_path, monkeypatch):
    token = arm(tmp_path)
    waits = []

    def sleep(seconds):
        waits.append(seconds)
        _rollback.confirm(token)

    monkeypatch.setattr(_rollback.time, "sleep", sleep)
    firewall.rules = ["new"]
    with _rollback.turn():
        assert firewall.rules == ["new"]
    assert waits == [1]


def test_a_run_takes_back_what_nobody_confirmed_in_time(firewall, tmp_path):
    arm(tmp_path, seconds=0)
    firewall.rules = ["new"]
    with _rollback.turn():
        assert firewall.rules == ["old"]


def test_what_cannot_be_taken_back_is_said_with_the_way_out(firewall, tmp_path):
    arm(tmp_path, seconds=0)
    firewall.fails = True
    with pytest.raises(_host.HostError, match=r"cannot be taken back: it is off\. .* or remove .*pending\.json"), _rollback.turn():
        pass


FULL = OSError(28, "No space left on device", "/etc/x")


@pytest.mark.parametrize("error", [FULL, KeyError("x"), _host.HostError("it is off")])
@pytest.mark.parametrize("late", [False, True])
def test_whatever_goes_wrong_in_a_change_takes_it_back(firewall, tmp_path, error, late):
    def fail(*_arguments):
        raise error

    def apply(_bind):
        firewall.rules = ["half"]
        if not late:
            fail()

    change = _host.Change(["old"], ["new"], apply, _host.Snapshot("firewalld", REQUEST, ["old"], {}), bindings=fail if late else list)
    with pytest.raises(type(error)) as raised:
        host_rules.make([change], 30)
    assert raised.value is error
    assert firewall.rules == ["old"]
    assert left(tmp_path) == []


def test_who_interrupts_a_change_leaves_it_to_the_timer(firewall, tmp_path):
    def apply(_bind):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        host_rules.make([_host.Change([], [], apply, _host.Snapshot("firewalld", REQUEST, ["old"], {}))], 30)
    assert _rollback.PENDING.exists()


@pytest.mark.parametrize("error", [FULL, KeyError("x")])
def test_whatever_goes_wrong_in_confirming_takes_the_change_back(firewall, tmp_path, monkeypatch, error):
    token = arm(tmp_path)
    firewall.rules = ["new"]

    def settle(_snapshot):
        raise error

    monkeypatch.setattr(_rollback, "_settle", settle)
    with pytest.raises(type(error)) as raised:
        _rollback.confirm(token)
    assert raised.value is error
    assert firewall.rules == ["old"]
    assert left(tmp_path) == []


def test_what_went_wrong_is_said_before_what_keeps_it_from_being_taken_back(firewall, tmp_path):
    def apply(_bind):
        firewall.fails = True
        raise FULL

    change = _host.Change([], [], apply, _host.Snapshot("firewalld", REQUEST, ["old"], {}))
    with pytest.raises(_host.HostError, match=r"^\[Errno 28\] .*'/etc/x': a change .* cannot be taken back: it is off\. "):
        host_rules.make([change], 30)
    assert _rollback.PENDING.exists()


def test_one_firewall_that_fails_keeps_no_other_from_its_former_rules(firewall, tmp_path, monkeypatch):
    class Broken:
        @staticmethod
        def prepare(request, former=None):
            raise KeyError("x")

    monkeypatch.setattr(_rollback, "CHANGING", {"ufw": Broken, "firewalld": firewall})
    snapshots = [_host.Snapshot(name, REQUEST, ["old"], {}) for name in ("ufw", "firewalld")]
    _rollback.arm([_host.Change([], [], lambda bind: None, snapshot) for snapshot in snapshots], 30)
    firewall.rules = ["new"]
    with pytest.raises(_host.HostError, match=r"cannot be taken back: KeyError\('x'\)\. "):
        _rollback.roll_back()
    assert firewall.rules == ["old"]
    assert _rollback.PENDING.exists()


def test_a_boot_puts_the_files_back(firewall, tmp_path):
    (tmp_path / "kept").write_text("changed", encoding="utf-8")
    (tmp_path / "new").write_text("new", encoding="utf-8")
    arm(tmp_path)
    _rollback.boot()
    assert left(tmp_path) == [tmp_path / "kept"]
    assert (tmp_path / "kept").read_text(encoding="utf-8") == "old"


def test_a_unit_is_enabled_again_at_boot(tmp_path):
    link = tmp_path / "multi-user.target.wants" / "some.service"
    link.parent.mkdir()
    _boot.restore(link, "")
    assert link.is_symlink()
    _boot.restore(link, None)
    assert _boot.read(link) is None


def test_nothing_is_armed_where_the_timer_cannot_be(firewall, tmp_path, monkeypatch):
    def run(*command):
        raise _host.HostError("no timer")

    monkeypatch.setattr(_host, "run", run)
    with pytest.raises(_host.HostError, match="no timer"):
        arm(tmp_path)
    assert left(tmp_path) == []


def test_the_library_runs_alone(tmp_path):
    library = tmp_path / "library.zip"
    library.write_bytes(_rollback._library())
    command = [sys.executable, "-I", "-c", f"import sys; sys.path[:0] = [{str(library)!r}]; import avi_firewall._rollback"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("backend", [_iptables, _nftables])
def test_what_a_boot_brings_back_runs_alone(tmp_path, backend):
    for name, text in _boot.sources(backend.MODULES).items():
        _host.write(tmp_path / "avi_firewall" / f"{name}.py", text)
    command = [sys.executable, "-I", "-c", f"import sys; sys.path[:0] = [{str(tmp_path)!r}]; import avi_firewall.{name}"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
