"""What `why` says first of incidents at a real nginx with three real upstreams: one slow, one dead, a client that hammers a heavy page, clients
that read slowly, a lock, and a run in which nothing happens. All six go on at the same time, each with a server and a log of its own."""
import asyncio
import json
import os
import random
import socket
import time
import urllib.request

import incidents
import peers
import subject
from scenario import Scenario

CONF = """daemon off; worker_processes 1; pid {dir}/nginx.pid; error_log {dir}/error.log crit; {user}
worker_rlimit_nofile 4096;
events {{ worker_connections 2048; }}
http {{
  client_body_temp_path {dir}/b; proxy_temp_path {dir}/p; fastcgi_temp_path {dir}/f; uwsgi_temp_path {dir}/u; scgi_temp_path {dir}/s;
  log_format lab '{format}';
  proxy_buffers 8 64k; proxy_next_upstream error timeout; proxy_connect_timeout 2s;
{servers}
}}
"""
SERVER = """  upstream {name} {{ server 127.0.0.1:{first} max_fails=0; server 127.0.0.1:{second} max_fails=0; server 127.0.0.1:{third} max_fails=0; }}
  server {{ listen 127.0.0.1:{port} backlog=512 sndbuf=16k; access_log {log} lab; location / {{ proxy_pass http://{name}; proxy_read_timeout {timeout}; }} }}"""
FORMAT = incidents.FORMAT.replace(" proto=$ssl_protocol", "")
AGENTS = ["Mozilla/5.0 (X11; Linux x86_64; rv:120.0) Gecko/20100101 Firefox/120.0", "curl/8.4.0", "python-requests/2.31.0"]


class Server:
    """One incident: its port of nginx, its three upstreams, its log, and its traffic."""

    def __init__(self, name, ports, log):
        self.name, self.port, self.upstreams, self.log = name, ports[0], ports[1:], log
        self.dice, self.sent, self.going = random.Random(name), 0, set()
        self.readers = None

    def tell(self, upstream, setting):
        """Change one of its upstreams."""
        urllib.request.urlopen(f"http://127.0.0.1:{self.upstreams[upstream]}/__set?{setting}", timeout=10).read()

    def target(self):
        """What somebody asks for."""
        n = self.dice.randrange(3000)
        return self.dice.choice(["/", f"/p/git/source/tree/{n}", f"/p/wiki/source/tree/{n}", f"/api/v1/users/{n}", f"/api/v1/users/{n}", "/api/v1/orders", f"/download/{n % 7}"])

    def begin(self, target=None, client=None, reads_slowly=False):
        """Ask once, without waiting for the answer."""
        client = client or f"127.0.{self.dice.randrange(1, 6)}.{self.dice.randrange(1, 30)}"
        task = asyncio.ensure_future(self.ask(target or self.target(), client, reads_slowly))
        self.going.add(task)
        task.add_done_callback(self.going.discard)

    async def ask(self, target, client, reads_slowly):
        """One request, on a connection of its own."""
        sock = socket.socket()
        sock.setblocking(False)
        if reads_slowly:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8192)
        try:
            sock.bind((client, 0))
            loop = asyncio.get_running_loop()
            await loop.sock_connect(sock, ("127.0.0.1", self.port))
            head = f"GET {target} HTTP/1.1\r\nHost: www.example.com\r\nUser-Agent: {self.dice.choice(AGENTS)}\r\nConnection: close\r\n\r\n"
            await loop.sock_sendall(sock, head.encode())
            while await loop.sock_recv(sock, 65536):
                if reads_slowly:
                    await asyncio.sleep(0.05)
            self.sent += 1
        except OSError:
            pass
        finally:
            sock.close()

    async def traffic(self, rate, seconds):
        """So many requests a second, at random times."""
        end = time.monotonic() + seconds
        at = time.monotonic()
        while at < end:
            await asyncio.sleep(max(0, at - time.monotonic()))
            if self.readers and self.dice.random() < .2:
                self.begin(client=f"{self.readers}.{self.dice.randrange(1, 200)}", target=f"/download/{self.dice.randrange(7)}", reads_slowly=True)
            else:
                self.begin()
            at += self.dice.expovariate(rate)


async def slow_upstream(server, _):
    """One of three is slow."""
    await asyncio.to_thread(server.tell, 1, "factor=12")
    return {"verdict": "slower", "where": [{"upstream_addr": f"127.0.0.1:{server.upstreams[1]}"}], "phase": "header"}


async def dead_upstream(server, _):
    """One of three answers nothing any more: nginx asks the next after a while."""
    await asyncio.to_thread(server.tell, 2, "hangs=1")
    return {"verdict": "slower", "where": [{"upstream_addr": f"127.0.0.1:{server.upstreams[2]}"}], "phase": "retries"}


async def hammering_client(server, seconds):
    """One client asks again and again for a page that takes long and is large."""
    end = time.monotonic() + seconds
    while time.monotonic() < end - 3:
        server.begin("/p/git/source/tree/1?depth=all", "127.0.9.9")
        await asyncio.sleep(.2)
    return {"verdict": "slower", "where": [{"remote_addr": "127.0.9.9"}, {"query:depth": "all"}]}


async def slow_readers(server, _):
    """The clients of one net take what they download slowly."""
    server.readers = "127.0.7"
    return {"verdict": "slower", "where": [{"remote_addr": "127.0.7.0/24"}], "phase": "client"}


async def lock(server, seconds):
    """One request holds a lock that orders need."""
    await asyncio.sleep(.5)
    target = f"/admin/rebuild?seconds={seconds * .6:.0f}"
    server.begin(target, "127.0.8.8")
    return {"verdict": "slower", "first": target}


async def quiet(_server, _seconds):
    """Nothing at all."""
    return {"verdict": "nothing"}


INCIDENTS = [slow_upstream, dead_upstream, hammering_client, slow_readers, lock, quiet]


def start(lab):
    """nginx and three upstreams, with a server for each incident."""
    folder = os.path.join(lab.work, "nginx")
    os.makedirs(folder)
    ports = peers.free_ports(4 * len(INCIDENTS))
    servers = []
    for number, incident in enumerate(INCIDENTS):
        servers.append(Server(incident.__name__, ports[4 * number:4 * number + 4], os.path.join(folder, incident.__name__ + ".log")))
    for upstream in range(3):
        listens = [f"{server.name}={server.upstreams[upstream]}" for server in servers]
        command = [peers.PYTHON, os.path.join(peers.HERE, "why_upstreams.py"), os.path.join(lab.work, "lock"), *listens]
        lab.run(peers.Process(lab.work, f"upstream{upstream}", command)).wait_for(servers[-1].upstreams[upstream])
    blocks = []
    for server in servers:
        first, second, third = server.upstreams
        timeout = "800ms" if server.name == "dead_upstream" else "30s"
        blocks.append(SERVER.format(name=server.name, first=first, second=second, third=third, port=server.port, log=server.log, timeout=timeout))
    conf = os.path.join(folder, "nginx.conf")
    with open(conf, "w") as file:
        file.write(CONF.format(dir=folder, format=FORMAT, servers="\n".join(blocks), user="user root root;" if os.geteuid() == 0 else ""))
    nginx = lab.run(peers.Process(lab.work, "nginx", ["nginx", "-e", os.path.join(folder, "error.log"), "-c", conf]))
    nginx.wait_for(servers[-1].port)
    return servers


async def run(lab, servers):
    """Traffic as ever, then the incidents; the truth of each, and the window of all."""
    args = lab.args
    await asyncio.gather(*(server.traffic(args.rate, args.quiet) for server in servers))
    await asyncio.sleep(1)
    begin = time.time()
    going = [asyncio.ensure_future(incident(server, args.incident)) for incident, server in zip(INCIDENTS, servers)]
    await asyncio.sleep(.2)
    await asyncio.gather(*(server.traffic(args.rate, args.incident - .2) for server in servers))
    truths = await asyncio.gather(*going)
    deadline = time.monotonic() + 30
    while any(server.going for server in servers) and time.monotonic() < deadline:
        await asyncio.sleep(.1)
    return truths, begin, time.time() + .1


def main():
    """Run the scenario."""
    with Scenario(__doc__, quiet=(90.0, 24.0), incident=(20.0, 10.0), rate=(30.0, 25.0)) as lab:
        servers = start(lab)
        truths, begin, until = asyncio.run(run(lab, servers))
        lab.note(f"{sum(server.sent for server in servers)} requests")
        for server, truth in zip(servers, truths):
            window = ("--from", f"{begin:.3f}", "--until", f"{until:.3f}")
            code, out, err = subject.command("why", server.log, "--log-format", FORMAT, *window, "--format", "json")
            said = json.loads(out) if out else {"error": err[-500:]}
            change = said.get("change_ms", {})
            lab.expect(f"{server.name}: the parts sum", code == 0 and change["volume"] + change["mix"] + change["slower"] == change["total"], (code, err, change))
            causes = [{**cause["where"], "share": round(cause["share"], 3)} for cause in said.get("causes") or []]
            first = [(request["target"], request["remote_addr"]) for request in said.get("first", [])[:1]]
            lab.note(f"{server.name}: {said.get('verdict')} {said.get('phase')} {causes[:2]} {first}")
            lab.expect(f"{server.name}: named first", incidents.is_right(truth, said), (truth, said.get("verdict"), said.get("phase"), causes[:3], first, change))


if __name__ == "__main__":
    main()
