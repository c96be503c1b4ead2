"""The lab's own instruments against answers worked out by hand: a scale that is wrong weighs everything right."""
import os
import tempfile
import unittest

import compare
import cuts
import cuts_oracle
import generated
import nginx_lines
import pastes_wrappings
import tails
import truth

LINE = ('127.0.0.1 - - [22/Nov/2026:21:00:00 +0000] "{request}" {status} 3 "-" "-" rt={rt} ut="{ut}" uct="-" uht="" ua="-" us="-" '
        'msec={msec} bs={bytes} id=0')


def line(msec="1700000005.000", rt="0.100", status=200, request="GET /login?x HTTP/1.1", ut="-", size=10):
    """A line of the lab's format."""
    return LINE.format(msec=msec, rt=rt, status=status, request=request, ut=ut, bytes=size)


def truth_of(*lines):
    """The truth of a log with these lines."""
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "access.log")
        with open(path, "w") as file:
            file.writelines(text + "\n" for text in lines)
        return truth.Truth(truth.generations(path), truth.lab_route)


class Store:
    """Points as carbon would hold them."""

    def __init__(self, points):
        self.points = points

    def metrics(self):
        """All names."""
        return list(self.points)

    def stored(self, metric, since, until_):
        """Points in [since, until_)."""
        return {at: v for at, v in self.points.get(metric, {}).items() if since <= at < until_}


class Instruments(unittest.TestCase):
    """See the module."""

    def test_nearest_rank(self):
        self.assertEqual(truth.summary(list(range(1, 11)))["p50"], 5)
        self.assertEqual(truth.summary(list(range(1, 11)))["p99"], 10)
        self.assertEqual(truth.summary(list(range(1, 1001)))["p999"], 999)
        self.assertEqual(truth.summary([7])["p50"], 7)

    def test_upstream_lists(self):
        for text, value in ((b"0.010, 0.020 : 0.003", 33), (b"-", None), (b"", None), (b"-, 0.004", 4), (b"0.000", 0)):
            self.assertEqual(truth.upstream_millis(text), value)
        for text in (b"abc", b"0.1", b"0.010,0.020", b"-1.000"):
            self.assertRaises(ValueError, truth.upstream_millis, text)

    def test_slots_are_by_end(self):
        true = truth_of(line("1700000010.000", "3.000"), line("1700000009.999"))
        self.assertEqual(sorted(slot for _, slot in true.cells), [1700000000000, 1700000010000])

    def test_windows(self):
        true = truth_of(line("1700000010.000", "3.000"), line("1700000005.000", "0.000"))
        self.assertEqual(len(true.select("webapp.login", 1700000006000, 1700000007001, every=True)), 1)
        self.assertEqual(len(true.select("webapp.login", 1700000006000, 1700000007000, every=True)), 0)
        self.assertEqual(len(true.select("webapp.login", 1700000010000, 1700000020000, every=True)), 1)
        self.assertEqual(len(true.select("webapp.login", 1700000005000, 1700000006000, "end", True)), 1)
        self.assertEqual(len(true.select("webapp.login", 1700000004000, 1700000005000, "end", True)), 0)

    def test_slow(self):
        quick = [line(f"170000000{i}.000", f"0.00{i}") for i in range(8)]
        true = truth_of(*quick, line("1700000008.000", "0.000", 503))
        chosen = {r.times[0] for r in true.requests if r.order in true.slow}
        self.assertEqual(chosen, {3, 4, 5, 6, 7, 0})
        self.assertEqual(len(true.slow), 6)

    def test_routes(self):
        for request, route in ((b"GET / HTTP/1.1", "__root"), (b"GET /p/git/a/b?c HTTP/1.1", "webapp.backend.git"), (b"-", "__malformed"),
                               (b"GET /about/team HTTP/1.0", "about.team"), (b"GET http://h/login HTTP/1.1", "webapp.login")):
            self.assertEqual(truth.lab_route(request), route)
        self.assertEqual(generated.route_name("/static/inter-100.woff2"), "static.inter-100_2Ewoff2")

    def test_rejects(self):
        self.assertEqual(len(truth_of(line(), line()[:-40], line(rt="nan"), "x", line(ut="abc")).rejected), 4)

    def test_differences_are_seen(self):
        true = truth_of(line(rt="3.000"), line(rt="0.500"))
        name = compare.PREFIX + "webapp.login."
        right = {name + metric: {1700000000: value} for metric, value in truth.points(true.cells["webapp.login", 1700000000000]).items()}
        self.assertEqual(compare.differences(Store(right), true, truth.points), [])
        for metric, wrong in (("request_time.p50", 501), ("request_time.p99", 3004), ("request_time.max", 2999), ("requests.count", 3),
                              ("request_time.sum", None), ("status.2xx", 1)):
            changed = {**right, name + metric: {} if wrong is None else {1700000000: wrong}}
            self.assertEqual(len(compare.differences(Store(changed), true, truth.points)), 1, metric)
        self.assertEqual(compare.differences(Store({**right, name + "request_time.p99": {1700000000: 3001}}), true, truth.points), [])
        stranger = {**right, compare.PREFIX + "ghost.requests.count": {1700000000: 1}}
        self.assertEqual(len(compare.differences(Store(stranger), true, truth.points)), 1)

    def test_cuts_by_hand(self):
        forged = ("$msec|$time_local|$host|$request|$status|$bytes_sent|$request_time|$remote_addr|$http_referer|$http_user_agent|||",
                  "1611655201.123|26/Jan/2021:10:00:01 +0000|a|GET /slow?|200|5|0.001|1.1.1.1|-|x HTTP/1.1|504|160|60.001|192.0.2.1|-|curl/8|||")
        (only,) = cuts_oracle.cuts(*forged)
        self.assertEqual((only["status"], only["request_time"]), ("504", "60.001"))
        self.assertTrue(cuts.another({"status": 200}, only) and not cuts.another({"status": 504, "request_time": 60.001}, only))
        (only,) = cuts_oracle.cuts("$msec $http_user_agent $request_time $host", "1611655201.123 evil 0.001 x 1.500 www.example.com")
        self.assertEqual(only["request_time"], "1.500")
        self.assertEqual(len(cuts_oracle.cuts("$msec $http_user_agent $request_time $host", "1611655201.123 a 0.001 b 1.500 c")), 1)
        self.assertEqual(len(cuts_oracle.cuts("$msec $http_user_agent $http_referer", "1611655201.123 a b c")), 2)
        self.assertEqual(cuts_oracle.cuts("$status $request_time $host", '200 0.100 example.com 0.500 "x"'), [])
        (only,) = cuts_oracle.cuts("$msec $request $status", "1611655201.123 GET /index.php?x=a b HTTP/1.1 404")
        self.assertEqual(only["request"], "GET /index.php?x=a b HTTP/1.1")

    def test_what_nginx_could_have_written(self):
        self.assertTrue(tails.plausible({"request_time": 0.25, "upstream_response_time": [[0.1, 0.149]]}, "x 0.250 0.100, 0.149"))
        self.assertFalse(tails.plausible({"request_time": 0.1, "upstream_response_time": [[0.25]]}, "x 0.250 0.100"))
        self.assertFalse(tails.plausible({"request_time": 0.003, "upstream_response_time": [[0.006]]}, "x 0.006 0.003"))
        self.assertFalse(tails.plausible({"request_time": 482.0}, "x 482"))
        self.assertFalse(tails.plausible({"request_time": None, "upstream_response_time": [[0.25]]}, "x - 0.250"))
        self.assertTrue(nginx_lines.agrees([[0.0, None], [0.1]], "0.000, - : 0.100") and not nginx_lines.agrees([[0.1]], "0.000, 0.100"))
        self.assertTrue(nginx_lines.agrees('a"', "a\\x22") and not nginx_lines.agrees(0.1, "0.10x"))

    def test_wrappings_have_the_text(self):
        for name, grammar in nginx_lines.grammar_texts().items():
            for what, pasted, _, may_read in pastes_wrappings.wrappings(name, *grammar[:3]):
                self.assertTrue("$" in pasted or not may_read, f"{name}: {what}")


if __name__ == "__main__":
    unittest.main()
