"""The figures of spikeline, measured in one run on one machine beside `wc -l`; prints a Markdown table.

    report   `report` on a generated log: time beside `wc -l`, memory
    daemon   catching up with the same log, its cost at 1,000 lines/s, wake-ups when idle, how soon lines and points are there
"""
import argparse
import csv
import io
import os
import shutil
import statistics
import subprocess
import tempfile
import threading
import time

import generated
import hostile_requests
import latency
import peers
import subject

TICKS = os.sysconf("SC_CLK_TCK")


def timed(*command):
    """(wall seconds, peak RSS in MiB, exit code) of one command, its output thrown away."""
    begin = time.perf_counter()
    child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    said = child.stderr.read()
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        raise RuntimeError(f"{command} ended with {child.returncode}: {said.decode('utf-8', 'replace')[-800:]}")
    return time.perf_counter() - begin, usage.ru_maxrss / 1024


def row(what, value, aim=""):
    """A row of the table."""
    print(f"| {what} | {value} | {aim} |", flush=True)


def report():
    """The command that is measured."""
    return subject.binary(), "report", "--log-format", generated.LOG_FORMAT, "--format", "csv"


def bench_report(log, runs=7):
    """`report` beside `wc -l`."""
    timed("wc", "-l", log)
    size = os.path.getsize(log) / 1e6
    base, one, two, ratios, memory = [], [], [], [], 0
    for _ in range(runs):
        base.append(timed("wc", "-l", log)[0])
        wall, rss = timed(*report(), "--threads", "1", log)
        one.append(wall)
        memory = max(memory, rss)
        ratios.append(wall / base[-1])
        two.append(timed(*report(), "--threads", "2", log)[0])
    row(f"`wc -l` on {size:.0f} MB, warm (median of {runs})", f"{statistics.median(base):.3f} s")
    row("`report --threads 1`", f"{statistics.median(one):.2f} s, {size / statistics.median(one):.0f} MB/s")
    row("`report --threads 1` / `wc -l` (median of pairs; least / least)",
        f"{statistics.median(ratios):.1f}; {min(one) / min(base):.1f}", "<= 8")
    row("`report --threads 2`", f"{statistics.median(two):.2f} s, {size / statistics.median(two):.0f} MB/s")
    row("peak RSS of `report --threads 1`", f"{memory:.0f} MiB", "<= 128 MiB")


def counted(config, span):
    """How many requests `report` from the store knows."""
    code, out, _ = subject.command("report", "--config", config, "--from", span[0], "--until", span[1], "--format", "csv")
    return sum(int(r["count"]) for r in csv.DictReader(io.StringIO(out.decode()))) if code == 0 else 0


def caught_up(daemon, store, begin):
    """Seconds from `begin` until the last of the backlog was committed.

    Asking the store would take a processor from the daemon: the journal tells by its growth. A commit that only says that
    all was read is smaller; sealing and merging, which come when there is time, make other files."""
    known, at = {}, begin
    while cpu_seconds(daemon.process.pid) < 0.5 or time.perf_counter() - at < 2:
        if not daemon.running() or time.perf_counter() - begin > 300:
            raise RuntimeError(daemon.output()[-800:])
        time.sleep(0.01)
        for name in os.listdir(store) if os.path.isdir(store) else ():
            if name.startswith("journal-"):
                try:
                    size = os.path.getsize(os.path.join(store, name))
                except FileNotFoundError:
                    continue
                if size > known.setdefault(name, size) + 1024:
                    at = time.perf_counter()
                known[name] = size
    return at - begin


def catch_up(work, log, lines):
    """(seconds, peak RSS in MiB, MB of store) until the store knows every line of a backlog."""
    folder = tempfile.mkdtemp(dir=work)
    config, backlog = os.path.join(folder, "backlog.toml"), os.path.join(folder, "backlog.log")
    os.symlink(log, backlog)
    with open(config, "w") as file:
        file.write(f'store = "{folder}/store"\nhost = "bench"\n[[log]]\npath = "{backlog}"\n'
                   f'format = {subject.quoted(generated.LOG_FORMAT)}\n')
    span = 1_718_000_000 - 86400, 1_718_000_000 + 86400
    begin = time.perf_counter()
    daemon = subject.Daemon(folder, config)
    try:
        seconds = caught_up(daemon, f"{folder}/store", begin)
        if (known := counted(config, span)) != lines:
            raise RuntimeError(f"quiet, but the store knows {known} of {lines} lines")
        with open(f"/proc/{daemon.process.pid}/status") as status:
            peak = next(int(s.split()[1]) for s in status if s.startswith("VmHWM")) / 1024
    finally:
        daemon.stop()
    stored = sum(os.path.getsize(os.path.join(d, f)) for d, _, files in os.walk(f"{folder}/store") for f in files)
    shutil.rmtree(folder)
    return seconds, peak, stored / 1e6


def bench_catch_up(work, log, runs=5):
    """The time until the store knows every line of a backlog, beside `report`."""
    lines = int(subprocess.check_output(["wc", "-l", log]).split()[0])
    rounds, reports = [], []
    for _ in range(runs):
        reports.append(timed(*report(), "--threads", "1", log)[0])
        rounds.append(catch_up(work, log, lines))
    seconds = [seconds for seconds, _, _ in rounds]
    ratios = [one / seconds for one, (seconds, _, _) in zip(reports, rounds)]
    row(f"daemon catches up with {lines / 1e6:.2f} M lines (median of {runs})", f"{statistics.median(seconds):.2f} s, "
        f"peak RSS {max(peak for _, peak, _ in rounds):.0f} MiB, store {rounds[0][2]:.1f} MB")
    row("its speed / `report --threads 1` (median of pairs; least / least)",
        f"{statistics.median(ratios):.2f}; {min(reports) / min(seconds):.2f}", ">= 0.5")


def cpu_seconds(pid):
    """User and system time of a process so far."""
    with open(f"/proc/{pid}/stat") as stat:
        fields = stat.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def switches(pid):
    """Voluntary context switches of all threads of a process so far: how often it woke up."""
    total = 0
    for thread in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{thread}/status") as status:
            total += next(int(s.split()[1]) for s in status if s.startswith("voluntary_ctxt_switches"))
    return total


def write_lines(path, rate, seconds):
    """Append lines of the lab's format at a steady rate, in steps of 20 ms."""
    rng = __import__("random").Random(9)
    requests = [b"GET /p/%b/x%d HTTP/1.1" % (name, n) for name in (b"git", b"svn", b"hg") for n in range(200)] + [b"GET /login HTTP/1.1"]
    begin, done = time.monotonic(), 0
    with open(path, "ab", buffering=0) as file:
        while (gone := time.monotonic() - begin) < seconds:
            count, now = int(gone * rate) - done, time.time_ns() // 1_000_000
            file.write(b"".join(hostile_requests.whole(rng, now, rng.choice(requests), b"200") + b"\n" for _ in range(count)))
            done += count
            time.sleep(0.02)


def bench_cost(work, seconds=30):
    """CPU at 1,000 lines a second, and wake-ups when there is nothing to do."""
    carbon, log = peers.Carbon(work, retention="10s:1h"), os.path.join(work, "steady.log")
    open(log, "w").close()
    daemon = subject.Daemon(work, subject.write_config(work, [log], carbon, store=os.path.join(work, "steady")))
    try:
        writer = threading.Thread(target=write_lines, args=(log, 1000, seconds + 4))
        writer.start()
        time.sleep(3)
        begin, at = cpu_seconds(daemon.process.pid), time.monotonic()
        time.sleep(seconds)
        used = (cpu_seconds(daemon.process.pid) - begin) / (time.monotonic() - at)
        writer.join()
        row(f"daemon's CPU at 1,000 lines/s over {seconds} s", f"{used * 100:.2f} % of a core", "< 2 %")
    finally:
        daemon.stop()
    quiet = os.path.join(work, "quiet.log")
    open(quiet, "w").close()
    idle = subject.Daemon(work, subject.write_config(work, [quiet], carbon, store=os.path.join(work, "quiet"), name="quiet.toml"))
    try:
        time.sleep(5)
        begin, cpu = switches(idle.process.pid), cpu_seconds(idle.process.pid)
        time.sleep(10)
        row("wake-ups of an idle daemon (its poll: 4 a second)", f"{(switches(idle.process.pid) - begin) / 10:.1f} a second, "
            f"{(cpu_seconds(idle.process.pid) - cpu) * 10:.2f} % CPU", "its poll")
    finally:
        idle.stop()
        carbon.stop()


def bench_latency(work):
    """From line to `lines`, from slot to carbon, under load."""
    application, carbon = peers.Application(work), peers.Carbon(work)
    nginx = peers.Nginx(work, application)
    config = subject.write_config(work, [nginx.log_path], carbon, store=os.path.join(work, "latency"), name="latency.toml")
    daemon = subject.Daemon(work, config)
    try:
        load = peers.Load(work, [f"{nginx.port}:"], 200, 45)
        time.sleep(2)
        row("line written -> in `lines` (20 probes)", latency.said([latency.line_to_lines(nginx, config) for _ in range(20)]), "<= 2 s")
        row("end of slot -> at carbon (3 slots)", latency.said([latency.slot_to_carbon(carbon, "webapp.backend.git") for _ in range(3)]), "<= 3 s")
        load.finish(early=True)
    finally:
        for thing in (daemon, carbon, nginx, application):
            thing.stop()


def main():
    """Measure what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", nargs="?", default="all", choices=("report", "daemon", "all"))
    parser.add_argument("--bytes", type=int, default=1_000_000_000)
    args = parser.parse_args()
    log, _ = generated.log(args.bytes)
    work = tempfile.mkdtemp(prefix="spikeline-bench-")
    try:
        print("| what | measured | aim |\n|---|---|---|", flush=True)
        if args.what != "daemon":
            bench_report(log)
        if args.what != "report":
            bench_catch_up(work, log)
            for bench in (bench_cost, bench_latency):
                os.mkdir(folder := os.path.join(work, bench.__name__))
                bench(folder)
    finally:
        shutil.rmtree(work, ignore_errors=True)


if __name__ == "__main__":
    main()
