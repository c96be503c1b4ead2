"""usage: page.py BIN   The page in a real browser: load, choose, drag, read lines, click a value, follow a link, Back, deep link, keys.

What a log says must not run, a foreign Host must not be answered, and nothing may be loaded from elsewhere."""

import json
import os
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

import demo_store
from chromium import Chromium

START = demo_store.START * 1000
HOSTILE = [
    '"><script>alert(1)</script>',
    "<img src=x onerror=alert(2)>",
    "';alert(3)//",
    "javascript:alert(4)",
    "\u202egnp.exe",
]


def hostile_lines():
    lines = []
    for number, text in enumerate(HOSTILE):
        path = "/p/git/" + text.replace(" ", "%20").replace('"', "\\x22")
        agent = text.replace('"', "\\x22")
        lines.append(demo_store.line(demo_store.START + 700 + number, 9.5, path, client="203.0.113.66", agent=agent, host=agent))
    return "".join(lines)


class Served:
    """`spikeline serve` on a port of its own."""

    def __init__(self, binary, config):
        folder, name = os.path.split(config)
        self.program = subprocess.Popen([binary, "serve", "--config", name, "--listen", "127.0.0.1:0"], cwd=folder,
                                        stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True, env={**os.environ, "TZ": "UTC"})
        self.folder = folder
        said = self.program.stderr.readline()
        assert "http://" in said, said
        self.address = said.split("http://")[1].split("/")[0]
        self.url = f"http://{self.address}"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.program.terminate()
        self.program.wait(10)


def check(what, holds):
    print(("ok     " if holds else "WRONG  ") + what, flush=True)
    return bool(holds)


def parameters(browser):
    return browser.run("Object.fromEntries([...new URLSearchParams(location.search)])")


def lines(browser):
    return browser.wait("document.querySelectorAll('#lines > li').length")


def title(browser):
    return browser.run("document.getElementById('box-title').textContent")


def walk(browser, served):
    """One visit, from the first look to the lines."""
    good = []
    browser.open(served.url + "/")
    browser.drawn()
    good.append(check("the page says route and window in its title", "all routes, 2011-11-30 14:00:00" in browser.run("document.title")))
    good.append(check("the heatmap has cells, percentiles, a threshold and a table", browser.run(
        "document.querySelectorAll('#picture .cells path').length > 4 && document.querySelectorAll('#picture .p99, #picture .p50, #picture .threshold').length >= 3"
        " && document.querySelectorAll('#picture-table tbody tr').length > 100")))
    good.append(check("the route that spiked comes first", browser.run("document.querySelectorAll('#routes-body tr')[1].dataset.route") == "webapp.backend.git"))
    browser.click_on("tr[data-route='webapp.backend.git'] th button")
    browser.wait("document.title.startsWith('webapp.backend.git')")
    good.append(check("a route is chosen by a click", parameters(browser).get("route") == "webapp.backend.git"))

    browser.drag(browser.place(START + 311_000, 900), browser.place(START + 419_000, 9_600))
    lines(browser)
    first = browser.run("document.querySelector('#lines .took').textContent")
    good.append(check(f"a dragged box shows its lines, the worst first ({first}); {title(browser)}", "217 of" in title(browser) and first.startswith("7.0")))
    command = browser.run("document.querySelector('#lines-command code').textContent")
    good.append(check(f"the command beside them: {command}", "--min-time" in command and "--by end" in command and "--route webapp.backend.git" in command))
    said = subprocess.run(["bash", "-c", command.replace("spikeline", os.path.abspath(sys.argv[1]), 1) + " | wc -l"], cwd=served.folder, capture_output=True, text=True).stdout.strip()
    good.append(check(f"gives as many lines: {said}", said == "217"))
    for wanted in (100, 150, 200, 217):
        browser.run("document.getElementById('lines-more').scrollIntoView()")
        browser.wait(f"document.querySelectorAll('#lines > li').length >= {wanted}")
    good.append(check("more lines come by scrolling, to the last", browser.wait("document.getElementById('lines-more').textContent.includes('all 217 lines')")))
    there = browser.run("location.href")

    browser.click_on("#lines > li:nth-child(1) .line")
    browser.wait("document.querySelector('.line-fields')")
    good.append(check("a click names a line's fields", browser.run("[...document.querySelectorAll('.line-fields dt')].map(e => e.textContent).includes('upstream_addr')")))
    browser.click_on("#tab-split")
    browser.wait("document.querySelector('.split-field')")
    top = browser.run("document.querySelector('.split-field h3').textContent + ' ' + document.querySelector('.split-field .split-value').textContent")
    good.append(check(f"what sets them apart: {top}", top == "remote_addr 203.0.113.9"))
    browser.run("document.querySelector('.split-field tr .split-value button').focus()")
    good.append(check("a value lights its cells", browser.run("Boolean(document.querySelector('#picture .lit'))")))
    browser.click_on("#tab-curves")
    browser.wait("document.querySelectorAll('#curves .curve').length >= 4")
    good.append(check("percentiles of box and rest, with a table", browser.run("document.querySelectorAll('#curves-table tbody tr').length > 4")))

    browser.click_on("#tab-split")
    browser.wait("document.querySelector('.split-field .split-value button')")
    browser.click_on(".split-field .split-value button", shift=True)
    browser.wait("new URLSearchParams(location.search).get('not')")
    browser.wait("document.getElementById('chosen').textContent.includes('not remote_addr')")
    good.append(check("shift-click takes all but a value, and the picture follows", browser.wait("overview && overview.requests > 6000 && overview.columns.every(c => !c.slow || c.from > 1322662200000)")))
    browser.run("history.back()")
    browser.wait("!new URLSearchParams(location.search).get('not')")
    good.append(check("Back", browser.wait("overview.columns.some(c => c.slow)")))

    browser.open(there)
    lines(browser)
    good.append(check("a link opens the same view", "217 of" in title(browser) and browser.run("document.title.startsWith('webapp.backend.git')")))
    browser.call("Page.reload")
    browser.drawn()
    lines(browser)
    good.append(check("so does a reload", "217 of" in title(browser)))
    return good


def keys(browser, served):
    good = []
    browser.open(served.url + "/")
    browser.drawn()
    browser.key("?")
    good.append(check("? lists the keys", browser.run("document.getElementById('keys').open")))
    browser.key("Escape")
    browser.key("/")
    browser.write("wiki")
    good.append(check("/ filters", browser.wait("document.querySelectorAll('#routes-body tr').length === 2")))
    browser.key("Escape")
    browser.key("Escape")
    browser.wait("document.querySelectorAll('#routes-body tr').length > 4")
    browser.key("+")
    browser.wait("overview.until - overview.from === 900000")
    browser.key("ArrowLeft")
    good.append(check("+ zooms, an arrow moves", browser.wait(f"overview.from === {START} && overview.until === {START + 900_000}")))
    browser.key("-")
    browser.wait("overview.until - overview.from === 1800000")
    browser.key("j")
    browser.wait("new URLSearchParams(location.search).get('route')")
    browser.key("Enter")
    good.append(check("Enter shows the lines of what is slow", lines(browser) > 10))
    browser.key("Escape")
    browser.wait("document.getElementById('box').hidden")
    browser.key("b")
    browser.wait("document.querySelector('#picture .selection')")
    before = browser.run("state.box.from")
    browser.key("ArrowRight", shift=True)
    browser.key("]")
    good.append(check("b draws a box, Shift and arrows move it", browser.run("state.box.from") > before and browser.wait("document.querySelectorAll('#lines > li').length")))
    return good


def links(browser, served):
    good = []
    metric = "nginx.web1.webapp.backend.git.request_time.p99"
    browser.open(f"{served.url}/at?m={metric}&s=x&t={START + 360_000}&from={START}&to={START + 1_800_000}&tz=UTC")
    browser.drawn()
    lines(browser)
    good.append(check(f"/at leads to the spike: {title(browser)}", "14:05:10 to 14:07:00" in title(browser)))
    browser.open(f"{served.url}/?from=14:05_20111130&until=14:07_20111130&tz=Europe/Berlin")
    browser.drawn()
    good.append(check("tz= says the zone, and the page says which", browser.wait("document.getElementById('zone').textContent.includes('Europe/Berlin, UTC+01:00')")))
    good.append(check("a window without a request says so, and what to do", browser.wait("document.getElementById('empty').innerText.includes('No request in this window')")))
    browser.open(f"{served.url}/?from=nonsense")
    good.append(check("a wrong time is said as such", browser.wait("document.getElementById('said').textContent.includes('nonsense')")))
    return good


def hostile(browser, served):
    good = []
    browser.complaints.clear()
    browser.open(f"{served.url}/?box={START + 600_000},{START + 800_000},9000,")
    lines(browser)
    good.append(check("hostile lines are shown as text", browser.run("document.querySelector('#lines').innerText").count("203.0.113.66") == len(HOSTILE)))
    for number in range(1, len(HOSTILE) + 1):
        browser.click_on(f"#lines > li:nth-child({number}) .line")
    browser.key("s")
    browser.wait("document.querySelector('.split-field')")
    text = browser.run("document.body.innerText")
    good.append(check("their values too", "<script>alert(1)" in text and "\\u{202e}" in text))
    browser.run("document.querySelectorAll('.split-field tr').forEach(e => e.dispatchEvent(new PointerEvent('pointerenter')))")
    time.sleep(0.5)
    good.append(check("no element came of them", browser.run("document.querySelectorAll('img, script:not([src])').length") == 0))
    ran = [said for said in browser.complaints if "dialog" in said]
    good.append(check(f"nothing ran {ran}", not ran))
    return good


def address_bar(served):
    good = []
    with urllib.request.urlopen(served.url + "/") as page:
        policy = page.headers["Content-Security-Policy"]
        body = page.read().decode()
    good.append(check("the policy forbids inline scripts and styles", "unsafe" not in policy and "default-src 'none'" in policy))
    good.append(check("the page has none", "<style" not in body and " style=" not in body and "<script>" not in body and " onclick" not in body))
    request = urllib.request.Request(served.url + "/", headers={"Host": "evil.example"})
    try:
        status = urllib.request.urlopen(request).status
    except urllib.error.HTTPError as error:
        status = error.code
    good.append(check(f"a foreign Host is refused: {status}", status in (400, 403, 421)))
    return good


def phone(served):
    good = []
    with Chromium(400, 800, touch=True) as browser:
        browser.open(served.url + "/")
        browser.drawn()
        good.append(check("400 px: nothing is wider than the screen", browser.run("document.documentElement.scrollWidth <= 400")))
        browser.run("document.getElementById('picture').scrollIntoView()")
        for corner in ((START + 311_000, 1_100), (START + 419_000, 9_600)):
            browser.tap(*browser.place(*corner))
            time.sleep(0.2)
        good.append(check(f"two taps are a box; {lines(browser)} lines", browser.run("document.documentElement.scrollWidth <= 400")))
        good.append(check(f"no complaint {browser.complaints}", not browser.complaints))
    return good


def main():
    binary = os.path.abspath(sys.argv[1])
    good = []
    with tempfile.TemporaryDirectory(prefix="spikeline-page-") as folder:
        config = demo_store.make(folder, binary, demo_store.spike() + hostile_lines())
        with Served(binary, config) as served:
            good += address_bar(served)
            with Chromium(1280, 900) as browser:
                good += walk(browser, served) + keys(browser, served)
                unwanted = [said for said in browser.complaints]
                good.append(check(f"no complaint of script or policy {unwanted}", not unwanted))
                good += links(browser, served) + hostile(browser, served)
                elsewhere = [url for url in browser.requested if not url.startswith((served.url, "data:", "about:"))]
                good.append(check(f"nothing came from elsewhere {elsewhere}", not elsewhere))
            good += phone(served)
    print(f"page: {sum(good)} of {len(good)}")
    return 0 if all(good) else 1


if __name__ == "__main__":
    sys.exit(main())
