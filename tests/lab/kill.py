"""The same as an uninterrupted run: the daemon killed (-9) at random moments and restarted, carbon away for a while,
nginx writing through a buffer (out of order and late). Not one slot and not one line may differ.
"""
import random
import threading
import time

import compare
import peers
import subject
import truth
from scenario import Scenario


class Outage(threading.Thread):
    """Stops carbon after `begin` seconds, and starts it again `seconds` later."""

    def __init__(self, lab, carbon, begin, seconds):
        super().__init__(daemon=True)
        self.lab, self.carbon, self.begin, self.seconds, self.over = lab, carbon, begin, seconds, threading.Event()
        self.start()

    def run(self):
        if self.over.wait(self.begin):
            return
        self.carbon.stop()
        self.lab.note(f"carbon is away for {self.seconds} s")
        if not self.over.wait(self.seconds):
            self.carbon.start()
            self.lab.note("carbon is back")

    def stop(self):
        """Call it off; whatever it is doing comes to an end first."""
        self.over.set()
        self.join(90)


def main():
    """Run the scenario."""
    with Scenario(__doc__, seconds=(120, 30), kills=(50, 10), outage=(60, 10), rate=(200, 150), seed=(1, 1)) as lab:
        seconds, rng = lab.args.seconds, random.Random(lab.args.seed)
        application = lab.run(peers.Application(lab.work))
        application.delay("/p/svn/", 100, 2600)
        nginx = lab.run(peers.Nginx(lab.work, application, buffer="buffer=32k flush=5s"))
        carbon = lab.run(peers.Carbon(lab.work))
        config = subject.write_config(lab.work, [nginx.log_path], carbon)
        daemon = lab.run(subject.Daemon(lab.work, config))
        load = peers.Load(lab.work, [f"{nginx.port}:"], lab.args.rate, seconds)
        begin, away = time.monotonic(), lab.run(Outage(lab, carbon, seconds / 6, lab.args.outage))
        for moment in sorted(rng.uniform(0.2, seconds + 4) for _ in range(lab.args.kills)):
            time.sleep(max(0, begin + moment - time.monotonic()))
            lab.expect("the daemon was running", daemon.running(), daemon.output()[-2000:])
            daemon.kill()
            daemon.start()
        sent = load.finish()
        away.join(seconds + lab.args.outage + 90)
        nginx.stop()
        true = truth.Truth(truth.generations(nginx.log_path), truth.lab_route)
        lab.note(f"{daemon.starts - 1} kills, {sent} requests")
        lab.expect("every request is in the log", len(true.requests) == sent and not true.rejected, (sent, len(true.requests)))
        compare.settle(lab, carbon, true, truth.points, 45)
        first, last = true.requests[0].end // 1000 - 10, true.requests[-1].end // 1000 + 10
        for route in true.routes():
            compare.lines(lab, config, true, route, first, last)
            at = rng.randrange(first, last)
            compare.lines(lab, config, true, route, at, at + 7)
        lab.expect("the daemon runs still, and stops cleanly", daemon.running() and daemon.stop() == 0, daemon.output()[-2000:])


if __name__ == "__main__":
    main()
