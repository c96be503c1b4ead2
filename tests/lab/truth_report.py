"""`report` and `slow` on a generated log against the generator's own truth, on every route that carries no id."""
import csv
import io
import re
import time

import compare
import generated
import subject
from scenario import Scenario

FORMAT = ("--log-format", generated.LOG_FORMAT)


def report(lab, log, truth_csv):
    """Every figure of `report` that the generator knows."""
    begin = time.monotonic()
    code, out, err = subject.command("report", log, *FORMAT, "--format", "csv")
    lab.note(f"report took {time.monotonic() - begin:.2f} s")
    lab.expect("report ends well", code == 0, f"{code} {err[-500:]}")
    rows = {row["route"]: row for row in csv.DictReader(io.StringIO(out.decode()))}
    with open(truth_csv) as file:
        truth = list(csv.DictReader(file))
    for true in truth:
        if "{" in true["route"]:
            continue
        name = generated.route_name(true["route"])
        if lab.expect(f"report has {name}", name in rows, [r for r in rows if r[:3] == name[:3]][:9]):
            for column in ("count", "sum_ms", "p50_ms", "p90_ms", "p99_ms", "p999_ms", "max_ms"):
                got, want = float(rows[name][column]), int(true[column])
                lab.expect(f"{column} of {name}", compare.same("x." + column.removesuffix("_ms"), got, want), (got, want))
    total = sum(int(row["count"]) for row in truth)
    got = sum(int(row["count"]) for row in rows.values())
    lab.expect("report counts every line", got == total, (got, total))
    return rows


# Timing at the end of a generated line, and its request: enough to know which are slow, without the lab's own expression.
TAIL = re.compile(rb'"([A-Z]+) (/[^ ?"]*)[^ "]* HTTP/[12]\.[01]" (\d{3}) \d+ "[^"]*" "[^"]*" (\d+)\.(\d{3}) ')


def slow_counts(log):
    """{route without an id: (requests of a second or more, all of their milliseconds)}, by reading the lines."""
    counts = {}
    with open(log, "rb") as file:
        for line in file:
            match = TAIL.search(line)
            if match and match[4] != b"0":
                count, total = counts.get(match[2], (0, 0))
                counts[match[2]] = count + 1, total + int(match[4]) * 1000 + int(match[5])
    return {generated.route_name(path.decode()): value for path, value in counts.items()}


def main():
    """Run the scenario."""
    with Scenario(__doc__, bytes=(1_000_000_000, 50_000_000)) as lab:
        log, truth_csv = generated.log(lab.args.bytes)
        rows = report(lab, log, truth_csv)
        slow = slow_counts(log)
        with open(truth_csv) as file:
            known = [generated.route_name(t) for t in (row["route"] for row in csv.DictReader(file)) if t[0] == "/" and "{" not in t]
        for name in known:
            lab.expect(f"slow requests of {name} in report", int(rows.get(name, {}).get("slow", -1)) == slow.get(name, (0, 0))[0],
                       (rows.get(name, {}).get("slow"), slow.get(name)))
        code, out, err = subject.command("slow", log, *FORMAT, "--format", "csv", "--limit", "100000")
        lab.expect("slow ends well", code == 0, f"{code} {err[-500:]}")
        classes = {}  # a row per route and status
        for row in csv.DictReader(io.StringIO(out.decode())):
            had = classes.get(row["route"], (0, 0))
            classes[row["route"]] = had[0] + int(row["slow"]), had[1] + int(row["slow_ms"])
        for name in known:
            want = slow.get(name, (0, 0))
            lab.expect(f"slow's count and time of {name}", classes.get(name, (0, 0)) == want, (classes.get(name), want))


if __name__ == "__main__":
    main()
