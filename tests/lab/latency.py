"""How soon: from a line in the log to `spikeline lines`, and from the end of a slot to carbon."""
import time
import urllib.request

import compare
import subject


def line_to_lines(nginx, config, limit=10):
    """Seconds from the answer to a request (nginx logs it then) until `spikeline lines` prints its line; None if never."""
    marker = f"probe{time.time_ns()}"
    urllib.request.urlopen(f"http://127.0.0.1:{nginx.port}/login?{marker}", timeout=10).read()
    begin = time.monotonic()
    while time.monotonic() - begin < limit:
        now = int(time.time())
        _, got, _ = subject.lines(config, "webapp.login", now - 30, now + 5, "--all")
        if any(marker.encode() in line for line in got):
            return time.monotonic() - begin
        time.sleep(0.02)
    return None


def slot_to_carbon(carbon, route, limit=15):
    """Seconds from the end of the present slot until carbon has its count for a route with traffic; None if never."""
    metric, slot = f"{compare.PREFIX}{route}.requests.count", int(time.time()) // 10 * 10
    while time.time() < slot + 10:
        time.sleep(0.02)
    while time.time() < slot + 10 + limit:
        if slot in carbon.cached(metric) or slot in carbon.stored(metric, slot, slot + 10):
            return time.time() - slot - 10
        time.sleep(0.02)
    return None


def said(values):
    """Median and worst in words."""
    known = sorted(v for v in values if v is not None)
    if len(known) < len(values) or not known:
        return f"{len(values) - len(known)} of {len(values)} never came"
    return f"median {known[len(known) // 2]:.2f} s, worst {known[-1]:.2f} s of {len(known)}"
