"""Several logs under load: lines of the lab's log_format, out of order and late, some no lines at all, and rotation as logrotate
does it with `create`: renamed while the writer goes on in the old file for a moment, then opened anew, and compressed sooner or later.
Nothing is ever removed or truncated, so that what was written can be read to the last line. (`copytruncate` loses lines by its nature.)

    /usr/bin/python3 writers.py FOLDER LINES_A_SECOND SEED     writes until SIGTERM; then says how many lines
"""
import glob
import os
import random
import signal
import subprocess
import sys
import time

PROJECTS = 40
# So long ago are the lines of a host whose clock is wrong: beyond the day after which a journal is sealed, however small.
LONG_AGO = 26 * 3600


class Log:
    """One log and what its rotations made of it; `scheme` is numbered or dated."""

    def __init__(self, folder, name, scheme, rng):
        self.path, self.name, self.scheme, self.rng = os.path.join(folder, f"{name}.log"), name, scheme, rng
        self.file = self.reopened()
        self.lines, self.rest = 0, b""
        self.until, self.reopen = time.time() + rng.uniform(2, 6), None

    def reopened(self):
        """The log as nginx opens it on USR1."""
        return os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)

    def write(self, now, count):
        """Some lines, of which the last may come in two pieces."""
        text = self.rest + b"".join(self.line(now) for _ in range(count))
        cut = len(text) if self.rng.random() < 0.7 or not text else self.rng.randrange(len(text))
        os.write(self.file, text[:cut])
        self.rest = text[cut:]

    def line(self, now):
        """One line, with a number of its own."""
        rng = self.rng
        self.lines += 1
        chance = rng.random()
        if chance < 0.0005:
            return b"no line of this format, number %d of %s\n" % (self.lines, self.name.encode())
        late = rng.uniform(0, 0.05)
        if chance < 0.10:
            late = rng.uniform(0, 5)
        if chance < 0.01:
            late = rng.uniform(20, 100)
        if self.name == "c" and chance < 0.005:
            late = LONG_AGO + rng.uniform(0, 60)
        took = rng.expovariate(8)
        if rng.random() < 0.05:
            took = rng.uniform(1, 20)
        end, took = int((now - late) * 1000), int(took * 1000)
        status = rng.choices((200, 304, 404, 499, 502), (80, 10, 6, 2, 2))[0]
        upstream = f"{took // 1000}.{took % 1000:03}"
        if status == 502:
            upstream = f"0.001, {upstream} : -"
        local = time.strftime("%d/%b/%Y:%H:%M:%S +0000", time.gmtime(end // 1000))
        project = f"p{int(rng.paretovariate(0.7)) % PROJECTS}"
        return (f'192.0.2.{rng.randrange(256)} - - [{local}] "GET /p/{project}/tree/{rng.randrange(9)} HTTP/1.1" {status} '
                f'{took} "-" "load" rt={took // 1000}.{took % 1000:03} ut="{upstream}" uct="0.000" uht="{upstream}" '
                f'ua="-" us="-" msec={end // 1000}.{end % 1000:03} bs={took + 200} id={self.name}{self.lines}\n').encode()

    def turn(self, now):
        """Rotate if it is time, and open the log anew a moment later."""
        if self.reopen is None and now >= self.until:
            self.rename(now)
            self.reopen = now + self.rng.choice((0, 0.05, 0.3))
        elif self.reopen is not None and now >= self.reopen:
            os.write(self.file, self.rest)
            self.rest = b""
            os.close(self.file)
            self.file, self.reopen = self.reopened(), None
            self.until = now + self.rng.uniform(2, 8)
            self.compress()

    def rename(self, now):
        """What logrotate does first."""
        if self.scheme == "dated":
            os.rename(self.path, f"{self.path}-{int(now * 1000)}")
            return
        for number in range(len(glob.glob(self.path + ".*")), 0, -1):
            for end in ("", ".gz"):
                if os.path.exists(f"{self.path}.{number}{end}"):
                    os.rename(f"{self.path}.{number}{end}", f"{self.path}.{number + 1}{end}")
        os.rename(self.path, f"{self.path}.1")

    def compress(self):
        """What it does last: at once, one rotation later, or several files together."""
        plain = sorted(name for name in glob.glob(self.path + "?*") if not name.endswith(".gz"))
        if self.scheme == "dated" or self.rng.random() < 0.5:
            for name in plain if self.scheme == "dated" else [name for name in plain if not name.endswith(".log.1")]:
                subprocess.run(["gzip", "-1", name], check=True)

    def close(self):
        """Write what is left."""
        os.write(self.file, self.rest)
        os.close(self.file)


def main():
    """Write until told to stop."""
    folder, rate, seed = sys.argv[1], float(sys.argv[2]), int(sys.argv[3])
    over = []
    signal.signal(signal.SIGTERM, lambda *_: over.append(True))
    logs = [Log(folder, name, scheme, random.Random(f"{seed}{name}"))
            for name, scheme in (("a", "numbered"), ("b", "dated"), ("c", "numbered"))]
    begin, owed = time.monotonic(), 0
    while not over:
        time.sleep(0.02)
        due = int((time.monotonic() - begin) * rate / len(logs)) - owed
        owed += due
        for log in logs:
            log.write(time.time(), due)
            log.turn(time.time())
    for log in logs:
        log.close()
    print(sum(log.lines for log in logs))


if __name__ == "__main__":
    main()
