# Copyright: (c) 2026, avi.firewall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A real Chromium, driven through chromedriver by plain HTTP (https://www.w3.org/TR/webdriver2/)."""

from __future__ import annotations

import base64
import json
import re
import subprocess
import tempfile
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ELEMENT = "element-6066-11e4-a52e-4f735466cecf"
ARGUMENTS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
# Whatever proxy the environment names has no part in this.
DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))
# Where the protocol puts the keys that are no text.
KEYS = {"tab": "\ue004", "down": "\ue015", "right": "\ue014", "escape": "\ue00c"}


class Chromium:
    """One browser window. Every method raises RuntimeError with the driver's message when the browser refuses."""

    def __init__(self, driver: str, binary: str, data: str) -> None:
        self._driver = driver
        options = {"binary": binary, "args": [*ARGUMENTS, f"--user-data-dir={data}"]}
        wanted = {"browserName": "chrome", "goog:chromeOptions": options, "goog:loggingPrefs": {"performance": "ALL"}}
        self._session = ""
        self._session = "/session/" + self._call("POST", "/session", {"capabilities": {"alwaysMatch": wanted}})["sessionId"]

    def _call(self, method: str, path: str, body: Any = None) -> Any:
        request = urllib.request.Request(  # noqa: S310 - the driver's own address
            self._driver + self._session + path,
            None if method != "POST" else json.dumps(body or {}).encode(),
            {"Content-Type": "application/json"},
            method=method,
        )
        try:
            with DIRECT.open(request, timeout=60) as answer:
                return json.load(answer)["value"]
        except urllib.error.HTTPError as exc:
            raise RuntimeError(json.load(exc)["value"]["message"]) from exc

    def close(self) -> None:
        self._call("DELETE", "")

    def open(self, address: str) -> None:
        self._call("POST", "/url", {"url": "about:blank"})  # else a new fragment alone would load nothing
        self._call("POST", "/url", {"url": address})

    def run(self, script: str, *arguments: Any) -> Any:
        """Return what the body of a function, ``script``, returns in the page."""
        return self._call("POST", "/execute/sync", {"script": script, "args": list(arguments)})

    def shown(self, selector: str) -> list[str]:
        """Return the text of every element that ``selector`` finds and a person can see."""
        return self.run(
            "return [...document.querySelectorAll(arguments[0])].filter((one) => one.checkVisibility()).map((one) => one.innerText)",
            selector,
        )

    def type(self, selector: str, text: str) -> None:
        found = self._call("POST", "/element", {"using": "css selector", "value": selector})
        self._call("POST", f"/element/{found[ELEMENT]}/value", {"text": text})

    def press(self, *names: str) -> None:
        keys = [{"type": kind, "value": KEYS[name]} for name in names for kind in ("keyDown", "keyUp")]
        self._call("POST", "/actions", {"actions": [{"type": "key", "id": "keyboard", "actions": keys}]})

    def point(self, selector: str) -> None:
        """Move the mouse onto the element that ``selector`` finds."""
        self.run("document.querySelector(arguments[0]).scrollIntoView({block: 'center', inline: 'center'})", selector)
        found = self._call("POST", "/element", {"using": "css selector", "value": selector})
        move = {"type": "pointerMove", "origin": found, "x": 0, "y": 0}
        self._call("POST", "/actions", {"actions": [{"type": "pointer", "id": "mouse", "actions": [move]}]})

    def command(self, name: str, **parameters: Any) -> Any:
        """Call a command of the DevTools protocol."""
        return self._call("POST", "/goog/cdp/execute", {"cmd": name, "params": parameters})

    def requests(self) -> list[str]:
        """Return every address that was asked for since the last call."""
        entries = [json.loads(entry["message"])["message"] for entry in self._call("POST", "/se/log", {"type": "performance"})]
        return [entry["params"]["request"]["url"] for entry in entries if entry["method"] == "Network.requestWillBeSent"]

    def picture(self, path: Path, width: int = 1280, height: int | None = None, scheme: str = "light", media: str = "screen") -> None:
        """Write what the page looks like to ``path``: the whole page, or its first ``height`` pixels."""
        self.command("Emulation.setEmulatedMedia", media=media, features=[{"name": "prefers-color-scheme", "value": scheme}])
        self.command("Emulation.setDeviceMetricsOverride", width=width, height=height or 800, deviceScaleFactor=1, mobile=False)
        shot = self.command("Page.captureScreenshot", captureBeyondViewport=height is None)
        path.write_bytes(base64.b64decode(shot["data"]))


@contextmanager
def chromium() -> Iterator[Chromium]:
    """Start a browser with an empty profile, and end it."""
    with (
        tempfile.TemporaryDirectory(prefix="chromium-", ignore_cleanup_errors=True) as data,
        subprocess.Popen(["chromedriver", "--port=0"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as driver,
    ):
        try:
            said = iter(driver.stdout.readline, "")
            port = next((found[1] for found in (re.search(r"successfully on port (\d+)", line) for line in said) if found), None)
            assert port, "chromedriver has ended"
            browser = Chromium(f"http://127.0.0.1:{port}", "/usr/bin/chromium", data)
            try:
                yield browser
            finally:
                browser.close()
        finally:
            driver.terminate()
