"""The same after logrotate, by every scheme: the points, and the lines of files renamed and gzipped meanwhile.

One nginx and one log per scheme, all under load at once, one daemon over all of them; the schemes' rotations take turns.
What copytruncate itself loses (lines written between its copy and its truncation) is in no file and not asked for.
"""
import grp
import os
import pwd
import subprocess
import time

import compare
import peers
import subject
import truth
from scenario import Scenario

# name: (directives, whether nginx is told, how often). "create" stands for create with the log's mode and owner.
SCHEMES = {
    "create-delaycompress": ("create\ncompress\ndelaycompress", True, 3),
    "nocreate-compress": ("nocreate\ncompress", True, 2),
    "dateext": ("create\ndateext\ncompress\ndelaycompress", True, 2),
    "dateext-epoch": ("create\ndateext\ndateformat -%Y%m%d-%s", True, 2),
    "no-signal": ("create", False, 1),
    "copytruncate": ("copytruncate", False, 2),
    "copytruncate-compress": ("copytruncate\ncompress", False, 2),
}


def rotate(lab, scheme, nginx):
    """Run the real logrotate on one log, now."""
    directives, signal, _ = SCHEMES[scheme]
    mode = f"create 0640 {pwd.getpwuid(os.getuid()).pw_name} {grp.getgrgid(os.getgid()).gr_name}"
    directives = "\n".join(mode if line == "create" else line for line in directives.split("\n"))
    conf = os.path.join(lab.work, f"{scheme}.conf")
    with open(conf, "w") as file:
        file.write(f"{nginx.log_path} {{\nrotate 9\n{directives}\n")
        if signal:
            file.write(f"postrotate\nkill -USR1 {nginx.pid}\nendscript\n")
        file.write("}\n")
    os.chmod(conf, 0o644)
    state = os.path.join(lab.work, f"{scheme}.state")
    done = subprocess.run(["/usr/sbin/logrotate", "-f", "-s", state, conf], capture_output=True, text=True, timeout=60)
    if done.returncode and "already exists, skipping rotation" not in done.stderr:
        lab.expect(f"logrotate by {scheme}", False, done.stderr)


def drive(lab, nginxes):
    """Load on every log while they are rotated; returns how many requests each log must hold."""
    targets = [f"{nginx.port}:/s/{scheme}" for scheme, nginx in nginxes.items()]
    load = peers.Load(lab.work, targets, lab.args.rate, 600)
    time.sleep(lab.args.pause)
    for turn in range(max(times for _, _, times in SCHEMES.values())):
        for scheme, nginx in nginxes.items():
            if turn < SCHEMES[scheme][2]:
                rotate(lab, scheme, nginx)
        time.sleep(lab.args.pause)
    nginxes["no-signal"].child.send_signal(peers.signal.SIGUSR1)  # much later than its rotation
    time.sleep(lab.args.pause)
    sent = load.finish(early=True)
    return {scheme: sent // len(targets) + (index < sent % len(targets)) for index, scheme in enumerate(nginxes)}


def main():
    """Run the scenario."""
    with Scenario(__doc__, rate=(210, 140), pause=(8, 4)) as lab:
        application = lab.run(peers.Application(lab.work))
        application.delay("/s/create-delaycompress/p/", 200, 2500)
        nginxes = {scheme: lab.run(peers.Nginx(lab.work, application, name=scheme, workers=1)) for scheme in SCHEMES}
        carbon = lab.run(peers.Carbon(lab.work))
        config = subject.write_config(lab.work, [nginx.log_path for nginx in nginxes.values()], carbon)
        daemon = lab.run(subject.Daemon(lab.work, config))
        sent, names, excuse = drive(lab, nginxes), [], set()
        for scheme, nginx in nginxes.items():
            files = truth.generations(nginx.log_path)
            names += files
            one = truth.Truth(files, truth.lab_route)
            lost = sent[scheme] - len(one.requests)
            lab.note(f"{scheme}: {', '.join(sorted(os.path.basename(f) for f in files))}" + (f"; {lost} lost" if lost else ""))
            if lost and lab.expect(f"{scheme} loses nothing", scheme.startswith("copytruncate") and lost > 0, lost):
                excuse |= {cell for cell in one.cells}
        true = truth.Truth(names, truth.lab_route)
        compare.settle(lab, carbon, true, truth.points, 25, excuse)
        first, last = min(r.end for r in true.requests) // 1000 - 5, max(r.end for r in true.requests) // 1000 + 1
        for route in true.routes():
            if not any(cell[0] == route for cell in excuse):
                compare.lines(lab, config, true, route, first, last)
                compare.lines(lab, config, true, route, first + 7, first + 9)
            else:
                _, got, _ = subject.lines(config, route, first, last, "--all")
                missing = compare.surplus(true.select(route, first * 1000, last * 1000, every=True), got)
                lab.expect(f"all lines of {route} that are in files", not missing, missing[:3])
        lab.expect("the daemon runs still, and stops cleanly", daemon.running() and daemon.stop() == 0, daemon.output()[-2000:])
        compress_all(lab, config, nginxes, true, first, last)


def compress_all(lab, config, nginxes, true, first, last):
    """With the daemon stopped, gzip and rename everything that is left: the lines are found all the same."""
    for nginx in nginxes.values():
        nginx.stop()
        for index, name in enumerate(truth.generations(nginx.log_path)):
            if not name.endswith(".gz") and os.path.getsize(name):
                os.rename(name, f"{nginx.log_path}.{20 + index}")
                subprocess.run(["gzip", f"{nginx.log_path}.{20 + index}"], check=True, timeout=60)
    for route in ("rotate.create-delaycompress", "rotate.nocreate-compress", "rotate.dateext-epoch", "rotate.no-signal"):
        compare.lines(lab, config, true, route, first, last)


if __name__ == "__main__":
    main()
