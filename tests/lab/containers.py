"""A node of a cluster without a cluster: the logs of /var/log/containers, rotated as the kubelet does, and the image and pod of `packaging/`.

The steps of the Dockerfile are run in a copy of this machine's root (an overlay, in a mount namespace), and what kubernetes.yaml says is done by
hand: the init container, the daemon as its user, with its groups and mounts, under its configuration, the probes. Containers write CRI lines
(whole, in parts, of stderr between), are rotated (renamed, opened anew, the one before packed), restarted and removed, and the daemon is
killed: every line is counted once, and those that are there are found again.
"""
import glob
import gzip
import json
import os
import random
import shutil
import signal
import subprocess
import threading
import time

import peers
import subject
from scenario import Scenario

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
PART = 700  # CRI cuts at 16 KiB; shorter lines will do


class Container:
    """One container's log where the kubelet has it, and the link to it."""

    def __init__(self, node, pod, name, rng):
        self.node, self.pod, self.name, self.rng, self.restarts = node, pod, name, rng, 0
        self.folder = os.path.join(node, "var/log/pods", f"default_{pod}_{rng.randrange(1 << 40):010x}", name)
        os.makedirs(self.folder)
        self.lock = threading.Lock()
        self.open()

    def open(self):
        """A log and a link of a new container."""
        self.path = os.path.join(self.folder, f"{self.restarts}.log")
        self.file = self.opened()
        self.link = os.path.join(self.node, "var/log/containers", f"{self.pod}_default_{self.name}-{self.rng.randrange(1 << 60):064x}.log")
        os.symlink(self.path.removeprefix(self.node), self.link)

    def opened(self):
        """As containerd opens it: of root, for its group."""
        return os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o640)

    def write(self, text):
        """A line that nginx wrote, in parts where it is long."""
        with self.lock:
            stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime()) + f".{time.time_ns() % 1_000_000_000:09}Z"
            while len(text) > PART:
                os.write(self.file, f"{stamp} stdout P {text[:PART]}\n".encode())
                text = text[PART:]
                if self.rng.random() < 0.3:
                    os.write(self.file, f"{stamp} stderr F 2011/11/30 14:05:20 [error] 7#7: *1 connect() failed\n".encode())
            os.write(self.file, f"{stamp} stdout F {text}\n".encode())

    def rotate(self):
        """As the kubelet does: pack what was rotated before, rename the log, have the runtime open it anew a little later."""
        for name in sorted(glob.glob(self.path + ".*")):
            if name.endswith((".gz", ".tmp")):
                continue
            with open(name, "rb") as plain, gzip.open(name + ".tmp", "wb") as packed:
                shutil.copyfileobj(plain, packed)
            os.chmod(name + ".tmp", 0o640)
            os.rename(name + ".tmp", name + ".gz")
            os.remove(name)
        target = f"{self.path}.{time.strftime('%Y%m%d-%H%M%S', time.gmtime())}"
        if os.path.exists(target) or os.path.exists(target + ".gz"):
            return
        os.rename(self.path, target)
        time.sleep(self.rng.choice((0, 0.05, 0.2)))
        with self.lock:
            os.close(self.file)
            self.file = self.opened()

    def restart(self):
        """The container ends and comes again: another id, another number, another link; the kubelet takes the old link away later."""
        with self.lock:
            os.close(self.file)
            old, self.restarts = self.link, self.restarts + 1
            self.open()
        threading.Timer(2.5, os.remove, [old]).start()


class Traffic(threading.Thread):
    """nginx's lines to all containers, and the kubelet's work on them; `written` is by the pod, in order."""

    def __init__(self, containers, bystander, rate, seconds):
        super().__init__(daemon=True)
        self.containers, self.bystander, self.rate, self.seconds = containers, bystander, rate, seconds
        self.written, self.error = [], None
        self.start()

    def run(self):
        try:
            self.drive()
        except OSError as error:
            self.error = error

    def drive(self):
        """Write until the time is over."""
        rng, begin, turn = random.Random(8), time.monotonic(), 0
        while (now := time.monotonic() - begin) < self.seconds:
            while len(self.written) < now * self.rate:
                container = rng.choice(self.containers)
                agent = "x" * (rng.randrange(2500) if rng.random() < 0.05 else 10)
                took = rng.randrange(1, 1500)
                local = time.strftime("%d/%b/%Y:%H:%M:%S +0000", time.gmtime())
                number = f"{container.pod}-{len(self.written)}"
                container.write(f'192.0.2.7 - - [{local}] "GET /{container.pod}/page?id={number} HTTP/1.1" 200 512 "-" "{agent}" '
                                f'{took / 1000:.3f} {took / 1000:.3f}')
                self.written.append(number)
                if len(self.written) % 50 == 0:
                    self.bystander.write("not a line of nginx at all")
            if now > turn:
                turn = now + 1.1
                container = rng.choice(self.containers)
                container.restart() if rng.random() < 0.15 else container.rotate()
            time.sleep(0.01)


def dockerfile():
    """Its instructions: [(name, text)]."""
    with open(os.path.join(TOP, "packaging", "Dockerfile")) as file:
        text = "".join(line for line in file if not line.startswith("#")).replace("\\\n", "")
    return [tuple(line.split(maxsplit=1)) for line in text.splitlines() if line.strip()]


class Image:
    """The image's root, made by the Dockerfile's steps, with the pod's mounts; `command` runs something in it."""

    def __init__(self, work, node, config):
        self.root, self.env = os.path.join(work, "root"), {}
        for name in ("root", "layer/up", "layer/work", "empty"):
            os.makedirs(os.path.join(work, name))
        steps = dockerfile()
        script = [f"set -e; mount --make-rprivate /; mount -t tmpfs none {work}/layer; mkdir {work}/layer/up {work}/layer/work",
                  f"mount -t overlay overlay -o lowerdir=/,upperdir={work}/layer/up,workdir={work}/layer/work {self.root}",
                  f"mount -t proc proc {self.root}/proc; mount --rbind /dev {self.root}/dev; mount -t tmpfs none {self.root}/tmp"]
        for instruction, text in steps:
            if instruction == "RUN":
                script.append(f"chroot {self.root} /bin/sh -c {shell_quoted(text)}")
            elif instruction == "COPY":
                source, target = text.split()
                source = subject.binary() if source == "target/release/spikeline" else os.path.join(TOP, source)
                script.append(f"install -D -m 0755 {source} {self.root}{target}")
            elif instruction == "ENV":
                self.env.update([text.split("=", 1)])
        self.user = dict(steps)["USER"].split(":")
        self.entry, self.check = json.loads(dict(steps)["ENTRYPOINT"]), dict(steps)["HEALTHCHECK"].split("CMD ", 1)[1]
        script += [f"mount --bind {node}/var/log {self.root}/var/log; mount -o remount,bind,ro {self.root}/var/log",
                   f"mount --bind {config} {self.root}/etc/spikeline; mount -o remount,bind,ro {self.root}/etc/spikeline",
                   f"mount --bind {node}/var/lib/spikeline {self.root}/var/lib/spikeline",
                   f"touch {work}/ready; exec sleep infinity"]
        self.holder = peers.Process(work, "image", ["unshare", "--mount", "sh", "-c", "\n".join(script)])
        peers.until("the image", 20, lambda: os.path.exists(f"{work}/ready") or self.holder.child.poll() is not None)
        if self.holder.child.poll() is not None:
            raise RuntimeError(f"the image cannot be made here: {self.holder.output()[-800:]}")

    def wrap(self, user, group, groups, capabilities):
        """What runs a command in it, as the kubelet would."""
        bounded = "-all" + "".join(f",+{name.lower()}" for name in capabilities)
        inherited = ["--inh-caps", bounded, "--bounding-set", bounded]
        return ["nsenter", f"--target={self.holder.pid}", "--mount", "chroot", self.root, "setpriv", f"--reuid={user}", f"--regid={group}",
                f"--groups={','.join(map(str, groups))}" if groups else "--clear-groups", *inherited, "--no-new-privs", "env", "-i",
                "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "TZ=UTC", "SPIKELINE_LISTEN=off", *(f"{k}={v}" for k, v in self.env.items())]

    def stop(self):
        """Unmount all of it."""
        return self.holder.stop()


def shell_quoted(text):
    """For sh."""
    return "'" + text.replace("'", "'\\''") + "'"


def manifest(lab):
    """kubernetes.yaml, read by a parser: the configuration and the pod."""
    try:
        import yaml
    except ImportError:
        lab.skip("containers", "not installed here: python3-yaml")
        return None, None
    with open(os.path.join(TOP, "packaging", "kubernetes.yaml")) as file:
        documents = list(yaml.safe_load_all(file))
    kinds = [it["kind"] for it in documents]
    lab.expect("a ConfigMap and a DaemonSet", kinds == ["ConfigMap", "DaemonSet"], kinds)
    pod = documents[1]["spec"]["template"]
    lab.expect("the DaemonSet selects its pods", documents[1]["spec"]["selector"]["matchLabels"] == pod["metadata"]["labels"])
    spec, [container] = pod["spec"], pod["spec"]["containers"]
    named = {it["name"] for it in spec["volumes"]}
    used = {it["name"] for it in container["volumeMounts"]} | {it["name"] for it in spec["initContainers"][0]["volumeMounts"]}
    lab.expect("every volume is mounted, and every mount is a volume", named == used, (named, used))
    return documents[0]["data"]["spikeline.toml"], spec


def answer(image, *args):
    """A command of spikeline in the pod: (exit code, stdout, stderr)."""
    done = subprocess.run([*image, "spikeline", *map(str, args)], capture_output=True, text=True, timeout=120, stdin=subprocess.DEVNULL)
    return done.returncode, done.stdout, done.stderr


def counted(image):
    """How many requests the store has."""
    _, out, _ = answer(image, "report", "--format", "json", "--from", "-1h")
    try:
        return sum(row["count"] for row in json.loads(out)["rows"] if row["route"] != "all")
    except (ValueError, KeyError):
        return 0


def main():
    """Run the scenario."""
    with Scenario(__doc__, seconds=(60, 15), rate=(600, 300)) as lab:
        if missing := [name for name in ("unshare", "nsenter", "setpriv") if not shutil.which(name)]:
            return lab.skip("containers", f"not installed here: {', '.join(missing)}")
        text, spec = manifest(lab)
        if text is None:
            return
        if os.geteuid() != 0:
            return lab.skip("containers", "only root may mount")
        node, config, rng = os.path.join(lab.work, "node"), os.path.join(lab.work, "config"), random.Random(7)
        for folder in ("var/log/containers", "var/log/pods", "var/lib/spikeline"):
            os.makedirs(os.path.join(node, folder))
        os.makedirs(config)
        with open(os.path.join(config, "spikeline.toml"), "w") as file:
            file.write(text.replace("carbon.monitoring.svc:2003", "127.0.0.1:9"))
        try:
            image = lab.run(Image(lab.work, node, config))
        except (RuntimeError, TimeoutError) as error:
            return lab.skip("containers", error)

        init, [pod] = spec["initContainers"][0], spec["containers"]
        rights = init["securityContext"]
        done = subprocess.run([*image.wrap(rights["runAsUser"], rights["runAsGroup"], [], rights["capabilities"]["add"]), *init["command"]],
                              capture_output=True, text=True, timeout=20)
        lab.expect("the init container gives the store to its user", done.returncode == 0, done.stderr)
        rights = spec["securityContext"]
        user, group, groups = rights["runAsUser"], rights["runAsGroup"], rights["supplementalGroups"]
        lab.expect("the pod's user is the image's", [str(user), str(group)] == image.user, (user, group, image.user))
        stat = os.stat(os.path.join(node, "var/lib/spikeline"))
        lab.expect("the store's folder is the user's", (stat.st_uid, stat.st_gid, stat.st_mode & 0o777) == (user, group, 0o750), stat)
        inside = image.wrap(user, group, groups, [])

        def probe(kind):
            """A probe, as the manifest has it."""
            done = subprocess.run([*inside, *pod[kind]["exec"]["command"]], capture_output=True, text=True, timeout=20)
            return done.returncode, done.stdout + done.stderr

        lab.expect("until there is a store the start is waited for", probe("startupProbe")[0] != 0, probe("startupProbe"))
        containers = [Container(node, f"web{number}", "nginx", random.Random(number)) for number in range(3)]
        bystander = Container(node, "web0", "sidecar", random.Random(99))

        def run():
            return lab.run(peers.Process(lab.work, "spikeline", [*inside, *image.entry, *pod["args"]]))

        daemon = run()
        try:
            peers.until("the start", 20, lambda: probe("startupProbe")[0] == 0)
        except TimeoutError:
            return lab.expect("the start probe", False, daemon.output()[-2000:])
        traffic = Traffic(containers, bystander, lab.args.rate, lab.args.seconds)
        while traffic.is_alive():
            traffic.join(4)
            daemon.stop(signal.SIGKILL)
            daemon = run()
        lab.expect("the load ran to its end", traffic.error is None, traffic.error)
        # Of a packed file that nobody saw while it was a log it is certain only a while later that it is no copy in the making.
        until = time.monotonic() + 120
        ask = lambda: answer(inside, "lines", "--all", "--from", "-1h", "--by", "end")
        while time.monotonic() < until and (counted(inside) != len(traffic.written) or ask()[0] != 0):
            time.sleep(1)
        lab.expect("every line is counted once", counted(inside) == len(traffic.written), (counted(inside), len(traffic.written)))
        code, out, err = ask()
        found = sorted(part.split(" ", 1)[0] for part in out.split("?id=")[1:])
        lab.expect("every line is found again, once", found == sorted(traffic.written), (len(found), len(traffic.written), code, err[-700:]))
        lab.expect("and that is complete", code == 0, (code, err[-700:]))
        files = [os.path.basename(name) for name in glob.glob(os.path.join(node, "var/log/pods", "*", "nginx", "*"))]
        lab.note(f"{len(traffic.written)} lines in {len(files)} files, {sum(name.endswith('.gz') for name in files)} of them packed")
        for kind in ("livenessProbe", "readinessProbe"):
            lab.expect(f"{kind} is content", probe(kind)[0] == 0, probe(kind))
        done = subprocess.run([*inside, "sh", "-c", image.check], capture_output=True, text=True, timeout=20)
        lab.expect("HEALTHCHECK is content", done.returncode == 0, done.stdout + done.stderr)
        said = [json.loads(line)["kind"] for line in daemon.output().splitlines()]
        lab.expect("a carbon that refuses is not said to be connected", "carbon-failed" in said and "carbon-connected" not in said, said)
        lab.expect("the daemon stops cleanly", daemon.stop() == 0, daemon.output()[-2000:])
        lab.expect("without a daemon the liveness probe fails", probe("livenessProbe")[0] != 0, probe("livenessProbe"))


if __name__ == "__main__":
    main()
