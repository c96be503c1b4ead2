"""What people paste: every wrapping of every grammar's log_format, as --log-format takes it.

`report`, `records` and `check` of the grammar's own sample lines must answer as they do by the grammar's name, or fail with a
message that says what is missing (exit 2, before a line is read; all three alike). Another reading, or lines rejected one by one,
is what a paste must never lead to. `pastes_wrappings.py` has the wrappings; a paste that cannot be a format must be told. Formats
in a configuration file are tried with `report -` and FILEs: they are taken when the lines fit one.
"""
import collections
import json
import os
import re

import nginx_lines as nginx
import pastes_wrappings
import subject
from scenario import Scenario

REMEDY = re.compile(r"mend|help:|missing|expected|close|did you mean|--log-format|--escape|escape=", re.IGNORECASE)


def answers(path, *options, commands=("report", "records", "check"), stdin=None):
    """(exit code, stdout, stderr) of each command."""
    formats = {"report": ("--format", "csv"), "records": ("--format", "jsonl"), "check": ()}
    return {name: subject.command(name, path, *formats[name], *options, stdin=stdin) for name in commands}


def judge(got, meant, may_read):
    """What became of a paste: `read`, `told`, or what is wrong with it."""
    codes = {name: code for name, (code, _, _) in got.items()}
    if all(code == 2 for name, code in codes.items() if name != "check"):
        if codes.get("check") == 0:
            return "WRONG: check says ok to what report refuses", got["check"][1].decode("utf-8", "replace")
        quiet = [name for name, (_, out, err) in got.items() if not REMEDY.search(err + out.decode("utf-8", "replace"))]
        return ("WRONG: refused without a remedy", str(quiet) + got["report"][2]) if quiet else ("told", "")
    read = [name for name, (code, out, _) in got.items() if name != "check" and code == meant[name][0] and out == meant[name][1]]
    if not may_read:
        return "WRONG: what is no format is taken for one", f"{codes}: {got['records'][1][:300].decode('utf-8', 'replace')} {got['records'][2][:300]}"
    if len(read) == len([name for name in got if name != "check"]):
        return ("read", "") if "check" not in codes or codes["check"] == meant["check"][0] else (
            "WRONG: check refuses what report reads", got["check"][1].decode("utf-8", "replace") + got["check"][2])
    if not got["records"][1] and got["records"][0] != 2:
        return "WRONG: every line is rejected, what is missing is not told", f"{codes}: {got['records'][2][:400]}"
    return "WRONG: another reading", f"{codes}: {got['records'][1][:400].decode('utf-8', 'replace')} {got['records'][2][:300]}"


def paste(lab, table, firsts, grammar, path, meant):
    """Every wrapping of one grammar."""
    name, (escape, pieces, text, samples) = grammar
    for wrapping, pasted, options, may_read in pastes_wrappings.wrappings(name, escape, pieces, text):
        commands = ("report", "records", "check") if not lab.args.quick else ("report", "records")
        try:
            found, detail = judge(answers(path, "--log-format", pasted, *options, commands=commands), meant, may_read)
        except ValueError as trouble:  # NUL in an argument, no output that can be read
            found, detail = "WRONG: no answer", repr(trouble)
        table[wrapping][found] += 1
        if found.startswith("WRONG"):
            firsts.setdefault((wrapping, found), (name, pasted, detail))
        lab.passed += not found.startswith("WRONG")


def configured(lab, table, firsts, grammars, path, name):
    """A configuration file has this format, and another one: `report FILE` and `report -` take the one that the lines fit."""
    escape, _, text, samples = grammars[name]
    mine, other = "v1 " + text, '$msec ~ "$request" ~ $status'  # no grammar
    path = f"{path}.v1"
    with open(path, "w", encoding="utf-8") as file:
        file.writelines(f"v1 {line}\n" for line in samples)
    meant = answers(path, "--log-format", mine, "--escape", escape, commands=("report",))
    config = os.path.join(lab.work, "spikeline.toml")
    with open(config, "w", encoding="utf-8") as file:
        file.write(f'store = {subject.quoted(lab.work + "/store")}\nhost = "web1"\n')
        for number, (one, kind) in enumerate(((other, "default"), (mine, escape))):
            file.write(f'[[log]]\npath = {subject.quoted(f"{lab.work}/none-{number}.log")}\nformat = {subject.quoted(one)}\nescape = "{kind}"\n')
    with open(path, "rb") as file:
        lines = file.read()
    for how, target, stdin in (("FILE, format in spikeline.toml", path, None), ("-, format in spikeline.toml", "-", lines)):
        got = answers(target, "--config", config, commands=("report",), stdin=stdin)["report"]
        found = "read" if got[:2] == meant["report"][:2] else "WRONG: not taken from the configuration"
        table[how][found] += 1
        lab.passed += found == "read"
        if found != "read":
            firsts.setdefault((how, found), (name, mine, f"{got[0]} {got[2][:400]}"))


def main():
    """Run the scenario."""
    with Scenario(__doc__, grammars=(1000, 4)) as lab:
        grammars, table, firsts = nginx.grammar_texts(), collections.defaultdict(collections.Counter), {}
        chosen = sorted(grammars)
        if len(chosen) > lab.args.grammars:
            chosen = [name for name in ("timed", "main", "lab_json", "lab_tsv", "agent", "lab_none", *chosen)][:lab.args.grammars]
        for name in chosen:
            path = os.path.join(lab.work, f"{name}.log")
            with open(path, "w", encoding="utf-8") as file:
                file.writelines(line + "\n" for line in grammars[name][3])
            meant = answers(path, "--log-format", name)
            if not lab.expect(f"{name}: its own samples are read by its name", meant["records"][0] == 0, meant["records"][2]):
                continue
            paste(lab, table, firsts, (name, grammars[name]), path, meant)
            configured(lab, table, firsts, grammars, path, name)
        for wrapping, counts in table.items():
            lab.note(f"{wrapping:44} " + ", ".join(f"{found} {n}" for found, n in sorted(counts.items())))
        sums = collections.Counter()
        for counts in table.values():
            sums.update(counts)
        lab.note("all: " + ", ".join(f"{found} {n}" for found, n in sorted(sums.items())))
        for (wrapping, found), (name, pasted, detail) in firsts.items():
            lab.note(f"{wrapping}, {found}: {name}\n    {pasted[:400]!r}\n    .. {detail[:500].strip()}")
        with open(os.path.join(lab.work, "firsts.json"), "w", encoding="utf-8") as file:
            json.dump([[*key, *value] for key, value in firsts.items()], file, indent=1)
        for wrapping, counts in table.items():
            for found, n in counts.items():
                if found.startswith("WRONG"):
                    lab.expect(f"{wrapping}: {found} of {n} grammars", False)


if __name__ == "__main__":
    main()
