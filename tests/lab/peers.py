"""The real servers around spikeline: nginx, carbon-cache, the application, and the load on them.

Everything listens on free ports of 127.0.0.1 and is ended by the process ids that were started here.
"""
import json
import os
import pickle
import signal
import socket
import struct
import subprocess
import sys
import time
import urllib.request

import truth

HERE = os.path.dirname(os.path.abspath(__file__))
PYTHON = "/usr/bin/python3"
sys.path.append("/usr/lib/python3/dist-packages")  # Debian's whisper, should another Python run this
import whisper  # noqa: E402


def free_ports(count):
    """Distinct free ports of 127.0.0.1, held open while choosing."""
    held = []
    for _ in range(count):
        held.append(socket.socket())
        held[-1].bind(("127.0.0.1", 0))
    ports = [s.getsockname()[1] for s in held]
    for s in held:
        s.close()
    return ports


def until(what, seconds, probe, pause=0.05):
    """Wait until `probe()` is true, at most `seconds`; returns what it gave."""
    deadline = time.monotonic() + seconds
    while True:
        value = probe()
        if value:
            return value
        if time.monotonic() > deadline:
            raise TimeoutError(f"waited {seconds} s in vain for {what}")
        time.sleep(pause)


def listening(port):
    """Whether something accepts connections there."""
    with socket.socket() as s:
        return s.connect_ex(("127.0.0.1", port)) == 0


class Process:
    """A child process with its output in a file; always ended by its own id."""

    def __init__(self, work, name, command, **options):
        self.name, self.log = name, os.path.join(work, f"{name}.log")
        with open(self.log, "ab") as log:
            self.child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=options.pop("stdout", log),
                                          stderr=log, **options)

    @property
    def pid(self):
        """The process id."""
        return self.child.pid

    def output(self):
        """What it has written so far, lossily."""
        with open(self.log, "rb") as log:
            return log.read().decode("utf-8", "replace")

    def wait_for(self, port, seconds=20):
        """Wait until it listens."""
        def up():
            if self.child.poll() is not None:
                raise RuntimeError(f"{self.name} ended with {self.child.returncode}: {self.output()[-2000:]}")
            return listening(port)
        until(f"{self.name} to listen on {port}", seconds, up)

    def stop(self, signum=signal.SIGTERM, seconds=30):
        """End it and return its exit code; after `seconds` the hard way."""
        if self.child.poll() is None:
            self.child.send_signal(signum)
            try:
                self.child.wait(seconds)
            except subprocess.TimeoutExpired:
                self.child.kill()
        return self.child.wait(10)


class Application(Process):
    """The upstream whose delay can be changed."""

    def __init__(self, work):
        [self.port] = free_ports(1)
        super().__init__(work, "application", [PYTHON, os.path.join(HERE, "upstream.py"), str(self.port)])
        self.wait_for(self.port)

    def delay(self, prefix, low_ms, high_ms):
        """From now on, paths below `prefix` take this long."""
        urllib.request.urlopen(f"http://127.0.0.1:{self.port}/__delay?{prefix}&{low_ms}&{high_ms}", timeout=5).read()


NGINX = """daemon off; worker_processes {workers}; pid {dir}/nginx.pid; error_log {dir}/error.log; {user}
events {{ worker_connections 1024; }}
http {{
  client_body_temp_path {dir}/b; proxy_temp_path {dir}/p; fastcgi_temp_path {dir}/f; uwsgi_temp_path {dir}/u; scgi_temp_path {dir}/s;
  log_format lab '{format}';
  access_log {log} lab {buffer};
  upstream app {{ server 127.0.0.1:{app}; keepalive 32; }}
  upstream failover {{ server 127.0.0.1:{dead} max_fails=0; server 127.0.0.1:{app} max_fails=0; }}
  proxy_http_version 1.1; proxy_set_header Connection "";
  server {{
    listen 127.0.0.1:{port} backlog=512;
    location / {{ proxy_pass http://app; }}
    location /flaky/ {{ proxy_pass http://failover; }}
    location /static/ {{ return 200 "static\\n"; }}
  }}
}}
"""


class Nginx(Process):
    """nginx with the lab's log_format; `log` is its access log, in a folder of its own."""

    def __init__(self, work, application, name="nginx", workers=2, buffer=""):
        folder = os.path.join(work, name)
        os.makedirs(os.path.join(folder, "logs"))
        self.log_path = os.path.join(folder, "logs", "access.log")
        self.port, dead = free_ports(2)
        conf = os.path.join(folder, "nginx.conf")
        with open(conf, "w") as file:
            file.write(NGINX.format(dir=folder, log=self.log_path, format=truth.LOG_FORMAT, app=application.port, dead=dead,
                                    port=self.port, workers=workers, buffer=buffer,
                                    user="user root root;" if os.geteuid() == 0 else ""))
        super().__init__(work, name, ["nginx", "-e", os.path.join(folder, "error.log"), "-c", conf])
        self.wait_for(self.port)

    def stop(self, signum=signal.SIGQUIT, seconds=30):
        """End it gracefully, which also writes out its buffers."""
        return super().stop(signum, seconds)


CARBON = """[cache]
STORAGE_DIR = {dir}
LOCAL_DATA_DIR = {dir}/whisper
WHITELISTS_DIR = {dir}/lists
CONF_DIR = {dir}
LOG_DIR = {dir}/log
PID_DIR = {dir}
USER =
DATABASE = whisper
MAX_CACHE_SIZE = inf
MAX_UPDATES_PER_SECOND = inf
MAX_CREATES_PER_MINUTE = {creates}
LINE_RECEIVER_INTERFACE = 127.0.0.1
LINE_RECEIVER_PORT = {line}
ENABLE_UDP_LISTENER = False
PICKLE_RECEIVER_INTERFACE = 127.0.0.1
PICKLE_RECEIVER_PORT = {pickle}
CACHE_QUERY_INTERFACE = 127.0.0.1
CACHE_QUERY_PORT = {query}
USE_FLOW_CONTROL = True
MAX_QUEUE_SIZE = 100000
LOG_UPDATES = False
LOG_CREATES = False
LOG_CACHE_HITS = False
CACHE_WRITE_STRATEGY = sorted
CARBON_METRIC_INTERVAL = 0
ENABLE_TAGS = False
"""


class Carbon:
    """Debian's carbon-cache over whisper files; may be stopped and started again on the same ports."""

    def __init__(self, work, retention="10s:6h", creates="inf"):
        self.work, self.dir = work, os.path.join(work, "carbon")
        self.whisper = os.path.join(self.dir, "whisper")
        os.makedirs(os.path.join(self.dir, "log"))
        os.makedirs(self.whisper)
        self.port, self.pickle_port, self.query = free_ports(3)
        with open(os.path.join(self.dir, "carbon.conf"), "w") as file:
            file.write(CARBON.format(dir=self.dir, creates=creates, line=self.port, pickle=self.pickle_port, query=self.query))
        with open(os.path.join(self.dir, "storage-schemas.conf"), "w") as file:
            file.write(f"[lab]\npattern = .*\nretentions = {retention}\n")
        with open(os.path.join(self.dir, "storage-aggregation.conf"), "w") as file:
            file.write("[lab]\npattern = .*\nxFilesFactor = 0\naggregationMethod = last\n")
        self.process = None
        self.start()

    def start(self):
        """Start it (again)."""
        pidfile = os.path.join(self.dir, "carbon.pid")
        if os.path.exists(pidfile):
            os.remove(pidfile)
        self.process = Process(self.work, "carbon-cache", [
            PYTHON, "/usr/bin/carbon-cache", f"--config={self.dir}/carbon.conf", "--nodaemon", f"--pidfile={pidfile}", "start"],
            env={**os.environ, "GRAPHITE_ROOT": self.dir})
        self.process.wait_for(self.port)
        self.process.wait_for(self.query)

    def stop(self):
        """Stop it; what it holds is written out first."""
        return self.process.stop(seconds=60)

    def metrics(self):
        """The names of all metrics that have a file."""
        for folder, _, files in os.walk(self.whisper):
            for name in files:
                if name.endswith(".wsp"):
                    path = os.path.relpath(os.path.join(folder, name), self.whisper)
                    yield path[:-4].replace("/", ".")

    def stored(self, metric, since, until_):
        """{epoch second: value} of one metric in [since, until_), from its whisper file; empty without one."""
        path = os.path.join(self.whisper, metric.replace(".", "/") + ".wsp")
        try:
            (start, end, step), values = whisper.fetch(path, since - 10, until_ + 10)
        except (OSError, whisper.WhisperException):  # not there yet, or just being made
            return {}
        return {at: v for at, v in zip(range(start, end, step), values) if v is not None and since <= at < until_}

    def cached(self, metric):
        """{epoch second: value} of one metric that carbon holds and has not written yet, by its query port."""
        question = pickle.dumps({"type": "cache-query", "metric": metric}, protocol=2)
        with socket.create_connection(("127.0.0.1", self.query), timeout=5) as s:
            s.sendall(struct.pack("!L", len(question)) + question)
            with s.makefile("rb") as answer:
                return dict(pickle.loads(answer.read(struct.unpack("!L", answer.read(4))[0]))["datapoints"])


FORWARDER = """[{section}]
STORAGE_DIR = {dir}
LOCAL_DATA_DIR = {dir}
WHITELISTS_DIR = {dir}/lists
CONF_DIR = {dir}
LOG_DIR = {dir}
PID_DIR = {dir}
USER =
LINE_RECEIVER_INTERFACE = 127.0.0.1
LINE_RECEIVER_PORT = {line}
PICKLE_RECEIVER_INTERFACE = 127.0.0.1
PICKLE_RECEIVER_PORT = {pickle}
RELAY_METHOD = consistent-hashing
REPLICATION_FACTOR = 1
DESTINATIONS = {destination}
DESTINATION_PROTOCOL = pickle
CARBON_METRIC_INTERVAL = 0
USE_FLOW_CONTROL = True
MAX_QUEUE_SIZE = 100000
LOG_LISTENER_CONN_SUCCESS = False
FORWARD_ALL = True
{more}
"""


class Forwarder:
    """Debian's carbon-relay or carbon-aggregator in front of a carbon-cache: lines at `port`, pickles at `pickle_port`."""

    def __init__(self, work, program, carbon, more="", rules=""):
        self.dir = os.path.join(work, program)
        os.makedirs(self.dir)
        self.port, self.pickle_port = free_ports(2)
        section = program.removeprefix("carbon-")
        with open(os.path.join(self.dir, "carbon.conf"), "w") as file:
            file.write(FORWARDER.format(dir=self.dir, section=section, line=self.port, pickle=self.pickle_port, more=more,
                                        destination=f"127.0.0.1:{carbon.pickle_port}:a"))
        for name in ("aggregation-rules.conf", "rewrite-rules.conf", "storage-schemas.conf"):
            with open(os.path.join(self.dir, name), "w") as file:
                file.write(rules if name == "aggregation-rules.conf" else "")
        self.process = Process(work, program, [
            PYTHON, f"/usr/bin/{program}", f"--config={self.dir}/carbon.conf", "--nodaemon",
            f"--pidfile={self.dir}/{program}.pid", "start"], env={**os.environ, "GRAPHITE_ROOT": self.dir})
        self.process.wait_for(self.port)
        self.process.wait_for(self.pickle_port)

    def stop(self):
        """Stop it."""
        return self.process.stop()


class Load:
    """The load driver, in a process of its own."""

    def __init__(self, work, targets, rate, seconds, seed=1):
        self.seconds = seconds
        self.process = Process(work, "load", [
            PYTHON, os.path.join(HERE, "load.py"), "--rate", str(rate), "--seconds", str(seconds), "--seed", str(seed),
            *targets], stdout=subprocess.PIPE)

    def finish(self, early=False):
        """Wait for its end, or ask for it; returns how many requests were sent and answered."""
        if early:
            self.process.child.send_signal(signal.SIGTERM)
        out, _ = self.process.child.communicate(timeout=self.seconds + 90)
        count = json.loads(out)
        if count["answered"] != count["sent"]:
            raise RuntimeError(f"the load driver got no answer to some requests: {count}")
        return count["sent"]
