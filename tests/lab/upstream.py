"""The application behind the lab's nginx: one asyncio process whose delay per path can be changed while it runs.

    /usr/bin/python3 upstream.py PORT

`GET /__delay?PREFIX&LOW&HIGH` makes every path below PREFIX take LOW to HIGH milliseconds from now on (the longest prefix
wins); everything else is answered after the delay with 200, and one in ten of `/flaky/` with 503.
"""
import asyncio
import random
import sys

DELAYS = {"/": (1, 8)}


def delay_of(path):
    """Seconds that this path takes now."""
    low, high = DELAYS[max((p for p in DELAYS if path.startswith(p)), key=len)]
    return random.uniform(low, high) / 1000


class App(asyncio.Protocol):
    """One connection; requests on it are answered one after the other."""

    def connection_made(self, transport):
        self.transport, self.buffer = transport, b""

    def data_received(self, data):
        self.buffer += data
        while b"\r\n\r\n" in self.buffer:
            head, self.buffer = self.buffer.split(b"\r\n\r\n", 1)
            path = head.split(b" ", 2)[1].decode("latin-1")
            if path.startswith("/__delay?"):
                prefix, low, high = path[9:].split("&")
                DELAYS[prefix] = (float(low), float(high))
                self.answer(200)
            else:
                status = 503 if path.startswith("/flaky/") and random.random() < 0.1 else 200
                asyncio.get_running_loop().call_later(delay_of(path), self.answer, status)

    def answer(self, status):
        """Send an answer of a random length, so that the sums of bytes differ."""
        body = b"x" * random.randrange(10, 3000)
        if not self.transport.is_closing():
            self.transport.write(b"HTTP/1.1 %d Lab\r\nContent-Length: %d\r\n\r\n%b" % (status, len(body), body))


async def main():
    """Serve until killed."""
    server = await asyncio.get_running_loop().create_server(App, "127.0.0.1", int(sys.argv[1]), backlog=512)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
