"""One of three applications behind the nginx of `why_nginx`: one asyncio process, a port for each incident.

    /usr/bin/python3 why_upstreams.py LOCKS NAME=PORT..

`GET /__set?KEY=VALUE` changes how its port answers from now on: `factor` (times as slow), `hangs` (1: nothing is answered). `/admin/rebuild`
holds the lock file of its incident, LOCKS.NAME, for as many seconds as it is asked to, and orders wait for it, at all three. `depth=all` is a large output.
"""
import asyncio
import fcntl
import random
import sys

# milliseconds from, to, and bytes
ROUTES = {"/p/": (40, 80, 20_000), "/api/v1/users/": (15, 30, 900), "/api/v1/orders": (30, 60, 1500), "/download/": (10, 25, 400_000), "/": (20, 40, 9000)}


class Application:
    """What one port answers."""

    def __init__(self, lock):
        self.lock, self.set = lock, {"factor": 1.0, "hangs": 0.0}

    async def holds(self, seconds):
        """Have the lock for so long."""
        with open(self.lock, "a") as file:
            while not await self.is_free(file):
                pass
            await asyncio.sleep(seconds)

    async def is_free(self, file):
        """Whether the lock was got; a moment later if not."""
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        except BlockingIOError:
            await asyncio.sleep(0.01)
            return False

    async def answer(self, target):
        """The bytes of the body, when they are there."""
        path, _, query = target.partition("?")
        low, high, size = next(ROUTES[begin] for begin in ROUTES if path.startswith(begin))
        if path == "/admin/rebuild":
            await self.holds(float(query.partition("=")[2]))
        elif path == "/api/v1/orders":
            await self.holds(0)
        if query == "depth=all":
            low, high, size = 1500, 2500, 2_000_000
        await asyncio.sleep(random.uniform(low, high) * self.set["factor"] / 1000)
        return b"x" * int(size * random.uniform(.8, 1.2))

    async def serve(self, reader, writer):
        """One connection, one request."""
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            target = head.split(b" ", 2)[1].decode("latin-1")
            if target.startswith("/__set?"):
                key, value = target[7:].split("=")
                self.set[key] = float(value)
                body = b"ok"
            elif self.set["hangs"]:
                await reader.read()
                return
            else:
                body = await self.answer(target)
            writer.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body))
            await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()


async def main():
    """Serve until killed."""
    servers = []
    for listen in sys.argv[2:]:
        name, port = listen.split("=")
        servers.append(await asyncio.start_server(Application(f"{sys.argv[1]}.{name}").serve, "127.0.0.1", int(port), backlog=512))
    await asyncio.gather(*(server.serve_forever() for server in servers))


if __name__ == "__main__":
    asyncio.run(main())
