"""What a collector of OpenTelemetry gets, read by OpenTelemetry's own classes: every slot of every route once, and each count, sum and bucket
that of the raw log, over a collector that answers 503 now and then, and a daemon that is stopped on the way.

Needs a spikeline with the feature `otlp` ($SPIKELINE_OTLP), and a venv: $OTLP_VENV, else ~/.cache/spikeline-peers/otlp, made by
`python3 -m venv ~/.cache/spikeline-peers/otlp && ~/.cache/spikeline-peers/otlp/bin/pip install opentelemetry-proto`."""
import collections
import json
import os
import random
import time

import peers
import subject
from scenario import Scenario

FORMAT = "$remote_addr - - [$time_local] \"$request\" $status $body_bytes_sent rt=$request_time ut=\"$upstream_response_time\" msec=$msec"
ROUTES = (("webapp.backend.git", "/p/git/x", -1.5), ("webapp.login", "/login", -3), ("static.asset", "/static/a.css", -7), ("slow.report", "/report", 1.5))
SCALE = 5
BOUNDS = [5, 10, 25, 50, 75, 100, 250, 500, 750, 1000, 2500, 5000, 7500, 10000]
SLOT = 10


def line(end_ms, took_ms, path, status, sent, upstream_ms):
    """A request in FORMAT."""
    stamp = time.strftime("%d/%b/%Y:%H:%M:%S +0000", time.gmtime(end_ms // 1000))
    return (f"198.51.100.7 - - [{stamp}] \"GET {path} HTTP/1.1\" {status} {sent} rt={took_ms / 1000:.3f} "
            f"ut=\"{upstream_ms / 1000:.3f}\" msec={end_ms // 1000}.{end_ms % 1000:03}\n")


def stands_for(millis, largest):
    """What a histogram of three digits answers for a duration: itself below 2048 ms, else the highest of its bucket; never over the maximum."""
    shift = max(0, millis.bit_length() - 11)
    return min((millis >> shift << shift) + (1 << shift) - 1, largest)


def exponential_bucket(millis):
    """The bucket i with 2^(i/32) < seconds <= 2^((i+1)/32), by whole numbers alone."""
    per = 1 << SCALE
    power, thousand = millis ** per, 1000 ** per
    # The largest i with 2^i * 1000^32 < millis^32.
    i = power.bit_length() - thousand.bit_length() + 1
    def below(i):
        return (thousand << i if i >= 0 else thousand) < (power if i >= 0 else power << -i)
    while not below(i):
        i -= 1
    return i


def check_exponential(lab, what, point, times):
    """One exponential histogram against the durations of its route and slot."""
    largest = max(times)
    expected = collections.Counter(exponential_bucket(stands_for(took, largest)) for took in times if took)
    found = {point["offset"] + at: count for at, count in enumerate(point["counts"]) if count}
    lab.expect(f"{what}: every bucket", found == expected and point["scale"] == SCALE, f"{found} {dict(expected)}")
    lab.expect(f"{what}: zeros", point["zeros"] == times.count(0) and 0 < point["threshold"] < .001, point)
    if point["counts"]:
        lab.expect(f"{what}: no empty bucket at either end", point["counts"][0] and point["counts"][-1], point)
    # A quantile by nearest rank, from the buckets alone: the middle of its bucket is within 1.09 %, and 0.1 % above 2048 ms, of the raw one.
    ordered, base = sorted(times), 2 ** (1 / 2 ** SCALE)
    for quantile in (.5, .9, .99):
        rank = max(1, -(-len(times) * round(quantile * 100) // 100))
        left, bucket = rank - point["zeros"], point["offset"]
        for count in point["counts"]:
            if left <= count:
                break
            left, bucket = left - count, bucket + 1
        middle = 0 if rank <= point["zeros"] else base ** (bucket + .5) * 1000
        true = ordered[rank - 1]
        lab.expect(f"{what}: p{quantile * 100:.0f} within 1.2 %", abs(middle - true) <= .012 * true, f"{middle} {true}")


def check_explicit(lab, what, point, times):
    """One histogram with bounds."""
    largest = max(times)
    expected = [0] * (len(BOUNDS) + 1)
    for took in times:
        expected[sum(bound < stands_for(took, largest) for bound in BOUNDS)] += 1
    lab.expect(f"{what}: every bucket", point["counts"] == expected and point["bounds"] == [bound / 1000 for bound in BOUNDS], f"{point} {expected}")


def check_histograms(lab, name, points, cells, metric, which):
    """All histograms of a metric: those of the raw log, each once."""
    seen = collections.Counter()
    for point in points:
        if point["metric"] != metric or "spikeline.series" in point["attributes"]:
            continue
        key = (point["attributes"]["http.route"], point["start"] // 10**9)
        seen[key] += 1
        what = f"{name}: {metric} of {key[0]} at {key[1]}"
        times = [request[which] for request in cells.get(key, [])]
        if not lab.expect(f"{what}: there are such requests", times):
            continue
        lab.expect(f"{what}: the slot", point["time"] - point["start"] == SLOT * 10**9 and point["start"] % (SLOT * 10**9) == 0, point)
        lab.expect(f"{what}: count", point["count"] == len(times), f"{point['count']} {len(times)}")
        lab.expect(f"{what}: sum", abs(point["sum"] - sum(times) / 1000) < 1e-9, f"{point['sum']} {sum(times)}")
        lab.expect(f"{what}: max", point["max"] == max(times) / 1000 and point["unit"] == "s", point)
        lab.expect(f"{what}: min", point["min"] == (min(times) / 1000 if min(times) < 2048 else None), f"{point['min']} {min(times)}")
        (check_exponential if point["kind"] == "exponential_histogram" else check_explicit)(lab, what, point, times)
    lab.expect(f"{name}: {metric}: every slot once", dict(seen) == dict.fromkeys(cells, 1), f"{len(seen)} of {len(cells)}")


def check_sums(lab, name, points, cells):
    """Requests by class, slow ones, bytes."""
    found = collections.Counter()
    for point in points:
        if point["kind"] == "sum" and "http.route" in point["attributes"] and "spikeline.series" not in point["attributes"]:
            found[point["metric"], point["attributes"]["http.route"], point["attributes"].get("http.response.status_class"), point["start"] // 10**9] += point["value"]
    expected = collections.Counter()
    for (route, second), requests in cells.items():
        for took, _, status, sent in requests:
            expected["spikeline.requests", route, f"{status // 100}xx", second] += 1
            expected["spikeline.slow_requests", route, None, second] += took >= 1000
            expected["spikeline.aborted_requests", route, None, second] += status == 499
            expected["spikeline.sent_bytes", route, None, second] += sent
    lab.expect(f"{name}: every sum", found == +expected, f"{list((found - expected).items())[:5]} {list((expected - found).items())[:5]}")


def taken(path):
    """What a collector has kept."""
    with open(path) as file:
        return [json.loads(text) for text in file]


def once(lab, name, points):
    """The points without those that came again with a slot whose answer the daemon that was stopped did not live to hear: one at most."""
    firsts, again = {}, set()
    for point in points:
        key = point["metric"], json.dumps(point["attributes"], sort_keys=True), point["time"]
        if key in firsts:
            again.add(point["time"])
            lab.expect(f"{name}: what came again is the same", firsts[key] == point or point["start"] == 0 or not point["attributes"], point)
        firsts[key] = point
    lab.expect(f"{name}: no more than the slot under way came again", len(again) <= 1, again)
    return list(firsts.values())


def config_of(lab, log, name, sections):
    """A configuration file that follows `log`."""
    path = os.path.join(lab.work, f"{name}.toml")
    with open(path, "w") as file:
        file.write(f"store = \"{lab.work}/store-{name}\"\nhost = \"web1\"\nlateness = \"10s\"\n[[log]]\npath = \"{log}\"\nformat = '{FORMAT}'\n")
        for route, target, _ in ROUTES:
            file.write(f"[[route]]\nname = \"{route}\"\npath = \"{target}\"\n")
        file.write(sections)
    return path


def write_log(lab, path):
    """Requests of the last ten minutes but one; by route and slot what they were."""
    rng, cells = random.Random(11), collections.defaultdict(list)
    begin = (int(time.time()) - 660) * 1000
    with open(path, "w") as file:
        for number in range(lab.args.requests):
            end = begin + 600_000 * number // lab.args.requests
            route, target, middle = rng.choice(ROUTES)
            took = min(int(rng.lognormvariate(middle, 1.3) * 1000), 500_000)
            status, sent, upstream = rng.choice((200, 200, 200, 204, 304, 404, 499, 500, 502)), rng.randrange(100_000), took * rng.randrange(2) // 2
            file.write(line(end, took, target, status, sent, upstream))
            cells[route, end // 1000 // SLOT * SLOT].append((took, upstream, status, sent))
    return cells


def main():
    """The scenario."""
    venv = os.environ.get("OTLP_VENV", os.path.expanduser("~/.cache/spikeline-peers/otlp"))
    python, built = os.path.join(venv, "bin", "python"), os.environ.get("SPIKELINE_OTLP", "")
    with Scenario(__doc__, requests=(200_000, 20_000)) as lab:
        log = os.path.join(lab.work, "access.log")
        cells = write_log(lab, log)
        ports = peers.free_ports(3)
        forms = ("", "histogram = \"explicit\"\ncompression = \"gzip\"\n", "routes = [\"webapp.*\", \"!webapp.login\"]\n[[series]]\nname = \"class.{status_class}\"\n")
        sections = "".join(f"[[otlp]]\nendpoint = \"http://127.0.0.1:{port}/v1/metrics\"\n{form}" for port, form in zip(ports, forms))
        config = config_of(lab, log, "otlp", sections)
        code, _, said = subject.command("check", "--config", config)
        if code == 2:
            lab.expect("a spikeline without the feature says what to do", "was built without `otlp`" in said and "--features otlp" in said, said)
            if not os.access(built, os.X_OK):
                return lab.skip("the rest", "it needs a spikeline with the feature `otlp`: SPIKELINE_OTLP names one")
            os.environ["SPIKELINE"] = built
        if not os.path.exists(python):
            return lab.skip("the rest", f"there is no venv with opentelemetry-proto in {venv} (OTLP_VENV)")
        kept = [os.path.join(lab.work, f"taken-{port}.jsonl") for port in ports]
        for port, path, fail_every in zip(ports, kept, ("7", "0", "3")):
            collector = lab.run(peers.Process(lab.work, f"collector-{port}", [python, os.path.join(peers.HERE, "otlp_collector.py"), str(port), path, fail_every]))
            collector.wait_for(port)
        code, out, said = subject.command("check", "--config", config)
        lab.expect("check says that each takes metrics", all(f"otlp http://127.0.0.1:{port}/v1/metrics: takes metrics".encode() in out for port in ports[:2]), f"{out[-2000:]} {said}")
        daemon = lab.run(subject.Daemon(lab.work, config))
        wanted = len(cells)

        def slots(path):
            return {(point["attributes"]["http.route"], point["start"]) for point in taken(path) if point["metric"] == "http.server.request.duration"}
        peers.until("some slots", 60, lambda: len(slots(kept[0])) > wanted // 4)
        lab.expect("it stops well", daemon.stop() == 0, daemon.output()[-2000:])
        daemon.start()
        for path in kept[:2]:
            peers.until("all slots", 120, lambda: len(slots(path)) >= wanted)
        some = {key: requests for key, requests in cells.items() if key[0] == "webapp.backend.git"}
        peers.until("the chosen slots", 120, lambda: len(slots(kept[2])) >= len(some))
        # What was sent again would be there by now.
        code, out, _ = subject.command("status", "--config", config, "--format", "json")
        lab.expect("nothing was given up", all(held["dropped_slots"] == 0 for held in json.loads(out)["carbons"]), out)
        lab.expect("it stops well", daemon.stop() == 0, daemon.output()[-2000:])
        for name, path, expected in (("exponential", kept[0], cells), ("explicit", kept[1], cells), ("chosen", kept[2], some)):
            points = once(lab, name, taken(path))
            check_histograms(lab, name, points, expected, "http.server.request.duration", 0)
            check_histograms(lab, name, points, expected, "spikeline.upstream_response.duration", 1)
            check_sums(lab, name, points, expected)
            resources = {json.dumps(point["resource"], sort_keys=True) for point in points}
            lab.expect(f"{name}: the resource", resources == {'{"host.name": "web1", "service.name": "nginx"}'}, resources)
        lab.expect("503 was answered and said", "it answered 503" in daemon.output(), daemon.output()[-2000:])


if __name__ == "__main__":
    main()
