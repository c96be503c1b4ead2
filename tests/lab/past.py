"""Logs of the past: real nginx and logrotate by every scheme, nobody following. Then `spikeline index` takes in what is left,
killed (-9) a few times on the way, and pushes it into real carbon-cache; points and lines are held against truth.py, and
`spikeline verify` holds the store against the logs and against what a /render over the whisper files gives.
"""
import http.server
import json
import os
import random
import shutil
import subprocess
import threading
import time
import urllib.parse

import compare
import peers
import rotate
import subject
import truth
from scenario import Scenario


class Render(threading.Thread):
    """What graphite-web's /render?format=json gives for `PREFIX.*.*`, from carbon's whisper files."""

    def __init__(self, carbon):
        super().__init__(daemon=True)
        render = self

        class Handler(http.server.BaseHTTPRequestHandler):
            """One request."""

            def do_GET(self):
                """Answer it."""
                query = urllib.parse.parse_qs(urllib.parse.urlsplit(self.path).query)
                body = json.dumps(render.series(query["target"][0], int(query["from"][0]), int(query["until"][0]))).encode()
                self.send_response(200)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                """Say nothing."""

        self.carbon, self.asked = carbon, 0
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        self.start()

    def run(self):
        self.server.serve_forever()

    def series(self, target, since, until):
        """The series of a route, each slot of (since, until] with its value or null."""
        self.asked += 1
        folder = os.path.join(self.carbon.whisper, *target.removesuffix(".*.*").split("."))
        out = []
        for group in sorted(os.listdir(folder)) if os.path.isdir(folder) else ():
            for name in sorted(os.listdir(os.path.join(folder, group))):
                if name.endswith(".wsp"):
                    metric = target.replace("*.*", f"{group}.{name[:-4]}")
                    (start, end, step), values = peers.whisper.fetch(os.path.join(folder, group, name), since, until)
                    out.append({"target": metric, "datapoints": [[v, at] for at, v in zip(range(start, end, step), values)]})
        return out

    def stop(self):
        """End it."""
        self.server.shutdown()


def index(lab, config, files, *flags):
    """`spikeline index` to its end."""
    code, out, err = subject.command("index", "--config", config, "--format", "csv", *flags, *files)
    lab.expect("index exits with 0", code == 0, f"{code}; {err[-2000:]}")
    return out.decode(), err


def killed(lab, config, files, times):
    """Begin to take them in, and be killed, so many times."""
    rng = random.Random(5)
    for _ in range(times):
        child = subprocess.Popen([subject.binary(), "index", "--config", config, "--push", *files],
                                 stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(rng.uniform(0.005, 0.08))
        child.kill()
        child.wait(30)
    lab.note(f"killed {times} times")


def packed(nginxes):
    """Rename and pack every file, some as gz and some as zst; the new names."""
    names = []
    for nginx in nginxes.values():
        for number, name in enumerate(truth.generations(nginx.log_path)):
            if not os.path.getsize(name):
                continue
            other = os.path.join(os.path.dirname(name), f"kept-{number}{'.gz' if name.endswith('.gz') else ''}")
            os.rename(name, other)
            if not other.endswith(".gz"):
                zst = number % 2 == 0 and shutil.which("zstd")
                subprocess.run(["zstd", "-q", "--rm", other] if zst else ["gzip", other], check=True, timeout=60)
                other += ".zst" if zst else ".gz"
            names.append(other)
    return names


def main():
    """Run the scenario."""
    with Scenario(__doc__, rate=(280, 210), pause=(8, 4), kills=(8, 4)) as lab:
        application = lab.run(peers.Application(lab.work))
        application.delay("/s/dateext/p/", 200, 2500)
        nginxes = {scheme: lab.run(peers.Nginx(lab.work, application, name=scheme, workers=1)) for scheme in rotate.SCHEMES}
        carbon = lab.run(peers.Carbon(lab.work))
        config = subject.write_config(lab.work, [nginx.log_path for nginx in nginxes.values()], carbon)
        rotate.drive(lab, nginxes)
        files = []
        for nginx in nginxes.values():
            nginx.stop()
            files += truth.generations(nginx.log_path)
        true = truth.Truth(files, truth.lab_route)
        lab.note(f"{len(files)} files, {len(true.requests)} requests, nobody followed")
        random.Random(3).shuffle(files)
        killed(lab, config, files, lab.args.kills)
        begin = time.monotonic()
        _, err = index(lab, config, files, "--push", "--rate", 50000)
        lab.note(f"taken in and pushed in {time.monotonic() - begin:.1f} s: {' | '.join(err.splitlines()[-2:])}")
        compare.settle(lab, carbon, true, truth.points, 30)
        first, last = min(r.end for r in true.requests) // 1000 - 5, max(r.end for r in true.requests) // 1000 + 1
        for route in true.routes():
            compare.lines(lab, config, true, route, first, last)
            compare.lines(lab, config, true, route, first + 7, first + 9)
        _, err = index(lab, config, files, "--push")
        lab.expect("the second time there is nothing to do", "nothing was read" in err and " 0 slots sent" in err, err[-600:])
        render = lab.run(Render(carbon))
        code, out, err = subject.command("verify", "--config", config, "--graphite", render.url)
        lab.expect("verify finds no difference", code == 0 and not out, f"{code} {out[:2000]} {err[-1500:]}")
        lab.note("; ".join(err.splitlines()[-2:]))
        names = packed(nginxes)
        _, err = index(lab, config, names)
        lab.expect("renamed and packed they are known still", "nothing was read" in err, err[-1000:])
        for route in true.routes()[:3]:
            compare.lines(lab, config, true, route, first, last)
        code, out, err = subject.command("verify", "--config", config)
        lab.expect("and verify reads them there", code == 0 and not out, f"{code} {out[:2000]} {err[-1500:]}")


if __name__ == "__main__":
    main()
