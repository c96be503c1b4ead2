"""The 14:05 spike, end to end: real nginx, an application that turns slow for a while, spikeline, real carbon-cache.

Holds every route and slot in whisper, and the lines of the spike's window, against truth.py; prints how soon a line is in
`lines` and a slot at carbon.
"""
import random
import time

import compare
import latency
import peers
import subject
import truth
from scenario import Scenario

SLOW_ROUTE = "webapp.backend.git"


def drive(lab, application, nginx, carbon, config):
    """Load with a spike in the middle; returns its window in whole seconds."""
    seconds, spike = lab.args.seconds, lab.args.spike
    load = peers.Load(lab.work, [f"{nginx.port}:"], lab.args.rate, seconds)
    begin, probes, slots = time.time(), [], []
    while time.time() < begin + (seconds - spike) / 2:
        probes.append(latency.line_to_lines(nginx, config))
        time.sleep(0.3)
    application.delay("/p/git/", 300, 3500)
    since = int(time.time())
    lab.note(f"the spike begins: {SLOW_ROUTE} takes 0.3 to 3.5 s")
    slots.append(latency.slot_to_carbon(carbon, SLOW_ROUTE))
    while time.time() < since + spike:
        probes.append(latency.line_to_lines(nginx, config))
        time.sleep(0.3)
    application.delay("/p/git/", 1, 8)
    until = int(time.time()) + 1
    slots.append(latency.slot_to_carbon(carbon, SLOW_ROUTE))
    sent = load.finish()
    lab.note(f"{sent} requests; line to `lines`: {latency.said(probes)}; slot to carbon: {latency.said(slots)}")
    lab.expect("a line is in `lines` within 2 s", all(p is not None and p <= 2 for p in probes), probes)
    lab.expect("a slot is at carbon within 3 s of its end", all(s is not None and s <= 3 for s in slots), slots)
    return since, until, sent + len(probes)


def main():
    """Run the scenario."""
    with Scenario(__doc__, seconds=(60, 25), spike=(20, 10), rate=(300, 200)) as lab:
        application = lab.run(peers.Application(lab.work))
        nginx = lab.run(peers.Nginx(lab.work, application))
        carbon = lab.run(peers.Carbon(lab.work))
        config = subject.write_config(lab.work, [nginx.log_path], carbon)
        daemon = lab.run(subject.Daemon(lab.work, config))
        since, until, sent = drive(lab, application, nginx, carbon, config)
        true = truth.Truth(truth.generations(nginx.log_path), truth.lab_route)
        lab.expect("every request is in the log", len(true.requests) == sent and not true.rejected,
                   (sent, len(true.requests), true.rejected[:3]))
        compare.settle(lab, carbon, true, truth.points, 25)
        spiking = [r for r in true.requests if r.route == SLOW_ROUTE and r.times[0] > 300]
        lab.expect("the spike is there", len(spiking) > lab.args.spike, len(spiking))
        compare.lines(lab, config, true, SLOW_ROUTE, since, until)
        first, last = true.requests[0].end // 1000 - 5, true.requests[-1].end // 1000 + 1
        for route in true.routes():
            compare.lines(lab, config, true, route, first, last)
        rng = random.Random(5)
        for _ in range(5):
            at = rng.randrange(first, last)
            compare.lines(lab, config, true, rng.choice(true.routes()), at, at + rng.randrange(1, 8))
        lab.expect("the daemon runs still, and stops cleanly", daemon.running() and daemon.stop() == 0, daemon.output()[-2000:])
        compare.lines(lab, config, true, SLOW_ROUTE, since, until)


if __name__ == "__main__":
    main()
