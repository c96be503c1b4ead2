"""Graphite's read API against graphite-web itself: the same points, pushed into real carbon-cache, rendered by both, value by value for every
function that is supported; and generated render URLs, of which `spikeline lines` must understand the same window as graphite-web.

Needs a venv with graphite-web 1.1.10 (`pip install graphite-web==1.1.10 'django<4' whisper`): $GRAPHITE_VENV, else ~/.cache/spikeline-peers/graphite.
"""
import json
import math
import os
import random
import re
import subprocess
import time
import urllib.parse
import urllib.request

import peers
import subject
from scenario import Scenario

FORMAT = '$remote_addr [$time_local] "$request" $status $request_time msec=$msec'
ROUTES = {"/p/git/x": "webapp.backend.git", "/p/wiki/x": "webapp.backend.wiki", "/static/x": "static"}
ALL = "nginx.web1.webapp.backend.*.request_time.p99"
GIT, WIKI = (f"nginx.web1.webapp.backend.{name}.request_time.p99" for name in ("git", "wiki"))
COUNTS = "nginx.web1.webapp.backend.*.requests.count"

# Of each function one target at least. Series are written so that any order of equals is the same in both.
TARGETS = [
    GIT, ALL, "nginx.*.webapp.{backend}.[gw]i*.request_time.p9[59]", "nginx.web1.static.status.?xx",
    f"alias({GIT}, 'x y')", f'aliasSub({ALL},"^.*backend\\.(\\w+)\\..*$","\\1 A")', f"aliasByNode({ALL}, 4, -1)", f"aliasByMetric({ALL})",
    f"aliasByTags({ALL}, 'name')", f"sumSeries({ALL})", f"sum({ALL})", f"averageSeries({ALL})", f"avg({ALL})", f"maxSeries({ALL})",
    f"minSeries({ALL})", f"diffSeries({GIT},{WIKI})", f"multiplySeries({ALL})", f"rangeOfSeries({ALL})", f"stddevSeries({ALL})",
    f"countSeries({ALL})", f"aggregate({ALL}, 'median')", f"percentileOfSeries({ALL}, 50)", f"percentileOfSeries({ALL}, 75, true)",
    f"divideSeries({ALL},{GIT})", f"divideSeries({GIT},nothing.here)", f"asPercent({ALL})", f"asPercent({GIT},{WIKI})", f"asPercent({ALL},1000)",
    f"asPercent({ALL},{ALL})", f"groupByNode({ALL}, 4, 'sum')", f"groupByNode({ALL}, 3)", f"groupByNodes({ALL}, 'max', 1, 3)",
    f"sumSeriesWithWildcards({ALL}, 4)", f"averageSeriesWithWildcards({ALL}, 4)", f"multiplySeriesWithWildcards({ALL}, 4)",
    f"aggregateWithWildcards({ALL}, 'max', 4)", f"group({GIT},{WIKI})", f"scale({ALL}, 0.001)", f"offset({ALL}, -5)", f"scaleToSeconds({COUNTS}, 60)",
    f"absolute(offset({ALL}, -500))", f"invert({ALL})", f"squareRoot({ALL})", f"removeBelowValue({ALL}, 300)", f"removeAboveValue({ALL}, 300)",
    f"transformNull({ALL})", f"transformNull({ALL}, -1)", f"isNonNull({ALL})", f"integral({COUNTS})", f"derivative({COUNTS})",
    f"nonNegativeDerivative({COUNTS})", f"nonNegativeDerivative({COUNTS}, 100)", f"perSecond({COUNTS})", f"changed({ALL})", f"keepLastValue({ALL})",
    f"keepLastValue({ALL}, 1)", f"summarize({ALL}, '1min')", f"summarize({ALL}, '2min', 'max')", f"summarize({ALL}, '1min', 'avg', true)",
    f"smartSummarize({ALL}, '1min', 'sum')", f"movingAverage({ALL}, 5)", f"movingAverage({ALL}, '1min')", f"movingMedian({ALL}, 3)", f"movingMin({ALL}, 3)",
    f"movingMax({ALL}, '30s')", f"movingSum({ALL}, 4)", f"movingWindow({ALL}, 3, 'max')", f"timeShift({ALL}, '2min')", f"consolidateBy({ALL}, 'max')",
    "constantLine(100)", "threshold(1.5, 'limit')", "threshold(7)", f"limit({ALL}, 1)", f"grep({ALL}, 'git')", f"exclude({ALL}, 'git')",
    f"removeEmptySeries(group({ALL}, nginx.web1.static.request_time.p99))", f"sortByName({ALL})", f"sortByMaxima({ALL})", f"sortByMinima({ALL})",
    f"sortByTotal({ALL})", f"sortBy({ALL}, 'max', true)", f"highest({ALL}, 1, 'max')", f"lowest({ALL}, 1, 'average')", f"highestMax({ALL}, 1)",
    f"highestCurrent({ALL}, 1)", f"highestAverage({ALL}, 1)", f"lowestCurrent({ALL}, 1)", f"lowestAverage({ALL}, 1)", f"maximumAbove({ALL}, 500)",
    f"maximumBelow({ALL}, 5000)", f"minimumAbove({ALL}, 1)", f"minimumBelow({ALL}, 500)", f"currentAbove({ALL}, 1)", f"currentBelow({ALL}, 100000)",
    f"averageAbove({ALL}, 1)", f"averageBelow({ALL}, 100000)", f"fallbackSeries(nothing.here, {GIT})", f"fallbackSeries({GIT}, {WIKI})",
    f"color({ALL}, 'red')", f"alpha({ALL}, 0.5)", f"lineWidth({ALL}, 2)", f"{ALL}|scale(2)|sumSeries()", "template(nginx.web1.$1.backend.git.requests.count, 'webapp')", "template(nginx.web1.webapp.$b.git.requests.count, b='backend')",
]

# What is gathered where there are more points than are drawn. (Percentiles as they are stored are exact here, and an average there.)
DRAWN = [COUNTS, f"sumSeries({ALL})", f"consolidateBy({ALL}, 'max')", f"consolidateBy({COUNTS}, 'sum')", f"scale({ALL}, 2)", f"summarize({ALL}, '30s', 'max')",
         f"consolidateBy({COUNTS}, 'last')", "constantLine(3)"]

# Every form of a time that graphite-web takes, within a day of the data.
FORMS = ["-{m}min", "-{h}h", "-{s}s", "-{d}d", "-1w", "-1mon", "now-{m}min", "{epoch}", "{clock}_{day}", "{day}", "noon+yesterday", "noon_today",
         "midnight", "midnight_yesterday", "6pm_today", "{clock}_yesterday", "06:{m2}_today", "teatime_yesterday", "monday", "{slashes}", "{month}", "today-{h}h",
         "3am", "12pm_yesterday", "yesterday", "-{h}h{m}min", "noon-{m}min", "tuesday", "8:30am_today", "now"]
ZONES = ["", "", "UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe"]


def write_log(path, until, rng):
    """25 minutes of requests with silences; times from a few values, so that percentiles differ by slot."""
    end = until - until % 10
    with open(path, "w") as file:
        for second in range(end - 1500, end):
            for url, route in ROUTES.items():
                if second // 40 % 9 == len(route) % 9 or rng.random() < .3:
                    continue
                clock = time.strftime("%d/%b/%Y:%H:%M:%S +0000", time.gmtime(second))
                took = rng.choice([.004, .02, .25, .9, 2.5]) * rng.uniform(.5, 1.5)
                status = rng.choice([200, 200, 200, 301, 404, 502])
                file.write(f'192.0.2.7 [{clock}] "GET {url} HTTP/1.1" {status} {took:.3f} msec={second}.{rng.randrange(1000):03}\n')
    return end


def reference(lab, python, whisper, queries):
    """graphite-web's answers."""
    script = os.path.join(os.path.dirname(os.path.abspath(__file__)), "graphite_reference.py")
    done = subprocess.run([python, script, whisper, os.path.join(lab.work, "reference")], input=json.dumps(queries).encode(), capture_output=True,
                          timeout=600)
    if done.returncode:
        raise RuntimeError(done.stderr.decode()[-3000:])
    return json.loads(done.stdout)


def ours(url, query):
    """Our answer to the same."""
    try:
        with urllib.request.urlopen(f"{url}/render?{query}&format=json", timeout=30) as reply:
            return json.load(reply)
    except urllib.error.HTTPError as error:
        return error.read().decode()


def differs(mine, theirs):
    """The first difference, or nothing."""
    if not isinstance(mine, list):
        return f"refused: {mine}"
    if [s["target"] for s in mine] != [s["target"] for s in theirs]:
        return f"names {[s['target'] for s in mine]} and not {[s['target'] for s in theirs]}"
    for one, other in zip(mine, theirs):
        a, b = one["datapoints"], other["datapoints"]
        if [t for _, t in a] != [t for _, t in b]:
            return f"{one['target']}: times {a[:1]}..{a[-1:]} ({len(a)}) and not {b[:1]}..{b[-1:]} ({len(b)})"
        for (v, at), (w, _) in zip(a, b):
            if (v is None) != (w is None) or (v is not None and not math.isclose(v, w, rel_tol=1e-9, abs_tol=1e-9)):
                return f"{one['target']} at {at}: {v} and not {w}"
    return None


def spelled(form, now, rng):
    """A form with numbers in it."""
    then = time.gmtime(now - rng.randrange(86400 * 20))
    return form.format(m=rng.randrange(1, 90), m2=f"{rng.randrange(60):02}", h=rng.randrange(1, 30), s=rng.randrange(1, 5000), d=rng.randrange(1, 9),
                       epoch=int(now) - rng.randrange(1, 90000), clock=f"{rng.randrange(24):02}:{rng.randrange(60):02}",
                       day=time.strftime("%Y%m%d", then), slashes=time.strftime("%m/%d/%y", then), month=time.strftime("%b+%d", then).lower())


def windows(lab, python, whisper, config, count, url):
    """Generated URLs: the window that `lines` understands, and the names of series, are those of graphite-web."""
    rng, queries = random.Random(9), []
    now = int(time.time())
    while len(queries) < count:
        one, other = spelled(rng.choice(FORMS), now, rng), spelled(rng.choice(FORMS), now, rng)
        # Which series are chosen by their values depends on the archive that carbon answers from.
        target = rng.choice([t for t in TARGETS if not re.match("sortBy|highest|lowest|limit|removeEmpty|.*(Above|Below)\\(|.*(nothing|constant|threshold)", t)])
        zone = rng.choice(ZONES)
        query = f"target={urllib.parse.quote(target)}&from={one}" + (f"&until={other}" if rng.random() < .8 else "") + f"&now={now}"
        queries.append(query + (f"&tz={urllib.parse.quote(zone)}" if zone else ""))
    compared = 0
    for query, answer in zip(queries, reference(lab, python, whisper, queries)):
        if "start" not in answer:
            continue
        code, _, said = subject.command("lines", f"https://graphite.example.org/render?{query}", "--config", config, "--limit", "1", "--tz", "UTC")
        window = re.search(r"read as .*?, (\S+Z) \.\. (\S+Z) \(UTC\)", said)
        stamps = [time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime(answer[edge])) for edge in ("start", "end")]
        lab.expect(f"the window of {query}", window and [window[1], window[2]] == stamps, f"{stamps}: {code} {said[-600:]}")
        if "series" in answer:
            mine = ours(url, query)
            names = [s["target"] for s in mine] if isinstance(mine, list) else mine
            lab.expect(f"the names of {query}", names == [s["target"] for s in answer["series"]], f"{names}: {[s['target'] for s in answer['series']]}")
        compared += 1
    lab.expect("nearly all generated URLs are taken by graphite-web", compared > count * .9, compared)


def main():
    """The scenario."""
    venv = os.environ.get("GRAPHITE_VENV", os.path.expanduser("~/.cache/spikeline-peers/graphite"))
    python = os.path.join(venv, "bin", "python")
    with Scenario(__doc__, urls=(300, 20)) as lab:
        if not os.path.exists(python):
            return lab.skip("all of it", f"there is no graphite-web in {venv} (GRAPHITE_VENV)")
        carbon = lab.run(peers.Carbon(lab.work, "10s:1d,1h:400d"))
        log, config = os.path.join(lab.work, "a.log"), os.path.join(lab.work, "s.toml")
        end = write_log(log, int(time.time()) - 120, random.Random(4))
        with open(config, "w") as file:
            file.write(f"store = \"{lab.work}/store\"\nhost = \"web1\"\n[[log]]\npath = \"{log}\"\nformat = '{FORMAT}'\n[[carbon]]\naddress = \"127.0.0.1:{carbon.port}\"\narchives = \"10s:1d\"\n")
            for path, route in ROUTES.items():
                file.write(f"[[route]]\nname = \"{route}\"\npath = \"{path}\"\n")
        code, _, said = subject.command("index", "--config", config, "--push", "--rate", "100000", log)
        lab.expect("index --push", code == 0, said)
        peers.until("the last points", 60, lambda: carbon.stored("nginx.web1.static.requests.count", end - 30, end) or
                    carbon.stored("nginx.web1.webapp.backend.git.requests.count", end - 30, end))
        carbon.stop()
        port, = peers.free_ports(1)
        serve = lab.run(peers.Process(lab.work, "serve", [subject.binary(), "serve", "--config", config, "--listen", f"127.0.0.1:{port}"],
                                      env={**os.environ, "TZ": "UTC"}))
        serve.wait_for(port)
        url = f"http://127.0.0.1:{port}"
        queries = [f"target={urllib.parse.quote(target)}&from={end - 900}&until={end - 10}&tz=UTC" for target in TARGETS]
        queries += [f"target={urllib.parse.quote(target)}&from={end - 900}&until={end - 10}&maxDataPoints={most}" for target in DRAWN for most in (1, 7, 30)]
        for target, query, answer in zip([*TARGETS, *(f"{target}, drawn" for target in DRAWN for _ in range(3))], queries, reference(lab, python, carbon.whisper, queries)):
            if lab.expect(f"graphite-web renders {target}", "series" in answer, answer.get("error")):
                wrong = differs(ours(url, query), answer["series"])
                lab.expect(f"{target} is as there", not wrong, wrong)
        with urllib.request.urlopen(f"{url}/functions", timeout=10) as reply:
            supported = json.load(reply)
        tried = {name for target in TARGETS for name in re.findall(r"(\w+)\(", target)}
        lab.expect("every function is tried", set(supported) - {"mergeSeries", "groupByTags"} <= tried, set(supported) - tried)
        windows(lab, python, carbon.whisper, config, lab.args.urls, url)


main()
