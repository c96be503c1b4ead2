"""All the ways to cut a line by a log_format that the shapes of nginx's values allow, by brute force: the oracle of `cuts.py`.

The shapes are what nginx can write, and no looser: what a program with looser shapes finds doubtful it must refuse, which is
always allowed; what is doubtful even by these must never be answered.
"""
import re

import nginx_lines as nginx

TEXT = {"default": r'(?:[ !#-\[\]-~]|\\x[0-9A-F]{2})', "json": r'(?:[^"\\\x00-\x1f]|\\(?:["\\nrtbf]|u[0-9A-Fa-f]{4}))', "none": r"[^\n\x00]"}
BINARY = {"default": r"\\x[01][0-9A-F]", "json": r"\\(?:u00[01][0-9A-Fa-f]|[nrtbf])", "none": r"[\x01-\x1f]"}
ADDRESS = r"(?:\d{1,3}(?:\.\d{1,3}){3}|[0-9a-fA-F]*:[0-9a-fA-F:]*(?:\d{1,3}(?:\.\d{1,3}){3})?|unix:)"
PEER = r"(?:\d{1,3}(?:\.\d{1,3}){3}:\d{1,5}|\[[0-9a-f:]+\]:\d{1,5}|unix:/[^ ,|\t]*|-)"
TIME, BYTES = r"\d+\.\d{3}", r"\d+"
TYPED = {
    "remote_addr": ADDRESS, "time_local": r"\d{2}/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d [+-]\d{4}", "msec": r"\d{10}\.\d{3}",
    "time_iso8601": r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+-]\d\d:\d\d", "request_time": TIME, "status": r"[1-5]\d{2}", "body_bytes_sent": BYTES,
    "bytes_sent": BYTES, "request_length": BYTES, "connection": BYTES, "pid": BYTES, "pipe": r"[.p]", "scheme": r"https?",
    "server_port": BYTES, "upstream_response_time": rf"(?:{TIME}|-)(?:(?:, | : )(?:{TIME}|-))*",
    "upstream_status": r"(?:\d{3}|-)(?:(?:, | : )(?:\d{3}|-))*", "upstream_addr": rf"{PEER}(?:(?:, | : ){PEER})*",
    "request_method": r"[A-Z_-]+", "server_protocol": r"HTTP/\d(?:\.\d)?"}
FREE = ("request", "http_user_agent", "http_referer", "request_uri", "host", "remote_user", "http_x_forwarded_for", "args", "cookie_session")


def shapes(escape):
    """{variable: what its value looks like in the log}."""
    char = TEXT[escape]
    absent = "-" if escape == "default" else ""
    bare = lambda forbidden: rf"(?:(?![{forbidden}]){char})" if forbidden else char
    trimmed = lambda forbidden: rf"(?:{bare(forbidden + ' ')}(?:{bare(forbidden)}*{bare(forbidden + ' ')})?)?"
    empty = "" if escape == "default" else "|"
    return {name: re.compile(shape) for name, shape in {
        **TYPED, **{name: TYPED[name] + empty for name in TYPED if name.startswith("upstream_")},
        # Malformed: nothing, or bytes that are no text (TLS on a plain port).
        "request": rf"[A-Z_-]+ (?:/|https?://|\*){char}* HTTP/\d(?:\.\d)?||{BINARY[escape]}{char}*",
        "request_uri": rf"/{char}*|{absent}", "host": rf"{bare(r' /')}+|{absent}", "args": rf"{bare('#')}*|{absent}",
        "remote_user": rf"{bare(':')}+|{absent}", "http_user_agent": trimmed("") + "|" + absent, "http_referer": trimmed("") + "|" + absent,
        "http_x_forwarded_for": trimmed("") + "|" + absent, "cookie_session": trimmed(";") + "|" + absent}.items()}


def parts(text):
    """A log_format's text as literals and variables in turn: [literal, name, literal, ..., literal]."""
    found = nginx.VARIABLE.split(text)  # literal, braced or None, name or None, literal, ...
    return [found[0]] + [one for n in range(1, len(found), 3) for one in (found[n] or found[n + 1], found[n + 2])]


def cuts(text, line, escape="default", most=3):
    """Up to `most` different readings of the line: [{variable: value}]."""
    pieces, known = parts(text), shapes(escape)
    dead = set()

    def rest(place, at):
        """Readings of line[at:] by pieces[place:], a variable first."""
        if place == len(pieces):
            return [()] if at == len(line) else []
        if (place, at) in dead:
            return []
        name, literal, found = pieces[place], pieces[place + 1], []
        last = place + 2 == len(pieces)
        ends = [len(line) - len(literal)] if last else ends_of(line, literal, at)
        for end in ends:
            if end < at or not line.startswith(literal, end) or not known[name].fullmatch(line, at, end):
                continue
            found += [(line[at:end], *more) for more in rest(place + 2, end + len(literal))]
            if len(found) >= most:
                return found[:most]
        if not found:
            dead.add((place, at))
        return found

    if not line.startswith(pieces[0]):
        return []
    return [dict(zip(pieces[1::2], values)) for values in rest(1, len(pieces[0]))]


def ends_of(line, literal, at):
    """Where a literal begins, at `at` or later; without a literal anywhere."""
    if not literal:
        return range(at, len(line) + 1)
    found, place = [], line.find(literal, at)
    while place >= 0:
        found.append(place)
        place = line.find(literal, place + 1)
    return found
