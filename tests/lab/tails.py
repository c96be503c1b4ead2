"""No value is guessed: files whose log_format nobody tells, each of a format that nginx could write, read right or asked about.

Every single, pair and triple of variables behind a combined line (bare, quoted, `name=value`), mirrors of the grammars, two
formats in one file, error logs: `report` and `records` either have the true values, or do without the doubtful one and say so
(`without`), or ask (exit 2), or say that they are partial (exit 3). Wrong: another latency, status, size or host, a variable with
another's value, lines that vanish with exit 0. `twin` is a file that another format explains as well, by all that nginx's values
say (an upstream's time alone, of a site where all is proxied, looks as $request_time does): counted, wrong only with --strict 1.
"""
import csv
import collections
import io
import json
import multiprocessing
import os
import re
import sys

import nginx_lines as nginx
import subject
from scenario import Scenario
from tails_cases import SHAPES, TIMES, Cases

OWN = {"file", "line", "offset", "length", "start", "end", "route"}
CASES, FOLDER, BY_UPSTREAM = None, None, re.compile(r"upstream_response_time")
ADDRESSES = re.compile(r"(?:(?:\d+\.\d+\.\d+\.\d+|[0-9a-f]*:[0-9a-f:]+)(?:, |$))+")


def spent(values):
    """The upstream's time of a request, in ms."""
    return sum(round(float(one) * 1000) for one in re.findall(r"\d+\.\d+", values["upstream_response_time"]))


def flat(value):
    """A list variable's seconds, added up; None without one."""
    found = [one for group in value or [] for one in group if isinstance(one, (int, float))]
    return sum(found) if found else None


def plausible(record, line):
    """Whether nginx could have written this line, were its variables what the record says."""
    total, told = record.get("request_time"), record.get("http_x_forwarded_for")
    if isinstance(told, str) and not ADDRESSES.fullmatch(told):
        return False
    if total is None and not any(record.get(name) for name in TIMES):
        return True
    if not isinstance(total, float | int):
        return False
    phases = [flat(record.get(name)) for name in ("upstream_response_time", "upstream_header_time", "upstream_connect_time")]
    if (phases[0] or 0) > total + 0.001 + 0.001 * sum(len(group) for group in record.get("upstream_response_time") or []):
        return False
    if not 100 <= (record.get("status") or 200) < 600 or (record.get("body_bytes_sent") or 0) > (record.get("bytes_sent") or 1 << 60):
        return False
    known = [phase for phase in phases if phase is not None]
    if any(early > late + 0.002 for late, early in zip(known, known[1:])):
        return False
    lists = [one for name in TIMES[1:4] for group in record.get(name) or [] for one in group if one is not None]
    return all(re.search(rf"(?<![\d.]){re.escape(f'{value:.3f}')}(?![\d.])", line) for value in [total, *lists])


def own_keys(line):
    """The keys and values that a line of JSON or LTSV has itself."""
    if line.startswith("{"):
        return json.loads(line)
    return dict(field.split(":", 1) for field in line.split("\t") if ":" in field) if "\t" in line else {}


def differing(record, truth, line):
    """The fields of a record that are not as the request was; a key that only bears a variable's name is the log's own."""
    wrong = [name for name, value in record.items() if name in truth and value is not None and not nginx.agrees(value, truth[name])]
    if wrong:
        own = own_keys(line)
        wrong = [name for name in wrong if name in SHAPES["time"] + SHAPES["int"] or name not in own or own[name] != record[name]]
    millis = round(float(truth["msec"]) * 1000)
    if round(record["end"] * 1000) not in (millis, millis // 1000 * 1000):
        wrong.append("end")
    absolute = f'{truth["scheme"]}://{truth["host"]}{truth["request_uri"]}'  # what a client of a proxy sends looks alike
    if record.get("target") == absolute:
        return [name for name in wrong if name != "request"]
    if record.get("method") not in (None, truth["request_method"]) or record.get("target") not in (None, truth["request_uri"], truth["uri"]):
        wrong.append("method, target")
    return wrong


def totals(rows):
    """count, bytes and 2xx .. of a report; its latency's sum and maximum in ms, or None."""
    number = lambda row, key: float(row[key] or 0)
    timed = [row for row in rows if row.get("sum_ms")]
    latency = (sum(number(row, "sum_ms") for row in timed), max(number(row, "max_ms") for row in timed)) if timed else None
    return int(sum(number(row, "count") for row in rows)), latency, [int(sum(number(row, f"status_{n}xx") for row in rows)) for n in (2, 3, 4, 5)]


def latency_wrong(latency, read, said):
    """Whether the report's latency is not that of the requests read, by their time or, if it says so, by their upstream's."""
    sums = [[one["ms"] for one in read]] + ([[spent(one) for one in read]] if BY_UPSTREAM.search(said) else [])
    return not any(latency[0] == sum(all_) and abs(latency[1] - max(all_)) <= max(all_) * 0.01 for all_ in sums)


def both_told(what, formats, err):
    """Whether both formats have been named; by their syntax, if they have keys. What these two write may be the same."""
    twins = {"main_time": "combined_upstream", "combined_upstream": "main_time"}
    for name, text in zip(what.split(" and "), formats):
        keyed = "json" if text.startswith("{") else "ltsv" if "\t" in text and ":$" in text else name
        if not re.search(rf"\b(?:{name}|{keyed}|{twins.get(name, name)})\b", err):
            return False
    return True


def judge(case, path):
    """(class, detail): right, without, asked, partial, twin, or WRONG with its kind."""
    kind, what, _, lines, truths, named = case
    code, out, err = subject.command("report", path, "--format", "csv")
    if kind == "error log":
        told = code not in (0,) and re.search(r"error.?log", err, re.IGNORECASE)
        return ("asked", "") if told else ("WRONG: an error log is not told for what it is", err)
    if code == 2:
        if kind == "two formats" and not both_told(what, case[2], err):
            return "WRONG: not both names are told", err
        return ("asked", "") if re.search(r"--log-format|candidate", err) else ("WRONG: asks without saying how to answer", err)
    if code not in (0, 3):
        return "WRONG: all lines rejected, exit 1" if code == 1 else f"WRONG: exit {code}", err
    rows = list(csv.DictReader(io.StringIO(out.decode("utf-8", "replace"))))
    code_of_records, out, said = subject.command("records", path, "--format", "jsonl")
    records = [json.loads(line) for line in out.split(b"\n") if line.startswith(b"{")]
    return of_values(case, (code, err, totals(rows)), (code_of_records, said, records), named)


def of_values(case, report, records, named):
    """`judge` for what was answered."""
    kind, what, formats, lines, truths, _ = case
    (code, err, (count, latency, statuses)), (code_of_records, said, records) = report, records
    if code_of_records not in (0, 3) or len(records) != count:
        return "WRONG: report and records differ", f"report {code}, {count} lines; records {code_of_records}, {len(records)}: {said}"
    read = [truths[record["line"] - 1] for record in records]
    wrong = collections.Counter()
    for record, truth in zip(records, read):
        wrong.update(differing(record, truth, lines[record["line"] - 1]))
    told = re.search(r"of \d+ lines have no \$request_time: they are counted, and in no latency", err)
    bad_latency = bool(latency and read and not told and latency_wrong(latency, read, err + said))
    if [sum(one["status"][0] == str(n) for one in read) for n in (2, 3, 4, 5)] != statuses and any(statuses):
        wrong["status"] += 1
    if wrong or bad_latency:
        unnamed = not named and set(wrong) <= (set(sum(SHAPES.values(), ())) if kind == "mirror" else set(TIMES))
        if unnamed and kind != "two formats" and all(plausible(record, lines[record["line"] - 1]) for record in records):
            gone = code != 3 and count < len(lines)
            return ("WRONG: lines vanish with exit 0", f"{count} of {len(lines)}: {err}") if gone else ("twin", f"{dict(wrong)}")
        shown = f"latency {latency} ms, true {sum(one['ms'] for one in read), max(one['ms'] for one in read)}; fields {dict(wrong)}; {err}"
        hard = sorted(set(wrong) - set(TIMES)) if not bad_latency else []
        return "WRONG: " + ("latency" if bad_latency else "value of $" + ", $".join(hard or sorted(wrong))), shown
    if count < len(lines):
        if code != 3 and ((len(lines) - count) * 20 > len(lines) or "rejected" not in err):
            return "WRONG: " + ("most lines" if count * 2 <= len(lines) else "lines") + " vanish with exit 0", f"{count} of {len(lines)}: {err}"
    elif latency:
        return "right", ""
    if kind == "two formats" and not both_told(what, formats, err):
        return "WRONG: not both names are told", err
    if count < len(lines):
        return "partial", ""
    return ("without", "") if re.search(r"latenc|_time|duration", err) else ("WRONG: without latency, and not said", err)


def begin(seed, folder):
    """What each of the two processes has."""
    global CASES, FOLDER
    CASES, FOLDER = Cases(seed), os.path.join(folder, f"of-{os.getpid()}")
    os.mkdir(FOLDER)


def attempt(number):
    """Try one case; what is not as it should be comes with the file."""
    case = CASES.case(number)
    path = os.path.join(FOLDER, "access.log")
    with open(path, "w", encoding="utf-8") as file:
        file.writelines(line + "\n" for line in case[3])
    try:
        found, detail = judge(case, path)
    except Exception as trouble:  # an answer that cannot be read is a finding of its own
        found, detail = "WRONG: no answer that can be read", repr(trouble)
    return number, case[0], case[1], found, detail, [] if found in ("right", "without", "asked", "partial") else case[3]


def show(lab, table, tails, firsts):
    """The table by kind, the tails that are most often wrong, the first files of every kind of failure."""
    classes = sorted({found for counts in table.values() for found in counts}, key=lambda one: (one.startswith("WRONG"), one))
    for kind, counts in table.items():
        lab.note(f"{kind:12} {sum(counts.values()):6} files: " + ", ".join(f"{found} {counts[found]}" for found in classes if counts[found]))
    for found in classes:
        if found.startswith("WRONG") or found == "twin":
            lab.note(f"{found}: most often " + "; ".join(f"{what} ({n})" for what, n in tails[found].most_common(8)))
    for (kind, found), cases in firsts.items():
        for number, what, detail, lines in cases[:1]:
            shown = "\n    ".join(line[:240] for line in lines[:5])
            lab.note(f"{kind}, {found}: case {number}, {what}\n    {shown}\n    .. {detail[:600].strip()}")


def main():
    """Run the scenario."""
    with Scenario(__doc__, cases=(20000, 120), seed=(1, 1), first=(0, 0), strict=(0, 0)) as lab:
        table, tails, firsts = collections.defaultdict(collections.Counter), collections.defaultdict(collections.Counter), {}
        wrong, numbers = 0, range(lab.args.first, lab.args.first + lab.args.cases)
        with multiprocessing.Pool(2, begin, (lab.args.seed, lab.work)) as pool:
            for done, (number, kind, what, found, detail, lines) in enumerate(pool.imap(attempt, numbers, 20), 1):
                table[kind][found] += 1
                if lines:
                    tails[found][what] += 1
                    firsts.setdefault((kind, found), []).append((number, what, detail, lines)) if len(firsts.get((kind, found), ())) < 3 else None
                wrong += found.startswith("WRONG")
                if done % 10000 == 0:
                    print(f"{lab.name}: {done} files, {wrong} wrong", file=sys.stderr, flush=True)
        show(lab, table, tails, firsts)
        with open(os.path.join(lab.work, "firsts.json"), "w", encoding="utf-8") as file:
            json.dump([{"kind": kind, "found": found, "cases": cases} for (kind, found), cases in firsts.items()], file, indent=1)
        bad = collections.Counter()
        for kind, counts in table.items():
            for found, n in counts.items():
                if found.startswith("WRONG") or lab.args.strict and found == "twin":
                    bad[f"{kind}: {found}"] += n
        lab.passed += lab.args.cases - wrong
        for what, n in bad.items():
            lab.expect(f"{what} in {n} files", False)


if __name__ == "__main__":
    main()
