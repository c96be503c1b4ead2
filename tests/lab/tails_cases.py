"""The files of `tails.py`: what may stand behind a combined line, mirrors of grammars, two formats in one file, error logs.

A case is (kind, what it is, log_formats of its lines, lines, truths, whether its columns have names that say something).
"""
import itertools
import random
import re
import time

import nginx_lines as nginx

TIMES = ("request_time", "upstream_response_time", "upstream_connect_time", "upstream_header_time", "connection_time")
MADE = ("apache_us", "apache_s", "map_ms")
OTHERS = ("request_length", "gzip_ratio", "connection", "connection_requests", "pipe", "server_port", "msec", "upstream_status", "upstream_addr",
          "bytes_sent", "pid", "ssl_protocol", "scheme", "host", "http_x_forwarded_for", "upstream_response_length", "upstream_cache_status",
          "request_id", "remote_port", "server_name", "tcpinfo_rtt", "ssl_cipher", "request_completion", "upstream_bytes_received",
          "geoip_country_code", "http_x_real_ip")
TAILS = TIMES + MADE + OTHERS
NAMES = {"request_time": ("rt", "request_time", "reqtime"), "upstream_response_time": ("urt", "ut", "upstream_response_time", "upstream_time"),
         "upstream_connect_time": ("uct", "upstream_connect_time"), "upstream_header_time": ("uht", "upstream_header_time"),
         "request_length": ("rl", "request_length"), "map_ms": ("rt_ms", "request_time_ms", "duration_ms"), "apache_us": ("us", "D", "duration_us"),
         "apache_s": ("T",), "connection": ("c", "connection"), "http_x_forwarded_for": ("xff",), "bytes_sent": ("bs", "bytes_sent")}
FORMS = ("bare", "bare", "bare", "quoted", "named", "named", "named_quoted", "neutral", "bracket")
SHAPES = {"time": TIMES + ("read_time", "gen_time"),
          "int": ("status", "body_bytes_sent", "bytes_sent", "request_length", "connection", "connection_requests", "pid", "server_port",
                  "upstream_response_length", "upstream_bytes_received", "t_size", "upstream_status"),
          "addr": ("remote_addr", "upstream_addr", "http_x_forwarded_for", "http_x_real_ip", "the_real_ip", "server")}
UNIT = re.compile(r'(?:\w+[=:])?["\[]?\$\w+["\]]?')
ERRORS = ('open() "/srv/{n}" failed (2: No such file or directory)', "connect() failed (111: Connection refused) while connecting to upstream",
          "upstream timed out (110: Connection timed out) while reading response header from upstream",
          'access forbidden by rule', "client intended to send too large body: {n} bytes", "limiting requests, excess: 5.{n} by zone \"one\"",
          "an upstream response is buffered to a temporary file /var/cache/nginx/proxy_temp/1/00/{n} while reading upstream")


def forms(rng, names):
    """A log_format's tail of these variables, and whether the columns have names that say what they are."""
    one = rng.choice(FORMS) if rng.random() < 0.75 else None
    separator = rng.choice((" ",) * 12 + ("|", "\t", " | "))
    parts, said = [], True
    for place, name in enumerate(names):
        form = one or rng.choice(FORMS)
        key = rng.choice(NAMES.get(name, (name,)))
        text = {"bare": "${}", "quoted": '"${}"', "named": key + "=${}", "named_quoted": key + '="${}"',
                "neutral": "abkxyz"[place] + "=${}", "bracket": "[${}]"}[form].replace("{}", name)
        parts.append(text)
        said = said and form.startswith("named")
    return (" " if separator == " | " or rng.random() < 0.9 else separator) + separator.join(parts), said


def filled(rng, text, escape="default", count=None, bad=0.0):
    """Lines of one format, and their requests; `bad` is how often nothing, or TLS on a plain port, came instead of a request."""
    world = nginx.World(rng)
    requests = [nginx.request(rng, world) for _ in range(count or rng.randrange(24, 61))]
    for one in requests:
        if one["upstream_addr"] == "-" and rng.random() < bad:
            one.update(request=rng.choice(("", r"\x16\x03\x01\x02\x00\x01")), request_method="-", request_uri="-", status="400", http_user_agent="-")
    return [nginx.rendered(text, one, escape) for one in requests], requests


def tail(rng, names):
    """A combined line with a tail of these variables."""
    behind, said = forms(rng, names)
    text = nginx.COMBINED + behind
    lines, truths = filled(rng, text, bad=rng.choice((0, 0, 0, 0.1)))
    return ("single", "pair", "triple")[len(names) - 1], " ".join("$" + name for name in names), [text], lines, truths, said


def mirrors():
    """[(grammar and variables, mirrored text, whether both have names)]: every two neighbours of one shape, changed about."""
    found = []
    for name, (escape, _, text, _) in nginx.grammar_texts().items():
        if escape == "json":
            continue  # keys say what it is, in whatever order
        units = list(UNIT.finditer(text))
        for left, right in zip(units, units[1:]):
            one, two = (nginx.VARIABLE.search(unit[0])[2] for unit in (left, right))
            if one != two and any(one in shape and two in shape for shape in SHAPES.values()):
                between = text[left.end():right.start()]
                found.append((f"{name}, ${two} before ${one}", text[:left.start()] + right[0] + between + left[0] + text[right.end():],
                              all(re.match(r"\w+[=:]", unit[0]) for unit in (left, right))))
    return found


def error_log(rng):
    """An nginx error log."""
    lines, at = [], rng.randrange(1_600_000_000, 1_790_000_000)
    for _ in range(rng.randrange(24, 61)):
        at += rng.randrange(9)
        said, level = rng.choice(ERRORS).replace("{n}", str(rng.randrange(999))), rng.choice(("error", "warn", "crit", "notice"))
        lines.append(f'{time.strftime("%Y/%m/%d %H:%M:%S", time.gmtime(at))} [{level}] 7#7: *{rng.randrange(9999)} {said}, client: 192.0.2.7, '
                     'server: www.example.com, request: "GET /a HTTP/1.1", upstream: "http://10.0.0.1:8080/a", host: "www.example.com"')
    return "error log", "an nginx error log", [], lines, [], False


class Cases:
    """The cases of a seed, by number: singles and pairs in turn with triples, each in a random order that leaves none out."""

    def __init__(self, seed):
        rng = random.Random(seed)
        self.seed, self.mirrors, self.grammars = seed, mirrors(), nginx.grammar_texts()
        timed = [names for names in itertools.permutations(TIMES + MADE[2:], 2)] + [(name,) for name in TAILS]
        self.short = timed + [(name,) for name in TAILS] + list(itertools.permutations(TAILS, 2))
        self.long = list(itertools.permutations(TAILS, 3))
        for deck in (self.short, self.long, self.mirrors):
            rng.shuffle(deck)

    def case(self, number):
        """One case."""
        rng = random.Random(self.seed * 1_000_000_007 + number)
        turn, place = divmod(number, 20)
        if place < 16:
            deck = self.long if place % 2 else self.short
            return tail(rng, deck[(turn * 8 + place // 2) % len(deck)])
        if place == 16 or place == 17:
            name, text, said = self.mirrors[(turn * 2 + place - 16) % len(self.mirrors)]
            lines, truths = filled(rng, text)
            return "mirror", f"mirror of {name}", [text], lines, truths, said
        if place == 18:
            name = rng.choice(sorted(self.grammars))
            escape, _, text, _ = self.grammars[name]
            lines, truths = filled(rng, text, escape)
            return "itself", name, [text], lines, truths, False
        return self.two(rng) if rng.random() < 0.9 else error_log(rng)

    def two(self, rng):
        """Lines of two formats in turn or by chance."""
        pair = rng.sample(sorted(self.grammars), 2)
        share, lines, truths = rng.choice((0.5, 0.25, 0.1)), [], []
        parts = [filled(rng, self.grammars[name][2], self.grammars[name][0], 60) for name in pair]
        for n in range(rng.randrange(24, 61)):
            which = int(n % 2 if share == 0.5 else rng.random() < share)
            which = 1 if n == 5 else which
            lines.append(parts[which][0][n])
            truths.append(parts[which][1][n])
        return "two formats", " and ".join(pair), [self.grammars[name][2] for name in pair], lines, truths, False
