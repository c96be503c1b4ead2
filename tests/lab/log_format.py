"""log_format changes in nginx.conf under load, and every line is read in the format that it is in.

nginx writes each request twice: to the log that spikeline follows, in a log_format that changes, and to one whose format never does. The
two are joined by $request_id, so that the truth about a line does not depend on which format it is in. nginx and spikeline are reloaded in
either order, with seconds between, or only one of them, or spikeline is killed in the midst; slow requests keep old workers at work.
"""
import json
import os
import re
import signal
import time

import peers
import subject
from scenario import Scenario

BASE = '$remote_addr [$time_local] "$request" $status $body_bytes_sent id=$request_id rt=$request_time msec=$msec'
MORE = BASE + ' ua="$http_user_agent" host=$host'
MOVED = 'msec=$msec id=$request_id "$request" $body_bytes_sent $status "$http_user_agent" rt=$request_time $remote_addr'
JSON = ('escape=json', '{"msec":$msec,"id":"$request_id","request":"$request","status":$status,"sent":$body_bytes_sent,'
        '"took":$request_time,"agent":"$http_user_agent"}')
# Both times stand side by side, so that a line fits both of these if it has an upstream.
TIMES = 'msec=$msec id=$request_id "$request" $status $body_bytes_sent $request_time $upstream_response_time'
SWAPPED = 'msec=$msec id=$request_id "$request" $status $body_bytes_sent $upstream_response_time $request_time'

NGINX = """daemon off; worker_processes 2; pid {dir}/nginx.pid; error_log {dir}/error.log; {user}
events {{ worker_connections 1024; }}
http {{
  client_body_temp_path {dir}/b; proxy_temp_path {dir}/p; fastcgi_temp_path {dir}/f; uwsgi_temp_path {dir}/u; scgi_temp_path {dir}/s;
  include {dir}/format.conf;
  log_format truth '$request_id $msec $request_time $status $request';
  upstream app {{ server 127.0.0.1:{app}; keepalive 32; }}
  proxy_http_version 1.1; proxy_set_header Connection "";
  server {{
    listen 127.0.0.1:{port} backlog=512;
    access_log {dir}/access.log lab;
    access_log {dir}/truth.log truth;
    location / {{ proxy_pass http://app; }}
    location /static/ {{ return 200 "static\\n"; }}
  }}
}}
"""


class Nginx(peers.Process):
    """nginx whose log_format is in a file of its own."""

    def __init__(self, work, application, log_format):
        self.dir = os.path.join(work, "nginx")
        os.makedirs(self.dir)
        [self.port] = peers.free_ports(1)
        self.write(log_format)
        user = "user root root;" if os.geteuid() == 0 else ""
        conf = os.path.join(self.dir, "nginx.conf")
        with open(conf, "w") as file:
            file.write(NGINX.format(dir=self.dir, app=application.port, port=self.port, user=user))
        super().__init__(work, "nginx", ["nginx", "-e", os.path.join(self.dir, "error.log"), "-c", conf])
        self.wait_for(self.port)

    def write(self, log_format):
        """Edit the log_format."""
        escape, text = log_format if isinstance(log_format, tuple) else ("", log_format)
        with open(os.path.join(self.dir, "format.new"), "w") as file:
            file.write(f"log_format lab {escape} '{text}';\n" if text else "log_format lab '$msec unclosed;\n")
        os.rename(os.path.join(self.dir, "format.new"), os.path.join(self.dir, "format.conf"))

    def reload(self):
        """nginx -s reload."""
        self.child.send_signal(signal.SIGHUP)


def written(nginx):
    """By $request_id: (end, duration, status, request), and the raw line."""
    truth, raw = {}, {}
    with open(os.path.join(nginx.dir, "truth.log")) as log:
        for line in log:
            ident, msec, took, status, request = line.rstrip("\n").split(" ", 4)
            truth[ident] = (millis(msec), millis(took), int(status), request)
    with open(os.path.join(nginx.dir, "access.log"), "rb") as log:
        for line in log.read().split(b"\n")[:-1]:
            raw[re.search(rb'(?:id=|"id":")([0-9a-f]{32})', line).group(1).decode()] = line
    return truth, raw


def millis(text):
    """1.234 -> 1234."""
    whole, fraction = text.split(".")
    return int(whole) * 1000 + int(fraction)


def records(config):
    """What `spikeline records` says of each request."""
    code, out, err = subject.command("records", "--config", config, "--format", "jsonl")
    found = {}
    for line in out.decode("utf-8", "replace").split("\n"):
        if line.strip():
            one = json.loads(line)
            found[one.get("request_id") or one.get("id")] = one
    return code, found, err


def check(lab, nginx, config, what, undecided=0):
    """Everything that the store tells is what nginx wrote; at most so many lines were rejected, and those said why."""
    truth, raw = written(nginx)
    lab.expect(f"{what}: both logs hold the same requests", truth.keys() == raw.keys())
    deadline = time.monotonic() + 40
    while True:
        code, found, err = records(config)
        if len(found) + undecided >= len(truth) or time.monotonic() > deadline:
            break
        time.sleep(0.5)
    missing = set(truth) - set(found)
    lab.expect(f"{what}: every request is there", len(missing) <= undecided, f"{len(missing)} of {len(truth)}; {err[-1500:]}")
    lab.expect(f"{what}: nothing else is", not set(found) - set(truth))
    wrong = [(ident, truth[ident], found[ident]) for ident in found if ident in truth and (
        round(found[ident]["request_time"] * 1000) != truth[ident][1] or found[ident]["status"] != truth[ident][2])]
    lab.expect(f"{what}: every value is right", not wrong, wrong[:3])
    code, out, err = subject.command("lines", "--all", "--config", config)
    lines = sorted(out.split(b"\n")[:-1])
    lab.expect(f"{what}: lines --all", lines == sorted(line for ident, line in raw.items() if ident not in missing), err[-1500:])
    code, out, err = subject.command("verify", "--config", config)
    lab.expect(f"{what}: verify", code == 0, err[-1500:])
    lab.note(f"{what}: {len(truth)} requests, {len(missing)} undecided")
    return len(missing)


def main():
    """Run the scenario."""
    with Scenario(__doc__, rate=(200, 120), pause=(4, 2)) as lab:
        application = lab.run(peers.Application(lab.work))
        application.delay("/p/", 200, 2500)
        nginx = lab.run(Nginx(lab.work, application, BASE))
        config = os.path.join(lab.work, "spikeline.toml")
        with open(config, "w") as file:
            file.write(f'store = "{lab.work}/store"\nnginx = "{nginx.dir}/nginx.conf"\n')
        daemon = lab.run(subject.Daemon(lab.work, config))
        load = peers.Load(lab.work, [f"{nginx.port}:"], lab.args.rate, 600)
        pause = lab.args.pause

        def hang_up():
            daemon.process.child.send_signal(signal.SIGHUP)

        def change(log_format, *steps):
            time.sleep(pause)
            nginx.write(log_format)
            for step in steps:
                time.sleep(pause / 2)
                step()
            time.sleep(pause)

        change(MORE, nginx.reload, hang_up)      # nginx first
        change(MOVED, hang_up, nginx.reload)     # spikeline first
        change(JSON, nginx.reload)               # spikeline is told nothing
        change(None, hang_up, nginx.reload)      # neither takes it

        def killed():
            daemon.kill()
            time.sleep(1)
            daemon.start()
        change(BASE, nginx.reload, killed)       # in the midst
        change(MORE, nginx.reload, nginx.reload, hang_up)
        sent = load.finish(early=True)
        time.sleep(3)
        check(lab, nginx, config, f"{sent} requests over six changes")
        said = daemon.output()
        lab.expect("the changes were said", said.count("says another log_format by now") >= 4, said[-3000:])
        lab.expect("the bad one was said", "all formats stay as they are" in said and "stays in force" in said, said[-3000:])

        # Formats that most lines fit both: none is guessed.
        change(TIMES, nginx.reload, hang_up)
        load = peers.Load(lab.work, [f"{nginx.port}:"], lab.args.rate, 600, seed=2)
        change(SWAPPED, nginx.reload, hang_up)
        load.finish(early=True)
        time.sleep(3)
        truth, _ = written(nginx)
        check(lab, nginx, config, "two times that change places", undecided=len(truth) // 4)
        lab.expect("the daemon runs still, and stops cleanly", daemon.running() and daemon.stop() == 0, daemon.output()[-2000:])


if __name__ == "__main__":
    main()
