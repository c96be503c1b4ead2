"""What carbon gets, behind a real relay and a real aggregator, of two nginx that hold their lines back (`buffer=256k flush=10s`).

Two daemons of two hosts send to a carbon-relay, to a carbon-aggregator that sums over the hosts, and to a listener that notes when
each point came. With `send = "final"` the sums are those of the logs; with `"changed"` slots that got late lines are counted twice, and
without `delay` the first points of a slot lack lines: both are shown. Then series are taken away from carbon under the running daemons,
and `verify --resend` brings them back.
"""
import collections
import os
import shutil
import socket
import threading
import time

import compare
import past
import peers
import subject
import truth
from scenario import Scenario

HOSTS = ("web1", "web2")
RULES = "".join(f"{prefix}.all.<route>.{metric} (10) = sum {prefix}.*.<<route>>.{metric}\n"
                for prefix in ("once", "twice") for metric in ("requests.count", "request_time.sum"))


class Listener(threading.Thread):
    """A carbon that keeps no point and notes when each came: (series, slot) -> [(seconds after the slot's end, value)]."""

    def __init__(self):
        super().__init__(daemon=True)
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port, self.came = self.socket.getsockname()[1], collections.defaultdict(list)
        self.start()

    def run(self):
        while True:
            try:
                connection, _ = self.socket.accept()
            except OSError:
                return
            threading.Thread(target=self.listen, args=(connection,), daemon=True).start()

    def listen(self, connection):
        """Take the lines of one connection."""
        with connection, connection.makefile("r") as lines:
            for line in lines:
                series, value, second = line.split()
                self.came[series, int(second)].append((time.time() - int(second) - 10, float(value)))

    def counts(self, prefix):
        """The counts that came of each series and slot, oldest first."""
        return {key: came for key, came in sorted(self.came.items())
                if key[0].startswith(prefix) and key[0].endswith(".requests.count") and any(value for _, value in came)}

    def stop(self):
        """Listen no more."""
        self.socket.close()


def config_of(lab, host, log, lateness, destinations):
    """The configuration of a host's daemon: each destination is address, prefix and more keys."""
    extra = "\n".join([f'lateness = "{lateness}s"'])
    path = subject.write_config(lab.work, [log], store=os.path.join(lab.work, f"store-{host}"), name=f"{host}.toml", extra=extra)
    with open(path) as file:
        text = file.read().replace(f'host = "{subject.HOST}"', f'host = "{host}"')
    for port, prefix, keys in destinations:
        text += f'[[carbon]]\naddress = "127.0.0.1:{port}"\nprefix = "{prefix}"\n{keys}\n'
    with open(path, "w") as file:
        file.write(text)
    return path


def sums(trues):
    """What is true of all hosts together: {(route, second): (count, milliseconds)}."""
    cells = collections.defaultdict(lambda: [0, 0])
    for true in trues.values():
        for (route, slot), requests in true.cells.items():
            cells[route, slot // 1000][0] += len(requests)
            cells[route, slot // 1000][1] += sum(r.times[0] for r in requests)
    return cells


def wrong_sums(carbon, prefix, true):
    """Where the aggregator's sums are not those: (route, second, metric, stored, true)."""
    first, last = min(second for _, second in true), max(second for _, second in true) + 10
    found = []
    for route in sorted({route for route, _ in true}):
        for at, metric in enumerate(("requests.count", "request_time.sum")):
            stored = carbon.stored(f"{prefix}.all.{route}.{metric}", first, last)
            for second in range(first, last, 10):
                wanted = true[route, second][at] if (route, second) in true else 0
                if stored.get(second, 0) != wanted:
                    found.append((route, second, metric, stored.get(second), wanted))
    return found


def firsts(listener, prefix):
    """Of the slots of a prefix: how many there are, how many came first with fewer requests than last, the worst, and the latest whole."""
    short, worst, latest = 0, (0, 0), 0.0
    counts = listener.counts(prefix)
    for came in counts.values():
        whole = came[-1][1]
        if came[0][1] < whole:
            short += 1
            worst = min(worst, (came[0][1] - whole, whole))
            latest = max(latest, next(seconds for seconds, value in came if value == whole))
    return len(counts), short, worst, latest


def resend(lab, carbon, config):
    """Take series from under carbon while the daemon runs, and let `verify --resend` bring them back."""
    gone = os.path.join(carbon.whisper, "nginx", HOSTS[0], "webapp", "backend", "git")
    shutil.rmtree(gone)
    render = lab.run(past.Render(carbon))
    code, _, err = subject.command("verify", "--config", config, "--graphite", render.url, "--limit", "1")
    lab.expect("verify finds the series that are gone", code == 1 and "differences" in err, f"{code} {err[-500:]}")
    code, out, err = subject.command("verify", "--config", config, "--graphite", render.url, "--resend", seconds=400)
    lab.expect("verify --resend ends clean while the daemon runs", code == 0, f"{code} {out[-500:]} {err[-1500:]}")
    lab.note("; ".join(err.splitlines()[-3:]))


def main():
    """Run the scenario."""
    with Scenario(__doc__, seconds=(90, 35), rate=(200, 120), lateness=(60, 20)) as lab:
        if missing := [name for name in ("nginx", "carbon-cache", "carbon-relay", "carbon-aggregator") if not shutil.which(name)]:
            return lab.skip("carbon", f"not installed here: {', '.join(missing)} (Debian: nginx graphite-carbon)")
        application = lab.run(peers.Application(lab.work))
        application.delay("/p/git/", 20, 900)
        nginxes = {host: lab.run(peers.Nginx(lab.work, application, name=f"nginx-{host}", buffer="buffer=256k flush=10s"))
                   for host in HOSTS}
        carbon = lab.run(peers.Carbon(lab.work))
        relay = lab.run(peers.Forwarder(lab.work, "carbon-relay", carbon))
        # An aggregator forgets a slot after so many; what is sent once comes when its lateness is over.
        kept = lab.args.lateness // 10 + 12
        aggregator = lab.run(peers.Forwarder(lab.work, "carbon-aggregator", carbon, f"MAX_AGGREGATION_INTERVALS = {kept}", RULES))
        early, waited = lab.run(Listener()), lab.run(Listener())
        configs = {host: config_of(lab, host, nginx.log_path, lab.args.lateness, [
            (relay.port, "nginx", ""), (aggregator.port, "once", 'send = "final"'),
            (aggregator.pickle_port, "twice", 'protocol = "pickle"\ndelay = "0s"'),
            (early.port, "early", 'delay = "0s"'), (waited.port, "waited", 'delay = "11s"'),
        ]) for host, nginx in nginxes.items()}
        daemons = [lab.run(subject.Daemon(lab.work, config)) for config in configs.values()]
        load = peers.Load(lab.work, [f"{nginx.port}:" for nginx in nginxes.values()], lab.args.rate, lab.args.seconds)
        sent = load.finish()
        time.sleep(11)  # nginx's last flush
        trues = {host: truth.Truth(truth.generations(nginx.log_path), truth.lab_route) for host, nginx in nginxes.items()}
        true = sums(trues)
        lab.expect("every request is in a log", sum(count for count, _ in true.values()) == sent, sent)
        end = max(second for _, second in true) + 10
        peers.until("what is sent once", lab.args.lateness + 60,
                    lambda: time.time() > end + lab.args.lateness + 25 and not wrong_sums(carbon, "once", true) or
                    time.time() > end + lab.args.lateness + 50)
        found = wrong_sums(carbon, "once", true)
        lab.expect('with send = "final" the aggregator\'s sums are the logs\'', not found, f"{len(found)}: {found[:6]}")
        found = [found for found in wrong_sums(carbon, "twice", true) if found[2] == "requests.count"]
        lab.expect('with send = "changed" an aggregator counts slots twice', found and all(it[3] > it[4] for it in found if it[3]), found[:6])
        if found:
            worst = max(found, key=lambda it: (it[3] or 0) - it[4])
            lab.note(f'{len(true)} sums are exact with send = "final"; with "changed" {len(found)} are too large, such as {worst[3]:.0f} for {worst[4]}')
        slots, short, worst, latest = firsts(early, "early.")
        lab.expect("without delay first points lack lines that nginx holds back", short > 0, slots)
        lab.note(f"without delay {short} of {slots} first points are short, the worst by {-worst[0]:.0f} of {worst[1]:.0f}, whole up to {latest:.1f} s after "
                 "their slot's end")
        slots, short, worst, latest = firsts(waited, "waited.")
        lab.expect("with a delay of flush= and a second every first point is whole", slots and not short, (slots, short, worst, latest))
        compare.settle(lab, carbon, trues[HOSTS[0]], truth.points, 30)
        resend(lab, carbon, configs[HOSTS[0]])
        compare.settle(lab, carbon, trues[HOSTS[0]], truth.points, 10)
        lab.expect("the daemons run still, and stop cleanly", all(it.running() and it.stop() == 0 for it in daemons), daemons[0].output()[-2000:])


if __name__ == "__main__":
    main()
