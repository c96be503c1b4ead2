"""Which location served: random servers, locations and URIs, a real nginx that says it in a header, and spikeline's routes.

Each set is an nginx.conf of its own with up to three servers and their locations (exact, prefix, `^~`, regular expressions,
nested); every location answers with its number in X-Location. spikeline reads the same nginx.conf and the access log; each
record's route must be the name of the location that nginx says (README.md has the rules of the names). Where it cannot know (a
lookaround in the set, a bad request without a host in the log) it must not name another location.
"""
import csv
import io
import json
import os
import random
import socket

import peers
import subject
from scenario import Scenario

SEGMENTS = ["a", "b", "ab", "abc", "aa", "A", "api", "v1", "img", "x.php", "a-b", "a.b", "7", "42", "logo.jpg", "~u", "b+c"]
REGEXES = [r"\.php$", r"^/a/", r"^/[ab]+/\d+", r"\.(gif|jpe?g|PNG)$", r"^/(?<x>[^/]+)/b", "/b$", r"^/api/v[0-9]+/", r"^/[\w.-]+$", "A", r"^/a{2}",
           r"/\d+(/|$)", r"^/(a|b)/(.*)/v1", r"[^a-z/.]", r"^/\w+/?$", "/$", r"b\+c", r"\?|#", r"^/[[:alpha:]]+/", r"^/(?i)api", r"é"]
UNUSABLE = [r"^/a(?!b)", r"(?<=/)img", r"^/(\w)\1"]
NAMES = [["one.test"], ["*.wild.test"], [".dot.test", "two.test"], ["tail.*"], [r"~^r(?<n>\d+)\.test$"], ["long.wild.test", "ONE.example"], []]
HOSTS = ["one.test", "ONE.test:80", "x.wild.test", "long.wild.test", "y.long.wild.test", "dot.test", "a.b.dot.test", "two.test.", "tail.org", "tail.x.y",
         "r12.test", "rx.test", "one.example", "nobody.test", "127.0.0.1", "wild.test"]

CONF = """daemon off; worker_processes 1; pid {dir}/nginx.pid; error_log {dir}/error.log; {user}
events {{ worker_connections 512; }}
http {{
  client_body_temp_path {dir}/b; proxy_temp_path {dir}/p; fastcgi_temp_path {dir}/f; uwsgi_temp_path {dir}/u; scgi_temp_path {dir}/s;
  log_format located '$msec $request_time $status "$request" '
      '{extra}id=$http_x_id';
  access_log {dir}/access.log located;
  server_tokens off; root {dir}/empty; large_client_header_buffers 4 16k; {merge}
  include servers/*.conf;
}}
"""


def node(text):
    """A piece of a path as a node of a name, by the table in README.md. (No `_` comes up here.)"""
    fold = text.endswith("{rest}")
    text = text[:-6] if fold else text
    name = "".join(chr(b) if chr(b).isascii() and (chr(b).isalnum() or b == 45) else f"_{b:02X}" for b in text.encode())
    return (name + "__rest" if fold else name) or "__empty"


def route(server, template=""):
    """The name of a template below a server."""
    return ".".join([node(server or "_") if server else "_"] + [node(piece) for piece in template.split("/")[1:]])


class Set:
    """One random configuration; `routes` has the expected name for each number."""

    def __init__(self, rng, unusable):
        self.rng, self.routes, self.count, self.unusable = rng, {}, 0, unusable

    def path(self, prefix=""):
        """A random path for a location, below `prefix`."""
        rng = self.rng
        path = prefix if prefix and rng.random() < 0.9 else "/"
        for _ in range(rng.choice([0, 1, 1, 1, 2, 2, 3])):
            path += ("" if path.endswith("/") or rng.random() < 0.25 else "/") + rng.choice(SEGMENTS)
        return path + ("/" if rng.random() < 0.4 and not path.endswith("/") else "")

    def locations(self, server, depth=0, prefix="", outer="", inside_regex=False):
        """The text of random locations; those inside a prefix begin with it."""
        rng, text, taken = self.rng, "", set()
        for _ in range(rng.choice([2, 4, 7, 11] if depth == 0 else [0, 0, 0, 1, 2])):
            # nginx takes only regular expressions inside a regular expression.
            kind = rng.choice(["~", "~*"] if inside_regex else ["=", "", "", "", "^~", "~", "~", "~*"])
            if kind in ("~", "~*"):
                pattern = rng.choice(UNUSABLE if self.unusable and rng.random() < 0.2 else REGEXES)
                key, shown, template = ("~", kind, pattern), f"{kind} '{pattern}'", f"{outer}/{kind} {pattern.replace(chr(92), chr(92))}"
            else:
                path = self.path(prefix)
                if not path.startswith(prefix):
                    continue
                key, shown = ("=" if kind == "=" else "", path), f"{kind} {path}"
                template = path if kind == "=" else path + "{rest}"
            if key in taken or route(server, template) in self.routes.values():
                continue  # what would have one name in one server is numbered; that is tried elsewhere
            taken.add(key)
            number, self.count = self.count, self.count + 1
            self.routes[str(number)] = route(server, template)
            passes = "proxy_pass http://127.0.0.1:9; " if rng.random() < 0.3 and not (kind in ("~", "~*")) else ""
            within = "" if kind == "=" or depth > 1 else self.locations(server, depth + 1, "" if kind[:1] == "~" else path, template, kind[:1] == "~")
            pad = "  " * (depth + 2)
            text += f"{pad}location {shown} {{ {passes}add_header X-Location {number} always; return 200;\n{within}{pad}}}\n"
        return text

    def server(self, number, names, ports):
        """The text of a server."""
        primary = (names[0].lower() if names and names[0][0] != "~" else names[0] if names else "").removeprefix(".")
        own = f"s{number}"
        self.routes[own] = route(primary)
        listens = " ".join(f"listen 127.0.0.1:{port}{' default_server' if default else ''};" for port, default in ports)
        named = f"server_name {' '.join(repr(name) for name in names)};" if names else ""
        return f"server {{\n  {listens} {named}\n  add_header X-Location {own} always;\n{self.locations(primary)}}}\n"

    def uri(self):
        """A random URI, mostly made of what locations are made of."""
        rng = self.rng
        uri = ""
        for _ in range(rng.choice([0, 1, 1, 2, 2, 3, 4])):
            piece = rng.choice(SEGMENTS)
            if rng.random() < 0.15:
                at = rng.randrange(len(piece))
                piece = piece[:at] + rng.choice(["%%%02x", "%%%02X"]) % ord(piece[at]) + piece[at + 1:]
            uri += rng.choice(["/"] * 12 + ["//", "/./", "/../", "/.", "%2F", "/%2e%2E/", "///"]) + piece
        uri += rng.choice([""] * 8 + ["/"] * 5 + ["/..", "/.", "//", ".php", "x", "%3f", "%23", "%25", "%", "%zz", "%00", '"', "\\", "é", "%C3%A9", "%0a", "'"])
        uri += rng.choice([""] * 5 + ["?q=/b", "?x=%zz", "#a", "?a#b.php", "?"])
        return uri if uri.startswith("/") else "/" + uri


def ask(port, uri, host, number):
    """One request; the status and X-Location of the answer."""
    with socket.create_connection(("127.0.0.1", port), timeout=10) as s:
        s.sendall(b"GET " + uri.encode() + f" HTTP/1.1\r\nHost: {host}\r\nX-Id: {number}\r\nConnection: close\r\n\r\n".encode())
        answer = b""
        while chunk := s.recv(65536):
            answer += chunk
    head = answer.split(b"\r\n\r\n")[0].decode("latin-1").split("\r\n")
    said = [line.split(": ", 1)[1] for line in head[1:] if line.lower().startswith("x-location: ")]
    return head[0].split(" ")[1], said[-1] if said else None


def one_set(lab, number, requests):
    """Make, ask, compare; the number of comparisons, and of requests left open."""
    rng = random.Random(7000 + number)
    folder = os.path.join(lab.work, f"set{number}")
    for name in ("servers", "empty"):
        os.makedirs(os.path.join(folder, name))
    made = Set(rng, unusable=number % 5 == 4)
    ports = peers.free_ports(2)
    two = number % 3 == 2
    host_variable = rng.choice(["$host", "$http_host", "$host"])
    extra = f'host="{host_variable}" ' + ('port=$server_port ' if two else "") + ('name="$server_name" ' if rng.random() < 0.3 else "")
    count = rng.choice([1, 2, 3])
    for at, names in enumerate(rng.sample(NAMES, count)):
        listens = [(ports[0], at == count - 1 and rng.random() < 0.5)]
        if two and (at == 0 or rng.random() < 0.5):
            listens.append((ports[1], False))
        with open(os.path.join(folder, "servers", f"{at}.conf"), "w") as file:
            file.write(made.server(at, names, listens))
    conf = os.path.join(folder, "nginx.conf")
    with open(conf, "w") as file:
        user = "user root root;" if os.geteuid() == 0 else ""
        file.write(CONF.format(dir=folder, user=user, extra=extra, merge="merge_slashes off;" if number % 7 == 6 else ""))
    nginx = lab.run(peers.Process(folder, "nginx", ["nginx", "-e", os.path.join(folder, "error.log"), "-c", conf]))
    nginx.wait_for(ports[0])
    asked = []
    for at in range(requests):
        port, uri, host = ports[rng.random() < 0.4] if two else ports[0], made.uri(), rng.choice(HOSTS)
        asked.append((uri, host, port, *ask(port, uri, host, at)))
    nginx.stop(peers.signal.SIGQUIT)
    config = os.path.join(folder, "spikeline.toml")
    with open(config, "w") as file:
        file.write(f"store = {json.dumps(folder + '/store')}\nhost = \"web1\"\nnginx = {json.dumps(conf)}\n")
    log = os.path.join(folder, "access.log")
    code, out, err = subject.command("records", "--config", config, log)
    lab.expect(f"set {number}: records", code == 0, f"{code} {err[-800:]}")
    records = [json.loads(line) for line in out.splitlines()]
    routes = {record["http_x_id"]: record["route"] for record in records}
    # Where nginx gave up before it read the headers, the log has no id; they are compared in the order they were asked.
    refused = iter([record["route"] for record in records if record["http_x_id"] is None])
    left, wrong = [0, 0], []
    names = set(made.routes.values())
    for at, (uri, host, port, status, said) in enumerate(asked):
        got = routes.get(str(at)) or next(refused, None)
        expected = made.routes.get(said)
        if got == expected:
            continue
        if got is not None and got not in names and (made.unusable or status == "400"):
            left[status == "400"] += 1
        else:
            wrong.append(f"{uri} to {host} port {port}: nginx {status} {said} = {expected}, spikeline {got}")
    lab.expect(f"set {number}: routes as nginx says", not wrong, f"{len(wrong)} of {requests}\n  " + "\n  ".join(wrong[:8]))
    code, out, err = subject.command("report", "--config", config, "--format", "csv", log)
    rows = {row["route"]: int(row["count"]) for row in csv.DictReader(io.StringIO(out.decode()))}
    counted = sum(rows.values())
    lab.expect(f"set {number}: report counts every request", counted == requests, f"{counted} {err[-400:]}")
    return len(asked), left, len(wrong)


def main():
    """Run the scenario."""
    with Scenario(__doc__, sets=(30, 5), requests=(500, 100)) as lab:
        total = unusable = refused = wrong = 0
        for number in range(lab.args.sets):
            compared, open_, differ = one_set(lab, number, lab.args.requests)
            total, wrong, unusable, refused = total + compared, wrong + differ, unusable + open_[0], refused + open_[1]
        lab.note(f"{total} requests compared, {wrong} differ; no location named for {unusable} that an expression which cannot be used "
                 f"may be for, and {refused} of the bad requests")


if __name__ == "__main__":
    main()
