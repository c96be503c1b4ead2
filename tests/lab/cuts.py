"""Free text beside free text: random log_formats with bare $request, $http_user_agent, $host .. between numbers, and clients that forge.

What a client can send is made to look like what follows it. `cuts_oracle.py` knows every way to cut a line that nginx's values
allow. If there is one, `records` gives it, or refuses the format (exit 2), or rejects the line with its place; if there are
several or none it refuses or rejects. Another value is never given. Columns appended to a format, by a tab or a space, are
"the line goes on". What is refused or rejected although one cut is left is only counted: less of it is better.
"""
import collections
import json
import multiprocessing
import os
import random
import re

import nginx_lines as nginx
import subject
from cuts_oracle import FREE, cuts, parts
from scenario import Scenario

NUMBERS = ("status", "body_bytes_sent", "request_time", "bytes_sent", "request_length", "upstream_response_time", "upstream_status",
           "upstream_addr", "connection", "pid", "pipe", "scheme", "server_port", "request_method", "server_protocol", "remote_addr")
HEADS = ("$remote_addr [$time_local]", "$msec", "$time_iso8601", "$remote_addr - $remote_user [$time_local]", "[$time_local] $remote_addr")
SPLIT = '"$request_method $scheme://$host$request_uri $server_protocol"'
PLAIN = {
    "http_user_agent": ("curl/8", "Mozilla/5.0 (X11; Linux x86_64)", "-", "evil 0.001 x", "a", 'a "q" \\ caf\u00e9'),
    "http_referer": ("-", "https://a.example/x?y=1", ""), "request_uri": ("/", "/a?b=c", "/a b"),
    "host": ("www.example.com", "a", "192.0.2.80", "x|y", "a=b"), "remote_user": ("-", "alice", "al ice"),
    "http_x_forwarded_for": ("-", "198.51.100.4", "198.51.100.4, 10.1.0.2"), "args": ("-", "q=1", "a b"), "cookie_session": ("-", "0123abcd"),
    "request": ("GET /a HTTP/1.1", "GET /index.php?x=a b HTTP/1.1", "POST /x HTTP/2", "PROPFIND / HTTP/1.0", "", "\x16\x03\x01\x02")}
TIMED = '$remote_addr [$time_local] "$request" $status '
KNOWN = ("$remote_addr $request $http_referer $status $request_time $msec",
         TIMED + "$http_user_agent $request_time $host", TIMED + "$request_time $host",
         "$msec|$time_local|$host|$request|$status|$bytes_sent|$request_time|$remote_addr|$http_referer|$http_user_agent|||",
         "time:$time_local\tstatus:$status\treqtime:$request_time\tvhost:$host", f"$remote_addr [$time_local] {SPLIT} $status $request_time")
FOLDER = None


def make_format(rng):
    """A random log_format's text: a time, one to three free texts, and what stands beside them."""
    separator = rng.choice((" ", " ", " ", "|", "\t", ",", ", ", " | "))
    texts = rng.sample(FREE, rng.choice((1, 1, 2, 2, 3)))
    fields = texts + rng.sample(NUMBERS, rng.randrange(2, 6))
    rng.shuffle(fields)
    head = rng.choice(HEADS)
    head = head if separator == " " else head.replace(" - ", separator).replace("] ", "]" + separator)
    used, written = set(nginx.VARIABLE.sub(r"$\2", head).replace("$", " ").split()), []
    for name in fields:
        if re.search(rf"\${name}\b", head) or name in used:
            continue
        form = rng.choice(("${}",) * 8 + ('"${}"', name[:2] + "=${}", "[${}]"))
        written.append(form.replace("{}", name))
    if rng.random() < 0.06 and separator == " ":
        written = [one for one in written if not re.search(r"\$(request_method|scheme|host|request_uri|server_protocol|request)\b", one)]
        written.insert(rng.randrange(len(written) + 1), SPLIT if rng.random() < 0.6 else SPLIT.strip('"'))
    if separator == "\t" and rng.random() < 0.5:  # LTSV
        return "\t".join(["time:$time_local"] + [f"{nginx.VARIABLE.search(one)[2]}:${nginx.VARIABLE.search(one)[2]}" for one in written])
    return head + separator + separator.join(written) + (rng.choice(("|||", " -", "")) if rng.random() < 0.1 else "")


def forged(rng, pieces, place, values, other):
    """A text that looks like what follows, or went before, with the literals between."""
    literals, names = pieces[0::2], pieces[1::2]
    last = rng.randrange(place, min(len(names), place + 5))
    ahead = "".join(literals[n + 1] + (other[names[n + 1]] if n + 1 < len(names) else "") for n in range(place, last))
    ahead = ahead or literals[place + 1] + rng.choice(("x", "0.001", "200", "-", ""))
    behind = "".join(other[names[n]] + literals[n + 1] for n in range(max(0, place - rng.randrange(1, 3)), place))
    value = values[names[place]]
    word = rng.choice(("", "x", "evil", "-", " x"))
    return rng.choice((value + ahead, value + ahead + literals[place + 1] + value, value + ahead + word, behind + value, word + ahead,
                       value + ahead + ahead))


def sendable(name, value):
    """What nginx would make of a text that a client sends in this place, before it is escaped."""
    if name in ("http_user_agent", "http_referer", "http_x_forwarded_for", "cookie_session"):
        value = value.replace(";", "" if name == "cookie_session" else ";").strip(" ")
    if name == "host":
        return re.sub(r"[\x00-\x20/]", "", value).lower() or "-"
    if name == "args":
        return value.replace("#", "") or "-"
    if name == "remote_user":
        return value.replace(":", "") or "-"
    if name == "request_uri":
        return value if value.startswith("/") else "/" + value
    if name == "request" and not re.fullmatch(r"[A-Z_-]+ (/|https?://).* HTTP/\d(\.\d)?|([\x01-\x1f].*)?", value):
        return f"GET /{value.strip()} HTTP/1.1"
    return value


def escaped(value, escape):
    """As nginx writes it."""
    if escape == "default":
        return "".join(chr(c) if 32 <= c < 127 and c not in b'"\\' else f"\\x{c:02X}" for c in value.encode())
    return nginx.absent_as(json.dumps(value, ensure_ascii=False)[1:-1] if escape == "json" else value, escape)


def request(rng, world):
    """Values of one request; its texts as of an ordinary client, or of a hostile one."""
    values = nginx.request(rng, world)
    for name, some in PLAIN.items():
        values[name] = rng.choice(some)
    values["request_uri"] = "/" if values["request_uri"] == "-" else values["request_uri"]
    return values


def make_line(rng, text, escape, world, hostile):
    """A line that nginx could have written, and the values in it."""
    pieces = parts(text)
    names, values, other = pieces[1::2], request(rng, world), request(rng, world)
    free = [n for n, name in enumerate(names) if name in FREE]
    for place in rng.sample(free, min(len(free), rng.choice((1, 1, 2)))) if hostile else ():
        name = names[place]
        values[name] = sendable(name, forged(rng, pieces, place, values, other))
    logged = {name: escaped(values[name], escape) for name in names}
    return "".join(literal + (logged[names[n]] if n < len(names) else "") for n, literal in enumerate(pieces[0::2])), logged


def case(seed, number):
    """(text, escape, [(line, true values, kind)])."""
    rng = random.Random(seed * 1_000_000_007 + number)
    text = rng.choice(KNOWN) if rng.random() < 0.08 else make_format(rng)
    escape = rng.choice(("default",) * 17 + ("json", "json", "none"))
    world, lines = nginx.World(rng), []
    while len(lines) < 12:
        kind = rng.choice(("plain", "forged", "forged", "forged", "appended"))
        line, values = make_line(rng, text, escape, world, kind == "forged")
        if kind == "appended":
            line += rng.choice(('\tuidset:uid=1', ' 0.500 "x"', ' "x"', "\t0.100", '|"-"', " 0.250 -"))
        if len(line) < 600:
            lines.append((line, values, kind))
    return text, escape, lines


def another(record, cut):
    """The fields that a record has otherwise than a cut of its line."""
    wrong = []
    for name, raw in cut.items():
        value = record.get(name)
        if not (value is None and raw in ("-", "") or name not in record or value is not None and nginx.agrees(value, raw)):
            wrong.append((name, value, raw))
    whole = re.fullmatch(r"([A-Z_-]+) (.*) (HTTP/\d(?:\.\d)?)", cut.get("request", ""))
    for name, raw in zip(("method", "target", "protocol"), whole.groups() if whole else ()):
        if record.get(name) is not None and not nginx.agrees(record[name], raw):
            wrong.append((name, record[name], raw))
    return wrong


def beside(text, wrong):
    """The first variable that is wrong, what stands behind it, and the next one."""
    pieces = parts(text)
    for n, name in enumerate(pieces[1::2]):
        if name in {field for field, _, _ in wrong}:
            return f"${name}{pieces[2 * n + 2]!r}" + (f"${pieces[2 * n + 3]}" if 2 * n + 3 < len(pieces) else " at the end")
    return "method, target"


def begin(folder):
    """What each of the two processes has."""
    global FOLDER
    FOLDER = os.path.join(folder, f"of-{os.getpid()}")
    os.mkdir(FOLDER)


def attempt(job):
    """Try one format; {(kind of line, how many cuts, what became of it): [examples]}."""
    seed, number = job
    text, escape, lines = case(seed, number)
    path = os.path.join(FOLDER, "access.log")
    with open(path, "w", encoding="utf-8") as file:
        file.writelines(line + "\n" for line, _, _ in lines)
    code, out, err = subject.command("records", path, "--log-format", text, "--escape", escape)
    records = {record["line"]: record for record in map(json.loads, out.splitlines())} if code in (0, 1, 3) else {}
    told = set(map(int, re.findall(re.escape(path) + r":(\d+)(?::\d+)?: ", err)))
    results = collections.defaultdict(list)
    for n, (line, values, kind) in enumerate(lines, 1):
        found = cuts(text, line, escape)
        count = ("none", "one", "several", "several")[len(found)]
        if kind != "appended" and values not in found and len(found) < 3:
            results[kind, count, "INSTRUMENT: the true cut is not among the cuts"].append((number, text, line, str(found), ""))
            continue
        if n in records:
            wrong = another(records[n], values if kind != "appended" else found[0] if found else values)
            if wrong and (kind != "appended" or count == "one"):
                became = "WRONG: another value"
            else:
                became = "read" if count == "one" else f"WRONG: read though {count} cuts are possible"
            doubtful = wrong or [(name, "", "") for name in (found[0] if len(found) > 1 else ()) if found[0][name] != found[1][name]]
            results[kind, count, became].append((number, text, line, str(wrong), str(found[:2]) if count != "one" else "", beside(text, doubtful)))
        elif code == 2:
            results[kind, count, "refused"].append(() if re.search(r"mend|help", err) else (number, text, line, err, "no remedy"))
        elif code in (0, 1, 3):
            results[kind, count, "rejected" if n in told else "WRONG: gone without its place"].append((number, text, line, err, ""))
        else:
            results[kind, count, f"WRONG: exit {code}"].append((number, text, line, err, ""))
    if number % 8 == 0 and code != 2 and {count for _, count, _ in results} - {"one"}:
        code, out, err = subject.command("check", path, "--log-format", text, "--escape", escape)
        told = code or re.search(rb"^(?:WRONG|note|warn)", out, re.MULTILINE)
        said = "told" if told else "WRONG: check says that all is well"
        results["check", "several", said].append((number, text, lines[0][0], out.decode("utf-8", "replace") + err, ""))
    return number, dict(results)


def show(lab, table, firsts, places):
    """The table, and the first examples of what is wrong."""
    for kind in ("plain", "forged", "appended", "check"):
        for count in ("one", "several", "none"):
            row = {found: n for (a, b, found), n in sorted(table.items()) if (a, b) == (kind, count)}
            if row:
                lab.note(f"{kind:8} {count:7} cuts, {sum(row.values()):6} lines: " + ", ".join(f"{found} {n}" for found, n in row.items()))
    for found, pairs in places.items():
        lab.note(f"{found}, most often: " + ", ".join(f"{pair} {n}" for pair, n in pairs.most_common(12)))
    for (kind, count, found), cases in firsts.items():
        for number, text, line, detail, cut, *_ in cases:
            lab.note(f"{kind}, {count}, {found}: case {number}\n    {text}\n    {line[:400]}\n    .. {detail[:500]} {cut[:500]}")


def main():
    """Run the scenario."""
    with Scenario(__doc__, formats=(8000, 250), seed=(1, 1), first=(0, 0), examples=(3, 1)) as lab:
        table, firsts, places = collections.Counter(), {}, collections.defaultdict(collections.Counter)
        jobs = [(lab.args.seed, n) for n in range(lab.args.first, lab.args.first + lab.args.formats)]
        refused = 0
        with multiprocessing.Pool(2, begin, (lab.work,)) as pool:
            for _, results in pool.imap(attempt, jobs, 10):
                refused += any(found == "refused" for _, _, found in results)
                for key, examples in results.items():
                    table[key] += len(examples)
                    if key[2].startswith(("WRONG", "INSTRUMENT")):
                        places[key[2]].update(example[5] for example in examples if len(example) > 5)
                        firsts[key] = (firsts.get(key, []) + examples[:1])[:lab.args.examples]
        show(lab, table, firsts, places)
        lab.note(f"{refused} of {len(jobs)} formats refused")
        for key, n in table.items():
            if key[2].startswith(("WRONG", "INSTRUMENT")):
                lab.expect(f"{key[0]} lines, {key[1]} cuts: {key[2]} in {n} lines", False)
            else:
                lab.passed += n


if __name__ == "__main__":
    main()
