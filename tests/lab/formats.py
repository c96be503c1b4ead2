"""One real nginx logs each request in thirty formats and once in an unambiguous one; `records` of each must say the same.

The reference is escape=json with every variable in quotes, read by Python's json. Traffic provokes what logs get wrong:
quotes, backslashes, bytes that are not UTF-8, empty headers, bad requests, TLS on a plain port, clients that leave (499),
servers that are down, that close, that send X-Accel-Redirect, error_page to a second group, HTTP/2.
"""
import http.server
import json
import os
import random
import re
import shutil
import socket
import subprocess
import threading
import time

import peers
import subject
from format_texts import FORMATS
from scenario import Scenario

NAME = re.compile(r"\$\{?(\w+)\}?")
NUMBERS = {"msec", "request_time", "status", "bytes_sent", "body_bytes_sent", "request_length", "connection", "connection_requests", "pid",
           "gzip_ratio", "remote_port", "server_port"}
LISTS = {"upstream_response_time", "upstream_connect_time", "upstream_header_time", "upstream_status", "upstream_response_length",
         "upstream_bytes_sent", "upstream_bytes_received", "upstream_addr"}
VARIABLES = sorted({name for _, _, text in FORMATS for name in NAME.findall(text)} | {"msec", "request_id"})

CONF = """daemon off; worker_processes 1; pid {dir}/nginx.pid; error_log {dir}/error.log crit; {user}
events {{ worker_connections 1024; }}
http {{
  client_body_temp_path {dir}/b; proxy_temp_path {dir}/p; fastcgi_temp_path {dir}/f; uwsgi_temp_path {dir}/u; scgi_temp_path {dir}/s;
  map $status $verdict {{ ~^[23] good; ~^5 "very bad"; default -; }}
  {logs}
  upstream app {{ server 127.0.0.1:{app}; }}
  upstream failover {{ server 127.0.0.1:{dead} max_fails=0; server 127.0.0.1:{app} max_fails=0; }}
  upstream gone {{ server 127.0.0.1:{dead} max_fails=0; server 127.0.0.1:{dead2} max_fails=0; }}
  gzip on; gzip_types text/plain; gzip_min_length 1; default_type text/plain; proxy_read_timeout 2s;
  server {{
    listen 127.0.0.1:{port}; listen 127.0.0.1:{h2} http2; listen 127.0.0.1:{unlucky}; set $tenant "a b"; server_name lab.example;
    location / {{ proxy_pass http://app; }}
    location /flaky/ {{ proxy_pass http://failover; proxy_next_upstream error http_503; }}
    location /gone/ {{ proxy_pass http://gone; error_page 502 504 = @second; }}
    location @second {{ proxy_pass http://failover; }}
    location /dead/ {{ proxy_pass http://gone; }}
    location /files/ {{ internal; return 200 "file\\n"; }}
    location /again/ {{ internal; proxy_pass http://app; }}
    location /static/ {{ return 200 "static text static text static text\\n"; }}
    location /moved/ {{ return 301 /static/; }}
  }}
}}
"""


class Application(http.server.BaseHTTPRequestHandler):
    """Answers by path: slowly, with a redirect inside nginx, with 503, or not at all."""
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        """Every method is answered alike."""
        if self.path.startswith("/slow/"):
            time.sleep(0.3)
        if self.path.startswith("/close/"):
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)
            return
        body = b"x" * random.randrange(1, 2000)
        self.send_response(503 if self.path.startswith("/flaky/busy") else 200)
        if self.path.startswith("/accel/"):
            self.send_header("X-Accel-Redirect", random.choice(("/files/a", "/again/b", "/again/accel", "/gone/c")))
        self.send_header("X-Runtime", '0.01 "s"')
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_POST = do_PUT = do_DELETE = do_OPTIONS = do_HEAD = do_PURGE = do_GET

    def log_message(self, *_):
        """Say nothing."""


class Server(http.server.ThreadingHTTPServer):
    """Many requests come at once, and some clients leave."""
    daemon_threads, request_queue_size = True, 256

    def handle_error(self, *_):
        """A client that left is no news."""


def escaped(text):
    """A log_format's text as an nginx string."""
    return text.replace("\\", "\\\\").replace("'", "\\'").replace("\t", "\\t")


class Nginx(peers.Process):
    """nginx with all formats, each in a log of its own, and the reference in `reference.log`."""

    def __init__(self, work, app):
        self.logs = os.path.join(work, "logs")
        os.mkdir(self.logs)
        reference = "{" + ",".join(f'"{name}":"${name}"' for name in VARIABLES) + "}"
        logs = []
        for name, escape, text in (*FORMATS, ("reference", "json", reference)):
            logs += [f"log_format {name} escape={escape} '{escaped(text)}';", f"access_log {self.logs}/{name}.log {name};"]
        self.port, self.h2, unlucky, dead, dead2 = peers.free_ports(5)
        conf = os.path.join(work, "formats.conf")
        with open(conf, "w", encoding="utf-8") as file:
            file.write(CONF.format(dir=work, logs="\n  ".join(logs), app=app, dead=dead, dead2=dead2, port=self.port, h2=self.h2,
                                   unlucky=unlucky, user="user root root;" if os.geteuid() == 0 else ""))
        super().__init__(work, "nginx", ["nginx", "-e", os.path.join(work, "error.log"), "-c", conf])
        self.wait_for(self.port)


AGENTS = (b"curl/8", b'a "quoted" one', b"back\\slash \\x22 \\\" \\", b"caf\xc3\xa9 \xff\xfe", b"", b"-", b"  two  spaces ", b"\x1b[31mred", b"<script>",
          b"0.123, 0.456 : 0.789", b"[10/Oct/2000", b"x" * 900, b"trailing \\")
PATHS = (b"/", b"/static/a", b"/moved/x", b"/flaky/a", b"/flaky/busy", b"/gone/x", b"/dead/y", b"/accel/z", b"/close/q", b"/p/1?q=a%22b&x=\xe9",
         b"/a%0Ab%09c%22d%5Ce", b"/static/%ff%fe", b"/q?", b"/static/?q=" + b"v" * 300, b"http://other.example/static/abs", b"/static/a\"b\\c")
AMBIGUOUS = "two ways to read it: a text holds what stands after it in the format"
METHODS = (b"GET", b"GET", b"GET", b"POST", b"HEAD", b"PUT", b"OPTIONS", b"PURGE")
BAD = (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(range(128, 200)) + b"\r\n\r\n", b"GARBAGE\r\n\r\n", b"GET\r\n\r\n", b"get / HTTP/1.1\r\n\r\n",
       b"GET /static/nine\r\n", b"GET / HTTP/1.1\r\nno colon\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n", b"GET /static/ HTTP/1.1\r\nHost: a b\"c\r\n\r\n",
       b"\r\n\r\n", b"GET /%zz HTTP/1.1\r\nHost: a\r\n\r\n", b"GET / HTTP/1.1\r\n\r\n", b"CONNECT a.example:443 HTTP/1.1\r\nHost: a\r\n\r\n",
       b"GET /static/" + b"l" * 9000 + b" HTTP/1.1\r\nHost: a\r\n\r\n", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n")


def request(rng):
    """One request as bytes."""
    method = rng.choice(METHODS)
    headers = [b"Host: " + rng.choice((b"lab.example", b"LAB.example:80", b"other.example", b"[::1]")), b"Connection: close",
               b"User-Agent: " + rng.choice(AGENTS), b"X-Empty:"]
    for name in (b"Referer", b"Cookie: session", b"X-Forwarded-For"):
        if rng.random() < 0.5:
            headers.append(name + (b"=" if b":" in name else b": ") + rng.choice(AGENTS))
    if rng.random() < 0.2:
        headers.append(b"Authorization: Basic " + rng.choice((b"YWwgaWNlOng=", b"YSJiOng=", b"Ong=", b"bad")))
    if rng.random() < 0.3:
        headers.append(b"Accept-Encoding: gzip")
    body = b"a=1" if method in (b"POST", b"PUT") else b""
    if body:
        headers.append(b"Content-Length: %d" % len(body))
    return b"%b %b HTTP/1.%d\r\n%b\r\n\r\n%b" % (method, rng.choice(PATHS), rng.choice((0, 1, 1)), b"\r\n".join(headers), body)


def talk(port, raw, patience=5.0):
    """Send it and read the answer; a short patience is a client that leaves."""
    with socket.create_connection(("127.0.0.1", port), timeout=5) as peer:
        peer.settimeout(patience)
        try:
            peer.sendall(raw)
            if patience > 1:
                peer.shutdown(socket.SHUT_WR) if raw in BAD else None
            while peer.recv(65536):
                pass
        except OSError:
            pass


def traffic(lab, nginx):
    """All kinds of requests, in a random order, by several clients at once."""
    rng = random.Random(5)
    jobs = [(nginx.port, request(rng), 5.0) for _ in range(lab.args.requests)]
    jobs += [(nginx.port, bad, 5.0) for bad in BAD] * (1 + lab.args.requests // 500)
    jobs += [(nginx.port, b"GET /slow/%d HTTP/1.1\r\nHost: a\r\n\r\n" % n, 0.05) for n in range(10)]
    rng.shuffle(jobs)

    def client(share):
        for job in share:
            talk(*job)
    clients = [threading.Thread(target=client, args=(jobs[n::4],)) for n in range(4)]
    for one in clients:
        one.start()
    for one in clients:
        one.join()
    if not shutil.which("curl"):
        return lab.skip("HTTP/2", "curl is not there")
    for path in ("/static/h2", "/accel/h2", "/flaky/h2?q=%22", "/close/h2"):
        subprocess.run(["curl", "-s", "-o", "/dev/null", "--http2-prior-knowledge", "-A", 'h2 "agent" \\', f"http://127.0.0.1:{nginx.h2}{path}"],
                       check=False, timeout=20)
    return None


def expected(name, raw, escape):
    """What `records` must say of a variable whose value was `raw`."""
    if raw == ("-" if escape == "default" else ""):
        return None
    if name in LISTS:
        member = str if name == "upstream_addr" else float
        groups = [[None if one in ("", "-") else member(one) for one in group.split(", ")] for group in raw.split(" : ")]
        if raw.endswith(" : "):
            groups[-1] = []
        return groups
    if name in NUMBERS and re.fullmatch(r"[0-9.]+", raw):
        return float(raw)
    return raw


def same(got, want, escape):
    """Equal; the reference cannot tell an empty value from an absent one, which escape=default can."""
    if escape == "default" and got in (None, "") and want in (None, "", [[None]]):
        return True
    if isinstance(want, list) and isinstance(got, list):
        return len(got) == len(want) and all(len(a) == len(b) and all(x == y for x, y in zip(a, b)) for a, b in zip(got, want))
    return got == want


def reading(record, names, truth, escape):
    """The fields that are not as the reference says: (name, got, expected)."""
    wrong = []
    for name in names:
        want = expected(name, truth[name], escape)
        if not same(record.get(name), want, escape):
            wrong.append((name, record.get(name), want))
    millis = round(float(truth["msec"]) * 1000)
    end = millis if "msec" in names else millis // 1000 * 1000
    # $msec and $time_local are of one clock, which may tick between two logs' lines of one request, but not by nginx.
    if round(record["end"] * 1000) != end:
        wrong.append(("end", record["end"], end / 1000))
    if "request_time" in names and round((record["end"] - record["start"]) * 1000) != round(float(truth["request_time"]) * 1000):
        wrong.append(("start", record["start"], truth["request_time"]))
    if "request" in names:
        parts = re.fullmatch(r"([A-Z_-]+) ([^ ]+)(?: (HTTP/\d\.\d))?", truth["request"])
        for name, want in zip(("method", "target", "protocol"), parts.groups() if parts else (None, None, None)):
            if record[name] != want:
                wrong.append((name, record[name], want))
    return wrong


def two_ways(truth):
    """Whether a list without quotes goes on as an agent may begin: ` : `."""
    return " : " in truth["upstream_response_time"] or truth["http_user_agent"].startswith(": ")


def untold(lab, nginx, truths, name, escape):
    """One format's records when nobody says what it is: each value is right or absent, or it asks."""
    code, out, err = subject.command("records", "--format", "jsonl", os.path.join(nginx.logs, f"{name}.log"))
    records = [json.loads(line) for line in out.splitlines()]
    wrong = [(record["line"], *found) for record in records
             for found in reading(record, set(record) & set(VARIABLES), truths[record["line"] - 1], escape) if found[1] is not None]
    lab.expect(f"{name}: untold, it is read right or asked about", not wrong and (records or code == 2),
               f"{code}, {len(wrong)} values differ, such as line, field, got, expected: {wrong[:3]}; {err[-300:]}")
    return bool(records)


def compare(lab, nginx, truths, name, escape, text):
    """One format's records against the reference."""
    log = os.path.join(nginx.logs, f"{name}.log")
    code, out, err = subject.command("records", "--format", "jsonl", "--log-format", text, "--escape", escape, log)
    records = [json.loads(line) for line in out.splitlines()]
    told = {int(line.split(":")[1]) for line in err.splitlines() if line.endswith(AMBIGUOUS)}
    doubtful = {n for n, truth in enumerate(truths, 1) if "$upstream_response_time $http_user_agent" in text and two_ways(truth)}
    lab.expect(f"{name}: every line is read, or can be read in two ways", len(records) + len(doubtful) == len(truths) and told <= doubtful,
               f"{code}, {len(records)} of {len(truths)}, {len(doubtful)} of them doubtful: {err[-600:]}")
    names = set(NAME.findall(text))
    wrong = {}
    for record in records:
        for field, got, want in reading(record, names, truths[record["line"] - 1], escape):
            wrong.setdefault(field, []).append((record["line"], got, want))
    for field, found in wrong.items():
        lab.expect(f"{name}: ${field} is as in the reference", False, f"{len(found)} differ, such as line, got, expected: {found[:3]}")
    lab.expect(f"{name}: all fields are as in the reference", not wrong)


def odd_values(lab, truths):
    """The traffic provoked what it was to provoke."""
    def any_of(what, found):
        lab.expect(f"traffic: {what}", any(found(truth) for truth in truths))
    any_of("a failover list", lambda t: ", " in t["upstream_response_time"])
    any_of("a redirect list", lambda t: " : " in t["upstream_response_time"])
    any_of("an attempt without a time", lambda t: "-" in t["upstream_header_time"].replace(",", "").split(" "))
    any_of("a 499", lambda t: t["status"] == "499")
    any_of("a 400", lambda t: t["status"] == "400")
    any_of("TLS bytes", lambda t: t["request"].startswith("\x16\x03"))
    any_of("HTTP/2", lambda t: t["server_protocol"] == "HTTP/2.0" and t["status"] == "200") if shutil.which("curl") else None
    any_of("a newline in $uri", lambda t: "\n" in t["uri"])
    any_of("a quote in the request", lambda t: '"' in t["request"])
    any_of("bytes that are not UTF-8", lambda t: "\ufffd" in t["http_user_agent"])
    any_of("a user with a space", lambda t: t["remote_user"] == "al ice")


def main():
    """Run the scenario."""
    with Scenario(__doc__, requests=(5000, 400)) as lab:
        application = Server(("127.0.0.1", 0), Application)
        threading.Thread(target=application.serve_forever, daemon=True).start()
        nginx = lab.run(Nginx(lab.work, application.server_address[1]))
        traffic(lab, nginx)
        nginx.stop(peers.signal.SIGQUIT)
        with open(os.path.join(nginx.logs, "reference.log"), "rb") as file:
            truths = [json.loads(line.decode("utf-8", "replace"), strict=False) for line in file.read().split(b"\n")[:-1]]
        lab.note(f"{len(truths)} requests in {len(FORMATS)} formats")
        odd_values(lab, truths)
        for name, escape, text in FORMATS:
            compare(lab, nginx, truths, name, escape, text)
        found = sum(untold(lab, nginx, truths, name, escape) for name, escape, _ in FORMATS)
        lab.note(f"untold: {found} of {len(FORMATS)} formats read, the others asked about")


if __name__ == "__main__":
    main()
