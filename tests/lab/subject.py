"""spikeline itself, as the lab sees it: a binary with a config file, a daemon, and commands that print."""
import json
import os
import signal
import subprocess

import peers
import truth

# Daemons of the lab run side by side; the page is served only where a scenario asks for it.
os.environ.setdefault("SPIKELINE_LISTEN", "off")

HOST = "web1"

# The same routes as `truth.lab_route`; paths without a rule are named by spikeline itself.
RULES = (("webapp.backend.{project}", "/p/{project}/*"), ("webapp.login", "/login"), ("static.asset", "/static/*"),
         ("errors.flaky", "/flaky/*"), ("rotate.{scheme}", "/s/{scheme}/*"))


def binary():
    """The program under test: $SPIKELINE."""
    path = os.environ.get("SPIKELINE")
    if not path or not os.access(path, os.X_OK):
        raise SystemExit("set SPIKELINE to the spikeline binary, or start this through scripts/lab")
    return os.path.abspath(path)


def quoted(text):
    """A TOML basic string."""
    return json.dumps(text)


def write_config(work, logs, carbon=None, store=None, name="spikeline.toml", extra=""):
    """Write the lab's config file and return its path."""
    lines = [f"store = {quoted(store or os.path.join(work, 'store'))}", f"host = {quoted(HOST)}", extra]
    for log in logs:
        lines += ["[[log]]", f"path = {quoted(log)}", f"format = {quoted(truth.LOG_FORMAT)}"]
    for route, path in RULES:
        lines += ["[[route]]", f"name = {quoted(route)}", f"path = {quoted(path)}"]
    lines += ["[slow]", 'threshold = "1s"', "slowest = 5"]
    if carbon:
        lines += ["[[carbon]]", f'address = "127.0.0.1:{carbon.port}"']
    path = os.path.join(work, name)
    with open(path, "w") as file:
        file.write("\n".join(lines) + "\n")
    return path


def command(*args, stdin=None, wrap=(), seconds=300):
    """Run a command of spikeline; (exit code, stdout bytes, stderr text)."""
    done = subprocess.run([*wrap, binary(), *map(str, args)], input=stdin, capture_output=True, timeout=seconds,
                          stdin=subprocess.DEVNULL if stdin is None else None,
                          env={**os.environ, "NO_COLOR": "1", "TZ": "UTC"})
    return done.returncode, done.stdout, done.stderr.decode("utf-8", "replace")


class Daemon:
    """`spikeline run`; may be killed and started again on the same store."""

    def __init__(self, work, config, wrap=()):
        self.work, self.config, self.wrap, self.starts = work, config, tuple(wrap), 0
        self.process = None
        self.start()

    def start(self):
        """Start it (again)."""
        self.starts += 1
        self.process = peers.Process(self.work, "spikeline", [*self.wrap, binary(), "run", "--config", self.config])

    def kill(self):
        """kill -9."""
        self.process.stop(signal.SIGKILL)

    def running(self):
        """Whether it has not ended."""
        return self.process.child.poll() is None

    def stop(self):
        """SIGTERM; returns the exit code."""
        return self.process.stop(signal.SIGTERM, 20)

    def output(self):
        """All it has said on stderr since its first start."""
        return self.process.output()


def lines(config, route, since, until, *flags):
    """`spikeline lines` of [since, until) in epoch seconds: (exit code, list of raw lines, stderr)."""
    code, out, err = command("lines", "--config", config, "--route", route, "--from", since, "--until", until, *flags)
    return code, out.split(b"\n")[:-1] if out else [], err
