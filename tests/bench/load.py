# Copyright: (c) 2026, avi.firewall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Open new TCP connections all the time, and hold some open. Runs on a host of the bench, standard library only.

In, a line for each phase: ``{"streams": {NAME: [[ADDRESS, ...], PORT]}, "held": {NAME: [ADDRESS, PORT]}}``. Out, a line when the next one
comes: ``{"streams": {NAME: {"tried": n, "connected": n, "at once": n}}, "held": {NAME: lived}}``. A connection that is held in two phases
that follow each other is the same one, as long as it lives.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import secrets
import socket
import struct
import sys
from collections import Counter

RATE = 50  # new connections a second and stream
TIMEOUT = 0.9  # s; a SYN that was lost is sent again after 1 s
ECHO_EVERY, ECHO_WITHIN = 0.2, 10  # s
SYN_SENT, CLOSED = 2, 7
TOTAL_RETRANSMISSIONS = 100  # offset in struct tcp_info


async def connect(address: str, port: int) -> list[str]:
    """Try once. Say ``connected`` if it worked, and ``at once`` if no packet was lost on the way."""
    with socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET) as client:
        client.setblocking(False)
        # A time-out is an OSError too. What it means the kernel knows: on a busy machine this process may have slept over the answer.
        with contextlib.suppress(OSError):
            await asyncio.wait_for(asyncio.get_running_loop().sock_connect(client, (address, port)), TIMEOUT)
        info = client.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 128)
        if info[0] in (SYN_SENT, CLOSED):
            return []
        return ["connected"] if struct.unpack_from("I", info, TOTAL_RETRANSMISSIONS)[0] else ["connected", "at once"]


class Held:
    """A connection that is held open, and echoes."""

    def __init__(self, address: str, port: int) -> None:
        self.echoes = 0
        self.task = asyncio.create_task(self._keep(address, port))

    async def _keep(self, address: str, port: int) -> None:
        reader, writer = await asyncio.open_connection(address, port)
        while True:
            nonce = secrets.token_bytes(8)
            writer.write(nonce)
            if await asyncio.wait_for(reader.readexactly(8), ECHO_WITHIN) != nonce:
                raise ConnectionError("somebody else's echo")
            self.echoes += 1
            await asyncio.sleep(ECHO_EVERY)

    async def lives(self) -> bool:
        """Say whether another two echoes come: the second was asked for after this question."""
        wanted = self.echoes + 2
        while self.echoes < wanted and not self.task.done():
            await asyncio.sleep(ECHO_EVERY / 4)
        if self.task.done():
            print(f"a connection that was held broke: {self.task.exception()!r}", file=sys.stderr)
        return not self.task.done()


class Phase:
    """The streams of one line."""

    def __init__(self, streams: dict) -> None:
        self.counts = {name: Counter() for name in streams}
        self.tries: set[asyncio.Task] = set()
        self.streams = [asyncio.create_task(self._stream(name, *target)) for name, target in streams.items()]

    async def _stream(self, name: str, addresses: list[str], port: int) -> None:
        for address in itertools.cycle(addresses):
            task = asyncio.create_task(self._try(name, address, port))
            self.tries.add(task)
            task.add_done_callback(self.tries.discard)
            await asyncio.sleep(1 / RATE)

    async def _try(self, name: str, address: str, port: int) -> None:
        self.counts[name].update(["tried", *await connect(address, port)])

    async def end(self) -> dict[str, Counter]:
        """Stop, and return what became of every try."""
        for stream in self.streams:
            stream.cancel()
        await asyncio.gather(*self.tries)
        return self.counts


async def main() -> None:
    lines = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    phase, held = Phase({}), {}
    while line := await lines.readline():
        order = json.loads(line)
        counts = await phase.end()
        lived = {name: await connection.lives() for name, connection in held.items()}
        held = {name: held[name] if lived.get(name) else Held(*target) for name, target in order["held"].items()}
        phase = Phase(order["streams"])
        print(json.dumps({"streams": counts, "held": lived}), flush=True)


if __name__ == "__main__":
    asyncio.run(main())
