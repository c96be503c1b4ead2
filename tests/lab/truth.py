"""What is true about a log, computed from its raw lines alone.

The independent program that spikeline is held against: one fixed regular expression for the lab's log_format, plain sorting
for the percentiles (nearest rank), plain filters for the windows. It shares no code with spikeline, and it is slow on purpose.
Times are whole milliseconds since the epoch throughout.

    /usr/bin/python3 truth.py LOG..          prints count, p50, p99 and max of every route and slot
"""
import glob
import gzip
import os
import re
import sys
from collections import defaultdict

SLOT_MS = 10_000
SLOW_MS = 1_000
SLOWEST = 5
PER_MILLE = {"p50": 500, "p75": 750, "p90": 900, "p95": 950, "p99": 990, "p999": 999}
TIMES = ("request_time", "upstream_response_time", "upstream_connect_time", "upstream_header_time")

# The log_format of the lab's nginx; `peers.py` writes it into nginx.conf and `subject.py` into spikeline's config.
LOG_FORMAT = (
    '$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent "$http_referer" "$http_user_agent" '
    'rt=$request_time ut="$upstream_response_time" uct="$upstream_connect_time" uht="$upstream_header_time" '
    'ua="$upstream_addr" us="$upstream_status" msec=$msec bs=$bytes_sent id=$request_id')

LINE = re.compile(
    rb'(?P<addr>[^ ]+) - (?P<user>[^"]*?) \[(?P<local>[^\]]+)\] "(?P<request>[^"]*)" (?P<status>\d{3}) (?P<body>\d+) '
    rb'"[^"]*" "[^"]*" rt=(?P<request_time>\d{1,9}\.\d{3}) ut="(?P<upstream_response_time>[^"]*)" '
    rb'uct="(?P<upstream_connect_time>[^"]*)" uht="(?P<upstream_header_time>[^"]*)" ua="[^"]*" us="[^"]*" '
    rb'msec=(?P<msec>\d{1,10}\.\d{3}) bs=(?P<bytes>\d+) id=(?P<id>[^ ]*)', re.DOTALL)
REQUEST = re.compile(rb'([A-Z]+) (/[^ ]*|[a-z]+://[^ ]*) HTTP/\d\.\d')
ATTEMPT = re.compile(rb'\d{1,9}\.\d{3}|-')


def millis(text):
    """b"1.234" -> 1234."""
    whole, fraction = text.split(b".")
    return int(whole) * 1000 + int(fraction)


def upstream_millis(text):
    """The sum over servers tried (", ") and redirects (" : "); None without any time; ValueError for anything else."""
    if text in (b"", b"-"):
        return None
    total = None
    for attempt in re.split(rb", | : ", text):
        if not ATTEMPT.fullmatch(attempt):
            raise ValueError(text)
        if attempt != b"-":
            total = (total or 0) + millis(attempt)
    return total


class Request:
    """One line of the log: where it stands, and what it says."""
    __slots__ = ("raw", "order", "route", "start", "end", "status", "bytes", "times")

    def __init__(self, raw, order, route, fields):
        self.raw, self.order = raw, order
        self.status, self.bytes = int(fields["status"]), int(fields["bytes"])
        self.times = [millis(fields["request_time"])] + [upstream_millis(fields[name]) for name in TIMES[1:]]
        self.end = millis(fields["msec"])
        self.start = self.end - self.times[0]
        self.route = route(fields["request"])

    @property
    def slot(self):
        """The start of the 10 s interval that the request ended in."""
        return self.end // SLOT_MS * SLOT_MS


def parse(raw, order, route):
    """The request of one raw line (without its newline), or None where the line is not of the format.

    nginx never writes a NUL or, inside a value, a quote (escape=default): a NUL is the hole that a full disk left, and a
    user with a quote is the torn line that the next one was glued to."""
    match = LINE.fullmatch(raw)
    if not match or b"\0" in raw:
        return None
    try:
        return Request(raw, order, route, match.groupdict())
    except ValueError:
        return None


def generations(path):
    """The log and everything that a rotation made of it, oldest content first."""
    def first_end(name):
        match = re.search(rb"msec=([\d.]+)", next(iter(lines_of(name)), b""))
        return float(match.group(1)) if match else float("inf")
    return sorted((name for name in glob.glob(glob.escape(path) + "*") if os.path.isfile(name)), key=first_end)


def lines_of(name):
    """The complete lines of a plain or gzipped file, without newlines."""
    with (gzip.open if name.endswith(".gz") else open)(name, "rb") as file:
        for line in file:
            if line.endswith(b"\n"):
                yield line[:-1]


class Truth:
    """Every request of some logs."""

    def __init__(self, paths, route):
        self.requests, self.rejected = [], []
        for generation, name in enumerate(paths):
            for number, raw in enumerate(lines_of(name), 1):
                request = parse(raw, (generation, number), route)
                if request:
                    self.requests.append(request)
                else:
                    self.rejected.append((name, number))
        self.cells = defaultdict(list)
        for request in self.requests:
            self.cells[request.route, request.slot].append(request)
        self.slow = {request.order for cell in self.cells.values() for request in slow_of(cell)}

    def routes(self):
        """The names of all routes seen."""
        return sorted({request.route for request in self.requests})

    def select(self, route, since, until, by="overlap", every=False):
        """The raw lines of [since, until) in milliseconds: those in flight in it, or those that ended in it."""
        if by == "end":
            inside = [r for r in self.requests if since <= r.end < until]
        else:
            inside = [r for r in self.requests if r.start < until and r.end >= since]
        return [r.raw for r in inside if r.route == route and (every or r.order in self.slow)]


def slow_of(cell):
    """The slow requests of one route and slot: a second or more, a 5xx, or among the five slowest."""
    ranked = sorted(cell, key=lambda r: (-r.times[0], r.end, r.order))
    among = {r.order for r in ranked[:SLOWEST]}
    return [r for r in cell if r.times[0] >= SLOW_MS or r.status // 100 == 5 or r.order in among]


def points(cell):
    """{metric below the route: value} of the requests of one route and slot."""
    out = {"requests.count": len(cell), "requests.slow": sum(r.times[0] >= SLOW_MS for r in cell),
           "bytes_sent.sum": sum(r.bytes for r in cell)}
    for kind in range(1, 6):
        out[f"status.{kind}xx"] = sum(r.status // 100 == kind for r in cell)
    for index, name in enumerate(TIMES):
        samples = sorted(r.times[index] for r in cell if r.times[index] is not None)
        if samples:
            out |= {f"{name}.{what}": value for what, value in summary(samples).items()}
    return out


def summary(samples):
    """count, sum, mean, max and nearest-rank percentiles of sorted samples."""
    out = {"count": len(samples), "sum": sum(samples), "mean": sum(samples) / len(samples), "max": samples[-1]}
    for name, per_mille in PER_MILLE.items():
        rank = -(-len(samples) * per_mille // 1000)
        out[name] = samples[max(rank, 1) - 1]
    return out


def target_path(request):
    """The path of a request line, without its query; None for what is no HTTP request."""
    match = REQUEST.fullmatch(request)
    return match and re.sub(rb"^[a-z]+://[^/?]*", b"", match.group(2)).split(b"?")[0].decode("latin-1")


def lab_route(request):
    """The route of the lab's own traffic; the same rules stand in the config that `subject.py` writes."""
    path = target_path(request)
    if path is None:
        return "__malformed"
    parts = [part for part in path.split("/") if part]
    if len(parts) > 2 and parts[0] == "p":
        return f"webapp.backend.{parts[1]}"
    if len(parts) > 2 and parts[0] == "s":
        return f"rotate.{parts[1]}"
    if len(parts) > 1 and parts[0] in ("static", "flaky"):
        return {"static": "static.asset", "flaky": "errors.flaky"}[parts[0]]
    if path == "/login":
        return "webapp.login"
    return ".".join(parts) or "__root"


def main():
    """Print what is true about the logs given."""
    truth = Truth(sys.argv[1:], lab_route)
    for (route, slot), cell in sorted(truth.cells.items()):
        at = points(cell)
        print(slot // 1000, route, *(f"{k}={at['request_time.' + k]}" for k in ("count", "p50", "p99", "max")))
    print(f"{len(truth.requests)} requests, {len(truth.slow)} slow, {len(truth.rejected)} rejected", file=sys.stderr)


if __name__ == "__main__":
    main()
