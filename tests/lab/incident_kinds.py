"""The kinds of incidents that are planted. Each takes dice and the traffic, changes it, and says what is true."""
from incidents import EXPORT, HOSTS, ORDERS, ROUTES, TREE, UPSTREAMS


def slower(*where, **more):
    """The same requests take longer, for one of these reasons."""
    return {"verdict": "slower", "where": list(where), **more}


def slow_upstream(dice, traffic):
    """One of three upstreams is slow."""
    bad, factor = dice.choice(UPSTREAMS), dice.uniform(6, 25)
    for q in traffic.window:
        if q.asks(bad):
            q.slow(factor)
    return slower({"upstream_addr": bad})


def one_route(dice, traffic):
    """One template of paths is slow."""
    bad, factor = dice.choice([r[0] for r in ROUTES[1:9] if "static" not in r[0]]), dice.uniform(6, 25)
    for q in traffic.window:
        if q.route == bad:
            q.slow(factor)
    return {"verdict": "slower", "route": bad}


def hammer(dice, traffic):
    """One client asks again and again for a page with a large output; what else its upstream has to do waits."""
    client, bad, at = f"203.0.113.{dice.randrange(1, 255)}", dice.choice(UPSTREAMS), traffic.begin
    while at < traffic.end:
        q = traffic.add(at, TREE, client)
        q.path, q.query, q.upstreams, q.method, q.status, q.agent = "/p/git/source/tree/1", {"depth": "all"}, [(bad, None)], "GET", 200, "python-requests/2.31.0"
        q.header, q.body, q.bytes = dice.uniform(2500, 6000), dice.uniform(300, 900), int(4e6 * dice.uniform(.8, 1.2))
        at += dice.uniform(250, 700)
    for q in traffic.window:
        if q.asks(bad):
            q.slow(dice.uniform(1.3, 2.2))
    return slower({"remote_addr": client}, {"remote_addr": client.rsplit(".", 1)[0] + ".0/24"}, {"query:depth": "all"})


def query_value(dice, traffic):
    """One value of one query key, of two routes."""
    value, factor = dice.choice(["full", "csv", "all"]), dice.uniform(10, 30)
    for q in traffic.all:
        if q.route in ("/api/v1/search", "/api/v1/orders") and dice.random() < .12:
            q.query = dict(q.query, view=value)
            if traffic.begin <= q.at < traffic.end:
                q.slow(factor)
    return slower({"query:view": value})


def convoy(dice, traffic):
    """One request takes a lock; those of its route that come later wait for it to end."""
    holder = traffic.add(traffic.begin + 500, ORDERS, dice.choice(traffic.clients))
    holder.method, holder.path, holder.query = "POST", "/api/v1/orders", {"rebuild": "1"}
    holder.header, holder.body = (traffic.end - traffic.begin) * .85, 20
    for q in traffic.window:
        if q.route == "/api/v1/orders" and q.at > holder.at:
            q.header += max(0, holder.at + holder.header - q.at)
    return slower(first="/api/v1/orders?rebuild=1")


def lock_of_another_route(dice, traffic):
    """The one that takes the lock is of a route of its own, which nobody asked for before."""
    holder = traffic.add(traffic.begin + 3000, ORDERS, "10.9.9.9")
    holder.method, holder.path, holder.query, holder.route = "POST", "/admin/reindex", {"table": "issues"}, "/admin/reindex"
    holder.header = (traffic.end - traffic.begin) * .6
    for q in traffic.window:
        if q.route == "/p/{p}/issues/{n}" and holder.at < q.at < holder.at + holder.header:
            q.header += holder.at + holder.header - q.at
    return slower(first="/admin/reindex?table=issues")


def slow_clients(dice, traffic):
    """The clients of one net read slowly."""
    net = dice.choice(traffic.nets)
    for q in traffic.window:
        if dice.random() < .12:
            q.client = f"{net}.{dice.randrange(1, 255)}"
        if q.client.rsplit(".", 1)[0] == net:
            q.sending = q.sending * 20 + dice.uniform(800, 5000)
    return slower({"remote_addr": net + ".0/24"}, phase="client")


def slow_v6_net(dice, traffic):
    """The same of a net of IPv6."""
    net = f"2001:db8:{dice.randrange(1, 9999):x}:{dice.randrange(1, 9999):x}"
    for q in traffic.all:
        if dice.random() < .08:
            q.client = f"{net}::{dice.randrange(1, 9999):x}"
            if traffic.begin <= q.at < traffic.end:
                q.sending += dice.uniform(800, 5000)
    short = net.rsplit(":", 1)[0]
    return slower({"remote_addr": net + "::/64"}, {"remote_addr": short + "::/48"}, phase="client")


def mix_shift(dice, traffic):
    """No route is slower; a slow one is asked for far more often."""
    for _ in range(int(len(traffic.window) * dice.uniform(.25, .6))):
        traffic.add(traffic.some(), EXPORT, dice.choice(traffic.clients))
    return {"verdict": "mix", "route": "report"}


def crawled_heavy_page(dice, traffic):
    """One client asks for a page that always takes long; it takes no longer than ever."""
    for _ in range(int(len(traffic.window) * dice.uniform(.25, .5))):
        traffic.add(traffic.some(), EXPORT, "203.0.113.7")
    return {"verdict": "mix", "route": "report"}


def more(dice, traffic):
    """More of everything."""
    for _ in range(int(len(traffic.window) * dice.uniform(1, 3))):
        traffic.add(traffic.some(), traffic.any_route(), dice.choice(traffic.clients))
    return {"verdict": "more"}


def cache_loss(dice, traffic):
    """What was in the cache is not, and takes long to make."""
    for q in traffic.window:
        if q.cache == "HIT" and dice.random() < .95:
            q.cache = "MISS"
            q.slow(1 / .15 * dice.uniform(4, 7))
    return slower({"upstream_cache_status": "MISS"})


def cache_off(dice, traffic):
    """The cache is turned off: what was a hit takes what a miss always took."""
    for q in traffic.window:
        if q.cache == "HIT":
            q.cache = "BYPASS"
            q.slow(1 / .15)
    return slower({"upstream_cache_status": "BYPASS"})


def retries(dice, traffic):
    """One upstream does not answer; others are asked after a while."""
    dead, wait = dice.choice(UPSTREAMS), dice.choice([1000, 2000, 5000])
    for q in traffic.window:
        if q.asks(dead):
            q.upstreams = [(dead, wait), (dice.choice([u for u in UPSTREAMS if u != dead]), None)]
    return slower({"upstream_addr": dead}, phase="retries")


def retry_storm(dice, traffic):
    """Two upstreams fail one after the other before the third answers, of some requests."""
    first, second, third = dice.sample(UPSTREAMS, 3)
    for q in traffic.window:
        if q.asks(first):
            q.upstreams = [(first, 800), (second, 800), (third, None)]
    return slower({"upstream_addr": first}, phase="retries")


def pair(dice, traffic):
    """One method, on one upstream."""
    bad, factor = dice.choice(UPSTREAMS), dice.uniform(15, 40)
    for q in traffic.window:
        if q.method == "POST" and q.asks(bad):
            q.slow(factor)
    return slower({"upstream_addr": bad, "request_method": "POST"})


def pair_of_host_and_agent(dice, traffic):
    """One host, for one family of agents."""
    factor = dice.uniform(10, 30)
    for q in traffic.window:
        if q.host == HOSTS[0] and "Firefox" in q.agent:
            q.slow(factor)
    return slower({"host": HOSTS[0], "agent_family": "Firefox"})


def bad_deploy(dice, traffic):
    """One host was deployed badly, and all of its routes are slow."""
    bad, factor = dice.choice(HOSTS[:2]), dice.uniform(4, 12)
    for q in traffic.window:
        if q.host == bad:
            q.slow(factor)
    return slower({"host": bad})


def http_2(dice, traffic):
    """What is asked by HTTP/2, which most are, is slow to send."""
    for q in traffic.window:
        if q.http == "HTTP/2.0":
            q.sending += dice.uniform(300, 900)
    return slower({"server_protocol": "HTTP/2.0"}, phase="client")


def tls_of_old(dice, traffic):
    """One version of TLS takes long."""
    for q in traffic.window:
        if q.proto == "TLSv1.2":
            q.sending += dice.uniform(200, 600)
    return slower({"ssl_protocol": "TLSv1.2"}, phase="client")


def new_connections(dice, traffic):
    """The first request of a connection waits."""
    for q in traffic.window:
        if q.reqs == 1:
            q.sending += dice.uniform(200, 600)
    return slower({"connection_requests": "1"}, phase="client")


def large_uploads(dice, traffic):
    """Uploads of some megabytes, which come slowly."""
    for q in traffic.all:
        if q.method == "POST" and dice.random() < .3:
            q.length = int(2e6 * dice.uniform(1, 3))
            if traffic.begin <= q.at < traffic.end:
                q.sending += dice.uniform(2000, 9000)
    return slower(*[{"request_length": f">={4 ** power}"} for power in range(5, 11)], phase="client")


def crawler(dice, traffic):
    """One family of agents is served slowly."""
    factor = dice.uniform(8, 20)
    for q in traffic.window:
        if "Googlebot" in q.agent:
            q.slow(factor)
    return slower({"agent_family": "Googlebot"}, {"http_user_agent": "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"})


def one_project(dice, traffic):
    """All that is asked of one project, whatever the route."""
    bad, factor = dice.choice(["git", "wiki", "core", "docs", "tools"]), dice.uniform(6, 20)
    for q in traffic.window:
        if q.path.startswith(f"/p/{bad}/"):
            q.slow(factor)
    return slower({"route": f"p.{bad}.*"})


def slow_connect(dice, traffic):
    """One upstream takes long to connect to."""
    bad = dice.choice(UPSTREAMS)
    for q in traffic.window:
        if q.asks(bad):
            q.connect += dice.uniform(100, 1200)
    return slower({"upstream_addr": bad}, phase="connect")


def all_slower(dice, traffic):
    """Everything that is not from the cache takes some times as long: a database."""
    factor = dice.uniform(2, 6)
    for q in traffic.window:
        q.slow(factor)
    return {"verdict": "slower", "apart": False}


def all_wait(dice, traffic):
    """Everything takes a second longer: a full disk, a stopped machine."""
    for q in traffic.window:
        q.sending += dice.uniform(500, 1500)
    return {"verdict": "slower", "apart": False, "phase": "client"}


def nothing(dice, traffic):
    """Nothing at all."""
    return {"verdict": "nothing"}


def busy_decoy(dice, traffic):
    """One client is merely busier than before."""
    client = dice.choice(traffic.clients[50:])
    for _ in range(int(len(traffic.window) * .05)):
        traffic.add(traffic.some(), traffic.any_route(), client)
    return {"verdict": "nothing"}


def usual_job(dice, traffic):
    """A job makes some minutes slow, one of which is the window: as ever."""
    length = traffic.end - traffic.begin
    for q in traffic.all:
        if (q.at - traffic.begin) // length % 4 == 0 and q.route == "/api/v1/search":
            q.slow(8)
    return {"verdict": "nothing"}


def usual_slow_client(dice, traffic):
    """One client always reads slowly, and does now."""
    client = traffic.clients[3]
    for q in traffic.all:
        if q.client == client:
            q.sending += dice.uniform(800, 3000)
    return {"verdict": "nothing"}


KINDS = [slow_upstream, one_route, hammer, query_value, convoy, lock_of_another_route, slow_clients, slow_v6_net, mix_shift, crawled_heavy_page, more,
         cache_loss, cache_off, retries, retry_storm, pair, pair_of_host_and_agent, bad_deploy, http_2, tls_of_old, new_connections, large_uploads, crawler,
         one_project, slow_connect, all_slower, all_wait, nothing, busy_decoy, usual_job, usual_slow_client]
