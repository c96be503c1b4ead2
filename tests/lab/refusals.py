"""What spikeline will not do, or cannot: each time a message that names the place and the remedy, and the right exit code.

2 is usage or configuration, 3 is input and output. Needs root for the unreadable log of another user and for a full disk (a
small tmpfs); without, the first is tried on an own file and the second skipped.
"""
import os
import re
import subprocess
import time

import hostile_requests
import peers
import subject
import truth
from scenario import Scenario

NOBODY = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups")
COMBINED = b'10.0.0.1 - - [22/Nov/2026:21:00:00 +0000] "GET / HTTP/1.1" 200 5 "-" "-"\n'


def refused(lab, what, code, words, args, wrap=(), seconds=20):
    """A command that must end with `code` (or one of them) and say all of `words` (regular expressions)."""
    try:
        got, out, err = subject.command(*args, wrap=wrap, seconds=seconds)
    except subprocess.TimeoutExpired as late:
        lab.expect(what, False, f"did not end within {seconds} s: {(late.stderr or b'')[-600:]}")
        return
    if args[0] == "check":  # the doctor's findings are its data
        err += out.decode("utf-8", "replace")
    lab.expect(f"{what}: exit code {code}", got in (code if isinstance(code, tuple) else (code,)), f"{got}: {err[-800:]}")
    for word in words:
        lab.expect(f"{what}: says {word}", re.search(word, err, re.IGNORECASE), err[-800:])


def config_mistakes(lab, log):
    """Unknown keys, wrong values and broken TOML: file, line, column, suggestion."""
    for name, extra, words in (("key", "[slow]\ntreshold = \"2s\"", ["threshold"]), ("value", "[slow]\nthreshold = \"soon\"", ["threshold", "1s"]),
                               ("toml", "[slow\nthreshold = 1", []), ("table", "[[logg]]\npath = \"x\"", ["log"])):
        path = os.path.join(lab.work, f"mistake-{name}.toml")
        with open(path, "w") as file:
            file.write(f'store = "{lab.work}/mistake"\nhost = "web1"\n\n[[log]]\npath = "{log}"\nformat = "combined"\n\n{extra}\n')
        for command, code in (("run", 2), ("check", (1, 2))):
            refused(lab, f"{command} with a wrong {name}", code, [re.escape(path) + r":[89]:\d+", "help:", *words], [command, "--config", path])
    missing = os.path.join(lab.work, "missing.toml")
    refused(lab, "run without its config file", (2, 3), [re.escape(missing)], ["run", "--config", missing])


def bad_format(lab, log):
    """A log_format that cannot be parsed, in the config and on the command line."""
    path = os.path.join(lab.work, "format.toml")
    for name, text, place in (
            ("unclosed", "$remote_addr [${time_local", re.escape(path) + r":6:\d+"),
            ("ambiguous", "$msec $http_referer$http_user_agent", re.escape(path) + r":6:\d+"),
            ("unknown", "no-such-grammar", re.escape(path) + r":6:\d+"),
            ("timeless", "$request_time $request", re.escape(path) + r":6:\d+")):
        with open(path, "w") as file:
            file.write(f'store = "{lab.work}/format"\nhost = "web1"\n\n[[log]]\npath = "{log}"\nformat = "{text}"\n')
        refused(lab, f"run with an {name} log_format", 2, [place, "format|grammar"], ["run", "--config", path])
        refused(lab, f"report with an {name} log_format", 2, ["format|grammar"], ["report", "--log-format", text, log])


def unreadable(lab):
    """A log that the user may not read, and one that is not there."""
    root = os.geteuid() == 0
    log = os.path.join(lab.work, "secret.log")
    with open(log, "wb") as file:
        file.write(COMBINED)
    os.chmod(log, 0o600 if root else 0)
    wrap = NOBODY if root else ()
    words = [re.escape(log), "permission denied", "setfacl|group|chmod|spikeline check"]
    refused(lab, "report on an unreadable log", 3, words, ["report", "--log-format", "combined", log], wrap)
    missing = os.path.join(lab.work, "missing.log")
    refused(lab, "report on a missing log", 3, [re.escape(missing)], ["report", "--log-format", "combined", missing])
    os.makedirs(os.path.join(lab.work, "nobody"))
    os.chmod(os.path.join(lab.work, "nobody"), 0o777)
    config = os.path.join(lab.work, "unreadable.toml")
    with open(config, "w") as file:
        file.write(f'store = "{lab.work}/nobody/store"\nhost = "web1"\n[[log]]\npath = "{log}"\nformat = "combined"\n')
    refused(lab, "check with an unreadable log", (1, 3), words, ["check", "--config", config], wrap)
    daemon = lab.run(subject.Daemon(lab.work, config, wrap))
    said = settled(daemon, words)
    lab.expect("run with an unreadable log says so", said, daemon.output()[-800:])
    lab.expect("run with an unreadable log goes on or ends with 3", daemon.running() or daemon.process.child.wait() == 3)
    daemon.stop()


def settled(daemon, words, seconds=8):
    """Whether the daemon says all of `words` in time."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if all(re.search(word, daemon.output(), re.IGNORECASE) for word in words):
            return True
        time.sleep(0.1)
    return False


def second_daemon(lab, log):
    """Two daemons on one store: the second refuses, the first goes on, readers are welcome."""
    config = subject.write_config(lab.work, [log], name="second.toml", store=os.path.join(lab.work, "second"))
    first = lab.run(subject.Daemon(lab.work, config))
    peers.until("the store", 10, lambda: os.path.isdir(os.path.join(lab.work, "second")))
    time.sleep(1)
    refused(lab, "a second daemon", 2, [re.escape(os.path.join(lab.work, "second")), "another|already|in use|held|holds|locked"],
            ["run", "--config", config])
    code, _, err = subject.lines(config, "webapp.login", "-1h", "now")
    # The log's one line is of no format, so that the answer is a part.
    lab.expect("a reader is welcome meanwhile", code == 3 and "partial" in err, f"{code} {err[-500:]}")
    lab.expect("the first daemon goes on", first.running() and first.stop() == 0, first.output()[-800:])


def full_disk(lab):
    """The store on a disk that is full from the start, and on one that fills up and is freed again."""
    disk = os.path.join(lab.work, "disk")
    os.mkdir(disk)
    if os.geteuid() or subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", disk], capture_output=True).returncode:
        lab.skip("a full disk", "a small tmpfs cannot be mounted here (needs root)")
        return
    try:
        full_disk_on(lab, disk)
    finally:
        subprocess.run(["umount", "-l", disk], check=True, timeout=20)


def fill(path):
    """Write until nothing more fits."""
    with open(path, "wb", buffering=0) as file:
        for size in (1 << 16, 1):
            try:
                while file.write(b"x" * size):
                    pass
            except OSError:
                pass


def full_disk_on(lab, disk):
    """See `full_disk`."""
    log, filler = os.path.join(lab.work, "disk.log"), os.path.join(disk, "filler")
    rng = __import__("random").Random(3)

    def write(count):
        now = time.time_ns() // 1_000_000
        with open(log, "ab") as file:
            file.writelines(hostile_requests.whole(rng, now - 900 + n % 800, hostile_requests.GOOD, b"200") + b"\n" for n in range(count))
    write(100)
    config = subject.write_config(lab.work, [log], name="disk.toml", store=os.path.join(disk, "store"))
    fill(filler)
    refused(lab, "run on a full disk", 3, [re.escape(disk), "no space left", "free"], ["run", "--config", config])
    os.remove(filler)
    daemon = lab.run(subject.Daemon(lab.work, config))
    span = int(time.time()) - 60

    def complete():
        true = truth.Truth([log], truth.lab_route).select("webapp.backend.good", span * 1000, (span + 600) * 1000, every=True)
        return sorted(subject.lines(config, "webapp.backend.good", span, span + 600, "--all")[1]) == sorted(true)
    peers.until("the first lines in the store", 15, complete, 0.3)
    fill(filler)
    write(20000)
    lab.expect("a disk that fills up is reported", settled(daemon, [r"no space left", re.escape(disk)], 15), daemon.output()[-800:])
    lab.expect("the daemon goes on with a full disk", daemon.running(), daemon.output()[-800:])
    code, _, err = subject.lines(config, "webapp.backend.good", span, span + 600, "--all")
    lab.expect("what was committed before is still read", code in (0, 3), f"{code} {err[-400:]}")
    os.remove(filler)
    write(10)
    try:
        peers.until("all lines after the disk was freed", 40, complete, 0.5)
        lab.expect("nothing is lost once there is space again", True)
    except TimeoutError as late:
        lab.expect("nothing is lost once there is space again", False, f"{late}; {daemon.output()[-800:]}")
    lab.expect("the daemon stops cleanly", daemon.running() and daemon.stop() == 0, daemon.output()[-800:])


def main():
    """Run the scenario."""
    with Scenario(__doc__) as lab:
        log = os.path.join(lab.work, "access.log")
        with open(log, "wb") as file:
            file.write(COMBINED)
        config_mistakes(lab, log)
        bad_format(lab, log)
        unreadable(lab)
        second_daemon(lab, log)
        full_disk(lab)


if __name__ == "__main__":
    main()
