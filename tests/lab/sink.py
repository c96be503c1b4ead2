"""A carbon that forgets nothing: takes the plaintext protocol in a process of its own, and tells what came, in the order it came."""
import multiprocessing
import selectors
import socket


class Sink:
    """Listens on a free port of 127.0.0.1; `points()` says what has come."""

    def __init__(self):
        listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port = listener.getsockname()[1]
        self.asking, answering = multiprocessing.Pipe()
        self.process = multiprocessing.Process(target=serve, args=(listener, answering), daemon=True)
        self.process.start()
        answering.close()
        listener.close()

    def points(self):
        """{(metric, second): [text of each value that differs from the one before]}, lines taken, connections."""
        self.asking.send("points")
        return self.asking.recv()

    def stop(self):
        """End it."""
        if self.process.is_alive():
            self.asking.send("stop")
            self.process.join(10)


def serve(listener, answering):
    """Take lines until told to stop. What a sender that died left of a last line is no point, as with carbon."""
    points, lines, connections = {}, 0, 0
    waiting, rests = selectors.DefaultSelector(), {}
    waiting.register(listener, selectors.EVENT_READ)
    waiting.register(answering, selectors.EVENT_READ)
    while True:
        for key, _ in waiting.select():
            if key.fileobj is listener:
                taken, _ = listener.accept()
                connections += 1
                rests[taken] = b""
                waiting.register(taken, selectors.EVENT_READ)
            elif key.fileobj is answering:
                if answering.recv() == "stop":
                    return
                answering.send((points, lines, connections))
            else:
                lines += take(key.fileobj, waiting, rests, points)


def take(taken, waiting, rests, points):
    """Read what one connection has; how many lines."""
    try:
        block = taken.recv(1 << 18)
    except ConnectionError:
        block = b""
    if not block:
        waiting.unregister(taken)
        taken.close()
        del rests[taken]
        return 0
    *whole, rests[taken] = (rests[taken] + block).split(b"\n")
    for line in whole:
        metric, value, second = line.split(b" ")
        values = points.setdefault((metric.decode(), int(second)), [])
        if not values or values[-1] != value:
            values.append(value)
    return len(whole)
