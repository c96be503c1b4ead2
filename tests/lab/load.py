"""Traffic at a bounded rate: an open loop that does not slow down because the server does.

    /usr/bin/python3 load.py --rate 300 --seconds 60 --seed 1 PORT[:PREFIX]..

Requests are spread evenly over the targets; PREFIX goes before every path. Ends after `--seconds`, or on SIGTERM, once all
answers are in, and prints `{"sent": n, "answered": n}`.
"""
import argparse
import asyncio
import json
import random
import signal
import time

# (weight, path) with {n} a random number.
MIX = ((20, "/p/git/source/tree/r{n}/README"), (14, "/p/svn/log/{n}"), (10, "/login"), (14, "/api/search?q=w{n}"),
       (24, "/static/app.{n}.js"), (8, "/about/team"), (6, "/flaky/{n}"), (4, "/"))


class Target:
    """One nginx, with the idle connections to it."""

    def __init__(self, text):
        port, _, self.prefix = text.partition(":")
        self.port, self.idle = int(port), []

    async def get(self, path):
        """One request; True once the whole answer has been read."""
        if self.prefix and path == "/":
            path = "/home"
        for fresh in (False, True):
            if self.idle and not fresh:
                reader, writer = self.idle.pop()
            else:
                reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
            try:
                writer.write(f"GET {self.prefix}{path} HTTP/1.1\r\nHost: lab.test\r\nUser-Agent: lab\r\n\r\n".encode())
                head = await reader.readuntil(b"\r\n\r\n")
                length = int(next(h for h in head.lower().split(b"\r\n") if h.startswith(b"content-length:"))[15:])
                await reader.readexactly(length)
            except (asyncio.IncompleteReadError, ConnectionError):  # an idle connection that nginx closed
                writer.close()
                continue
            if b"connection: close" in head.lower():
                writer.close()
            else:
                self.idle.append((reader, writer))
            return True
        return False


async def drive(targets, rate, seconds, seed):
    """Send `rate` requests a second for `seconds`, then wait for the answers."""
    rng, tasks, stop, sent, answered = random.Random(seed), set(), asyncio.Event(), 0, 0

    def done(task):
        nonlocal answered
        tasks.discard(task)
        answered += not task.cancelled() and task.exception() is None and task.result()

    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    begin = time.monotonic()
    while not stop.is_set() and (ahead := sent / rate - (time.monotonic() - begin)) is not None and sent < rate * seconds:
        if ahead > 0:
            await asyncio.sleep(ahead)
            continue
        path = rng.choices([p for _, p in MIX], [w for w, _ in MIX])[0].format(n=rng.randrange(10 ** 6))
        task = asyncio.create_task(targets[sent % len(targets)].get(path))
        tasks.add(task)
        task.add_done_callback(done)
        sent += 1
    if tasks:
        await asyncio.wait(tasks, timeout=60)
    print(json.dumps({"sent": sent, "answered": answered}), flush=True)


def main():
    """Read the arguments and drive."""
    args = argparse.ArgumentParser(description=__doc__)
    args.add_argument("--rate", type=float, default=300)
    args.add_argument("--seconds", type=float, default=60)
    args.add_argument("--seed", type=int, default=1)
    args.add_argument("targets", nargs="+", type=Target)
    given = args.parse_args()
    asyncio.run(drive(given.targets, given.rate, given.seconds, given.seed))


if __name__ == "__main__":
    main()
