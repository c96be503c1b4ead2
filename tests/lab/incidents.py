"""Access logs with an incident planted into them, and what `why` ought to say of each.

A log is 30 minutes of traffic; the incident fills a window of one to three minutes in its last third. Everything else is the same in and out of
the window: clients, routes and agents are drawn from one distribution, and latencies are lognormal by route. In every kind decoys differ a
little too (a popular agent, a busy client), as in life. The same seed gives the same bytes.
"""
import math
import random
import time

FORMAT = ('$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent "$http_referer" "$http_user_agent" '
          'host=$host rt=$request_time ua="$upstream_addr" us="$upstream_status" uct="$upstream_connect_time" uht="$upstream_header_time" '
          'urt="$upstream_response_time" cs=$upstream_cache_status len=$request_length con=$connection:$connection_requests '
          'proto=$ssl_protocol msec=$msec')
START = 1322661600  # 2011-11-30 14:00:00 UTC
UPSTREAMS = ["10.0.2.11:8080", "10.0.2.12:8080", "10.0.2.13:8080"]
HOSTS = ["www.example.com", "shop.example.com", "api.example.com"]
CHROME = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/119.0.0.0 Safari/537.36"
AGENTS = [(CHROME, 40),
          ("Mozilla/5.0 (iPhone; CPU iPhone OS 17_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.1 Mobile/15E148 Safari/604.1", 25),
          ("Mozilla/5.0 (X11; Linux x86_64; rv:120.0) Gecko/20100101 Firefox/120.0", 15), ("curl/8.4.0", 6), ("python-requests/2.31.0", 6),
          ("Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)", 5), ("okhttp/4.12.0", 3)]
REFERERS = [("-", 60), ("https://www.example.com/", 25), ("https://news.example.org/item", 10), ("https://search.example.net/", 5)]
# path template, weight, median ms, sigma, bytes, whether nginx caches it
ROUTES = [("/", 18, 35, .5, 9000, 1), ("/p/{p}/source/tree/{n}", 12, 90, .6, 22000, 0), ("/p/{p}/source/file/{n}", 9, 60, .5, 14000, 0),
          ("/p/{p}/issues/{n}", 9, 45, .5, 11000, 0), ("/p/{p}/wiki/{n}", 6, 30, .4, 8000, 1), ("/api/v1/users/{n}", 14, 20, .5, 900, 0),
          ("/api/v1/search", 7, 160, .7, 4000, 0), ("/api/v1/orders", 6, 70, .6, 1500, 0), ("/static/app.js", 10, 2, .5, 180000, 1),
          ("/static/site.css", 8, 1, .5, 30000, 1), ("/login", 4, 55, .4, 3000, 0), ("/export/report.pdf", 1, 900, .5, 400000, 0),
          ("/healthz", 3, 1, .2, 2, 0)]
ORDERS, EXPORT, TREE = 7, 11, 1
WEIGHTS = [route[1] for route in ROUTES]


class Request:
    """One request before it is written; times in milliseconds."""
    __slots__ = "at route path method http status host client agent referer upstreams connect header body sending bytes cache length con reqs proto query".split()

    def slow(self, factor):
        """The upstream takes so many times as long."""
        self.header *= factor
        self.body *= factor

    def asks(self, upstream):
        """Whether it goes to this upstream at all."""
        return self.cache != "HIT" and self.upstreams[0][0] == upstream


def choose(dice, pairs):
    """One of the first, by the weight that is second."""
    return dice.choices([pair[0] for pair in pairs], [pair[1] for pair in pairs])[0]


class Traffic:
    """Thirty minutes of it, and the window."""

    def __init__(self, dice, rate):
        self.dice, self.all = dice, []
        self.nets = [f"198.51.{dice.randrange(100)}" for _ in range(40)]
        self.clients = [f"{dice.choice(self.nets)}.{dice.randrange(1, 255)}" for _ in range(400)]
        self.agents = {client: choose(dice, AGENTS) for client in self.clients}
        weights = [1 / (i + 3) for i in range(len(self.clients))]
        at = dice.expovariate(rate / 1000)
        while at < 30 * 60_000:
            self.add(at, self.any_route(), dice.choices(self.clients, weights)[0])
            at += dice.expovariate(rate / 1000)
        self.begin = dice.randrange(20 * 60, 26 * 60) // 10 * 10_000
        self.end = self.begin + dice.choice([60, 120, 180]) * 1000
        self.window = [q for q in self.all if self.begin <= q.at < self.end]
        for q in self.window:  # decoys
            if dice.random() < .04:
                q.agent = CHROME
            if dice.random() < .02:
                q.client = self.clients[0]

    def any_route(self):
        """A route as often as it is asked for."""
        return self.dice.choices(range(len(ROUTES)), WEIGHTS)[0]

    def add(self, at, route, client):
        """One more ordinary request."""
        q = make(self.dice, at, route, client, self.agents.get(client, CHROME))
        self.all.append(q)
        return q

    def some(self):
        """A time in the window."""
        return self.dice.uniform(self.begin, self.end)


def make(dice, at, route, client, agent):
    """An ordinary request."""
    path, _, median, sigma, size, cached = ROUTES[route]
    q = Request()
    q.at, q.route, q.client, q.agent = at, path, client, agent
    q.path = path.replace("{p}", dice.choice(["git", "wiki", "core", "docs", "tools"])).replace("{n}", str(dice.randrange(1, 3000)))
    q.query = {"q": dice.choice("abcdefgh")} if path == "/api/v1/search" else {"page": str(dice.randrange(1, 9))} if dice.random() < .15 else {}
    q.method = "POST" if path in ("/login", "/api/v1/orders") and dice.random() < .5 else "GET"
    q.http = "HTTP/2.0" if dice.random() < .7 else "HTTP/1.1"
    q.status = 200 if dice.random() < .985 else dice.choice([304, 404, 404, 302])
    q.host = HOSTS[2] if path.startswith("/api") else dice.choice(HOSTS[:2])
    q.referer = choose(dice, REFERERS)
    q.upstreams = [(dice.choice(UPSTREAMS), None)]
    q.cache = ("HIT" if dice.random() < .8 else "MISS") if cached else "-"
    work = median * math.exp(dice.gauss(0, sigma)) * (.15 if q.cache == "HIT" else 1)
    q.connect, q.header, q.body = (0 if dice.random() < .6 else 1), work * .85, work * .15
    q.bytes = int(size * math.exp(dice.gauss(0, .3)))
    q.sending = q.bytes / 40000 * math.exp(dice.gauss(0, .6))
    q.length = int(300 * math.exp(dice.gauss(0, .4)))
    q.con, q.reqs = dice.randrange(1, 9_999_999), dice.choice([1, 1, 2, 3, 5, 8, 13])
    q.proto = "TLSv1.3" if dice.random() < .8 else "TLSv1.2"
    return q


def line(q):
    """When it ended, and its line."""
    def ms(time_ms):
        return f"{max(0, round(time_ms)) / 1000:.3f}"
    target = q.path + ("?" + "&".join(f"{key}={value}" for key, value in q.query.items()) if q.query else "")
    if q.cache == "HIT":
        addr = status = uct = uht = urt = "-"
        up = q.header + q.body
    else:
        answered, done = q.connect + q.header, q.connect + q.header + q.body
        up = sum(wait for _, wait in q.upstreams if wait) + done
        addr = ", ".join(upstream for upstream, _ in q.upstreams)
        status = ", ".join("504" if wait else str(q.status) for _, wait in q.upstreams)
        uct = ", ".join(ms(wait or q.connect) for _, wait in q.upstreams)
        uht = ", ".join("-" if wait else ms(answered) for _, wait in q.upstreams)
        urt = ", ".join(ms(wait or done) for _, wait in q.upstreams)
    took = up + q.sending
    end = START + (q.at + took) / 1000
    stamp = time.strftime("%d/%b/%Y:%H:%M:%S +0000", time.gmtime(int(end)))
    return end, (f'{q.client} - - [{stamp}] "{q.method} {target} {q.http}" {q.status} {q.bytes} "{q.referer}" "{q.agent}" host={q.host} '
                 f'rt={ms(took)} ua="{addr}" us="{status}" uct="{uct}" uht="{uht}" urt="{urt}" cs={q.cache} len={q.length} '
                 f'con={q.con}:{q.reqs} proto={q.proto} msec={end:.3f}\n')


def plant(kind, seed, path, rate):
    """Write the log of a kind; what is true of it."""
    dice = random.Random(f"{kind.__name__} {seed}")
    traffic = Traffic(dice, rate)
    truth = kind(dice, traffic)
    with open(path, "w") as file:
        for _, text in sorted(line(q) for q in traffic.all):
            file.write(text)
    truth.update({"kind": kind.__name__, "seed": seed, "from": START + traffic.begin // 1000, "until": START + traffic.end // 1000})
    return truth


def is_right(truth, said):
    """Whether the answer names the planted cause first, or keeps silent where there is none."""
    causes = said.get("causes") or []
    first = causes[0].get("where", {}) if causes else {}
    if said.get("verdict") != truth["verdict"] or said.get("phase") != truth.get("phase", said.get("phase")):
        return False
    if truth["verdict"] != "slower" or truth.get("apart") is False:
        named = (said.get("routes") or [{}])[0].get("route", "")
        return not causes and truth.get("route", "") in named
    if "first" in truth:
        return (said.get("first") or [{}])[0].get("target") == truth["first"]
    if "route" in truth:
        words = [word for word in truth["route"].replace("{p}", "").replace("{n}", "").split("/") if word]
        name = first.get("route") or first.get("path") or ""
        return set(first) <= {"route", "path"} and all(word.split(".")[0] in name for word in words)
    wanted = [{field: str(value) for field, value in where.items()} for where in truth["where"]]
    if truth.get("both"):
        named = [{field: str(value) for field, value in cause["where"].items()} for cause in causes[:len(wanted)]]
        return all(where in named for where in wanted)
    return {field: str(value) for field, value in first.items()} in wanted
