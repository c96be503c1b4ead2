"""A thousand kill -9 under load, and nobody can tell: three logs are written, rotated and compressed (`writers.py`) while one daemon
follows them undisturbed and another is killed a moment after each start, also while it recovers, and on sight of a file that it
makes to seal or to merge. Then both stores give the same answers, byte for byte, both carbons hold the same points, and both are
as `truth.py` says.

What is compared as bytes is the store's image through the program: every answer of `report`, `slow` and `lines` (kept and all lines,
by overlap and by end) over every slot and over everything, as JSON lines, and the notes of its ledger. The segments' own bytes differ, since a
journal is cut where a run was killed. Left out is the name of the file that a line is read from (it is where the log was last seen; the
line itself is compared), and the daemon's own metrics, which tell of a process and not of the logs.
"""
import ctypes
import json
import os
import random
import re
import select
import signal
import struct
import time

import compare
import peers
import subject
import truth
import writers
from scenario import Scenario
from sink import Sink

LOGS = ("a", "b", "c")
OWN = f"{compare.PREFIX}spikeline."
CREATED, MOVED_IN, DELETED = 0x100, 0x80, 0x200


class Sight:
    """Sees the files that a daemon makes in its store (inotify(7))."""

    def __init__(self, *folders):
        libc = ctypes.CDLL(None, use_errno=True)
        self.descriptor = libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
        for folder in folders:
            if libc.inotify_add_watch(self.descriptor, folder.encode(), CREATED | MOVED_IN | DELETED) < 0:
                raise OSError(ctypes.get_errno(), f"inotify on {folder}")
        self.made = {}
        self.midway = False

    def look(self, seconds=0.0):
        """Whether a file was made, removed or put in force, waiting at most so long for it."""
        if not select.select([self.descriptor], [], [], seconds)[0]:
            return False
        events, at = os.read(self.descriptor, 1 << 16), 0
        while at < len(events):
            _, mask, _, length = struct.unpack_from("iIII", events, at)
            name = events[at + 16:at + 16 + length].rstrip(b"\0").decode()
            at += 16 + length
            if mask & DELETED:
                continue
            self.midway = not (mask & MOVED_IN and name == "manifest")
            kind = "manifest" if name == "manifest" else re.sub(r"\d+", "n", name)
            self.made[kind] = self.made.get(kind, 0) + 1
        return True


class Killer:
    """Starts a daemon again and again, and does not let it live."""

    def __init__(self, daemon, store, rng):
        self.daemon, self.store, self.rng = daemon, store, rng
        self.sight = Sight(store, os.path.join(store, "segments"))
        self.early = self.midway = self.seen = 0

    def once(self):
        """Kill what runs, after a moment of life, and start it again; whether it had ended by itself."""
        before = self.journal()
        self.sight.look()
        self.sight.midway, begin = False, time.monotonic()
        chance = self.rng.random()
        if chance < 0.3:
            if self.sight.look(0.7):
                self.seen += 1
                time.sleep(self.rng.choice((0, 0, 0.0005, 0.002, 0.005)))
        else:
            if chance > 0.75:
                # However slow the machine is, some get as far as to commit and to send.
                peers.until("a commit", 30, lambda: self.journal() != before, 0.005)
            time.sleep(self.rng.uniform(0, 0.12 if chance < 0.5 else 0.7))
        alive = self.daemon.running()
        self.daemon.kill()
        while self.sight.look():
            pass
        self.midway += self.sight.midway
        self.early += self.journal() == before
        self.daemon.start()
        return alive, time.monotonic() - begin

    def journal(self):
        """The journals there are, and their lengths: they change with the first commit."""
        found = []
        for name in sorted(os.listdir(self.store)):
            if name.startswith("journal-"):
                try:
                    found.append((name, os.stat(os.path.join(self.store, name)).st_size))
                except FileNotFoundError:
                    pass
        return found


def configured(lab, name):
    """A configuration, a sink and a daemon of its own, following the same logs."""
    sink, folder = lab.run(Sink()), os.path.join(lab.work, name)
    os.makedirs(os.path.join(folder, "store", "segments"))
    logs = [os.path.join(lab.work, "logs", f"{log}.log") for log in LOGS]
    config = subject.write_config(folder, logs, sink, extra="archive = true")
    with open(config, "a") as file:
        file.write('spool = "72h"\n')
    return config, sink, lab.run(subject.Daemon(folder, config))


def wanted(true):
    """{(metric, second): value} that must be at carbon."""
    return {(f"{compare.PREFIX}{route}.{metric}", slot // 1000): value
            for (route, slot), cell in true.cells.items() for metric, value in truth.points(cell).items()}


def last_values(sink):
    """The last value of each point but the daemon's own; zeros of quiet routes apart."""
    points, lines, connections = sink.points()
    last = {key: float(values[-1]) for key, values in points.items() if not key[0].startswith(OWN)}
    quiet = {key for key, values in points.items() if key[0].endswith(".requests.count") and {float(v) for v in values} == {0}}
    return {key: value for key, value in last.items() if key not in quiet}, points, lines, connections


def wrong(last, want):
    """The points that are not as they must be, in either direction."""
    found = [(key, last.get(key), value) for key, value in want.items()
             if not compare.same(key[0][len(compare.PREFIX):], last.get(key), value)]
    return found + [(key, value, None) for key, value in last.items()
                    if key not in want and value != 0 and compare.COUNTED.search(key[0]) and not key[0].endswith(".499")]


def settle(lab, sinks, true, seconds):
    """Wait until both carbons hold what is true; their last values."""
    want, deadline = wanted(true), time.monotonic() + seconds
    while True:
        last = {name: last_values(sink) for name, sink in sinks.items()}
        found = {name: wrong(values, want) for name, (values, *_) in last.items()}
        if not any(found.values()) or time.monotonic() > deadline:
            break
        time.sleep(1)
    for name, differ in found.items():
        lab.expect(f"carbon of the {name} daemon holds the truth", not differ, f"{len(differ)} differ: {differ[:5]}")
    return last


def same_points(lab, last):
    """What both carbons were sent."""
    (whole, _, lines, _), (killed, points, all_lines, connections) = last["whole"], last["killed"]
    differ = [(key, whole.get(key), killed.get(key)) for key in whole.keys() | killed.keys() if whole.get(key) != killed.get(key)]
    lab.expect("every point is the same", not differ, f"{len(differ)} differ: {differ[:5]}")
    lab.note(f"{len(whole)} points equal; {lines} were sent by the one, {all_lines} over {connections} connections by the other")
    counts = [(key, [float(value) for value in values]) for key, values in points.items() if key[0].endswith(".requests.count")]
    fallen = [(key, values) for key, values in counts if values != sorted(values) and not key[0].startswith(OWN)]
    lab.expect("no count ever falls: a slot sent again is never poorer", not fallen, f"{len(fallen)}: {fallen[:3]}")


def plain(out, err):
    """An answer without where it was found and when: the lines of JSON, sorted as bytes, and the ledger's notes."""
    rows = []
    for line in out.splitlines():
        row = json.loads(line)
        row.pop("file", None)
        row["sample_locators"] = [re.sub(r".*@", "", locator) for locator in row.get("sample_locators", ())]
        if row.get("typical_locator"):
            row["typical_locator"] = re.sub(r".*@", "", row["typical_locator"])
        rows.append(json.dumps(row, sort_keys=True).encode())
    notes = sorted(re.sub(r"(line|lines) of \S+", r"\1 of a log", note) for note in err.splitlines() if note.startswith("note: "))
    return sorted(rows), notes


def questions(true):
    """All that a store is asked."""
    first, last = min(r.end for r in true.requests) // 1000 - 10, max(r.end for r in true.requests) // 1000 + 10
    windows = [(slot // 1000, slot // 1000 + 10) for slot in sorted({slot for _, slot in true.cells})]
    for since, until in [(first, last), *windows]:
        window = ("--from", since, "--until", until)
        yield ("report", *window)
        yield ("slow", "--limit", 1000, "--samples", 3, *window)
        yield ("lines", *window)
        yield ("lines", "--by", "end", *window)
        if (since, until) != (first, last):
            yield ("lines", "--all", *window)
            yield ("lines", "--all", "--by", "end", *window)


def same_answers(lab, configs, true):
    """Ask both stores everything."""
    asked = size = 0
    ids, before = [], len(lab.failed)
    for question in questions(true):
        answers = {}
        for name, config in configs.items():
            code, out, err = subject.command(*question, "--format", "jsonl", "--config", config)
            answers[name] = (code, *plain(out, err))
            asked, size = asked + 1, size + len(out)
        codes = {answer[0] for answer in answers.values()}
        lab.expect(f"{question} is answered whole", codes <= {0, 1} and len(codes) == 1, (codes, err[-500:]))
        if answers["whole"] != answers["killed"]:
            for index, what in ((1, "rows"), (2, "notes")):
                one, other = answers["whole"][index], answers["killed"][index]
                lab.expect(f"{question}: the same {what}", one == other,
                           f"missing {compare.surplus(one, other)[:2]}, extra {compare.surplus(other, one)[:2]}")
        if question[:4] == ("lines", "--all", "--by", "end"):
            ids += re.findall(rb"id=([abc]\d+)", b"\n".join(answers["killed"][1]))
    lines = [re.search(rb"id=([abc]\d+)", request.raw).group(1) for request in true.requests]
    lab.expect("every line is in the answers, once", sorted(ids) == sorted(lines), (len(ids), len(lines)))
    lab.note(f"{asked} answers, {size >> 20} MiB, compared; {len(lab.failed) - before} findings")


def main():
    """Run the scenario."""
    with Scenario(__doc__, kills=(1000, 20), rate=(900, 600), seed=(1, 1)) as lab:
        rng = random.Random(lab.args.seed)
        folder = os.path.join(lab.work, "logs")
        os.makedirs(folder)
        writer = lab.run(peers.Process(lab.work, "writers", [peers.PYTHON, writers.__file__, folder, str(lab.args.rate), str(lab.args.seed)]))
        peers.until("the logs", 10, lambda: all(os.path.exists(os.path.join(folder, f"{log}.log")) for log in LOGS))
        both = {name: configured(lab, name) for name in ("whole", "killed")}
        configs, sinks = {name: c for name, (c, _, _) in both.items()}, {name: s for name, (_, s, _) in both.items()}
        store, daemon = os.path.join(lab.work, "killed", "store"), both["killed"][2]
        killer, lives = Killer(daemon, store, rng), []
        begin = time.monotonic()
        for _ in range(lab.args.kills):
            alive, life = killer.once()
            lives.append(life)
            if not lab.expect("the daemon lived until it was killed", alive, daemon.output()[-2000:]):
                break
        seconds = time.monotonic() - begin
        writer.stop(signal.SIGTERM)
        files = [name for log in LOGS for name in truth.generations(os.path.join(folder, f"{log}.log"))]
        true = truth.Truth(files, truth.lab_route)
        made = killer.sight.made
        lab.note(f"{len(lives)} kills in {seconds:.0f} s: {killer.early} before the first commit of their run, {killer.midway} between a new "
                 f"file and the manifest that names it, {killer.seen} on sight of a file; made: {made}")
        lab.note(f"{len(true.requests)} lines of {len(files)} files, {len(true.rejected)} no lines; {len(true.cells)} cells of "
                 f"{len({slot for _, slot in true.cells})} slots and {len(true.routes())} routes")
        last = settle(lab, sinks, true, 90)
        same_points(lab, last)
        same_answers(lab, configs, true)
        for name, (_, _, running) in both.items():
            lab.expect(f"the {name} daemon runs still, and stops cleanly", running.running() and running.stop() == 0, running.output()[-2000:])
        for name, config in configs.items():
            code, out, err = subject.command("verify", "--config", config, seconds=600)
            lab.expect(f"verify of the {name} store finds no difference", code == 0 and not out, f"{code} {out[:1000]} {err[-1000:]}")
            lab.note(f"{name}: {err.splitlines()[-1] if err else ''}")
        route = rng.choice(true.routes())
        at = rng.choice(true.requests).end // 1000
        # Not into the time after the stop, of which nobody has read.
        compare.lines(lab, configs["killed"], true, route, at - 30, at)


if __name__ == "__main__":
    main()
