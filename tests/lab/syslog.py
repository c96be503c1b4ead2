"""A real nginx that logs by `access_log syslog:` to spikeline, over UDP and a UNIX socket, at 10,000 requests a second: every one is accounted for.

The same nginx writes the same lines to a file, which says what was sent. Over UDP, received and said to be lost is sent, also where the daemon
stands still (SIGSTOP) until the kernel's buffer overflows; over the UNIX socket, received and what nginx says it could not send. No line comes
twice, none is altered, `lines` gives them back, and answers are complete only where nothing was lost.
"""
import glob
import os
import re
import shutil
import signal
import socket
import threading
import time

import peers
import subject
import truth
from scenario import Scenario

CONF = """daemon off; worker_processes 2; pid {dir}/nginx.pid; error_log {dir}/error.log warn; {user}
events {{ worker_connections 256; }}
http {{
  client_body_temp_path {dir}/b; proxy_temp_path {dir}/p; fastcgi_temp_path {dir}/f; uwsgi_temp_path {dir}/u; scgi_temp_path {dir}/s;
  log_format lab '{format}';
  keepalive_requests 100000000;
  server {{
    listen 127.0.0.1:{port};
    location /udp/ {{ access_log {dir}/udp.log lab; access_log syslog:server=127.0.0.1:{syslog},tag=nginx lab; return 200 "udp\\n"; }}
    location /unix/ {{ access_log {dir}/unix.log lab; access_log syslog:server=unix:{dir}/log.socket,nohostname lab; return 200 "unix\\n"; }}
  }}
}}
"""
BATCH = 50
REFUSED = "send() to syslog failed"


class Pipeline(threading.Thread):
    """Requests of one path over one connection, `rate` a second in batches; what it sent it got answers to."""

    def __init__(self, port, path, rate, seconds):
        super().__init__(daemon=True)
        self.port, self.path, self.rate, self.seconds, self.sent, self.error = port, path, rate, seconds, 0, None
        self.start()

    def run(self):
        try:
            self.drive()
        except OSError as error:
            self.error = error

    def drive(self):
        """Send until the time is over."""
        with socket.create_connection(("127.0.0.1", self.port)) as link:
            link.settimeout(60)
            begin = time.monotonic()
            while (now := time.monotonic() - begin) < self.seconds:
                if now * self.rate < self.sent:
                    time.sleep(0.001)
                    continue
                link.sendall(b"".join(f"GET {self.path}{self.sent + at}/page HTTP/1.1\r\nHost: lab\r\n\r\n".encode() for at in range(BATCH)))
                got = b""
                while got.count(b"HTTP/1.1 200") < BATCH or not got.endswith(b"\n"):
                    got += link.recv(1 << 18)
                self.sent += BATCH


class Server(peers.Process):
    """nginx with both kinds of syslog; logs in `dir`."""

    def __init__(self, work):
        self.dir = os.path.join(work, "nginx")
        os.makedirs(self.dir)
        os.chmod(self.dir, 0o777)
        self.port, self.syslog = peers.free_ports(2)
        conf = os.path.join(self.dir, "nginx.conf")
        with open(conf, "w") as file:
            file.write(CONF.format(dir=self.dir, format=truth.LOG_FORMAT, port=self.port, syslog=self.syslog,
                                   user="user root root;" if os.geteuid() == 0 else ""))
        super().__init__(work, "nginx", ["nginx", "-e", os.path.join(self.dir, "error.log"), "-c", conf])
        self.wait_for(self.port)

    def lines(self, name):
        """The lines of a log that it wrote itself."""
        with open(os.path.join(self.dir, name), "rb") as file:
            return file.read().split(b"\n")[:-1]

    def refused(self):
        """How many lines it says it could not send."""
        with open(os.path.join(self.dir, "error.log"), "r", errors="replace") as file:
            return file.read().count(REFUSED)


def received(store, port_or_path):
    """The lines that the daemon wrote of a socket, without syslog's header."""
    found = []
    for name in glob.glob(os.path.join(store, "syslog", "**"), recursive=True):
        if os.path.isfile(name) and port_or_path in name:
            found += [line.split(b"nginx: ", 1)[1] for line in truth.lines_of(name)]
    return found


def lost(daemon):
    """How many datagrams the daemon said were lost."""
    return sum(int(count) for count in re.findall(r"(\d+) datagrams were dropped", daemon.output()))


def settle(lab, what, sent, probe):
    """Wait until everything is accounted for."""
    try:
        return peers.until(what, 30, lambda: probe() == sent, 0.2)
    except TimeoutError:
        return lab.expect(f"{what}: received and lost is sent", False, f"{probe()} of {sent}")


def drive(lab, server, path, stop=None):
    """Load of one kind for as long as asked; `stop` stands still for a while in its middle. How many were sent."""
    loads = [Pipeline(server.port, path, lab.args.rate / 2, lab.args.seconds) for _ in range(2)]
    if stop:
        time.sleep(lab.args.seconds / 2)
        stop.send_signal(signal.SIGSTOP)
        time.sleep(lab.args.still)
        stop.send_signal(signal.SIGCONT)
    for load in loads:
        load.join()
    lab.expect("every request is answered", not any(load.error for load in loads), [load.error for load in loads])
    return sum(load.sent for load in loads)


def hold(lab, what, true, got, gone, config, route):
    """The lines that came against those that nginx wrote itself; and what `lines` and `report` say of them."""
    lab.expect(f"{what}: received and lost is sent", len(got) + gone == len(true), f"{len(got)} + {gone} of {len(true)}")
    lab.expect(f"{what}: no line comes twice or otherwise", len(set(got)) == len(got) and set(got) <= set(true), (len(set(got)), len(got)))
    first = int(re.search(rb"msec=(\d+)", true[0]).group(1)) - 1
    code, found, err = subject.lines(config, route, first, int(time.time()) + 1, "--all", "--by", "end")
    found = [line.split(b"nginx: ", 1)[1] for line in found]
    lab.expect(f"{what}: lines gives them back", sorted(found) == sorted(got), (len(found), len(got), err[-500:]))
    lab.note(f"{what}: {len(true)} sent, {len(got)} received, {gone} lost and said; lines ends with {code}")
    return code, err


def main():
    """Run the scenario."""
    with Scenario(__doc__, seconds=(60, 5), rate=(10_000, 10_000), still=(4, 3)) as lab:
        if not shutil.which("nginx"):
            return lab.skip("syslog", "not installed here: nginx")
        server = lab.run(Server(lab.work))
        unix = os.path.join(server.dir, "log.socket")
        config, store = os.path.join(lab.work, "spikeline.toml"), os.path.join(lab.work, "store")
        with open(config, "w") as file:
            file.write(f"store = {subject.quoted(store)}\n")
            for at in (f"syslog:{server.syslog}", f"syslog:unix:{unix}"):
                file.write(f"[[log]]\npath = {subject.quoted(at)}\nformat = {subject.quoted(truth.LOG_FORMAT)}\n")
            file.write('[[route]]\nname = "{kind}.page"\npath = "/{kind}/*"\n')
        daemon = lab.run(subject.Daemon(lab.work, config))
        peers.until("the socket", 20, lambda: os.path.exists(unix))

        begin = time.monotonic()
        sent = drive(lab, server, "/udp/a")
        lab.note(f"UDP: {sent / (time.monotonic() - begin):.0f} requests a second")
        of_udp = lambda: len(received(store, str(server.syslog))) + lost(daemon)
        settle(lab, "UDP", sent, of_udp)
        time.sleep(2)
        code, err = hold(lab, "UDP", server.lines("udp.log"), received(store, str(server.syslog)), lost(daemon), config, "udp.page")
        lab.expect("UDP: complete where nothing was lost, else partial", code == (3 if lost(daemon) else 0), (code, lost(daemon), err[-800:]))

        begin = time.monotonic()
        sent = drive(lab, server, "/unix/a")
        lab.note(f"UNIX: {sent / (time.monotonic() - begin):.0f} requests a second")
        settle(lab, "UNIX", sent, lambda: len(received(store, "log_socket")) + server.refused())
        time.sleep(2)
        code, err = hold(lab, "UNIX", server.lines("unix.log"), received(store, "log_socket"), server.refused(), config, "unix.page")
        lab.expect("UNIX: an answer is not complete where nginx dropped lines", code == 3 or not server.refused(), (code, err[-800:]))

        before = lost(daemon)
        sent = drive(lab, server, "/udp/b", stop=daemon.process.child)
        settle(lab, "UDP, standing still", len(server.lines("udp.log")), of_udp)
        time.sleep(2)
        code, err = hold(lab, "UDP, standing still", server.lines("udp.log"), received(store, str(server.syslog)), lost(daemon), config, "udp.page")
        lab.expect("what the kernel dropped is said, and the answer is partial", lost(daemon) > before and code == 3, (before, lost(daemon), code, err[-800:]))
        lab.expect("the daemon runs still, and stops cleanly", daemon.running() and daemon.stop() == 0, daemon.output()[-2000:])


if __name__ == "__main__":
    main()
