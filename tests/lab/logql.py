"""LogQL as Grafana's own grammar has it, and ours: what that does not take, ours refuses; what it takes, ours answers, or refuses by name as
not supported. Queries are put together from all parts of the language, and damaged at random places.

Needs node, and a folder with `npm install @grafana/lezer-logql` in it: $LOGQL_GRAMMAR, else ~/.cache/spikeline-peers/logql."""
import json
import os
import random
import shutil
import subprocess
import urllib.error
import urllib.parse
import urllib.request

import peers
import subject
from scenario import Scenario

FORMAT = "$remote_addr [$time_local] \"$request\" $status $request_time msec=$msec"
HERE = os.path.dirname(os.path.abspath(__file__))
SELECTORS = ['{route="app.git"}', '{route=~"app.+", status_class!="5xx"}', '{host="web1",level=~"error|warn"}', "{route=`app.git`}", '{ route = "app.git" , }',
             '{route="a\\"b"}', '{remote_addr="192.0.2.7"}', '{route!~"x.*",host=~".+"}', '{}', '{route="app.git",host="web1",level="info",status_class="2xx"}']
STAGES = ['|= "GET"', '!= "POST"', '|~ "a.*b"', "!~ `c+`", '|= ""', '|= "a" or "b"', "| json", "| logfmt", "| drop level", "| drop level, host", "| keep route",
          "| status >= 500", '| status = "500"', "| rt > 2s", "| rt >= 1.5s and status < 500", '| status != 200 or rt > 100ms', '| status == 200, rt > 1s',
          '| remote_addr =~ "192.*"', "| (status > 400 and rt > 1s) or status = 200", "| rt>2s", "| status > 200 and (rt < 1s or rt > 3s)"]
UNSUPPORTED = ["| unwrap rt", '| line_format "{{.status}}"', '| label_format a=status', "| pattern `<ip> <_>`", '| regexp "(?P<a>.*)"', "| unpack", '| json a="b"',
               '| logfmt a="b"', '|> "<_> x"', '!> "x"', "| decolorize", '| remote_addr = ip("192.0.2.0/24")', '|= ip("192.0.2.0/24")', "| logfmt --strict"]
RANGES = ["[1m]", "[5m]", "[1h30m]", "[10s]", "[ 1m ]", "[1d]", "[$__interval]", "[100ms]"]
FUNCTIONS = ["count_over_time", "rate", "bytes_over_time", "bytes_rate"]
OTHERS = ["absent_over_time", "sum_over_time", "quantile_over_time", "first_over_time"]
AROUND = ["{}", "sum({})", "sum by (route) ({})", "sum({}) by (route, host)", "max without (level) ({})", "avg by () ({})", "count({})", "min by (status_class) ({})"]
UNSUPPORTED_AROUND = ["topk(5, {})", "sort({})", "{} * 2", "{0} / {0}", "{} > 5", "{} offset 1h", "stddev({})", "quantile(0.9, {})", "label_replace({}, \"a\", \"$1\", \"b\", \"(.*)\")"]
WHOLE = ["vector(1)+vector(1)", "vector(1)", "1+1", "2", "", "   ", "{", "}", "sum", "count_over_time()", "count_over_time({a=\"b\"})", '{route="a"} |', '{route="a"} | status', '{route=a}',
         "{route='a'}", '{route=="a"}', '{route="a"', 'route="a"}', '{route="a"} |= GET', '{"route"="a"}', '{route="a"} # a comment', '{route="a"}\n| json\n| rt > 1s', 'sum by route (rate({a="b"}[1m]))',
         'rate({route="a"}[1x])', 'rate({route="a"}[])', 'rate({route="a"} [1m] |= "x")', 'rate({route="a"}[1m] |= "x")', '{route="a"} | rt > 2', '{route="a"} | rt > "2s"', '{route="a"} | rt > 2q',
         '{route="a"} | status >= 500 and', '{route="a"} | and', '{route="a"} || json', '{route="a"} | json | ', '{route="a", }', '{,route="a"}', '{route="a" host="b"}', 'sum(({route="a"}))',
         'sum(rate({route="a"}[1m])', 'sum(rate({route="a"}[1m])))', 'Sum(rate({route="a"}[1m]))', '{Route="a"}', '{route-name="a"}', '{route.name="a"}', '{_a="b"}', '{9a="b"}', '{a:b="c"}',
         'bytes_over_time({route="a"} | json [1m])', 'sum by (level, detected_level) (count_over_time({route="app.git"} | drop __error__[1m]))', '{route="a"} | 5 < status', '{route="a"} |= "a" |= "b" != "c"']


def queries(count):
    """Distinct queries of all kinds."""
    rng, made = random.Random(5), dict.fromkeys(WHOLE)
    while len(made) < count:
        pipeline = "".join(" " + rng.choice(STAGES if rng.random() < .85 else UNSUPPORTED) for _ in range(rng.randrange(4)))
        query = rng.choice(SELECTORS) + pipeline
        if rng.random() < .4:
            query = f"{rng.choice(FUNCTIONS if rng.random() < .85 else OTHERS)}({query}{rng.choice(['', ' '])}{rng.choice(RANGES)})"
            query = rng.choice(AROUND if rng.random() < .8 else UNSUPPORTED_AROUND).format(query)
        if rng.random() < .45:
            at = rng.randrange(len(query))
            query = rng.choice([query[:at] + query[at + 1:], query[:at] + rng.choice("{}()[]\"|=~,5 a`") + query[at:], query[:at], query[:at] + query[at:][::-1][:6] + query[at + 6:]])
        made[query] = None
    return list(made)


def ours(port, query):
    """Our status and words."""
    asked = urllib.parse.urlencode({"query": query, "start": 1_322_661_600, "end": 1_322_665_200, "step": 60, "limit": 1})
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/loki/api/v1/query_range?{asked}", timeout=30) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def main():
    """The scenario."""
    modules = os.environ.get("LOGQL_GRAMMAR", os.path.expanduser("~/.cache/spikeline-peers/logql"))
    with Scenario(__doc__, queries=(2000, 200)) as lab:
        if not shutil.which("node") or not os.path.isdir(os.path.join(modules, "node_modules", "@grafana", "lezer-logql")):
            return lab.skip("all of it", f"there is no node, or no @grafana/lezer-logql in {modules} (LOGQL_GRAMMAR)")
        log, config = os.path.join(lab.work, "a.log"), os.path.join(lab.work, "s.toml")
        with open(log, "w") as file:
            file.write('192.0.2.7 [30/Nov/2011:14:05:00 +0000] "GET /git/x HTTP/1.1" 200 0.100 msec=1322661900.000\n')
        with open(config, "w") as file:
            file.write(f"store = \"{lab.work}/store\"\nhost = \"web1\"\n[[log]]\npath = \"{log}\"\nformat = '{FORMAT}'\n[[route]]\nname = \"app.git\"\npath = \"/git/*\"\n")
        code, _, said = subject.command("index", "--config", config, log)
        lab.expect("index", code == 0, said)
        port, = peers.free_ports(1)
        lab.run(peers.Process(lab.work, "serve", [subject.binary(), "serve", "--config", config, "--listen", f"127.0.0.1:{port}"])).wait_for(port)
        asked = queries(lab.args.queries)
        done = subprocess.run(["node", os.path.join(HERE, "logql_grammar.mjs"), modules], input=json.dumps(asked).encode(), capture_output=True, check=True)
        counts = {"both take": 0, "both refuse": 0, "refused by name": 0}
        for query, taken in zip(asked, json.loads(done.stdout)):
            status, said = ours(port, query)
            by_name = status == 400 and any(words in said for words in ("not supported", "no log has a label or field", "parsing regexp"))
            kind = "both take" if taken and status == 200 else "refused by name" if taken and by_name else "both refuse" if not taken and status == 400 else None
            if lab.expect(f"{query!r} is {'taken' if taken else 'refused'} by both", kind, f"{status}: {said}"):
                counts[kind] += 1
        lab.note(f"{len(asked)} queries: {counts}")


if __name__ == "__main__":
    main()
