"""A real Prometheus scrapes /metrics: it is up, counts what was counted, and its quantiles are ours within a bucket, from classic and from
native histograms; exemplars lead to their lines; promtool finds nothing to say.

Needs Debian's prometheus (2.40 or newer)."""
import json
import os
import random
import shutil
import subprocess
import time
import urllib.parse
import urllib.request

import peers
import subject
from scenario import Scenario

FORMAT = "$remote_addr - - [$time_local] \"$request\" $status $body_bytes_sent rt=$request_time msec=$msec"
BOUNDS = [.005, .01, .025, .05, .075, .1, .25, .5, .75, 1, 2.5, 5, 7.5, 10]
FAMILY = "spikeline_request_duration_seconds"
# A native bucket is 2^(1/16) wide, and Prometheus interpolates in it.
NATIVE_WIDTH = 2 ** (1 / 16)


def line(end, seconds, path, status=200):
    """A request in FORMAT."""
    stamp = time.strftime("%d/%b/%Y:%H:%M:%S +0000", time.gmtime(int(end)))
    return f"198.51.100.7 - - [{stamp}] \"GET {path} HTTP/1.1\" {status} 512 rt={seconds:.3f} msec={end:.3f}\n"


class Prometheus:
    """One that asks these targets every second; `flags` are its features."""

    def __init__(self, work, name, ports, *flags):
        self.port, = peers.free_ports(1)
        targets = ", ".join(f"'127.0.0.1:{port}'" for port in ports)
        config = os.path.join(work, f"{name}.yml")
        with open(config, "w") as file:
            file.write("global: {scrape_interval: 1s, scrape_timeout: 1s}\nscrape_configs:\n- job_name: spikeline\n  params: {routes: ['1']}\n"
                       f"  static_configs: [{{targets: [{targets}]}}]\n")
        self.process = peers.Process(work, name, ["prometheus", f"--config.file={config}", f"--storage.tsdb.path={work}/{name}",
                                                  f"--web.listen-address=127.0.0.1:{self.port}",
                                                  "--enable-feature=" + ",".join(("exemplar-storage", *flags))])
        self.process.wait_for(self.port, 60)

    def stop(self):
        """End it."""
        self.process.stop()

    def ask(self, path, **parameters):
        """What its API answers."""
        url = f"http://127.0.0.1:{self.port}/api/v1/{path}?{urllib.parse.urlencode(parameters)}"
        with urllib.request.urlopen(url, timeout=10) as answer:
            return json.load(answer)["data"]

    def value(self, query):
        """The one value of a query, or None."""
        result = self.ask("query", query=query)["result"]
        return float(result[0]["value"][1]) if len(result) == 1 else None


def get(port, path, accept=""):
    """An answer's type and body."""
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", headers={"Accept": accept} if accept else {})
    with urllib.request.urlopen(request, timeout=20) as answer:
        return answer.headers["Content-Type"], answer.read()


def bucket(seconds):
    """The bounds of the classic bucket that a duration is in."""
    upper = next((bound for bound in BOUNDS if seconds <= bound), float("inf"))
    lower = max([0.0, *(bound for bound in BOUNDS if bound < upper)])
    return lower, upper


def check_quantiles(lab, name, prometheus, port, rows, is_near):
    """Prometheus' quantiles of each route beside ours."""
    suffix = "" if name == "native" else "_bucket"
    for route, row in rows.items():
        for quantile, column in ((.5, "p50_ms"), (.9, "p90_ms"), (.99, "p99_ms")):
            asked = f"histogram_quantile({quantile}, {FAMILY}{suffix}{{route=\"{route}\",instance=\"127.0.0.1:{port}\"}})"
            theirs, ours = prometheus.value(asked), float(row[column]) / 1000
            lab.expect(f"{name}: p{quantile * 100:.0f} of {route}", theirs is not None and is_near(ours, theirs), f"ours {ours}, theirs {theirs}")


def check_text(lab, port):
    """What promtool says of the text, and what each form says it is."""
    for path in ("/metrics", "/metrics?routes=1"):
        kind, body = get(port, path)
        said = subprocess.run(["promtool", "check", "metrics"], input=body, capture_output=True, check=False)
        lab.expect(f"promtool has nothing to say of {path}", said.returncode == 0 and not said.stdout and not said.stderr, said.stderr.decode())
        lab.expect("text is what those get who ask for nothing", kind.startswith("text/plain; version=0.0.4"), kind)
    kind, body = get(port, "/metrics?routes=1", "application/openmetrics-text;version=1.0.0")
    lab.expect("OpenMetrics where it is asked for", kind.startswith("application/openmetrics-text") and body.endswith(b"# EOF\n"), kind)


def check_exemplars(lab, prometheus, port, config):
    """The exemplars are there, and lead to the very lines."""
    now = time.time()
    found = prometheus.ask("query_exemplars", query=f"{FAMILY}_bucket{{instance=\"127.0.0.1:{port}\"}}", start=now - 900, end=now + 60)
    exemplars = [(series["seriesLabels"], held) for series in found for held in series["exemplars"]]
    if not lab.expect("there are exemplars", exemplars, found):
        return
    for labels, held in exemplars[:10]:
        link = urllib.parse.parse_qs(held["labels"]["at"])
        lab.expect(f"an exemplar's link names its route: {held['labels']['at']}", link["m"] == [labels["route"]], labels)
        end = int(link["t"][0])
        code, out, said = subject.command("lines", "--config", config, "--route", labels["route"], "--from", f"{end / 1000:.3f}", "--until", f"{(end + 1) / 1000:.3f}", "--by", "end")
        lab.expect("and its line is there", code == 0 and f"rt={float(held['value']):.3f}".encode() in out, f"{code} {out[:300]} {said[-500:]}")
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/at?{held['labels']['at']}", timeout=20) as page:
            lab.expect("/at takes it", page.status == 200, page.status)


def main():
    """The scenario."""
    with Scenario(__doc__, requests=(20_000, 4_000)) as lab:
        if not shutil.which("prometheus") or not shutil.which("promtool"):
            return lab.skip("all of it", "there is no prometheus (Debian: apt install prometheus)")
        rng, now = random.Random(7), time.time()
        logs = {name: os.path.join(lab.work, f"{name}.log") for name in ("rest", "live")}
        with open(logs["rest"], "w") as file:
            for number in range(lab.args.requests):
                end = now - 240 + 230 * number / lab.args.requests
                path, middle = (("/p/git/x", -1.5), ("/login", -3), ("/static/a.css", -6))[number % 3]
                file.write(line(end, min(rng.lognormvariate(middle, 1), 60), path, 500 if number % 97 == 0 else 200))
        open(logs["live"], "w").close()
        configs = {}
        for name in logs:
            configs[name] = os.path.join(lab.work, f"{name}.toml")
            with open(configs[name], "w") as file:
                file.write(f"store = \"{lab.work}/store-{name}\"\nhost = \"web1\"\n[[log]]\npath = \"{logs[name]}\"\nformat = '{FORMAT}'\n")
                for route, path in subject.RULES:
                    file.write(f"[[route]]\nname = \"{route}\"\npath = \"{path}\"\n")
        code, _, said = subject.command("index", "--config", configs["rest"], logs["rest"])
        lab.expect("index", code == 0, said)
        rest, live = peers.free_ports(2)
        for command, name, port in (("serve", "rest", rest), ("run", "live", live)):
            program = lab.run(peers.Process(lab.work, command, [subject.binary(), command, "--config", configs[name], "--listen", f"127.0.0.1:{port}"]))
            program.wait_for(port, 60)
        classic = lab.run(Prometheus(lab.work, "classic", [rest, live]))
        native = lab.run(Prometheus(lab.work, "native", [rest, live], "native-histograms"))
        check_text(lab, rest)
        written = 0
        for _ in range(12):
            with open(logs["live"], "a") as file:
                for _ in range(50):
                    file.write(line(time.time(), rng.lognormvariate(-2, 1), "/p/git/x"))
                    written += 1
            time.sleep(.5)
        for name, prometheus in (("classic", classic), ("native", native)):
            for port in (rest, live):
                peers.until(f"{name} to have scraped {port}", 40, lambda: prometheus.value(f"up{{instance=\"127.0.0.1:{port}\"}}") == 1)
                lab.expect(f"{name}: every scrape of {port} was one", prometheus.value(f"min_over_time(up{{instance=\"127.0.0.1:{port}\"}}[1m])") == 1)
            total = f"sum(spikeline_requests_total{{instance=\"127.0.0.1:{rest}\"}})"
            lab.expect(f"{name}: all requests are counted", prometheus.value(total) == lab.args.requests, prometheus.value(total))
            lines = f"spikeline_lines_total{{instance=\"127.0.0.1:{live}\",result=\"parsed\"}}"
            peers.until(f"{name} to have counted the live lines", 30, lambda: prometheus.value(lines) == written)
        code, out, said = subject.command("report", "--config", configs["rest"], "--format", "json", "--since", "-1h")
        rows = {row["route"]: row for row in json.loads(out)["rows"]} if code == 0 else {}
        lab.expect("report", len(rows) == 3, f"{code} {out[:500]} {said[-500:]}")
        check_quantiles(lab, "classic", classic, rest, rows, lambda ours, theirs: bucket(ours)[0] <= theirs <= bucket(ours)[1])
        check_quantiles(lab, "native", native, rest, rows, lambda ours, theirs: 1 / NATIVE_WIDTH <= (theirs + 1e-9) / (ours + 1e-9) <= NATIVE_WIDTH or ours < .002)
        check_exemplars(lab, classic, rest, configs["rest"])
        lab.expect("native: exemplars, too", native.ask("query_exemplars", query=FAMILY, start=time.time() - 900, end=time.time() + 60), "none")


if __name__ == "__main__":
    main()
