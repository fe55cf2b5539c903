# Copyright: (c) 2026, avi.firewall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a probe sends to a UDP port: something that the service of that port answers, and a listener of ours recognises.

Each datagram holds the token of the listener it is for and, right behind it, a nonce of its own, which every answer repeats.
"""

from __future__ import annotations

NONCE = 4  # bytes

NTP, SNMP = 123, 161


def question(port: int, token: bytes, nonce: bytes) -> bytes:
    """Return the datagram for ``port``; the first byte of ``nonce`` is from 1 to 127, as a positive number in ASN.1 begins."""
    mark = token + nonce
    if port == NTP:
        return _ntp(mark)
    return _snmp(mark, nonce) if port == SNMP else mark


def nonce_of(datagram: bytes, token: bytes) -> bytes:
    """Return the nonce of a datagram for the listener of ``token``; empty if it is for none or another."""
    return datagram.partition(token)[2][:NONCE]


def _ntp(mark: bytes) -> bytes:
    """Return a question of NTP version 4. A server returns its time of transmission, its last field; the one before means nothing in it."""
    return b"\x23" + bytes(31) + mark.ljust(16, b"\0")


def _snmp(mark: bytes, nonce: bytes) -> bytes:
    """Return the question by which SNMPv3 asks an agent who it is: it is answered without a user or a community."""
    number = _tlv(0x02, nonce)
    header = _tlv(0x30, number + b"\x02\x03\x00\xff\xe3" + b"\x04\x01\x04" + b"\x02\x01\x03")
    user = _tlv(0x04, _tlv(0x30, b"\x04\x00\x02\x01\x00\x02\x01\x00\x04\x00\x04\x00\x04\x00"))
    get = _tlv(0xA0, number + b"\x02\x01\x00\x02\x01\x00\x30\x00")
    return _tlv(0x30, b"\x02\x01\x03" + header + user + _tlv(0x30, b"\x04\x00" + _tlv(0x04, mark) + get))


def _tlv(tag: int, content: bytes) -> bytes:
    return bytes([tag, len(content)]) + content
