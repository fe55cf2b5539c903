# Copyright: (c) 2026, avi.firewall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A stand-in for a Controller's API on loopback, with its demands on a session."""

from __future__ import annotations

import contextlib
import http.server
import json
import threading
from collections.abc import Iterator, Sequence
from typing import Any


class Controller(http.server.BaseHTTPRequestHandler):
    """Lets admin log on; what it answers then is for those who derive from it."""

    def answer(self, code: int, found: Any = None, cookies: Sequence[str] = ()) -> None:
        body = json.dumps(found or {}).encode()
        self.send_response(code)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        for cookie in cookies:
            self.send_header("Set-Cookie", f"{cookie}; Path=/")
        self.end_headers()
        self.wfile.write(body)

    def body(self) -> Any:
        return json.loads(self.rfile.read(int(self.headers["Content-Length"])))

    def sound(self) -> bool:
        """Return whether the request is of the session, and names the version."""
        return "sessionid=s1" in self.headers["Cookie"] and self.headers["X-Avi-Version"] == "22.1.7"

    def do_POST(self) -> None:
        known = self.path == "/login" and self.body() == {"username": "admin", "password": "secret"}
        self.answer(200 if known else 401, cookies=("sessionid=s1", "csrftoken=t1") if known else ())

    def log_message(self, *_arguments: Any) -> None:
        pass


@contextlib.contextmanager
def serve(controller: type[Controller], **state: Any) -> Iterator[http.server.ThreadingHTTPServer]:
    """Serve, with ``state`` as attributes of the server, until the end of the block."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), controller)
    vars(server).update(state)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()


def url(server: http.server.ThreadingHTTPServer) -> str:
    return f"http://127.0.0.1:{server.server_address[1]}"
