"""The wrappings of `pastes.py`: a log_format as it stands in nginx.conf, in YAML, in a template, in a blog, and torn off in the middle.

(what it is, pasted text, options, whether it may be read at all). `pieces` are what stands between nginx's quotes. Where the
wrapping cannot carry escape=, the option says it.
"""
import html
import json
import re


def again(pieces):
    """The pieces, at least two, cut where no variable, escape or space is torn."""
    if len(pieces) > 1:
        return pieces
    spaces = [found.end() for found in re.finditer(r'[^\\] ', pieces[0])] or [found.start() for found in re.finditer(r",", pieces[0])]
    middle = spaces[len(spaces) // 2] if spaces else 0
    return [pieces[0][:middle], pieces[0][middle:]] if middle else pieces


def double(piece):
    """A single-quoted piece as nginx takes it in double quotes."""
    return '"' + piece.replace("\\'", "'").replace('"', '\\"') + '"'


def indented(text, by):
    """Every line moved to the right."""
    return "\n".join(by + line if line else line for line in text.split("\n"))


def folded(text):
    """A YAML double-quoted scalar."""
    return json.dumps(text, ensure_ascii=False)


def nginx_conf(name, param, pieces):
    """(what, text) as nginx.conf, or a part of it, has it."""
    many = again(pieces)
    one = "'" + "".join(pieces) + "'"
    lines = "\n".join(f"'{piece}'" for piece in many)
    aligned = "\n                 ".join(f"'{piece}'" for piece in many)
    comments = "\n".join(f"    '{piece}'   # part {n} of it" for n, piece in enumerate(many, 1))
    directive = f"log_format {name} {param}{aligned};"
    http = ("user www-data;\nworker_processes auto;\nevents {\n    worker_connections 768;\n}\n\nhttp {\n    include /etc/nginx/mime.types;\n"
            "    sendfile on; # no log_format here\n%s\n    access_log /var/log/nginx/access.log " + name + " buffer=32k;\n"
            "    server {\n        listen 80;\n        location / { return 200 'ok; {}'; }\n    }\n}\n")
    yield "quotes alone", one
    yield "quotes alone, spaces around", f"  {one}  \n"
    yield "quotes, semicolon", one + ";"
    yield "quotes over several lines", lines
    yield "quotes over several lines, semicolon", lines + ";\n"
    yield "quotes over several lines, CRLF", lines.replace("\n", "\r\n") + ";\r\n"
    yield "quotes over several lines, comments", comments + "\n;"
    yield "quotes over several lines, comment before", f"# what we log\n{lines}"
    yield "escape= and quotes", param + one
    yield "name and quotes, semicolon", f"{name} {param}{one};"
    yield "name and quotes", f"{name} {param}{one}"
    yield "name and quotes over several lines", f"{name} {param}{aligned};"
    yield "name `main`, that is another grammar", f"main {param}{one};"
    yield "name `json`, that is a word of ours", f"json {param}{one};"
    yield "name `ltsv`, that is a word of ours", f"ltsv {param}{one}"
    yield "name in quotes", f"log_format '{name}' {param}{one};"
    yield "directive", f"log_format {name} {param}{one};"
    yield "directive without semicolon", f"log_format {name} {param}{one}"
    yield "directive over several lines", directive
    yield "directive over several lines, tabs", directive.replace("\n                 ", "\n\t\t\t\t")
    yield "directive, name on a line of its own", f"log_format\n  {name}\n  {param}\n{comments}\n;"
    yield "directive, indented, comments", indented("# the times behind it\n" + directive + " # till here", "    ")
    yield "directive, commented out", "#" + directive.replace("\n", "\n#")
    yield "directive, commented out, one line", f"# log_format {name} {param}{one};"
    yield "directive, commented out, indented", indented("# " + directive.replace("\n", "\n# "), "    ")
    yield "directive and access_log", directive + f"\naccess_log /var/log/nginx/access.log {name};\n"
    yield "access_log before directive", f"access_log /var/log/nginx/access.log {name};\n" + directive
    yield "directive, double quotes", f"log_format {name} {param}" + "\n    ".join(double(piece) for piece in many) + ";"
    yield "double quotes alone", double("".join(pieces))
    yield "double quotes over several lines", "\n".join(double(piece) for piece in many) + ";"
    yield "http block", http % indented(directive, "    ")
    yield "http block, one line", f"http {{ log_format {name} {param}{one}; access_log logs/access.log {name}; }}"
    yield "nginx -T", "# configuration file /etc/nginx/nginx.conf:\n" + http % indented(directive, "    ")
    yield "two directives", f"log_format a {param}{one};\nlog_format b '$msec $status';"
    yield "with a prompt", f"$ grep log_format /etc/nginx/nginx.conf\nlog_format {name} {param}{one};"
    yield "grep with file and number", f"/etc/nginx/nginx.conf:21:    log_format {name} {param}{one};"
    yield "diff", "+" + directive.replace("\n", "\n+")
    yield "markdown", f"```nginx\n{directive}\n```"
    yield "BOM before", "\ufeff" + directive


def elsewhere(name, param, pieces, text):
    """(what, text) as YAML, templates, shells and web pages have it; `text` is what nginx reads."""
    one, raw = "'" + "".join(pieces) + "'", "".join(pieces)
    single = "'" + text.replace("'", "''") + "'"
    values = ("controller:\n  replicaCount: 2\n  config:\n    use-forwarded-headers: \"true\"\n"
              f"    log-format-upstream: {single}\n    keep-alive: \"75\"\n")
    config_map = ("apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: ingress-nginx-controller\n  namespace: ingress-nginx\n"
                  f"data:\n  log-format-upstream: {single}\n  proxy-body-size: 8m\n")
    directive = f"log_format {name} {param}{one};"
    yield "log-format-upstream, single quotes", f"log-format-upstream: {single}"
    yield "log-format-upstream, double quotes", f"log-format-upstream: {folded(text)}"
    if not text.endswith(" "):  # YAML drops it, and nginx would not write it
        yield "log-format-upstream, bare", f"log-format-upstream: {text}"
    yield "log-format-upstream, key in quotes", f'"log-format-upstream": {folded(text)}'
    yield "log-format-upstream, indented", f"    log-format-upstream: {single}\n"
    yield "log-format-upstream, folded (>-)", "log-format-upstream: >-\n  " + text
    yield "log-format-upstream, literal (|)", "log-format-upstream: |\n  " + text + "\n"
    yield "YAML double-quoted string", folded(text)
    yield "JSON object", json.dumps({"log-format-upstream": text}, ensure_ascii=False)
    yield "values.yaml of Helm", values
    yield "ConfigMap", config_map
    yield "ConfigMap with nginx.conf", "data:\n  nginx.conf: |\n    http {\n" + indented(directive, "      ") + "\n    }\n"
    yield "ansible, escaped quotes", f"nginx_log_format: {folded(text)}"
    yield "ansible, list of formats", f"nginx_log_formats:\n  - name: {name}\n    format: {folded(text)}\n"
    yield "ansible, list of directives", f"nginx_http_options:\n  - {directive}\n" if not param else f"  - {directive}"
    yield "puppet", f"log_format => {{\n  '{name}' => '{raw}',\n}},"
    yield "python", f"LOG_FORMAT = {text!r}"
    yield "shell, escaped dollars", directive.replace("$", "\\$")
    yield "compose, doubled dollars", directive.replace("$", "$$")
    yield "jinja, raw", "{% raw %}" + directive + "{% endraw %}"
    yield "HTML entities", html.escape(directive)
    yield "typographic quotes", directive.replace("'", "\u2019").replace('"', "\u201d")
    yield "no-break spaces", directive.replace(" ", "\u00a0")
    yield "TOML line", f"format = '''{text}'''" if "'" in text else f"format = '{text}'"


def torn(name, param, pieces):
    """(what, text) that is no whole format: it must be told."""
    many = again(pieces)
    yield "quote not closed", f"log_format {name} {param}'" + "".join(pieces) + ";"
    yield "quotes alone, not closed", "'" + "".join(pieces)
    yield "last of several lines not closed", f"log_format {name} {param}" + "\n  ".join(f"'{piece}'" for piece in many)[:-1]
    yield "directive without text", f"log_format {name};"
    yield "name alone, that is none", f"my_own_{name}"
    yield "access_log alone", f"access_log /var/log/nginx/access.log {name};"
    yield "http block without log_format", "http {\n  access_log /var/log/nginx/access.log main;\n}\n"
    yield "nothing", ""
    yield "quotes around nothing", "''"
    yield "unknown escape=", f"escape=yaml '{''.join(pieces)}'"
    yield "file name", "/etc/nginx/nginx.conf"


def wrappings(name, escape, pieces, text):
    """All: (what, pasted text, options, whether it may be read)."""
    param = f"escape={escape} " if escape != "default" else ""
    option = ("--escape", escape)
    yield "text", text, option, True
    yield "text, spaces and newline behind", text.rstrip() + "\n" if text == text.rstrip() else text, option, True
    if "\t" in text:
        yield "text, literal \\t", text.replace("\t", "\\t"), option, True
        yield "quotes alone, real tabs", "'" + text + "'", option, True
    for what, pasted in nginx_conf(name, param, pieces):
        yield what, pasted, () if param and "escape=" in pasted else option, True
    for what, pasted in elsewhere(name, param, pieces, text):
        yield what, pasted, () if param and "escape=" in pasted else option, True
    for what, pasted in torn(name, param, pieces):
        yield "TORN " + what, pasted, () if "escape=" in pasted else option, False
