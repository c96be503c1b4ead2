"""Stores to look at: the spike of 14:05, a quiet night, many routes, nothing at all."""

import random
import subprocess
import time

START = 1322661600
FORMAT = ('$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent "$http_referer" "$http_user_agent" '
          '$host ua="$upstream_addr" us="$upstream_status" rt=$request_time ut="$upstream_response_time" '
          'cs=$upstream_cache_status msec=$msec')
AGENTS = ["Mozilla/5.0 (X11; Linux x86_64; rv:120.0) Gecko/20100101 Firefox/120.0", "curl/8.4.0", "git/2.43.0",
          "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/119.0.0.0 Safari/537.36"]
CONFIG = """store = "{folder}/store"
host = "web1"
[[log]]
path = "{folder}/access.log"
format = '{format}'
[[route]]
name = "webapp.backend.{{project}}"
path = "/p/{{project}}/*"
"""


def line(end, took, path, status=200, client="192.0.2.7", agent=AGENTS[0], upstream="10.0.2.11:8080", host="example.org", cache="-"):
    when = time.strftime("%d/%b/%Y:%H:%M:%S +0000", time.gmtime(int(end)))
    back = "-" if upstream == "-" else f"{max(took - 0.002, 0):.3f}"
    us = "-" if upstream == "-" else status
    return (f'{client} - - [{when}] "GET {path} HTTP/1.1" {status} {random.randrange(300, 40000)} "-" "{agent}" {host} '
            f'ua="{upstream}" us="{us}" rt={took:.3f} ut="{back}" cs={cache} msec={end:.3f}\n')


def usual(end, rng):
    client = f"198.51.100.{rng.randrange(1, 250)}"
    agent = rng.choice(AGENTS)
    kind = rng.random()
    upstream = rng.choice(["10.0.2.11:8080", "10.0.2.12:8080", "10.0.2.13:8080"])
    if kind < 0.3:
        took = rng.lognormvariate(-3.2, 0.55)
        return line(end, took, f"/p/git/source/tree/{rng.randrange(97)}", client=client, agent=agent, upstream=upstream)
    if kind < 0.5:
        return line(end, rng.lognormvariate(-4, 0.5), f"/p/wiki/page/{rng.randrange(500)}", client=client, agent=agent, upstream=upstream)
    if kind < 0.7:
        return line(end, rng.lognormvariate(-4.4, 0.5), f"/api/v1/users/{rng.randrange(9000)}", client=client, agent=agent, upstream=upstream,
                    status=404 if rng.random() < 0.05 else 200)
    if kind < 0.8:
        return line(end, rng.lognormvariate(-1.9, 0.4), f"/search?q={rng.randrange(900)}", client=client, agent=agent, upstream=upstream,
                    status=502 if rng.random() < 0.02 else 200)
    return line(end, abs(rng.gauss(0.0006, 0.0006)), "/static/app.js", client=client, agent=agent, upstream="-", cache=rng.choice(["HIT", "HIT", "MISS"]))


def spike(seed=1, minutes=30, a_second=12):
    """One client asks one upstream for the same large tree from 14:05:10 to 14:07."""
    rng = random.Random(seed)
    random.seed(seed)
    lines = []
    for at in range(0, minutes * 60 * a_second):
        end = START + at / a_second + rng.random() / a_second
        lines.append((end, usual(end, rng)))
        if 310 <= end - START < 420 and rng.random() < 0.17:
            took = rng.lognormvariate(1.0, 0.4)
            lines.append((end, line(end, took, "/p/git/source/tree/1?depth=all", client="203.0.113.9", agent="git/2.43.0", upstream="10.0.2.12:8080")))
    return "".join(text for _, text in sorted(lines))


def quiet(seed=2, hours=8):
    rng = random.Random(seed)
    random.seed(seed)
    ends = sorted(START + rng.random() * 3600 * hours for _ in range(hours * 260))
    return "".join(usual(end, rng) for end in ends)


def many_routes(seed=3, routes=2000, minutes=30, a_second=60):
    rng = random.Random(seed)
    random.seed(seed)
    words = ["account", "basket", "catalog", "delivery", "events", "feed", "gallery", "history", "invoice", "jobs", "labels", "media", "notes"]
    paths = [f"/{rng.choice(words)}/{rng.choice(words)}/{name}" for name in (f"{rng.choice(words)}-{n}" for n in range(routes))]
    lines = []
    for at in range(minutes * 60 * a_second):
        end = START + at / a_second
        rank = min(int(rng.paretovariate(0.5)) - 1, routes - 1) if rng.random() < 0.6 else rng.randrange(routes)
        lines.append(line(end, rng.lognormvariate(-3.5 + rank % 7 / 3, 0.6), paths[rank], client=f"198.51.100.{rng.randrange(250)}"))
    return "".join(lines)


def make(folder, binary, text):
    """A store of these lines; the path of its configuration."""
    with open(f"{folder}/access.log", "w") as log:
        log.write(text)
    config = f"{folder}/spikeline.toml"
    with open(config, "w") as out:
        out.write(CONFIG.format(folder=folder, format=FORMAT))
    if text:
        subprocess.run([binary, "index", f"{folder}/access.log", "--config", config], check=True, capture_output=True)
    return config


def empty_store(folder, binary):
    """A store in which nothing was counted yet: its log is there, and empty."""
    daemon = subprocess.Popen([binary, "run", "--config", f"{folder}/spikeline.toml", "--listen", "off"],
                              stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    time.sleep(3)
    daemon.terminate()
    daemon.wait(10)
