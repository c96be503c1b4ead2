"""Access log lines as a real nginx writes them, request by request, without nginx: every variable's value, and what ties them.

`$request_time` is never below the upstream's times of its line by more than a millisecond; times are `digits.3 digits`; an
unproxied request has `-`, a retried one a list (`0.000, 0.100`), a redirected one groups (`0.004 : 0.100`).
`grammar_texts` reads ../../grammars; `rendered` writes a line in any log_format.
"""
import glob
import json
import os
import re
import time

GRAMMARS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "grammars")
VARIABLE = re.compile(r"\$(?:\{(\w+)\}|(\w+))")
COMBINED = '$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent "$http_referer" "$http_user_agent"'
AGENTS = ("curl/8", "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0", "okhttp/4.12.0", "-", "kube-probe/1.29")
REFERERS = ("-", "-", "https://www.example.com/", "https://www.example.com/a?b=c")
STATUSES = ("200", "200", "200", "200", "304", "404", "302", "201", "206")


def seconds(millis):
    """As nginx writes them."""
    return f"{millis // 1000}.{millis % 1000:03}"


class World:
    """What the lines of one file have in common: who is proxied, how fast, which retries there are."""

    def __init__(self, rng):
        self.proxied = rng.choice((0.0, 0.5, 0.8, 0.95, 1.0, 1.0))
        self.lists = rng.choice((0.0, 0.0, 0.0, 0.1, 0.3))
        self.scale = rng.choice((3, 30, 30, 300, 3000))
        self.slow_clients = rng.choice((0.0, 0.1, 0.5))
        self.gzip = rng.choice((0.0, 0.3, 0.9))
        self.forwarded = rng.choice((0.0, 0.5, 1.0))
        self.port, self.tls = rng.choice((("80", False), ("443", True), ("8080", False)))
        self.pids = [str(rng.randrange(2, 70000)) for _ in range(rng.choice((1, 2, 4)))]
        self.connection = rng.randrange(1, 2_000_000)
        self.at = rng.randrange(1_600_000_000, 1_790_000_000) * 1000
        self.hosts = rng.choice((("www.example.com",), ("www.example.com", "api.example.com", "192.0.2.80")))


def attempts(rng, world):
    """The upstreams of a request, groups of attempts: (connect, header, response, status, address), times in ms or None."""
    if rng.random() >= world.proxied:
        return []
    many = rng.random() < world.lists
    groups = []
    for _ in range(rng.choice((1, 1, 2)) if many else 1):
        group = []
        for n in range(rng.choice((1, 2, 2, 3)) if many else 1):
            group.append((None, None, rng.choice((0, 0, 1, 1000)), "502", f"10.0.0.{n + 1}:8080"))
        response = int(rng.expovariate(1 / world.scale)) + rng.choice((0, 1, 1))
        header = response - int(response * rng.random() * rng.choice((0, 0.1, 1)))
        group[-1] = (min(header, rng.choice((0, 0, 0, 1, 2))), header, response, None, f"10.0.0.{rng.randrange(1, 9)}:8080")
        groups.append(group)
    return groups


def listed(groups, member):
    """A list variable's text."""
    return " : ".join(", ".join(member(one) for one in group) for group in groups) if groups else "-"


def request(rng, world):
    """One request: {variable: text}, and `"ms"`, the true duration."""
    groups = attempts(rng, world)
    upstream = sum(one[2] for group in groups for one in group)
    extra = int(rng.expovariate(1 / 80)) if rng.random() < world.slow_clients else rng.choice((0, 0, 0, 1, 2))
    total = max(0, upstream + (extra if extra or not groups or rng.random() < 0.97 else -1))
    world.at += int(rng.expovariate(1 / 700))
    at = time.gmtime(world.at // 1000)
    status, body = rng.choice(STATUSES), str(rng.choice((0, 3, 169, rng.randrange(20000), rng.randrange(3000000))))
    if groups and rng.random() < 0.05:
        status = "502"
    fresh = rng.random() < 0.6
    world.connection += rng.randrange(1, 4) if fresh else 0
    time_of = lambda place: listed(groups, lambda one: "-" if one[place] is None else seconds(one[place]))
    target = rng.choice((f"/a/{rng.randrange(100)}", "/", f"/search?q={rng.randrange(9)}", "/static/app.js"))
    method, host = rng.choice(("GET", "GET", "GET", "POST", "HEAD")), rng.choice(world.hosts)
    body = "0" if method == "HEAD" or status == "304" else body
    protocol = rng.choice(("HTTP/1.1", "HTTP/1.1", "HTTP/2.0", "HTTP/1.0"))
    return {
        "ms": total, "remote_addr": rng.choice(("192.0.2.7", "203.0.113.9", "2001:db8::7")), "remote_user": rng.choice(("-", "-", "alice")),
        "time_local": time.strftime("%d/%b/%Y:%H:%M:%S +0000", at), "time_iso8601": time.strftime("%Y-%m-%dT%H:%M:%S+00:00", at),
        "msec": seconds(world.at), "request": f"{method} {target} {protocol}", "request_method": method, "request_uri": target,
        "uri": target.split("?")[0], "args": target.partition("?")[2] or "-", "server_protocol": protocol, "status": status,
        "body_bytes_sent": body, "bytes_sent": str(int(body) + rng.randrange(150, 500)), "http_referer": rng.choice(REFERERS),
        "http_user_agent": rng.choice(AGENTS), "request_time": seconds(total), "upstream_response_time": time_of(2),
        "upstream_connect_time": time_of(0), "upstream_header_time": time_of(1), "request_length": str(rng.randrange(60, 1500)),
        "gzip_ratio": f"{rng.randrange(1, 9)}.{rng.randrange(100):02}" if rng.random() < world.gzip else "-",
        "connection": str(world.connection), "connection_requests": str(1 if fresh else rng.randrange(2, 99)),
        "connection_time": seconds(total + (0 if fresh else rng.randrange(100, 60000))), "pipe": rng.choice("....p"),
        "server_port": world.port, "remote_port": str(rng.randrange(1024, 65536)), "pid": rng.choice(world.pids),
        "upstream_status": listed(groups, lambda one: one[3] or status), "upstream_addr": listed(groups, lambda one: one[4]),
        "upstream_response_length": listed(groups, lambda one: "0" if one[3] else body),
        "upstream_bytes_received": listed(groups, lambda one: "0" if one[3] else str(int(body) + 200)),
        "upstream_cache_status": rng.choice(("HIT", "MISS", "-", "EXPIRED")), "ssl_protocol": "TLSv1.3" if world.tls else "-",
        "ssl_cipher": "TLS_AES_256_GCM_SHA384" if world.tls else "-", "scheme": "https" if world.tls else "http", "host": host, "http_host": host,
        "server_name": "www.example.com", "hostname": "web1", "request_id": f"{rng.getrandbits(128):032x}", "req_id": f"{rng.getrandbits(128):032x}",
        "http_x_forwarded_for": rng.choice(("198.51.100.4", "198.51.100.4, 10.1.0.2")) if rng.random() < world.forwarded else "-",
        "http_x_real_ip": "198.51.100.4" if rng.random() < world.forwarded else "-", "geoip_country_code": rng.choice(("DE", "US", "-")),
        "request_completion": rng.choice(("OK", "OK", "-")), "tcpinfo_rtt": str(rng.randrange(100, 90000)),
        "apache_us": str(total * 1000 + rng.randrange(500)), "apache_s": str(total // 1000), "map_ms": str(total),
        "request_line": f"{method} {target} {protocol}", "upstream_scheme": "http", "upstream_host": host, "upstream_uri": target,
        "apisix_request_id": f"{rng.getrandbits(128):032x}", "proxy_upstream_name": "default-web-80", "proxy_alternative_upstream_name": "",
        "the_real_ip": "192.0.2.7", "read_time": seconds(rng.randrange(9)), "gen_time": seconds(rng.randrange(9)), "t_size": str(rng.randrange(9999)),
        "http_authorization": "-", "http_x_forwarded_proto": rng.choice(("https", "http")), "server": "10.0.0.1",
        "upstream_http_x_cache": "-", "upstream_http_x_runtime": "-"}


def absent_as(value, escape):
    """A value's text in an escaping, where nothing needs to be escaped."""
    return "" if value == "-" and escape != "default" else value


def rendered(text, values, escape="default"):
    """The line of a log_format's text."""
    return VARIABLE.sub(lambda found: absent_as(values[found[1] or found[2]], escape), text)


def grammar_texts():
    """{name: (escape, pieces as they stand between the quotes, text, sample lines)} of ../../grammars."""
    grammars = {}
    for path in sorted(glob.glob(os.path.join(GRAMMARS, "*.conf"))):
        with open(path, encoding="utf-8") as file:
            whole = file.read()
        directive = "\n".join(line for line in whole.split("\n") if not line.startswith("#"))
        name, escape = re.search(r"log_format\s+(\S+)(?:\s+escape=(\w+))?", directive).groups()
        pieces = re.findall(r"'((?:[^'\\]|\\.)*)'", directive)
        samples = re.findall(r"^# sample: (.*)$", whole, re.MULTILINE)
        grammars[name] = (escape or "default", pieces, unquoted("".join(pieces)), samples)
    return grammars


def unquoted(piece):
    """What nginx reads between quotes."""
    kept = {"t": "\t", "r": "\r", "n": "\n", '"': '"', "'": "'", "\\": "\\"}
    return re.sub(r"\\(.)", lambda found: kept.get(found[1], found[0]), piece)


def agrees(value, raw):
    """Whether a value that `records` gives is what the log's text says."""
    if isinstance(value, list):
        groups = [[None if one in ("", "-") else one for one in group.split(", ")] for group in raw.split(" : ")]
        return len(groups) == len(value) and all(
            len(a) == len(b) and all(x is None and y is None or x is not None and y is not None and agrees(x, y) for x, y in zip(a, b))
            for a, b in zip(value, groups))
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return re.fullmatch(r"\d+(\.\d+)?", raw) is not None and float(raw) == value
    return value in (raw, unescaped(raw))


def unescaped(raw):
    """A value of escape=default or json as the client sent it."""
    if "\\x" in raw:
        return re.sub(rb"\\x([0-9A-F]{2})", lambda found: bytes([int(found[1], 16)]), raw.encode()).decode("utf-8", "replace")
    try:
        return json.loads(f'"{raw}"') if "\\" in raw else raw
    except ValueError:
        return raw
