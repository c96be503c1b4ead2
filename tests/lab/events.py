"""Events at a real graphite-web: an episode is posted once, with its link and command, whatever is restarted: the daemon, killed and started
again; graphite-web, away when it should be told and back later.

Needs a venv with graphite-web 1.1.10: $GRAPHITE_VENV, else ~/.cache/spikeline-peers/graphite."""
import json
import os
import time
import urllib.request

import peers
import subject
from scenario import Scenario

FORMAT = "$remote_addr [$time_local] \"$request\" $status $request_time msec=$msec"
HISTORY = 50  # minutes


def lines_of(second, route, slow):
    """A second's requests of a route."""
    clock = time.strftime("%d/%b/%Y:%H:%M:%S +0000", time.gmtime(second))
    return "".join(f"192.0.2.7 [{clock}] \"GET /{route}/x HTTP/1.1\" 200 {2.5 if slow else 0.04 + part / 100:.3f} msec={second}.{part}00\n" for part in range(2))


class GraphiteWeb:
    """graphite-web, which may be stopped and started again on the same port and database."""

    def __init__(self, work, python):
        self.work, self.python = work, python
        self.port, = peers.free_ports(1)
        self.process = None

    def start(self):
        """Start it."""
        self.process = peers.Process(self.work, "graphite-web", [self.python, os.path.join(peers.HERE, "graphite_web.py"), os.path.join(self.work, "graphite-web"), str(self.port)])
        self.process.wait_for(self.port, 60)

    def stop(self):
        """Stop it."""
        if self.process:
            self.process.stop()

    def events(self):
        """All events of the last day."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/events/get_data?from=-1d&tags=spikeline", timeout=20) as answer:
            return json.load(answer)


def routes_of(events):
    """The routes that were told of, with repetitions."""
    return sorted(tag[len("route:"):] for event in events for tag in event["tags"] if tag.startswith("route:"))


def main():
    """The scenario."""
    venv = os.environ.get("GRAPHITE_VENV", os.path.expanduser("~/.cache/spikeline-peers/graphite"))
    python = os.path.join(venv, "bin", "python")
    with Scenario(__doc__) as lab:
        if not os.path.exists(python):
            return lab.skip("all of it", f"there is no graphite-web in {venv} (GRAPHITE_VENV)")
        graphite = lab.run(GraphiteWeb(lab.work, python))
        log, config = os.path.join(lab.work, "a.log"), os.path.join(lab.work, "s.toml")
        now = int(time.time())
        begin = now - now % 60 - HISTORY * 60
        # `before` was slow 10 minutes ago, and nobody was told: no daemon ran.
        with open(log, "w") as file:
            for second in range(begin, now):
                minute = (second - begin) // 60
                file.write(lines_of(second, "before", HISTORY - 12 <= minute < HISTORY - 8) + lines_of(second, "now", False))
        page, = peers.free_ports(1)
        with open(config, "w") as file:
            file.write(f"store = \"{lab.work}/store\"\nhost = \"web1\"\n[[log]]\npath = \"{log}\"\nformat = '{FORMAT}'\n"
                       f"[[route]]\nname = \"app.before\"\npath = \"/before/*\"\n[[route]]\nname = \"app.now\"\npath = \"/now/*\"\n"
                       f"[events]\ngraphite = \"http://127.0.0.1:{graphite.port}\"\npage = \"http://web1:{page}\"\n")
        code, _, said = subject.command("index", "--config", config, log)
        lab.expect("index", code == 0, said)
        daemon = lab.run(subject.Daemon(lab.work, config))
        # Graphite is away at first; it is said once, and tried again.
        peers.until("the daemon to miss graphite", 60, lambda: "event" in daemon.output().lower())
        graphite.start()
        until = time.time() + 200
        # Two minutes of `now` that are slow, after what is left of this one.
        slow_from = int(time.time()) // 60 * 60 + 60
        with open(log, "a", buffering=1) as file:
            second = int(time.time())
            while time.time() < slow_from + 150 and time.time() < until:
                if second <= time.time():
                    file.write(lines_of(second, "before", False) + lines_of(second, "now", second >= slow_from))
                    second += 1
                    if second == slow_from + 20:
                        told = routes_of(graphite.events())
                        lab.expect("what happened while no daemon ran is told of once graphite is there", told == ["app.before"], told)
                        daemon.kill()
                        daemon.start()
                    if second == slow_from + 100:
                        # Over a restart in the very episode, with graphite away when it begins again.
                        graphite.stop()
                        daemon.stop()
                        daemon.start()
                    if second == slow_from + 125:
                        graphite.start()
                else:
                    time.sleep(.05)
        peers.until("the event of now", 90, lambda: "app.now" in routes_of(graphite.events()))
        for restart in (daemon.kill, daemon.stop):
            restart()
            daemon.start()
            time.sleep(14)
        events = graphite.events()
        lab.expect("each episode was posted once", routes_of(events) == ["app.before", "app.now"], events)
        for event in events:
            route = next(tag[6:] for tag in event["tags"] if tag.startswith("route:"))
            link, command = event["data"].split("\n")
            lab.expect("an event has a link to the page", link.startswith(f"http://web1:{page}/at?m={route}&from={event['when']}000"), link)
            words = command.split()
            code, out, said = subject.command(*words[1:])
            lab.expect(f"its command gives the lines: {command}", code in (0, 3) and b" 2.500 " in out, f"{code} {out[:300]} {said[-500:]}")
            lab.expect("its tags are whole", set(event["tags"]) == {"spikeline", "slow", "host:web1", f"route:{route}"}, event["tags"])
        code, _, said = subject.command("events", "--config", config, "--since", "-2h")
        lab.expect("`events` posts what is not there, and says so", "0 events posted" in said and "2 were there" in said, said)


if __name__ == "__main__":
    main()
