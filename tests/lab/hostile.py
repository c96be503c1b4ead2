"""10,000 malformed and hostile lines among good ones: each counted, none harmful, all good ones kept.

The same log goes through `records`, `report`, and the daemon to carbon. A hostile request line in a whole line is a request
like any other; a line that is not of the format is rejected, by its number.
"""
import csv
import io
import json
import os
import re
import time

import compare
import hostile_requests
import peers
import subject
import truth
from scenario import Scenario

GOOD_ROUTE = "webapp.backend.good"
FORMAT = ("--log-format", truth.LOG_FORMAT)


def route(request):
    """Only the good lines' route is asked for by name here."""
    return GOOD_ROUTE if request == hostile_requests.GOOD else "hostile"


def records(lab, path, config, true):
    """`records`: every line is printed or rejected, by number."""
    code, out, err = subject.command("records", path, "--config", config, *FORMAT, "--format", "jsonl")
    rows = [json.loads(line) for line in out.splitlines()]
    parsed = {row["line"] for row in rows}
    want = {request.order[1] for request in true.requests}
    lab.expect("records prints every line of the format and no other", parsed == want and len(rows) == len(want),
               f"{len(rows)} rows; missing {sorted(want - parsed)[:9]}, extra {sorted(parsed - want)[:9]}; {code} {err[-300:]}")
    named = {int(n) for n in re.findall(re.escape(path) + r":(\d+):\d+: ", err)}
    broken = {number for _, number in true.rejected}
    lab.expect("records names each rejected line", named == broken,
               f"{len(named)} named of {len(broken)}; missing {sorted(broken - named)[:9]}, extra {sorted(named - broken)[:9]}")
    lab.expect("nothing on stderr but plain text", not re.search(r"[\x00-\x08\x0b-\x1f\x7f]", err),
               repr(re.findall(r".{20}[\x00-\x08\x0b-\x1f\x7f].{20}", err)[:3]))


def report(lab, path, config, true):
    """`report`: the counts add up, the good route is exact, nothing escapes from a cell."""
    _, out, err = subject.command("report", path, "--config", config, *FORMAT, "--format", "csv")
    rows = list(csv.DictReader(io.StringIO(out.decode())))
    total = sum(int(row["count"]) for row in rows)
    lab.expect("report counts every line of the format", total == len(true.requests), f"{total} of {len(true.requests)}")
    lab.expect("report says how many were rejected", re.search(rf"\b{len(true.rejected)}\b", err.replace(",", "")), err[-600:])
    wild = [row["route"] for row in rows if not all(compare.NODE.fullmatch(node) for node in row["route"].split("."))]
    lab.expect("every route has a safe name", not wild, wild[:5])
    samples = sorted(r.times[0] for r in true.requests if r.route == GOOD_ROUTE)
    good = next((row for row in rows if row["route"] == GOOD_ROUTE), {})
    for name, value in truth.summary(samples).items():
        if name != "mean":
            got = good.get(name if name == "count" else f"{name}_ms")
            lab.expect(f"report's {name} of {GOOD_ROUTE}", got and compare.same(f"x.{name}", float(got), value), (got, value))


def daemon(lab, path, config, carbon, true):
    """`run`: the good route's points are exact, all requests arrive under safe names."""
    running = lab.run(subject.Daemon(lab.work, config))
    slots = sorted({slot // 1000 for _, slot in true.cells})

    def total():
        return sum(sum(carbon.stored(metric, slots[0], slots[-1] + 10).values()) for metric in list(carbon.metrics())
                   if metric.startswith(compare.PREFIX) and metric.endswith(".requests.count"))
    deadline = time.monotonic() + 60
    while total() < len(true.requests) and time.monotonic() < deadline and running.running():
        time.sleep(0.5)
    time.sleep(1)
    lab.expect("every request is counted at carbon", total() == len(true.requests), (total(), len(true.requests)))
    good = truth.Truth([], route)
    for cell, requests in true.cells.items():
        if cell[0] == GOOD_ROUTE:
            good.cells[cell] = requests
    good.requests = [r for r in true.requests if r.route == GOOD_ROUTE]
    found = [d for d in compare.differences(carbon, good, truth.points) if d[-1] != "no such route"]
    lab.expect("the good route is exact in whisper", not found, found[:8])
    unsafe = compare.unsafe_names(carbon)
    lab.expect("every metric has a safe name", not unsafe, unsafe[:5])
    evil = [m for m in carbon.metrics() if not m.startswith("nginx.") and not m.startswith("spikeline.")]
    lab.expect("no metric was injected", not evil, evil[:5])
    # Of the log's lines so many are no requests that an answer may lack some: it is partial.
    compare.lines(lab, config, true, GOOD_ROUTE, slots[0] - 1, slots[-1] + 11, codes=(3,))
    lab.expect("the daemon runs still, and stops cleanly", running.running() and running.stop() == 0, running.output()[-2000:])


def main():
    """Run the scenario."""
    with Scenario(__doc__, good=(5000, 5000), hostile=(10000, 10000)) as lab:
        os.mkdir(os.path.join(lab.work, "logs"))
        path = os.path.join(lab.work, "logs", "access.log")
        with open(path, "wb") as file:
            file.writelines(line + b"\n" for line in
                            hostile_requests.log(lab.args.good, lab.args.hostile, time.time_ns() // 1_000_000))
        true = truth.Truth([path], route)
        lab.note(f"{len(true.requests)} lines of the format, {len(true.rejected)} others")
        lab.expect("all good lines are known to the truth",
                   sum(r.route == GOOD_ROUTE for r in true.requests) >= lab.args.good, len(true.requests))
        carbon = lab.run(peers.Carbon(lab.work, retention="10s:1h"))
        config = subject.write_config(lab.work, [path], carbon)
        daemon(lab, path, config, carbon, true)
        records(lab, path, config, true)
        report(lab, path, config, true)


if __name__ == "__main__":
    main()
