"""Three upstreams by forty routes as `[[series]]`, through a real nginx that retries, in a real carbon-cache: whisper equals a count over the raw log.

Each upstream refuses one request in ten (503), which nginx then takes to the next one: such a request is an attempt of each. What is
true of every attempt (its upstream, status, connect, header and response time) is worked out here from the lines alone.
"""
import collections
import http.client
import os
import re
import shutil
import threading
import time

import compare
import peers
import subject
import truth
from scenario import Scenario

UPSTREAMS, ROUTES = 3, 40
CONF = """daemon off; worker_processes 2; pid {dir}/nginx.pid; error_log {dir}/error.log; {user}
events {{ worker_connections 512; }}
http {{
  client_body_temp_path {dir}/b; proxy_temp_path {dir}/p; fastcgi_temp_path {dir}/f; uwsgi_temp_path {dir}/u; scgi_temp_path {dir}/s;
  log_format lab '{format}';
  access_log {dir}/logs/access.log lab;
  upstream app {{ {servers} keepalive 16; }}
  proxy_http_version 1.1; proxy_set_header Connection "";
  server {{
    listen 127.0.0.1:{port};
    proxy_next_upstream error timeout http_503;
    location / {{ proxy_pass http://app; }}
    location /static/ {{ return 200 "static\\n"; }}
  }}
}}
"""
FIELDS = re.compile(rb'"GET /\w+/(?P<route>\w+)/[^"]*" \d+ \d+ "[^"]*" "[^"]*" rt=[\d.]+ ut="(?P<ut>[^"]*)" uct="(?P<uct>[^"]*)" uht="(?P<uht>[^"]*)" '
                    rb'ua="(?P<ua>[^"]*)" us="(?P<us>[^"]*)" msec=(?P<msec>[\d.]+) bs=(?P<bs>\d+) ')
TIMES = {"upstream_response_time": "ut", "upstream_connect_time": "uct", "upstream_header_time": "uht"}


class Server(peers.Process):
    """nginx in front of the upstreams."""

    def __init__(self, work, applications):
        folder = os.path.join(work, "nginx")
        os.makedirs(os.path.join(folder, "logs"))
        self.log_path = os.path.join(folder, "logs", "access.log")
        [self.port] = peers.free_ports(1)
        conf = os.path.join(folder, "nginx.conf")
        with open(conf, "w") as file:
            file.write(CONF.format(dir=folder, format=truth.LOG_FORMAT, port=self.port,
                                   servers=" ".join(f"server 127.0.0.1:{it.port} max_fails=0;" for it in applications),
                                   user="user root root;" if os.geteuid() == 0 else ""))
        super().__init__(work, "nginx", ["nginx", "-e", os.path.join(folder, "error.log"), "-c", conf])
        self.wait_for(self.port)


class Clients:
    """Requests of all routes over a few connections, until the time is over."""

    def __init__(self, port, rate, seconds):
        self.port, self.pause, self.until = port, 8 / rate, time.monotonic() + seconds
        self.sent, self.lock = 0, threading.Lock()
        self.threads = [threading.Thread(target=self.ask, daemon=True) for _ in range(8)]
        for thread in self.threads:
            thread.start()

    def ask(self):
        """One connection's requests: of all routes in turn; one in twenty-one of what has no upstream."""
        link = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        while time.monotonic() < self.until:
            with self.lock:
                number = self.sent
                self.sent += 1
            kind = "static" if number % 21 == 0 else "flaky"
            link.request("GET", f"/{kind}/r{number % ROUTES:02}/page{number}")
            link.getresponse().read()
            time.sleep(self.pause)

    def finish(self):
        """How many requests were answered."""
        for thread in self.threads:
            thread.join()
        return self.sent


def node(text):
    """A value as a node of a metric."""
    return re.sub(r"[^A-Za-z0-9-]", lambda it: f"_{ord(it.group()):02X}", text)


def attempts(match):
    """The attempts of a line: (upstream, status, {time: milliseconds or None}, bytes)."""
    parts = {name: re.split(rb", | : ", match[name]) for name in ("ua", "us", "ut", "uct", "uht")}
    for at, upstream in enumerate(parts["ua"]):
        times = {name: None if parts[key][at] == b"-" else truth.millis(parts[key][at]) for name, key in TIMES.items()}
        last = at + 1 == len(parts["ua"])
        yield upstream.decode(), int(parts["us"][at]), times, int(match["bs"]) if last else 0


def points(cell):
    """What is true of the attempts of one member and slot."""
    out = {"requests.count": len(cell), "bytes_sent.sum": sum(it[3] for it in cell),
           "requests.slow": sum(it[2]["upstream_response_time"] >= truth.SLOW_MS for it in cell)}
    for kind in range(1, 6):
        out[f"status.{kind}xx"] = sum(it[1] // 100 == kind for it in cell)
    for name in TIMES:
        samples = sorted(it[2][name] for it in cell if it[2][name] is not None)
        if samples:
            out |= {f"{name}.{what}": value for what, value in truth.summary(samples).items()}
    return out


def members(path):
    """{(member, slot in seconds): its attempts}, and how many lines and attempts there are."""
    cells, lines, count = collections.defaultdict(list), 0, 0
    for raw in truth.lines_of(path):
        match = FIELDS.search(raw)
        lines += 1
        if match["ua"] == b"-":
            continue
        slot = truth.millis(match["msec"]) // truth.SLOT_MS * 10
        for attempt in attempts(match):
            count += 1
            upstream = node(attempt[0])
            for member in (f"upstream.{upstream}", f"by.{upstream}.{match['route'].decode()}"):
                cells[member, slot].append(attempt)
    return cells, lines, count


def differences(carbon, cells):
    """Every point of a member that is not as it must be, and every count of a member that no line has."""
    found, slots = [], sorted({slot for _, slot in cells})
    first, last = slots[0], slots[-1] + 10
    known = sorted({member for member, _ in cells})
    for member in known:
        true = {slot: points(cells[member, slot]) for slot in slots if (member, slot) in cells}
        for metric in sorted({metric for cell in true.values() for metric in cell}):
            stored = carbon.stored(f"{compare.PREFIX}{member}.{metric}", first, last)
            found += [(member, slot, metric, stored.get(slot), cell.get(metric)) for slot, cell in true.items()
                      if metric in cell and not compare.same(metric, stored.get(slot), cell[metric])]
            found += [(member, slot, metric, value, None) for slot, value in stored.items() if slot not in true and value]
    for metric in carbon.metrics():
        name = metric.removeprefix(compare.PREFIX).removesuffix(".requests.count")
        if metric.endswith(".requests.count") and name.split(".")[0] in ("upstream", "by") and name not in known:
            found.append((name, first, "requests.count", carbon.stored(metric, first, last), "no such member"))
    return found


def main():
    """Run the scenario."""
    with Scenario(__doc__, seconds=(60, 22), rate=(250, 200)) as lab:
        if missing := [name for name in ("nginx", "carbon-cache") if not shutil.which(name)]:
            return lab.skip("series", f"not installed here: {', '.join(missing)} (Debian: nginx graphite-carbon)")
        applications = []
        for number in range(UPSTREAMS):
            os.makedirs(folder := os.path.join(lab.work, f"application-{number}"))
            applications.append(lab.run(peers.Application(folder)))
        applications[0].delay("/flaky/r07", 900, 1300)
        server = lab.run(Server(lab.work, applications))
        carbon = lab.run(peers.Carbon(lab.work))
        rules = '[[series]]\nname = "upstream.{upstream_addr}"\n[[series]]\nname = "by.{upstream_addr}.{route}"\n' \
                '[[route]]\nname = "{name}"\npath = "/flaky/{name}/*"\n[[route]]\nname = "{name}"\npath = "/static/{name}/*"\n'
        config = subject.write_config(lab.work, [server.log_path], carbon, extra=f"lateness = \"20s\"\n{rules}")
        daemon = lab.run(subject.Daemon(lab.work, config))
        sent = Clients(server.port, lab.args.rate, lab.args.seconds / 2).finish()
        # What was not committed is counted again, and nothing twice.
        daemon.kill()
        daemon.start()
        sent += Clients(server.port, lab.args.rate, lab.args.seconds / 2).finish()
        cells, lines, count = members(server.log_path)
        known = {member for member, _ in cells}
        lab.expect("every request is in the log", lines == sent, (lines, sent))
        lab.expect("three upstreams by forty routes", len(known) == UPSTREAMS + UPSTREAMS * ROUTES, len(known))
        lab.expect("some requests were tried twice", count > lines * 1.02, (count, lines))
        try:
            peers.until("the last slot", 60, lambda: not differences(carbon, cells), 1)
        except TimeoutError:
            pass
        found = differences(carbon, cells)
        lab.expect(f"all {len(cells)} cells of {len(known)} members are in whisper as in the log", not found, f"{len(found)}: {found[:6]}")
        true = truth.Truth(truth.generations(server.log_path), truth.lab_route)
        counted = sum(sum(carbon.stored(metric, 0, int(time.time()) + 10).values()) for metric in carbon.metrics()
                      if metric.endswith(".requests.count") and metric.split(".")[2] not in ("upstream", "by"))
        lab.expect("the routes count each request once, whatever series there are", counted == len(true.requests), (counted, len(true.requests)))
        lab.note(f"{lines} requests, {count} attempts, {len(cells)} cells of {len(known)} members")
        code, _, err = subject.command("verify", "--config", config)
        lab.expect("verify finds the store as the lines", code == 0, err[-1500:])
        lab.expect("the daemon runs still, and stops cleanly", daemon.running() and daemon.stop() == 0, daemon.output()[-2000:])


if __name__ == "__main__":
    main()
