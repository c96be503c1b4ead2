"""Further kinds of incidents, each as somebody met it. As in `incident_kinds`: dice and the traffic, and what is true of it."""
from incident_kinds import slower
from incidents import HOSTS, ORDERS, TREE, UPSTREAMS

DAY_MS = 86_400_000


def cache_purge(dice, traffic):
    """The cache was emptied: misses are as slow as ever, but there are many more of them."""
    for q in traffic.window:
        if q.cache == "HIT" and dice.random() < .9:
            q.cache = "MISS"
            q.slow(1 / .15)
            q.slow(dice.uniform(1.5, 2.5))
    return slower({"upstream_cache_status": "MISS"})


def cache_busting(dice, traffic):
    """Who asks with a key that makes each request another one goes past the cache."""
    for q in traffic.all:
        if q.route == "/p/{p}/wiki/{n}" and dice.random() < .3:
            q.query = {"nocache": str(dice.randrange(10 ** 9))}
            if traffic.begin <= q.at < traffic.end:
                q.slow(dice.uniform(20, 40))
    return slower({"query:nocache": "*"})


def host_and_method(dice, traffic):
    """What is written to one host waits."""
    factor = dice.uniform(15, 30)
    for q in traffic.all:
        if q.route == "/login" and dice.random() < .6:
            q.method = "POST"
        if traffic.begin <= q.at < traffic.end and q.method == "POST" and q.host == HOSTS[1]:
            q.slow(factor)
    return slower({"host": HOSTS[1], "request_method": "POST"})


def wide_net(dice, traffic):
    """All nets of one provider are far away for a while."""
    for q in traffic.all:
        if dice.random() < .12:
            q.client = f"203.7.{dice.randrange(250)}.{dice.randrange(1, 255)}"
            if traffic.begin <= q.at < traffic.end:
                q.sending += dice.uniform(300, 2000)
    return slower({"remote_addr": "203.7.0.0/16"}, phase="client")


def deploy_at_mid_window(dice, traffic):
    """One host was deployed badly in the middle of the window."""
    factor, middle = dice.uniform(6, 14), (traffic.begin + traffic.end) / 2
    for q in traffic.window:
        if q.host == HOSTS[1] and q.at >= middle:
            q.slow(factor)
    return slower({"host": HOSTS[1]})


def larger_responses(dice, traffic):
    """The pages of one route became many times as large, which takes the client's time."""
    factor = dice.uniform(25, 60)
    for q in traffic.window:
        if q.route == "/p/{p}/source/file/{n}":
            q.bytes = int(q.bytes * factor)
            q.body *= factor / 8
            q.sending *= factor * 4
    return {"verdict": "slower", "route": "/p/{p}/source/file/{n}", "phase": "client"}


def usual_retries_take_longer(dice, traffic):
    """Some requests always are tried twice; now the first attempt at one upstream takes a second before it is given up."""
    bad = dice.choice(UPSTREAMS)
    for q in traffic.all:
        if q.cache != "HIT" and dice.random() < .15:
            first = q.upstreams[0][0]
            wait = 1000 if first == bad and traffic.begin <= q.at < traffic.end else 15
            q.upstreams = [(first, wait), (dice.choice([u for u in UPSTREAMS if u != first]), None)]
    return slower({"upstream_addr": bad}, {"upstream_addr": bad, "upstream_status": "504"}, phase="retries")


def keepalive_lost(dice, traffic):
    """A proxy on the way speaks HTTP/1.0: each of its requests makes a connection of its own, which takes a while."""
    for q in traffic.window:
        if dice.random() < .25:
            q.http, q.reqs = "HTTP/1.0", 1
            q.sending += dice.uniform(150, 500)
    return slower({"server_protocol": "HTTP/1.0"}, phase="client")


def two_incidents(dice, traffic):
    """One upstream is slow, and one net reads slowly: both have to be named."""
    bad, net = dice.choice(UPSTREAMS), dice.choice(traffic.nets)
    for q in traffic.window:
        if dice.random() < .1:
            q.client = f"{net}.{dice.randrange(1, 255)}"
        if q.client.startswith(net + "."):
            q.sending += dice.uniform(1500, 4000)
        if q.asks(bad):
            q.slow(20)
    return slower({"upstream_addr": bad}, {"remote_addr": net + ".0/24"}, both=True)


def route_renamed(dice, traffic):
    """A route has another name since the window began; it takes what it always took."""
    for q in traffic.all:
        if q.at >= traffic.begin and q.path.split("/")[3:4] == ["issues"]:
            q.path = q.path.replace("/issues/", "/tickets/")
    return {"verdict": "nothing"}


def one_page(dice, traffic):
    """One page of a route is slow: one row that nothing finds an index for."""
    for q in traffic.all:
        if q.route == "/api/v1/users/{n}" and dice.random() < .15:
            q.path = "/api/v1/users/77"
            if traffic.begin <= q.at < traffic.end:
                q.header += dice.uniform(1500, 4000)
    return slower({"path": "/api/v1/users/77"})


def one_referer(dice, traffic):
    """What is asked from a page of news is counted on the way, by a thing that is slow."""
    factor = dice.uniform(10, 25)
    for q in traffic.window:
        if "news.example.org" in q.referer:
            q.slow(factor)
    return slower({"http_referer": "news.example.org"})


def hung_at_times(dice, traffic):
    """One upstream has a hole: one in eight of its requests gets no answer for half a minute."""
    bad = dice.choice(UPSTREAMS)
    for q in traffic.window:
        if q.asks(bad) and dice.random() < .125:
            q.header += dice.uniform(20_000, 30_000)
    return slower({"upstream_addr": bad})


def pauses(dice, traffic):
    """One upstream stands still three times for some seconds, and what comes then waits."""
    bad, length = dice.choice(UPSTREAMS), (traffic.end - traffic.begin)
    stops = [traffic.begin + length * part for part in (.1, .4, .7)]
    for q in traffic.window:
        for stop in stops:
            if q.asks(bad) and stop <= q.at < stop + length * .1:
                q.header += stop + length * .1 - q.at
    return slower({"upstream_addr": bad})


def new_method(dice, traffic):
    """Deletes are slow; there always were some."""
    for q in traffic.all:
        if q.route in ("/p/{p}/issues/{n}", "/api/v1/users/{n}") and dice.random() < .15:
            q.method = "DELETE"
            if traffic.begin <= q.at < traffic.end:
                q.slow(dice.uniform(20, 40))
    return slower({"request_method": "DELETE"})


def two_upstreams(dice, traffic):
    """Two of three upstreams are slow, so that most requests are: both have to be named."""
    good = dice.choice(UPSTREAMS)
    for q in traffic.window:
        if q.cache != "HIT" and not q.asks(good):
            q.slow(dice.uniform(6, 9))
    first, second = [u for u in UPSTREAMS if u != good]
    return slower({"upstream_addr": first}, {"upstream_addr": second}, both=True)


def project_of_one_client(dice, traffic):
    """One client is slow on one project only: what it downloads there is large."""
    client = traffic.clients[2]
    for q in traffic.all:
        if q.path.startswith("/p/") and dice.random() < .12:
            q.client, q.path = client, q.path.replace(q.path.split("/")[2], dice.choice(["git", "wiki"]), 1)
            if traffic.begin <= q.at < traffic.end and q.path.startswith("/p/git/"):
                q.header += dice.uniform(1500, 3000)
    return slower({"remote_addr": client, "route": "p.git.*"}, {"route": "p.git.*", "remote_addr": client.rsplit(".", 1)[0] + ".0/24"})


def errors_at_once(dice, traffic):
    """One upstream refuses all it is asked, at once: what is fast is not slow."""
    bad = dice.choice(UPSTREAMS)
    for q in traffic.window:
        if q.asks(bad):
            q.status, q.header, q.body, q.bytes, q.sending = 502, 1, 0, 150, 0
    return {"verdict": "nothing"}


def faster(dice, traffic):
    """A deploy made a route faster."""
    for q in traffic.window:
        if q.route == "/api/v1/search":
            q.slow(.3)
    return {"verdict": "nothing"}


def heavy_tail(dice, traffic):
    """Now and then something takes very long, in the window no more than ever."""
    for q in traffic.all:
        if dice.random() < .01:
            q.header += 50 * dice.paretovariate(.9)
    return {"verdict": "nothing"}


def usual_minute(dice, traffic):
    """At this time of each day a job makes orders slow, and it does today."""
    length, today = traffic.end - traffic.begin, list(traffic.all)
    for day in range(1, 4):
        for q in today:
            if traffic.begin - length <= q.at < traffic.end + length:
                other = traffic.add(q.at - day * DAY_MS, traffic.any_route(), q.client)
                if traffic.begin <= q.at < traffic.end and other.route == "/api/v1/search":
                    other.slow(8)
    for q in traffic.window:
        if q.route == "/api/v1/search":
            q.slow(8)
    return {"verdict": "nothing"}


def worse_than_each_day(dice, traffic):
    """Each day the same is a little slow at this time; today it is far slower."""
    usual_minute(dice, traffic)
    for q in traffic.window:
        if q.route == "/api/v1/search":
            q.slow(5)
    return {"verdict": "slower", "route": "/api/v1/search"}


def slowly_more(dice, traffic):
    """Traffic grows all the while, as in every morning."""
    for q in list(traffic.all):
        if dice.random() < .35 * q.at / 1_800_000:
            traffic.add(q.at, traffic.any_route(), dice.choice(traffic.clients))
    return {"verdict": "nothing"}


def scan_of_a_site(dice, traffic):
    """One client asks for a great many pages that are not there; none is slower for it."""
    for _ in range(int(len(traffic.window) * dice.uniform(1, 2))):
        q = traffic.add(traffic.some(), 12, "203.0.113.66")
        q.status, q.path = 404, f"/wp-{dice.randrange(40)}.php"
    return {"verdict": "more"}


def waits_for_a_dump(dice, traffic):
    """A dump of one route holds the trees of all projects up for a part of the window."""
    holder = traffic.add(traffic.begin + 8000, ORDERS, "10.4.4.4")
    holder.method, holder.path, holder.query, holder.route = "GET", "/admin/dump", {"all": "1"}, "/admin/dump"
    holder.header = (traffic.end - traffic.begin) * .5
    for q in traffic.window:
        if q.path.split("/")[3:5] == ["source", "tree"] and holder.at < q.at < holder.at + holder.header:
            q.header += dice.uniform(.3, 1) * (holder.at + holder.header - q.at)
    return slower(first="/admin/dump?all=1")


def heavier_query(dice, traffic):
    """One client asks the same page as ever, now with a large output, among its ordinary requests."""
    client = traffic.clients[5]
    for q in traffic.window:
        if q.route == "/p/{p}/source/tree/{n}" and dice.random() < .2:
            q.client, q.query = client, {"depth": "all"}
            q.header += dice.uniform(1500, 5000)
    for _ in range(int(len(traffic.window) * .02)):
        traffic.add(traffic.some(), TREE, client)
    return slower({"query:depth": "all"}, {"query:depth": "*"})


MORE_KINDS = [cache_purge, cache_busting, host_and_method, wide_net, deploy_at_mid_window, larger_responses, usual_retries_take_longer, keepalive_lost,
              two_incidents, route_renamed, one_page, one_referer, hung_at_times, pauses, new_method, two_upstreams, project_of_one_client, errors_at_once,
              faster, heavy_tail, usual_minute, worse_than_each_day, slowly_more, scan_of_a_site, waits_for_a_dump, heavier_query]
