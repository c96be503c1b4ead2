"""The figures of the page and the read APIs, as a Markdown table: wall time, and the server's own CPU time beside it.

    year    first paint of a store of a year: the page, and all that it asks for to draw
    day     the heatmap of a day of 1 M cells; a box of 2 minutes and a route to its lines
    crowd   10,000 idle and 200 busy connections for a minute, while 20,000 lines/s come in
"""
import argparse
import asyncio
import json
import os
import random
import resource
import shutil
import statistics
import tempfile
import threading
import time
import urllib.request

import peers
import subject
from bench import TICKS, row

FORMAT = "$remote_addr - - [$time_local] \"$request\" $status $body_bytes_sent \"$http_user_agent\" rt=$request_time ua=$upstream_addr msec=$msec"
# 2011-11-30 00:00:00 UTC.
DAY = 1_322_611_200
AGENTS = ("Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0", "curl/8.5.0")


def line(end, seconds, route, number):
    """One request, in FORMAT."""
    stamp = time.strftime("%d/%b/%Y:%H:%M:%S +0000", time.gmtime(int(end)))
    return (f"198.51.100.{number % 250} - - [{stamp}] \"GET /r/{route}/{number % 9973}?page={number % 7} HTTP/1.1\" {502 if number % 499 == 0 else 200} "
            f"{number % 4096} \"{AGENTS[number % 2]}\" rt={seconds:.3f} ua=10.0.0.{number % 3}:80 msec={end:.3f}\n")


def durations(rng, count=4096):
    """Durations to choose from: log-normal, one in ten over a second."""
    return [min(rng.lognormvariate(-1.2, .95), 60) for _ in range(count)]


def write_log(path, begin, seconds, lines, routes):
    """So many requests of so many routes, evenly over the time; each slot of 10 s has all routes where there are enough."""
    rng = random.Random(1)
    took = durations(rng)
    with open(path, "w", buffering=1 << 20) as file:
        for number in range(lines):
            end = begin + seconds * number / lines
            file.write(line(end, took[rng.getrandbits(12)], f"r{number % routes:03d}", number))
    return os.path.getsize(path)


def config(folder, log, more=""):
    """The configuration of a store of this log."""
    path = os.path.join(folder, f"{os.path.basename(log)}.toml")
    with open(path, "w") as file:
        file.write(f"store = \"{log}.store\"\nhost = \"web1\"\n[[log]]\npath = \"{log}\"\nformat = '{FORMAT}'\n"
                   f"[[route]]\nname = \"app.{{route}}\"\npath = \"/r/{{route}}/*\"\n[slow]\nthreshold = \"1s\"\n{more}")
    return path


def indexed(folder, name, begin, seconds, lines, routes):
    """A log, its store, and how large they are."""
    log = os.path.join(folder, name)
    size = write_log(log, begin, seconds, lines, routes)
    where, clock = config(folder, log), time.monotonic()
    code, _, said = subject.command("index", "--config", where, log, seconds=3600)
    if code:
        raise RuntimeError(said)
    print(f"<!-- {name}: {lines:,} lines, {size / 1e6:.0f} MB, indexed in {time.monotonic() - clock:.0f} s -->", flush=True)
    return where


class Served:
    """`serve`, or `run`, and what it costs."""

    def __init__(self, folder, command, where):
        self.port, = peers.free_ports(1)
        self.process = peers.Process(folder, command, [subject.binary(), command, "--config", where, "--listen", f"127.0.0.1:{self.port}"])
        self.process.wait_for(self.port, 60)

    def cpu(self):
        """Seconds of CPU so far."""
        with open(f"/proc/{self.process.pid}/stat") as file:
            fields = file.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / TICKS

    def memory(self):
        """The most that it held, in MiB."""
        with open(f"/proc/{self.process.pid}/status") as file:
            return int(next(text for text in file if text.startswith("VmHWM")).split()[1]) / 1024

    def get(self, path):
        """An answer."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=60) as answer:
            return answer.read()

    def together(self, *paths):
        """Wall and CPU seconds until all of these are there, asked for at the same time; and the answers."""
        answers = [None] * len(paths)

        def ask(number):
            answers[number] = self.get(paths[number])
        threads = [threading.Thread(target=ask, args=(number,)) for number in range(len(paths))]
        cpu, wall = self.cpu(), time.perf_counter()
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        wall = time.perf_counter() - wall
        if None in answers:
            raise RuntimeError(f"no answer to {paths[answers.index(None)]}")
        return wall, self.cpu() - cpu, answers

    def stop(self):
        """End it."""
        self.process.stop()


def figure(what, first, again, aim):
    """A row: the first time that it is asked, and the median of the times after it."""
    walls, cpus = [wall for wall, _, _ in again], [cpu for _, cpu, _ in again]
    row(what, f"first {first[0] * 1000:.0f} ms (CPU {first[1] * 1000:.0f}), then {statistics.median(walls) * 1000:.0f} ms (CPU {statistics.median(cpus) * 1000:.0f})", aim)


def first_paint(served, view=""):
    """The page with its style and script, then what that asks for at once."""
    document = served.together(f"/?{view}")
    loaded = served.together("/page.css", "/page.js")
    drawn = served.together(f"/page/overview?{view}", f"/page/routes?{view}")
    return sum(part[0] for part in (document, loaded, drawn)), sum(part[1] for part in (document, loaded, drawn)), drawn[2]


def year(folder, lines):
    """First paint of a store of a year."""
    where = indexed(folder, "year", DAY - 365 * 86_400, 365 * 86_400, lines, 40)
    served = Served(folder, "serve", where)
    try:
        for words, view in (("its last day", ""), ("all of it", f"from={DAY - 365 * 86_400}&until={DAY}")):
            first = first_paint(served, view)
            again = [first_paint(served, view) for _ in range(7)]
            shown = json.loads(first[2][0])
            figure(f"first paint of a year's store, {words} ({shown['requests']:,} of {lines:,} requests)", first, again, "< 200 ms")
    finally:
        served.stop()


def day(folder, lines):
    """The heatmap of a day of a million cells, and a box to its lines."""
    routes = 120
    where = indexed(folder, "day", DAY, 86_400, lines, routes)
    served = Served(folder, "serve", where)
    try:
        view = f"from={DAY}&until={DAY + 86_400}"
        first = served.together(f"/page/overview?{view}")
        again = [served.together(f"/page/overview?{view}") for _ in range(7)]
        figure(f"heatmap of a day, {min(lines, 8640 * routes):,} cells of route and slot", first, again, "< 300 ms")
        asked = []
        for number in range(12):
            begin = (DAY + 3600 * (number + 5)) * 1000
            asked.append(f"/page/lines?{view}&route=app.r{number * 7:03d}&box={begin},{begin + 120_000},1000,")
        first = served.together(asked[0])
        again = [served.together(path) for path in asked[1:]]
        found = json.loads(first[2][0])
        figure(f"a box of 2 minutes and a route to its lines ({found['count']} of {lines:,} requests, one in ten slow)", first, again, "< 100 ms")
    finally:
        served.stop()


async def idle(port, held, until, closed):
    """One who connects and says nothing; closed, comes again."""
    while time.monotonic() < until:
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            await asyncio.sleep(1)
            continue
        held.add(writer)
        try:
            await asyncio.wait_for(reader.read(1), max(until - time.monotonic(), .01))
            closed[0] += 1
        except (TimeoutError, asyncio.TimeoutError, OSError):
            pass
        held.discard(writer)
        writer.close()
        await asyncio.sleep(random.uniform(5, 15))


async def busy(port, until, answered, number):
    """One who asks, and asks again."""
    paths = ("/page/overview", "/page/routes", "/render?target=nginx.web1.app.*.request_time.p99&from=-10min&format=json", "/page.js",
             "/loki/api/v1/labels", "/metrics")
    while time.monotonic() < until:
        path = paths[number % len(paths)]
        number += 1
        begin = time.monotonic()
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
            status = (await reader.readline()).split(b" ")[1:2]
            while await reader.read(1 << 16):
                pass
            writer.close()
        except OSError:
            status = []
        answered.append((status[0].decode() if status else "closed", time.monotonic() - begin))
        await asyncio.sleep(.05)


def writing(path, rate, seconds, written):
    """So many lines a second, as nginx writes them: some milliseconds' at a time."""
    rng, number = random.Random(2), 0
    took = durations(rng)
    begin = time.monotonic()
    with open(path, "ab", buffering=0) as file:
        while (passed := time.monotonic() - begin) < seconds:
            due, now = int(rate * passed), time.time()
            if due > number:
                file.write("".join(line(now, took[rng.getrandbits(12)], f"r{n % 40:03d}", n) for n in range(number, due)).encode())
                number = due
            time.sleep(.02)
    written.append(number)


def crowd(folder, idlers, busies, rate, seconds):
    """Many who are connected, while lines come in."""
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(20_000, resource.getrlimit(resource.RLIMIT_NOFILE)[1]),) * 2)
    log = os.path.join(folder, "live")
    open(log, "w").close()
    served = Served(folder, "run", config(folder, log))
    # One writes as nginx does, in a process of its own.
    writer = os.fork()
    if writer == 0:
        written = []
        writing(log, rate, seconds, written)
        with open(f"{log}.count", "w") as file:
            file.write(str(written[0]))
        os._exit(0)
    cpu, lags, held, closed, answered = served.cpu(), [], set(), [0], []
    until = time.monotonic() + seconds

    def lag():
        # Its clock says until when it has read; asked on a way of its own.
        while time.monotonic() < until:
            time.sleep(1)
            try:
                text = served.get("/metrics").decode()
                lags.append(float(next(row for row in text.splitlines() if row.startswith("spikeline_lag_seconds")).split()[1]))
            except (OSError, StopIteration):
                pass
    watch = threading.Thread(target=lag)
    watch.start()

    async def all_of_them():
        async def most():
            best = 0
            while time.monotonic() < until:
                best = max(best, len(held))
                await asyncio.sleep(.5)
            return best
        tasks = [idle(served.port, held, until, closed) for _ in range(idlers)] + [busy(served.port, until, answered, n) for n in range(busies)]
        return (await asyncio.gather(most(), *tasks))[0]
    most = asyncio.run(all_of_them())
    watch.join()
    os.waitpid(writer, 0)
    with open(f"{log}.count") as file:
        written = int(file.read())
    begin, parsed = time.monotonic(), 0
    while parsed < written and time.monotonic() - begin < 60:
        rows = served.get("/metrics").decode().splitlines()
        parsed = int(next(row for row in rows if row.startswith("spikeline_lines_total{result=\"parsed\"}")).split()[1])
        time.sleep(.05)
    behind = time.monotonic() - begin
    cpu, memory = served.cpu() - cpu, served.memory()
    served.stop()
    good = sorted(took for status, took in answered if status == "200")
    statuses = {status: sum(1 for held, _ in answered if held == status) for status in sorted({status for status, _ in answered})}
    row(f"{idlers:,} who say nothing, {busies} who ask without end, {seconds} s: lines read of {written:,} written ({written / seconds:,.0f}/s)", f"{parsed:,}", "all")
    row("the most at a time that said nothing; closed to make room", f"{most:,}; {closed[0]:,}")
    row("answers by status; half of the 200s within, 99 % within", f"{statuses}; {good[len(good) // 2] * 1000:.0f} ms, {good[len(good) * 99 // 100] * 1000:.0f} ms" if good else statuses)
    row("lag of the daemon meanwhile, the worst; all read after the last line", f"{max(lags, default=-1):.2f} s of {len(lags)} looks; {behind:.2f} s", "< 2 s")
    row("memory at most; CPU", f"{memory:.0f} MiB; {cpu:.0f} s in {seconds} s", "< 256 MiB")


def main():
    """The table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", nargs="*", default=["year", "day", "crowd"])
    parser.add_argument("--lines", type=int, default=2_000_000, help="of each log")
    parser.add_argument("--idle", type=int, default=10_000)
    parser.add_argument("--busy", type=int, default=200)
    parser.add_argument("--rate", type=int, default=20_000)
    parser.add_argument("--seconds", type=int, default=60)
    given = parser.parse_args()
    subject.binary()
    folder = tempfile.mkdtemp(prefix="spikeline-bench-http-")
    try:
        row("what", "measured", "aim")
        row("---", "---", "---")
        if "year" in given.what:
            year(folder, given.lines)
        if "day" in given.what:
            day(folder, given.lines)
        if "crowd" in given.what:
            crowd(folder, given.idle, given.busy, given.rate, given.seconds)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
