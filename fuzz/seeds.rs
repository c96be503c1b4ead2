//! Writes the corpora that the targets start from, out of the grammars that come with spikeline and the logs and
//! configurations of its tests: `seeds CORPUS_FOLDER`.

use std::path::Path;
use std::{env, fs, io};

use spikeline::grammar::{Escape, library, library::FILES};

fn main() -> io::Result<()> {
    let corpus = env::args_os().nth(1).ok_or_else(|| io::Error::other("usage: seeds CORPUS_FOLDER"))?;
    let corpus = Path::new(&corpus);
    let write = |target: &str, name: &str, bytes: &[u8]| {
        fs::create_dir_all(corpus.join(target))?;
        fs::write(corpus.join(target).join(format!("seed-{}", name.replace('/', "-"))), bytes)
    };
    for (name, text) in FILES {
        write("directives", name, text.as_bytes())?;
    }
    for grammar in library().map_err(|error| io::Error::other(error.render()))? {
        let (name, text) = (grammar.format.name(), grammar.format.text());
        let escape = match grammar.format.escape() {
            Escape::Default => 0,
            Escape::Json => 1,
            Escape::None => 2,
        };
        write("log_format", name, &[text.as_bytes(), &[escape]].concat())?;
        let lines: String = grammar.samples.iter().map(|line| format!("{line}\n")).collect();
        write("line", name, &[&[escape], text.as_bytes(), b"\n", lines.as_bytes()].concat())?;
    }
    for (log, text) in KEYED {
        write("keyed", log, &[text.as_bytes(), b"\n", &head(log)?].concat())?;
    }
    for (number, lines) in WRAPPED.iter().enumerate() {
        let wrapper = u8::try_from(number).unwrap_or_default();
        write("wrapped", &number.to_string(), &[&[wrapper, 1], lines.as_bytes()].concat())?;
    }
    write("wrapped", "ingress", &[&[0, 3], head("grammar/k8s-cri-ingress/access.log")?.as_slice()].concat())?;
    for (name, conf) in [("debian", "nginx/debian/nginx.conf"), ("site", "nginx/debian/sites-enabled/default")] {
        let conf = fs::read(Path::new(DATA).join(conf))?;
        write("nginx_conf", name, &conf)?;
        write("locations", name, &[&conf, b"\0".as_slice(), ASKED.as_bytes()].concat())?;
    }
    write("nginx_conf", "shop", CONF.as_bytes())?;
    write("nginx_conf", "dump", format!("# configuration file /etc/nginx/nginx.conf:\n{CONF}").as_bytes())?;
    write("locations", "shop", format!("{CONF}\0{ASKED}").as_bytes())
}

/// Where the tests have their logs and configurations.
const DATA: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/data");

/// Logs of the tests, and the keyed formats that read them.
const KEYED: &[(&str, &str)] = &[
    ("grammar/json-kazeburo/access.log", "json request_time=reqtime:s"),
    ("grammar/lab/json.log", "json"),
    ("grammar/pnx-json/access.log", "json request_time=took:ms status=http.code"),
    ("grammar/ltsv-kazeburo/access.log", "ltsv request_time=reqtime_microsec:us"),
    ("grammar/ltsv-upstream/access.log", "ltsv"),
    ("grammar/alp-ltsv/access.log", "ltsv"),
];

/// One log for each wrapper: parts of two streams, escapes, headers.
const WRAPPED: [&str; 3] = [
    "2020-05-10T12:00:00.000000000Z stdout P {\"time\":1589112000,\"sta\n2020-05-10T12:00:00.000000001Z stderr F x\n\
     2020-05-10T12:00:00.000000002Z stdout F tus\":200}\n",
    "{\"log\":\"{\\\"time\\\":1589112000,\\\"sta\",\"stream\":\"stdout\",\"time\":\"2020-05-10T12:00:00.1Z\"}\n\
     {\"log\":\"tus\\\":200}\\n\",\"stream\":\"stdout\",\"time\":\"2020-05-10T12:00:00.2Z\"}\n",
    "<190>May 10 12:00:00 web1 nginx: {\"time\":1589112000,\"status\":200}\n\
     <190>1 2020-05-10T12:00:00.1Z web1 nginx - - - {\"time\":1589112000,\"status\":200}\n\
     2020-05-10T12:00:00.1+00:00 web1 nginx: {\"time\":1589112000,\"status\":200}\n",
];

const CONF: &str = r#"http {
    log_format timed escape=json '$remote_addr [$time_local] "$request" ' '$status $request_time';
    access_log /var/log/nginx/access.log timed buffer=32k flush=1s;
    include conf.d/*.conf;
    map $uri $x { default 0; ~^/a 1; }
    upstream api { server 127.0.0.1:8080; server unix:/run/api.sock backup; }
    server { listen 80 default_server; listen [::]:80; return 301 https://$host$request_uri; }
    server {
        listen 443 ssl;
        server_name shop.example .example.org www.* ~^(?<tenant>.+)\.example\.net$;
        merge_slashes off;
        access_log /var/log/nginx/$host.log combined gzip=1 if=$x;
        access_log syslog:server=127.0.0.1:514 timed;
        location / { access_log off; }
        location = /health { }
        location ^~ /static/ { location ~ \.(gif|jpe?g)$ { } }
        location ~* "^/api/v\d{1,2}/" { proxy_pass http://api; }
        location /shop/ { location /shop/cart/ { } }
        location @named { }
    }
}
"#;

const ASKED: &str = "https 443 shop.example 200 /\nhttps 443 a.example.org 200 /static/a.gif?x\n\
                     http 80 www.x 301 /api/v1/x\n- - - 404 //shop//cart/../%2e%2e/\nhttps 443 t.example.net 499 *\n\
                     https 443 shop.example 200 /API/v12/%41\\x22\n";

/// The first lines of a log of the tests.
fn head(log: &str) -> io::Result<Vec<u8>> {
    let text = fs::read(Path::new(DATA).join(log))?;
    Ok(text.split_inclusive(|&byte| byte == b'\n').take(8).flatten().copied().collect())
}
