# Copyright: (c) 2026, avi.firewall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Probe and listener, with real sockets on loopback."""

from __future__ import annotations

import contextlib
import re
import secrets
import socket
import threading
import time
from pathlib import Path

import pytest
from ansible_collections.avi.firewall.plugins.module_utils import _datagram, _host, _listener, _probe

# Other runs of these tests may be under way on this machine.
TOKEN = secrets.token_hex(8)
NONCE = b"\x7f\x01\x02\x03"


def free(kind):
    """Return a port that nobody uses, in either family."""
    with socket.socket(socket.AF_INET6, kind) as server:
        server.bind(("::", 0))
        return server.getsockname()[1]


TCP, UDP = ("tcp", free(socket.SOCK_STREAM)), ("udp", free(socket.SOCK_DGRAM))


def target(cell, address="127.0.0.1", expected=True, token=TOKEN, source=None):
    return _probe.Target(source or address, address, *cell, expected, token)


def probe(*targets, timeout=0.3):
    return _probe.probe(targets, timeout, 10)


def words(*targets, **how):
    return [answer.word for answer in probe(*targets, **how)]


@pytest.fixture
def listener():
    assert _listener.start([TCP, UDP], TOKEN, 20) == [TCP, UDP]
    yield
    with contextlib.suppress(_host.HostError):  # a test may have ended it
        _listener.stop(TOKEN)


@pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
def test_a_listener_answers_over_both_families(listener, address):
    assert words(target(TCP, address), target(UDP, address)) == ["open", "open"]


def test_without_a_listener_the_host_says_closed():
    assert words(target(TCP), target(UDP)) == ["closed", "closed"]


def test_a_stopped_listener_tells_what_reached_it_and_is_gone(listener):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.connect(("127.0.0.1", UDP[1]))
        client.settimeout(2)
        for datagram in (b"not for us", _datagram.question(UDP[1], bytes.fromhex(TOKEN), NONCE)):
            client.send(datagram)
        # The first got no answer: this one is the second's.
        assert NONCE in client.recv(2048)
    assert _listener.stop(TOKEN) == [NONCE.hex()]
    assert words(target(TCP), target(UDP)) == ["closed", "closed"]
    with pytest.raises(_host.HostError, match="ended before all was tried, at its deadline"):
        _listener.stop(TOKEN)


def test_a_datagram_of_another_run_gets_no_answer(listener):
    answer = probe(target(UDP, token="ff" * 8))[0]
    assert (answer.word, len(answer.nonce)) == ("filtered", 8)


def test_a_listener_ends_by_itself():
    _listener.start([TCP], TOKEN, 0.4)
    assert words(target(TCP)) == ["open"]
    time.sleep(0.6)
    assert words(target(TCP)) == ["closed"]


def test_a_second_listener_of_one_token_is_refused(listener):
    with pytest.raises(_host.HostError, match=f"a listener of token {TOKEN} cannot be started: Address already in use"):
        _listener.start([TCP], TOKEN, 20)


def test_a_port_in_use_is_left_alone():
    with socket.create_server(("127.0.0.1", TCP[1])) as server:
        assert _listener.start([TCP, UDP], TOKEN, 20) == [UDP]
        try:
            held = _listener.holders([TCP])
            assert [(one["protocol"], one["port"], one["address"]) for one in held] == [(*TCP, "127.0.0.1")]
            assert "python" in held[0]["process"] or "pytest" in held[0]["process"]
            assert words(target(TCP)) == ["open"]
            assert server.accept()[1][0] == "127.0.0.1"
        finally:
            _listener.stop(TOKEN)


def test_the_listener_keeps_no_rights_and_no_file(listener):
    holder = _listener.holders([TCP])[0]
    assert holder["address"] == "*"
    pid = _host.run("ss", "-Hlntp", f"sport = :{TCP[1]}").partition("pid=")[2].partition(",")[0]
    users = [
        re.search(r"^Uid:\s+(\d+)", Path(f"/proc/{name}/status").read_text(encoding="utf-8"), re.MULTILINE)[1] for name in (pid, "self")
    ]
    assert users[0] == ("65534" if users[1] == "0" else users[1])


def answering(reply, port):
    """Answer one datagram on ``port`` with what ``reply`` makes of it."""
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.bind(("127.0.0.1", port))
    server.settimeout(3)

    def serve():
        with server:
            data, peer = server.recvfrom(2048)
            server.sendto(reply(data), peer)

    thread = threading.Thread(target=serve)
    thread.start()
    return thread


def test_a_foreign_answer_is_not_taken_for_open():
    thread = answering(lambda data: b"hello", UDP[1])
    assert probe(target(UDP))[0] == _probe.Answer("unknown", "something else answers there")
    thread.join()


@pytest.mark.parametrize(("reply", "answers"), [(lambda data: data, True), (lambda data: b"hello", False)])
def test_who_else_listens_is_asked_by_the_host_itself(reply, answers):
    thread = answering(reply, UDP[1])
    asked = _probe.ask_holders(_listener.holders([TCP, UDP]), ["127.0.0.1"], TOKEN)
    assert [(one["protocol"], one["answers"]) for one in asked] == [("udp", answers)]
    thread.join()


def test_silence_is_asked_again_only_where_an_answer_is_expected():
    received = []
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", UDP[1]))
        server.settimeout(0.1)
        for expected, most in ((False, _probe.SENDS), (True, 2 * _probe.SENDS)):
            assert words(target(UDP, expected=expected), timeout=0.1) == ["filtered"]
            received.append(0)
            while True:
                try:
                    server.recv(2048)
                except OSError:
                    break
                received[-1] += 1
            assert received[-1] == most


def test_a_source_address_that_is_not_here_is_told(listener):
    answer = probe(target(TCP, source="192.0.2.77"))[0]
    assert answer == _probe.Answer("open", "sent from another address than 192.0.2.77, which the source does not have")


def test_what_was_not_tried_in_time_is_unknown():
    assert [answer.word for answer in _probe.probe([target(TCP)] * 3, 1, 0.5)] == ["unknown"] * 3


def test_a_second_try_for_which_no_time_is_left_takes_nothing_from_the_first():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        silent.bind(("127.0.0.1", 0))
        answers = _probe.probe([target(("udp", silent.getsockname()[1]))], 0.3, 0.5)
    assert [answer.word for answer in answers] == ["filtered"]


def test_no_route_is_no_word_of_a_firewall():
    # Class E is routed nowhere.
    answer = probe(target(TCP, "255.255.255.255", source="0.0.0.0"))[0]
    assert answer.word == "unknown"
    assert "the source has no route to 255.255.255.255" in answer.detail


def test_ntp_gets_a_question_whose_answer_repeats_the_nonce():
    datagram = _datagram.question(123, bytes.fromhex(TOKEN), NONCE)
    # Version 4, mode 3 (client); the transmit timestamp, which a server returns as the origin, begins with the nonce.
    assert (len(datagram), datagram[0], datagram[40:44]) == (48, 0x23, NONCE)
    assert _datagram.nonce_of(datagram, bytes.fromhex(TOKEN)) == NONCE


def test_snmp_gets_a_discovery_whose_report_repeats_the_nonce():
    datagram = _datagram.question(161, bytes.fromhex(TOKEN), NONCE)
    # Every length counts what follows it: SEQUENCE { version 3, header { msgID, … }, user, scoped PDU }.
    assert datagram[:2] == bytes([0x30, len(datagram) - 2])
    assert datagram[2:7] == b"\x02\x01\x03\x30\x11"
    assert datagram[7:13] == b"\x02\x04" + NONCE
    assert _datagram.nonce_of(datagram, bytes.fromhex(TOKEN)) == NONCE
