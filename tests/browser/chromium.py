"""A headless Chromium, driven by its own protocol (CDP). Debian: chromium, python3-websocket."""

import base64
import json
import os
import shutil
import subprocess
import tempfile
import time
import urllib.request

import websocket


class Chromium:
    """A browser with one page. Keys, pointer and text go in as a person's would; what a page says comes out."""

    def __init__(self, width=1280, height=900, dark=False, zone="UTC", touch=False):
        self.profile = tempfile.mkdtemp(prefix="spikeline-chromium-")
        self.program = subprocess.Popen(
            ["chromium", "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
             "--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-default-apps", "--mute-audio",
             "--hide-scrollbars", "--remote-debugging-port=0", f"--user-data-dir={self.profile}", "about:blank"],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env={**os.environ, "TZ": zone})
        port_file = os.path.join(self.profile, "DevToolsActivePort")
        for _ in range(300):
            if os.path.exists(port_file) and open(port_file).read().count("\n"):
                break
            time.sleep(0.1)
        port = open(port_file).read().split("\n")[0]
        targets = json.load(urllib.request.urlopen(f"http://127.0.0.1:{port}/json"))
        page = next(target for target in targets if target["type"] == "page")
        self.socket = websocket.create_connection(page["webSocketDebuggerUrl"], suppress_origin=True, timeout=60)
        self.number = 0
        # What the page complained of: errors of scripts, breaches of its policy, dialogs that something opened.
        self.complaints = []
        self.requested = []
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")
        self.resize(width, height, dark, zone, touch)

    def close(self):
        try:
            self.call("Browser.close")
        except (OSError, websocket.WebSocketException, AssertionError):
            pass
        try:
            self.program.wait(10)
        except subprocess.TimeoutExpired:
            self.program.kill()
        shutil.rmtree(self.profile, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def call(self, method, **parameters):
        self.number += 1
        wanted = self.number
        self.socket.send(json.dumps({"id": wanted, "method": method, "params": parameters}))
        while True:
            message = json.loads(self.socket.recv())
            if message.get("id") == wanted:
                assert "error" not in message, (method, message["error"])
                return message["result"]
            self.heard(message)

    def heard(self, message):
        method, what = message.get("method"), message.get("params", {})
        if method == "Runtime.exceptionThrown":
            self.complaints.append(what["exceptionDetails"].get("exception", {}).get("description") or what["exceptionDetails"]["text"])
        elif method == "Log.entryAdded" and what["entry"]["level"] == "error":
            self.complaints.append(what["entry"]["text"])
        elif method == "Page.javascriptDialogOpening":
            self.complaints.append("dialog: " + what["message"])
            self.number += 1
            self.socket.send(json.dumps({"id": self.number, "method": "Page.handleJavaScriptDialog", "params": {"accept": True}}))
        elif method == "Network.requestWillBeSent":
            self.requested.append(what["request"]["url"])

    def resize(self, width, height, dark=False, zone="UTC", touch=False):
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)
        self.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}])
        self.call("Emulation.setTimezoneOverride", timezoneId=zone)
        self.call("Emulation.setTouchEmulationEnabled", enabled=touch)

    def run(self, script):
        result = self.call("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in result, result["exceptionDetails"]
        return result["result"].get("value")

    def wait(self, script, seconds=20):
        """Until the expression is true; then its value."""
        until = time.monotonic() + seconds
        while True:
            try:
                # An element has no value of its own.
                value = self.run(f"(found => found instanceof Node ? true : found)({script})")
            except AssertionError as error:
                # The page is being replaced by another.
                value = None
                if time.monotonic() > until:
                    raise error
            if value:
                return value
            assert time.monotonic() < until, f"waited {seconds} s for {script}; the page says: {self.run('document.body.innerText')[:600]}"
            time.sleep(0.05)

    def open(self, url):
        self.call("Page.navigate", url=url)
        self.wait("document.readyState === 'complete'")

    def drawn(self):
        """Until the page has drawn what it shows and asked for nothing for a while."""
        self.wait("document.getElementById('picture-title').textContent && document.getElementById('routes-head').children.length")
        time.sleep(0.3)

    def pointer(self, kind, x, y, button="left", modifiers=0):
        self.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, button=button, clickCount=1, modifiers=modifiers,
                  buttons=0 if kind == "mouseReleased" else 1)

    def click(self, x, y, shift=False):
        for kind in ("mousePressed", "mouseReleased"):
            self.pointer(kind, x, y, modifiers=8 if shift else 0)

    def click_on(self, selector, shift=False):
        x, y = self.run(f"(() => {{ const e = document.querySelector({json.dumps(selector)}); e.scrollIntoView({{block: 'center'}}); "
                        "const r = e.getBoundingClientRect(); return [r.left + Math.min(r.width / 2, 40), r.top + r.height / 2]; })()")
        self.click(x, y, shift)

    def drag(self, start, end):
        self.call("Input.dispatchMouseEvent", type="mouseMoved", x=start[0], y=start[1])
        self.pointer("mousePressed", *start)
        for step in range(1, 9):
            self.call("Input.dispatchMouseEvent", type="mouseMoved", buttons=1, button="left",
                      x=start[0] + (end[0] - start[0]) * step / 8, y=start[1] + (end[1] - start[1]) * step / 8)
        self.pointer("mouseReleased", *end)

    def tap(self, x, y):
        self.call("Input.dispatchTouchEvent", type="touchStart", touchPoints=[{"x": x, "y": y}])
        self.call("Input.dispatchTouchEvent", type="touchEnd", touchPoints=[])

    def key(self, key, shift=False):
        code = {"ArrowLeft": 37, "ArrowUp": 38, "ArrowRight": 39, "ArrowDown": 40, "Enter": 13, "Escape": 27, "Tab": 9}.get(key, 0)
        text = {"Enter": "\r"}.get(key, key if len(key) == 1 else "")
        named = {"key": key, "windowsVirtualKeyCode": code, "modifiers": 8 if shift else 0}
        self.call("Input.dispatchKeyEvent", type="keyDown" if text else "rawKeyDown", **named, **({"text": text} if text else {}))
        self.call("Input.dispatchKeyEvent", type="keyUp", **named)

    def write(self, text):
        for letter in text:
            self.key(letter)

    def screenshot(self, path, whole=False):
        picture = self.call("Page.captureScreenshot", format="png", captureBeyondViewport=whole)
        with open(path, "wb") as out:
            out.write(base64.b64decode(picture["data"]))

    def place(self, time_ms, latency_ms):
        """Where on the screen a time and a latency are on the heatmap."""
        return self.run(f"""(() => {{
            const svg = document.querySelector('#picture svg'), at = svg.getBoundingClientRect(), f = overview.frame;
            const row = overview.rows.find((row) => {latency_ms} >= row.from_ms && (row.until_ms === null || {latency_ms} < row.until_ms)) || overview.rows[overview.rows.length - 1];
            const x = f.left + (f.right - f.left) * ({time_ms} - overview.from) / (overview.until - overview.from);
            return [at.left + x * at.width / f.width, at.top + (row.top + row.bottom) / 2 * at.height / f.height];
        }})()""")
