"""`scripts/bench index`: the index at size, beside Parquet, DuckDB and SQLite on the same columns in the same run.

Needs duckdb and pyarrow (pip install duckdb pyarrow; PYTHON=.. names the python that has them); without them only the
index's own figures are printed. The slow entries are generated (benches/traffic) and go through the store's writer.
"""
import datetime
import json
import os
import random
import re
import shutil
import sqlite3
import subprocess
import sys
import time

import generated

try:
    import duckdb
    import pyarrow
    import pyarrow.parquet
except ImportError:
    duckdb = None

START, WINDOW = 1_322_611_200_000, 120_000
COLUMNS = [("start", "int64"), ("duration", "uint32"), ("route", "uint16"), ("status", "uint16"), ("upstream", "int32"),
           ("kept", "uint8"), ("generation", "uint16"), ("offset", "uint64"), ("length", "uint16")]
WIDTH = {"int64": 8, "uint64": 8, "uint32": 4, "int32": 4, "uint16": 2, "uint8": 1}
STEP = 1 << 20


def row(what, value, aim=""):
    print(f"| {what} | {value} | {aim} |", flush=True)


def bench(*words):
    """What benches/index.rs prints, as a dict."""
    out = subprocess.check_output([os.environ["INDEX_BENCH"], *map(str, words)], text=True)
    return {name: float(value) for name, value in (line.split() for line in out.splitlines())}


def batches(folder):
    """The columns, a million rows at a time."""
    maps = {name: pyarrow.memory_map(os.path.join(folder, name)) for name, _ in COLUMNS}
    rows = maps["kept"].size()
    schema = pyarrow.schema([(name, getattr(pyarrow, kind)()) for name, kind in COLUMNS])
    for begin in range(0, rows, STEP):
        count = min(STEP, rows - begin)
        arrays = []
        for name, kind in COLUMNS:
            width = WIDTH[kind]
            buffer = maps[name].read_at(count * width, begin * width)
            buffer = pyarrow.py_buffer(buffer)
            arrays.append(pyarrow.Array.from_buffers(getattr(pyarrow, kind)(), count, [None, buffer]))
        yield pyarrow.record_batch(arrays, schema=schema)


def parquet(folder, path):
    """Write the columns as Parquet with zstd; its bytes."""
    writer = None
    for batch in batches(folder):
        if writer is None:
            writer = pyarrow.parquet.ParquetWriter(path, batch.schema, compression="zstd")
        writer.write_batch(batch, row_group_size=STEP)
    writer.close()
    return os.path.getsize(path)


def quantiles(times):
    times.sort()
    return times[len(times) // 2] * 1e6, times[len(times) * 99 // 100] * 1e6


def windows(last, count, seed=7):
    """Random windows of two minutes, each with any of the routes."""
    rng = random.Random(seed)
    routes = rng.choices(range(440), k=count)
    return [(route, begin, begin + WINDOW) for route in routes for begin in [rng.randrange(START, max(last - WINDOW, START + 1))]]


# Requests that ended in the window. `start` prunes what ended too early or began too late; no request is longer than a day.
QUERY = ("select start, duration, route, status, upstream, kept, generation, \"offset\", length from {} where route = ? "
         "and start + duration >= ? and start + duration < ? and start < ? and start >= ? - 86400000")


def timed(execute, asked):
    times, found = [], 0
    for route, begin, until in asked:
        # The best of three, as for the index.
        best = []
        for _ in range(3):
            at = time.perf_counter()
            hits = len(execute((route, begin, until, until, begin)))
            best.append(time.perf_counter() - at)
        times.append(min(best))
        found += hits
    return (*quantiles(times), found / len(asked))


def beside_duckdb(work, columns, path, count):
    base = duckdb.connect(os.path.join(work, "duck.db"))
    base.execute("set threads = 1")
    base.execute("set enable_progress_bar = false")
    base.execute("set memory_limit = '3GB'")
    base.execute(f"create table entries as select * from read_parquet('{path}')")
    base.execute("checkpoint")
    last = base.execute("select max(start) from entries").fetchone()[0]
    figures = {}
    for name, source, queries in [("DuckDB, its own table", "entries", 400), ("DuckDB on the Parquet file", f"read_parquet('{path}')", 60)]:
        query = QUERY.format(source)
        asked = windows(last, queries)
        timed(lambda values: base.execute(query, values).fetchall(), asked[:5])
        figures[name] = timed(lambda values: base.execute(query, values).fetchall(), asked)
    base.close()
    size = os.path.getsize(os.path.join(work, "duck.db"))
    os.remove(os.path.join(work, "duck.db"))
    return figures, size, last


def beside_sqlite(work, columns, last):
    path = os.path.join(work, "lite.db")
    base = sqlite3.connect(path)
    base.execute("pragma journal_mode = off")
    base.execute("pragma synchronous = off")
    base.execute("create table entries (start, duration, route, status, upstream, kept, generation, \"offset\", length)")
    for batch in batches(columns):
        lists = [column.to_pylist() for column in batch.columns]
        base.executemany("insert into entries values (?,?,?,?,?,?,?,?,?)", zip(*lists))
        del lists
    base.execute("create index by_route on entries (route, start + duration)")
    base.commit()
    query = ("select * from entries where route = ? and start + duration >= ? and start + duration < ?")
    figures = timed(lambda values: base.execute(query, values[:3]).fetchall(), windows(last, 2000))
    base.close()
    size = os.path.getsize(path)
    os.remove(path)
    return figures, size


def pair(p50, p99):
    return f"{p50:,.0f} / {p99:,.0f} us"


def entries(work, count):
    """Slow entries alone: bytes, and looking them up."""
    store, columns, path = (os.path.join(work, name) for name in ("entries", "columns", "entries.parquet"))
    figures = bench("entries", store, count)
    own = bench("lookup", store)
    million = f"{figures['entries'] / 1e6:g} M entries"
    row(f"**{million}**: bytes each", f"{figures['bytes_per_entry']:.2f}")
    row(f"{million}: segments; written at; memory", f"{figures['segments']:.0f}; {figures['write_us_per_entry']:.2f} us each, merging "
        f"at most {figures['longest_tend_ms']:,.0f} ms at a time; {figures['peak_mib']:.0f} MiB")
    row(f"{million}: 2 min + route, in flight, p50 / p99", f"{pair(own['overlap_p50_us'], own['overlap_p99_us'])}, "
        f"{own['overlap_found']:.0f} found", "100 / 1,000 us")
    row(f"{million}: the same with routes asked for as often as they occur", f"{pair(own['overlap_popular_p50_us'], own['overlap_popular_p99_us'])}, "
        f"{own['overlap_popular_found']:.0f} found")
    row(f"{million}: 2 min + route, ended, p50 / p99", f"{pair(own['end_p50_us'], own['end_p99_us'])}, {own['end_found']:.0f} found")
    row(f"{million}: opening; memory after 8,000 look-ups", f"{own['open_ms']:.1f} ms; {own['lookup_peak_mib']:.0f} MiB")
    if not duckdb:
        return row("Parquet, DuckDB, SQLite", "no duckdb and pyarrow in this python")
    bench("columns", store, columns)
    rows = os.path.getsize(os.path.join(columns, "kept"))
    assert rows == figures["entries"], (rows, figures)
    size = parquet(columns, path)
    row(f"{million}: Parquet, zstd", f"{size / rows:.2f} bytes each; the index is {figures['bytes_per_entry'] * rows / size:.2f} x", "<= 0.95 x")
    others, duck, last = beside_duckdb(work, columns, path, count)
    for name, (p50, p99, found) in others.items():
        row(f"{million}: the same in {name}, p50 / p99", f"{pair(p50, p99)}, {found:.0f} found; "
            f"{p50 / own['end_p50_us']:.0f} x the index's p50", ">= 20 x")
    row(f"{million}: DuckDB's table", f"{duck / rows:.2f} bytes each")
    (p50, p99, found), lite = beside_sqlite(work, columns, last)
    row(f"{million}: SQLite, indexed by route and end, p50 / p99", f"{pair(p50, p99)}, {found:.0f} found; {lite / rows:.1f} bytes each")


def whole_log(work, gb):
    """All that is kept of a log: shares, opening, reports."""
    store = os.path.join(work, "log")
    figures = bench("log", store, gb)
    opened = [bench("open", store) for _ in range(5)]
    row(f"**A day's log of {gb} GB**: index of all lines", f"{figures['blocks_share'] * 100:.3f} % of the log", "<= 0.3 %")
    row("the whole store (440 routes; 1 % of lines slow)", f"{figures['store_share'] * 100:.2f} % of the log")
    row(f"opening it, {figures['journal_mib']:.1f} MiB of journal; memory",
        f"{min(o['open_ms'] for o in opened):.1f} ms; {opened[0]['open_peak_mib']:.0f} MiB", "<= 50 ms; 32 MiB")
    row("a report of the day; of ten minutes", f"{figures['report_day_ms']:,.0f}; {figures['report_10min_ms']:,.0f} ms")


def histograms(work):
    figures = bench("histograms", os.path.join(work, "histograms"))
    for name, what in [("narrow", "median 20 ms, sigma 0.5"), ("usual", "80 ms, 0.7"), ("wide", "200 ms, 1.0"), ("slow", "1.5 s, 0.8")]:
        row(f"histogram of 10,000 samples, lognormal, {what}", f"{figures[f'histogram_{name}_bytes']:.0f} bytes, "
            f"{figures[f'histogram_{name}_buckets']:.0f} buckets", "<= 650 bytes")


BLOCK = 256 * 1024


def read_by(words, log, trace):
    """Runs a command under strace; what it printed, and how many bytes it read, from disk or cache: of the log, and of all else."""
    traced = ["strace", "-f", "-y", "-o", trace, "-e", "trace=read,pread64,readv,preadv,mmap", *words]
    run = subprocess.run(traced, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False)
    assert run.returncode in (0, 1), "1: no line of this route is in the window"
    out = run.stdout
    of_log, of_rest = 0, 0
    with open(trace, errors="replace") as calls:
        for call in calls:
            if "mmap(" in call:
                assert log not in call, "the log is mapped, so its reads are not seen"
            elif (read := re.search(r"= (\d+)$", call.rstrip())) and f"<{log}>" in call:
                of_log += int(read[1])
            elif read:
                of_rest += int(read[1])
    return out, of_log, of_rest


def reads(work):
    """What `lines --all` reads of a 1 GB log that spans 97 minutes, beside the blocks that its lines are in."""
    program = os.environ.get("SPIKELINE")
    if not program:
        return row("what lines --all reads", "no $SPIKELINE")
    if not shutil.which("strace"):
        return row("what lines --all reads", "no strace")
    log, _ = generated.log(1_000_000_000)
    config = os.path.join(work, "reads.toml")
    with open(config, "w") as file:
        file.write(f'store = "{work}/reads"\n[[log]]\npath = "{log}"\n')
    subprocess.run([program, "index", "--config", config, log], check=True, capture_output=True)
    listed = subprocess.check_output([program, "report", "--config", config, "--format", "json"], stderr=subprocess.DEVNULL)
    routes = [line["route"] for line in json.loads(listed)["rows"]]
    rng, ratios, shares, whole, rest = random.Random(7), [], [], [0, 0], 0
    first = datetime.datetime(2024, 6, 10, 6, 15, tzinfo=datetime.timezone.utc)
    for route in rng.sample(routes, 40):
        begin = first + datetime.timedelta(seconds=rng.randrange(90 * 60))
        window = ["--from", begin.isoformat(), "--until", (begin + datetime.timedelta(minutes=2)).isoformat()]
        out, read, index = read_by([program, "lines", "--config", config, "--all", "--route", route, "--format", "jsonl", *window],
                                   log, os.path.join(work, "reads.trace"))
        blocks = {json.loads(line)["offset"] // BLOCK for line in out.splitlines()}
        if blocks:
            ratios.append(read / (len(blocks) * BLOCK))
            shares.append((read + index) / os.path.getsize(log))
            rest = max(rest, index)
            whole = [whole[0] + read, whole[1] + len(blocks) * BLOCK]
    ratios.sort()
    row(f"lines --all, 2 min, {len(ratios)} routes: bytes of log read / bytes of the blocks with its lines, "
        "all together; median; worst (a route with one line)", f"{whole[0] / whole[1]:.2f}; {ratios[len(ratios) // 2]:.2f}; {ratios[-1]:.2f}", "<= 1.5")
    row("index and program read for it, at most", f"{rest / 1e6:.2f} MB")
    # 97 minutes are a fifteenth of a day.
    row("both of a day's log at that rate, worst", f"{max(shares) / 15 * 100:.2f} %", "<= 2 %")


def main(arguments):
    work = os.path.join(os.environ.get("TMPDIR", "/tmp"), "spikeline-bench", "index")
    counts = [int(a) for a in arguments if a.isdigit()] or [10_000_000]
    print("| index | | aim |\n|---|---|---|")
    for step in [histograms, lambda work: whole_log(work, 10), reads, *[lambda work, n=n: entries(work, n) for n in counts]]:
        shutil.rmtree(work, ignore_errors=True)
        os.makedirs(work)
        step(work)
    shutil.rmtree(work, ignore_errors=True)


if __name__ == "__main__":
    main(sys.argv[1:])
