"""Hostile and malformed lines: what strangers send, and what disks and writers do to a log.

Two kinds: request lines as they stand in a log (the line itself is whole, and must be counted), and broken lines (not of the
format; each must be counted as rejected).
"""
import random

# As nginx would have logged them (escape=default), and raw, as a sloppier writer would have.
REQUESTS = [
    rb"\x16\x03\x01\x00t\x01\x00\x00p\x03\x01YF}\xF6\x7F3\xD3\xA2", b"", b"-", b"HELP", b"batman", b"PRI * HTTP/2.0",
    rb"\x03\x00\x00/*\xE0\x00\x00\x00\x00\x00Cookie: mstshash=Administr", b"GET", b"GET /", b"GET  / HTTP/1.1", b"OPTIONS * HTTP/1.1",
    b"GET /ret", b"CONNECT example.org:443 HTTP/1.1", b"GET http://example.org:80/ip4.php HTTP/1.0", b"GET //../../etc/passwd HTTP/1.1",
    b"GET /cgi-bin/.%2e/.%2e/.%2e/bin/sh HTTP/1.1", b"GET /..;/..;/manager/html HTTP/1.1", b"GET /.env HTTP/1.1",
    b"GET /a..b/./c HTTP/1.1", b"GET /.../x HTTP/1.1", b"GET /trailing. HTTP/1.1", b"GET /dot.dot.dot HTTP/1.1",
    b"GET /x.requests.count;host=evil HTTP/1.1", b"GET /semi;colon;host=a HTTP/1.1", b"GET /sp%20ace/in/name HTTP/1.1",
    b"GET /new%0aline%0d%0anginx.web1.evil%20666%201795381101 HTTP/1.1", rb"GET /esc\x0Anginx.web1.evil 666 1795381101\x0A HTTP/1.1",
    b"GET /nginx.web1.evil 666 1795381101 HTTP/1.1", b"GET /tab\there HTTP/1.1", rb"GET /tab\x09here HTTP/1.1",
    b"GET /{git,svn}/[0-9]*/? HTTP/1.1", b"GET /*/* HTTP/1.1", b"GET /%2F%2e%2e%2F HTTP/1.1", b"GET /a%2Fb HTTP/1.1", b"GET /a/b HTTP/1.1",
    b"GET /a_b HTTP/1.1", b"GET /a_2Eb HTTP/1.1", b"GET /__root HTTP/1.1", b"GET /__malformed HTTP/1.1", b"GET /other HTTP/1.1",
    b"GET /<script>alert(1)</script> HTTP/1.1", b"GET /<img/src=x/onerror=alert(1)> HTTP/1.1", b"GET /=cmd|'/c calc'!A0 HTTP/1.1",
    b"GET /=1+1 HTTP/1.1", b"GET /+SUM(A1) HTTP/1.1", b"GET /@SUM(1) HTTP/1.1", b"GET /%00 HTTP/1.1", b"GET /%s%n%x HTTP/1.1",
    b"GET /\x1b[31mred\x1b[0m HTTP/1.1", b"GET /\x1b]52;c;ZXZpbA==\x07 HTTP/1.1", b"GET /\x1b]8;;http://evil/\x07link\x1b]8;;\x07 HTTP/1.1",
    b"GET /\xe2\x80\xaegpj.exe HTTP/1.1", b"GET /caf\xc3\xa9/men\xc3\xbc HTTP/1.1", b"GET /\xff\xfe\xfd HTTP/1.1", b"GET /nul\x00byte HTTP/1.1",
    b"GET /\xef\xbb\xbfbom HTTP/1.1", b"GET /cr\rhere HTTP/1.1", b"GET /p/../x HTTP/1.1", b"GET /p/a.b;c/x HTTP/1.1",
    b"GET /p/" + b"n" * 300 + b"/x HTTP/1.1", b"GET /p/\xe2\x98\x83/x HTTP/1.1", b"GET /p/..%2f..%2fetc/x HTTP/1.1", b"GET /p//x HTTP/1.1",
    b"GET /p/\x1b[2J/x HTTP/1.1", b"GET /p/a b/x HTTP/1.1", b"GET /p/{project}/x HTTP/1.1",
    b"GET /" + b"deep/" * 1500 + b" HTTP/1.1", b"GET /" + b"w" * 8000 + b" HTTP/1.1", b"GET /?" + b"q=1&" * 2000 + b" HTTP/1.1",
    b"A" * 5000 + b" / HTTP/1.1", b"GET /x HTTP/" + b"9" * 500, b"get /lower HTTP/1.1", b"G\x00T / HTTP/1.1",
]

# A path of the lab's rules whose times must come out exactly, whatever stands around it.
GOOD = b"GET /p/good/tree HTTP/1.1"


def whole(rng, end_ms, request, status=b"400"):
    """A line of the lab's format with this request line."""
    took = rng.choice((rng.randrange(5), rng.randrange(900), rng.randrange(9000)))
    return (b'10.0.0.%d - - [22/Nov/2026:21:00:00 +0000] "%b" %b %d "-" "-" rt=%d.%03d ut="-" uct="-" uht="-" ua="-" us="-" '
            b'msec=%d.%03d bs=%d id=%032x' % (rng.randrange(256), request, status, rng.randrange(9999), took // 1000, took % 1000,
                                             end_ms // 1000, end_ms % 1000, rng.randrange(9999), rng.getrandbits(128)))


def broken(rng, end_ms):
    """A line that is not of the format."""
    line = whole(rng, end_ms, GOOD, b"200")
    kind = rng.randrange(9)
    if kind == 0:
        return bytes(b for b in rng.randbytes(rng.randrange(1, 400)) if b != 10) or b"\xff"
    if kind == 1:
        return b"\x00" * rng.choice((1, 512, 4096))
    if kind == 2:
        return line[:rng.randrange(1, len(line) - 60)]  # torn off by a full disk
    if kind == 3:
        return line[:rng.randrange(50, len(line) - 60)] + line  # torn, and the next line glued to it
    if kind == 4:
        return line.replace(b" rt=", rng.choice((b" rt=nan", b" rt=-", b" rt=18446744073709551615", b" rt=1e9", b" rt=0x")))
    if kind == 5:
        return line.replace(b" msec=", rng.choice((b" msec=-", b" msec=9999999999999999999", b" msec=x")))
    if kind == 6:
        return line.replace(b'ut="-"', rng.choice((b'ut="abc"', b'ut="0.1.2"', b'ut="-1.000"', b'ut="99999999999999999999.000"')))
    if kind == 7:
        return bytes(rng.randrange(32, 127) for _ in range(rng.randrange(1, 300)))
    return rng.choice((b"{}", b"[]", b"<html>", b"nginx.web1.evil.requests.count 666 1795381101", b"-", b" ", b"\r",
                       b'{"msec":"1","rt":1}', line[::-1]))


def log(good, hostile, now_ms, seed=1):
    """A log of `good` good lines among `hostile` others, ended over the last 50 s: a list of raw lines."""
    rng = random.Random(seed)
    kinds = ["good"] * good + ["broken"] * (hostile * 6 // 10) + ["request"] * (hostile - hostile * 6 // 10)
    rng.shuffle(kinds)
    out = []
    for number, kind in enumerate(kinds):
        end_ms = now_ms - 50_000 + 49_000 * number // len(kinds)
        if kind == "good":
            out.append(whole(rng, end_ms, GOOD, b"200"))
        elif kind == "broken":
            out.append(broken(rng, end_ms))
        else:
            out.append(whole(rng, end_ms, rng.choice(REQUESTS)))
    for at in range(3):
        out.insert(rng.randrange(len(out)), b"over-long " + bytes([65 + at]) * (3 << 20))
    return out
