"""What spikeline says held against what is true: points in whisper, and the lines that it prints."""
import collections
import re
import time

import subject

NODE = re.compile(r"[A-Za-z0-9_-]{1,200}")
EXACT_BELOW = 2048
PREFIX = f"nginx.{subject.HOST}."
COUNTED = re.compile(r"\.(request_time|upstream_\w+_time|requests|status|bytes_sent)\.\w+$")


def same(what, got, true):
    """Whether a stored value is right: percentiles exact below 2048 ms and within 0.1 % above, the rest exact."""
    if got is None:
        return what.startswith("status.") and true == 0
    if what.endswith(".mean"):
        return abs(got - true) <= 0.001 + true * 1e-9
    if re.search(r"\.p\d+$", what) and true >= EXACT_BELOW:
        return abs(got - true) <= true * 0.001
    return got == true


def differences(carbon, truth, points, excuse=()):
    """Every point in whisper that is not as it must be: (route, slot, metric, stored, true).

    `points(cell)` gives what is true of one cell. Slots without a request must hold no count but 0. `excuse` names
    (route, slot) pairs that are not looked at."""
    found, slots = [], sorted({slot for _, slot in truth.cells})
    if not slots:
        return [("", 0, "no requests at all", None, None)]
    since, until = slots[0] // 1000, slots[-1] // 1000 + 10
    for route in truth.routes():
        true = {slot: points(truth.cells[route, slot]) for slot in slots if (route, slot) in truth.cells}
        for metric in sorted({metric for cell in true.values() for metric in cell}):
            stored = carbon.stored(f"{PREFIX}{route}.{metric}", since, until)
            for slot in slots:
                got = stored.get(slot // 1000)
                if (route, slot) in excuse:
                    continue
                if slot in true and metric in true[slot]:
                    if not same(metric, got, true[slot][metric]):
                        found.append((route, slot // 1000, metric, got, true[slot][metric]))
                elif got not in (None, 0):
                    found.append((route, slot // 1000, metric, got, None))
    return found + strangers(carbon, truth.routes(), since, until)


def strangers(carbon, routes, since, until):
    """Counts stored for a route that no line has."""
    found = []
    for metric in carbon.metrics():
        if metric.startswith(PREFIX) and metric.endswith(".requests.count"):
            route = metric[len(PREFIX):-len(".requests.count")]
            if route not in routes and any(carbon.stored(metric, since, until).values()):
                found.append((route, since, "requests.count", carbon.stored(metric, since, until), "no such route"))
    return found


def unsafe_names(carbon):
    """Metrics that carbon would split, drop or choke on."""
    return [m for m in carbon.metrics() if len(m) > 4000 or not all(NODE.fullmatch(node) for node in m.split("."))]


def settle(lab, carbon, truth, points, seconds, excuse=()):
    """Wait until whisper equals the truth, at most `seconds`, and check that it stays so."""
    begin, deadline = time.monotonic(), time.monotonic() + seconds
    while (found := differences(carbon, truth, points, excuse)) and time.monotonic() < deadline:
        time.sleep(0.5)
    waited = time.monotonic() - begin
    if not found:
        time.sleep(1.5)
        found = differences(carbon, truth, points, excuse)
    lab.expect(f"all {len(truth.cells)} cells of {len(truth.routes())} routes are in whisper as in the log", not found,
               f"{len(found)} points differ, first (route, slot, metric, stored, true): {found[:8]}")
    lab.note(f"{len(truth.cells)} cells of {len(truth.routes())} routes, {len(truth.requests)} lines; "
             f"settled within {waited:.1f} s of asking")
    bad = unsafe_names(carbon)
    lab.expect("every metric has a safe name", not bad, bad[:5])
    return not found


def lines(lab, config, truth, route, since, until, codes=(0,)):
    """`spikeline lines` of [since, until) in seconds: by overlap and by end, the slow ones and all of them."""
    for flags, by, every in (((), "overlap", False), (("--by", "end"), "end", False), (("--all",), "overlap", True),
                             (("--by", "end", "--all"), "end", True)):
        code, got, err = subject.lines(config, route, since, until, *flags)
        true = truth.select(route, since * 1000, until * 1000, by, every)
        missing, extra = surplus(true, got), surplus(got, true)
        where = f"lines --route {route} --from {since} --until {until} {' '.join(flags)}"
        lab.expect(where, not missing and not extra,
                   f"{len(true)} true, {len(missing)} missing {missing[:2]}, {len(extra)} extra {extra[:2]}; {err[-600:]}")
        lab.expect(f"exit code of {where}", code in (codes if true else (1,)), f"{code}; {err[-600:]}")


def surplus(some, others):
    """What stands in `some` more often than in `others`."""
    return list((collections.Counter(some) - collections.Counter(others)).elements())
