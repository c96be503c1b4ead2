//! Random log_formats, and random requests as nginx would write them in these: `ngx_http_log_module.c` (escapes, absent
//! values), `ngx_http_upstream.c` (lists). What a line was made from is kept, to be held against what is read from it.

use std::collections::HashMap;

use chrono::{DateTime, FixedOffset};
use spikeline::grammar::{Escape, VariableKind};

/// A splitmix64 stream: the same seed, the same formats and lines.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        usize::try_from((mixed ^ (mixed >> 31)) % end as u64).unwrap()
    }

    pub(crate) fn one_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }

    pub(crate) fn of<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len())]
    }
}

/// A format as places: the literal before the first one, then each variable with the literal after it.
pub(crate) struct Drawn {
    pub(crate) escape: Escape,
    pub(crate) lead: String,
    pub(crate) places: Vec<(&'static str, String)>,
    pub(crate) text: String,
}

const VARIABLES: &[&str] = &[
    "time_local",
    "time_iso8601",
    "msec",
    "request_time",
    "upstream_response_time",
    "upstream_connect_time",
    "upstream_header_time",
    "upstream_status",
    "upstream_addr",
    "upstream_response_length",
    "upstream_bytes_received",
    "status",
    "bytes_sent",
    "body_bytes_sent",
    "request_length",
    "connection",
    "connection_requests",
    "pid",
    "gzip_ratio",
    "request",
    "pipe",
    "request_id",
    "request_method",
    "server_protocol",
    "scheme",
    "request_completion",
    "remote_port",
    "server_port",
    "remote_addr",
    "remote_user",
    "http_referer",
    "http_user_agent",
    "http_x_forwarded_for",
    "http_host",
    "host",
    "server_name",
    "request_uri",
    "uri",
    "args",
    "arg_q",
    "cookie_session",
    "upstream_http_x_cache",
    "sent_http_location",
    "ssl_protocol",
    "geoip_city",
    "mapped_by_a_map",
    "request_body",
    "upstream_cache_status",
    "tcpinfo_rtt",
    "connection_time",
];
const SEPARATORS: &[&str] = &[" ", "\t", "|", " | ", ";", "; ", ",", ", ", "||", "  ", " - ", ":", "/", "^A", "é", "#"];
const ODD: &[&str] = &[
    " ",
    "\"",
    "\" \"",
    "\" ",
    " \"",
    "\"\"",
    "] [",
    "-",
    ".",
    "0",
    ", ",
    ",",
    " : ",
    ": ",
    " = ",
    ", to=",
    "\tx:",
    "ms ",
    "—",
    "“",
    "'",
    "] ",
    " [",
    ")(",
    "\",\"k\":\"",
    "},{",
    "s ",
    "=",
    "/",
    "\\t",
    ".5 ",
    "-- ",
    ",x",
    " :x ",
    "a",
    "_b ",
];

impl Drawn {
    /// A format of 1 to 40 places, mostly few; a quarter has each kind of separator in its own way.
    pub(crate) fn new(random: &mut Random) -> Drawn {
        let escape = random.of(&[Escape::Default, Escape::Default, Escape::Json, Escape::None]);
        let count = if random.one_in(8) { 1 + random.below(40) } else { 1 + random.below(9) };
        let mut names: Vec<&'static str> = (0..count).map(|_| random.of(VARIABLES)).collect();
        // Without a time there is no record.
        let clock = random.of(&["time_local", "time_iso8601", "msec"]);
        let at = random.below(names.len() + 1);
        names.insert(at, clock);
        let style = random.below(8);
        let separator = random.of(SEPARATORS);
        let mut lead = match style {
            1 => "\"".to_owned(),
            2 => "{\"k0\":\"".to_owned(),
            3 => "k0:".to_owned(),
            4 => "k0=".to_owned(),
            5 => "[".to_owned(),
            7 if random.one_in(2) => random.of(ODD).to_owned(),
            _ => String::new(),
        };
        let mut places = Vec::new();
        for (index, name) in names.iter().enumerate() {
            let last = index + 1 == names.len();
            let number = index + 1;
            let literal = match (style, last) {
                (1, false) => "\" \"".to_owned(),
                (2, false) if number % 7 == 0 => format!("\",\"n\":{{\"k{number}\":\""),
                (2, false) => format!("\",\"k{number}\":\""),
                (3, false) => format!("\tk{number}:"),
                (4, false) => format!(" k{number}="),
                (5, false) => "] [".to_owned(),
                (1, true) => "\"".to_owned(),
                (2, true) => format!("\"}}{}", "}".repeat(names.len() / 7)),
                (5, true) => "]".to_owned(),
                (7, _) if !last && delimits_itself(name) && random.one_in(2) => String::new(),
                (7, _) if !last || random.one_in(2) => random.of(ODD).to_owned(),
                (0, true) if random.one_in(3) => " ".to_owned(),
                (_, true) => String::new(),
                _ => separator.to_owned(),
            };
            places.push((*name, literal));
        }
        if style == 2 && random.one_in(2) {
            unquote_numbers(&mut lead, &mut places);
        }
        if random.one_in(6) {
            join_url(&mut places, random);
        }
        let text = text_of(&lead, &places, random);
        Drawn { escape, lead, places, text }
    }
}

fn delimits_itself(name: &str) -> bool {
    matches!(
        VariableKind::of_name(name),
        VariableKind::TimeLocal
            | VariableKind::TimeIso8601
            | VariableKind::Status
            | VariableKind::Pipe
            | VariableKind::Seconds
            | VariableKind::Msec
    )
}

/// JSON with the numbers as numbers.
fn unquote_numbers(lead: &mut String, places: &mut [(&'static str, String)]) {
    let plain = |name: &str| {
        matches!(
            VariableKind::of_name(name),
            VariableKind::Integer | VariableKind::Status | VariableKind::Seconds | VariableKind::Msec
        )
    };
    for index in 0..places.len() {
        if plain(places[index].0) {
            let before = if index == 0 { &mut *lead } else { &mut places[index - 1].1 };
            if before.ends_with('"') && !before.ends_with("\"\"") {
                before.pop();
                places[index].1.remove(0);
            }
        }
    }
}

/// Puts `$host$request_uri` or `$uri$is_args$args` where the last variable stands.
fn join_url(places: &mut Vec<(&'static str, String)>, random: &mut Random) {
    let Some((_, literal)) = places.pop() else { return };
    let joined: &[&'static str] = random.of(&[&["host", "request_uri"][..], &["uri", "is_args", "args"]]);
    places.retain(|(name, _)| !joined.contains(name));
    for (index, name) in joined.iter().enumerate() {
        places.push((name, if index + 1 == joined.len() { literal.clone() } else { String::new() }));
    }
    if !places.iter().any(|(name, _)| matches!(*name, "time_local" | "time_iso8601" | "msec")) {
        places.insert(0, ("msec", " ".to_owned()));
    }
}

fn text_of(lead: &str, places: &[(&'static str, String)], random: &mut Random) -> String {
    let mut text = lead.to_owned();
    for (name, literal) in places {
        let name = if random.one_in(10) { name.to_ascii_uppercase() } else { (*name).to_owned() };
        let runs_on = literal.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_');
        text += &if runs_on || random.one_in(5) { format!("${{{name}}}") } else { format!("${name}") };
        text += literal;
    }
    text
}

/// A list's members by redirect and attempt.
pub(crate) type Members = Vec<Vec<Option<u64>>>;

/// What a variable's value was made from.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Meant {
    EndMs(i64),
    Ms(u64),
    Number(u64),
    List(Members),
    Other,
}

#[derive(Debug, Clone)]
pub(crate) struct Value {
    pub(crate) meant: Meant,
    /// As it was before nginx escaped it; None if absent.
    pub(crate) raw: Option<Vec<u8>>,
    /// As it stands in the line.
    pub(crate) shown: Vec<u8>,
}

/// The values of one request, and its line.
pub(crate) struct Request {
    pub(crate) values: HashMap<&'static str, Value>,
    pub(crate) line: Vec<u8>,
    /// Whether no value holds what looks like the literal after it: then there is only one way to read the line.
    pub(crate) plain: bool,
}

impl Request {
    pub(crate) fn new(format: &Drawn, random: &mut Random) -> Request {
        let mut values: HashMap<&'static str, Value> = HashMap::new();
        let tame = !random.one_in(3);
        for (name, _) in &format.places {
            if !values.contains_key(name) {
                let value = value(name, format.escape, tame, random);
                values.insert(name, value);
            }
        }
        if format.places.iter().any(|(name, _)| *name == "is_args") {
            join_args(&mut values, format.escape);
        }
        let mut line = format.lead.clone().into_bytes();
        let mut starts = Vec::new();
        for (name, literal) in &format.places {
            starts.push(line.len());
            line.extend_from_slice(&values[name].shown);
            line.extend_from_slice(literal.as_bytes());
        }
        let plain = plain(format, &values, &line, &starts);
        Request { values, line, plain }
    }
}

/// `$is_args` is `?` where there are arguments, else empty; a path holds no `?` then.
fn join_args(values: &mut HashMap<&'static str, Value>, escape: Escape) {
    let some =
        values.get("args").is_some_and(|args| args.raw.as_ref().is_some_and(|raw| !raw.is_empty() && raw != b"-"));
    let mark: &[u8] = if some { b"?" } else { b"" };
    values.insert("is_args", Value { meant: Meant::Other, raw: Some(mark.to_vec()), shown: mark.to_vec() });
    if !some {
        values.insert("args", other(None, escape));
    }
    let path = values["uri"].raw.clone().unwrap_or_default();
    let path: Vec<u8> = [b"/", path.as_slice()].concat().into_iter().filter(|byte| !b"?-".contains(byte)).collect();
    values.insert("uri", other(Some(path), escape));
}

fn plain(format: &Drawn, values: &HashMap<&'static str, Value>, line: &[u8], starts: &[usize]) -> bool {
    let time = regex::bytes::Regex::new(r"(?-u)/.../....:|-..-..T..:").unwrap();
    format.places.iter().zip(starts).enumerate().all(|(index, ((name, literal), &start))| {
        let value = &values[name];
        let end = start + value.shown.len();
        let last = index + 1 == format.places.len();
        let literal = if last { literal.trim_end_matches(' ') } else { literal };
        let rest = &line[end..];
        match VariableKind::of_name(name) {
            kind if kind.is_list() => {
                let more = rest.starts_with(b", ") || rest.starts_with(b" : ") || rest.starts_with(b" :");
                !more
                    || literal.starts_with(", ") && literal.len() > 2
                    || literal.starts_with(" :") && literal.len() > 3
            }
            VariableKind::Text | VariableKind::Token | VariableKind::Request => {
                let joined = literal.is_empty() && !last;
                let quiet = !time.is_match(&value.shown);
                let unmistaken = literal.is_empty()
                    || memchr::memmem::find(&line[start..], literal.as_bytes()) == Some(value.shown.len())
                    || hard(literal, format.escape);
                let tokens =
                    !matches!(VariableKind::of_name(name), VariableKind::Token) || !value.shown.contains(&b' ');
                quiet
                    && unmistaken
                    && tokens
                    && (!joined || tame_url(name, value, rest) && alone(format, line, starts, index))
            }
            // A number's literal may begin like the absence of one.
            VariableKind::Port | VariableKind::Decimal => !value.shown.is_empty() || !literal.starts_with('-'),
            _ => true,
        }
    })
}

/// Whether the literal after joined neighbours stands nowhere in them.
fn alone(format: &Drawn, line: &[u8], starts: &[usize], index: usize) -> bool {
    let Some(after) = (index..format.places.len()).find(|&at| !format.places[at].1.is_empty()) else { return true };
    let literal = format.places[after].1.as_bytes();
    let end = starts.get(after + 1).copied().unwrap_or(line.len()) - literal.len();
    memchr::memmem::find(&line[starts[index]..], literal) == Some(end - starts[index])
}

fn tame_url(name: &str, value: &Value, rest: &[u8]) -> bool {
    let blank = |bytes: &[u8]| bytes.iter().any(|byte| b" |;,[]:=)}'\"#^/.-\t".contains(byte) || !byte.is_ascii());
    match name {
        "host" => !blank(&value.shown) && rest.starts_with(b"/"),
        "is_args" => true,
        _ => !blank(value.shown.get(1..).unwrap_or_default()),
    }
}

fn hard(literal: &str, escape: Escape) -> bool {
    literal.bytes().any(|byte| match escape {
        Escape::Default => byte == b'"' || !(0x20..0x7F).contains(&byte),
        Escape::Json => byte == b'"' || byte < 0x20,
        Escape::None => false,
    })
}

fn other(raw: Option<Vec<u8>>, escape: Escape) -> Value {
    let absent: &[u8] = if escape == Escape::Default { b"-" } else { b"" };
    let shown = raw.as_ref().map_or(absent.to_vec(), |raw| escaped(raw, escape));
    Value { meant: Meant::Other, raw, shown }
}

/// A value as `ngx_http_log_escape`, `ngx_escape_json` or nothing makes it.
pub(crate) fn escaped(raw: &[u8], escape: Escape) -> Vec<u8> {
    let mut out = Vec::new();
    for &byte in raw {
        match (escape, byte) {
            (Escape::Default, b'"' | b'\\' | 0..=0x1F | 0x7F..) => out.extend(format!("\\x{byte:02X}").bytes()),
            (Escape::Json, b'"' | b'\\') => out.extend([b'\\', byte]),
            (Escape::Json, b'\n') => out.extend(b"\\n"),
            (Escape::Json, b'\r') => out.extend(b"\\r"),
            (Escape::Json, b'\t') => out.extend(b"\\t"),
            (Escape::Json, 0x08) => out.extend(b"\\b"),
            (Escape::Json, 0x0C) => out.extend(b"\\f"),
            (Escape::Json, 0..=0x1F) => out.extend(format!("\\u{byte:04X}").bytes()),
            _ => out.push(byte),
        }
    }
    out
}

fn value(name: &str, escape: Escape, tame: bool, random: &mut Random) -> Value {
    let made = |meant, shown: String| Value { meant, raw: Some(shown.clone().into_bytes()), shown: shown.into_bytes() };
    let zone = FixedOffset::east_opt(i32::try_from(random.below(104)).unwrap() * 900 - 43_200).unwrap();
    let ms = i64::try_from(random.below(4_000_000_000)).unwrap() * 1000 + i64::try_from(random.below(1000)).unwrap();
    let time = DateTime::from_timestamp_millis(ms).unwrap().with_timezone(&zone);
    let whole = ms / 1000 * 1000;
    let seconds = |ms: u64| format!("{}.{:03}", ms / 1000, ms % 1000);
    match VariableKind::of_name(name) {
        VariableKind::TimeLocal => made(Meant::EndMs(whole), time.format("%d/%b/%Y:%H:%M:%S %z").to_string()),
        VariableKind::TimeIso8601 => made(Meant::EndMs(whole), time.format("%Y-%m-%dT%H:%M:%S%:z").to_string()),
        VariableKind::Msec => made(Meant::EndMs(ms), format!("{}.{:03}", ms / 1000, ms % 1000)),
        VariableKind::Seconds => {
            let ms = duration(random);
            made(Meant::Ms(ms), seconds(ms))
        }
        VariableKind::UpstreamSeconds => list(escape, random, duration, seconds),
        VariableKind::UpstreamInts if name.eq_ignore_ascii_case("upstream_status") => {
            list(escape, random, |random| 100 + random.below(500) as u64, |status| status.to_string())
        }
        VariableKind::UpstreamInts => {
            list(escape, random, |random| random.below(1 << 30) as u64, |int| int.to_string())
        }
        VariableKind::UpstreamAddrs => {
            let port = |random: &mut Random| 1 + random.below(65_535) as u64;
            let mut value = list(escape, random, port, |port| match port % 4 {
                0 => format!("[2001:db8::{port}]:{port}"),
                1 => format!("unix:/run/app-{port}.sock"),
                2 => format!("backend{port}"),
                _ => format!("10.0.0.1:{port}"),
            });
            value.meant = Meant::Other;
            value
        }
        VariableKind::Status => {
            let status = random.of(&[0_u64, 9, 101, 200, 204, 301, 404, 499, 500, 502]);
            made(Meant::Number(status), format!("{status:03}"))
        }
        VariableKind::Integer => {
            let number = random.of(&[0, 5, 1234, 20_000_000, 123_456_789_012, u64::MAX]);
            made(Meant::Number(number), number.to_string())
        }
        VariableKind::Port if random.one_in(5) => made(Meant::Other, String::new()),
        VariableKind::Port => made(Meant::Other, (1 + random.below(65_535)).to_string()),
        VariableKind::Decimal if random.one_in(3) => other(None, escape),
        VariableKind::Decimal => made(Meant::Other, format!("{}.{:02}", random.below(30), random.below(100))),
        VariableKind::Pipe => made(Meant::Other, random.of(&[".", "p"]).to_owned()),
        VariableKind::Token => {
            let values: &[&str] = match name {
                "request_method" => &["GET", "PURGE_X", "M-SEARCH"],
                "server_protocol" => &["HTTP/1.1", "HTTP/2.0", "HTTP/3.0"],
                "scheme" => &["http", "https"],
                "request_completion" => &["OK"],
                "request_id" => &["0123456789abcdef0123456789abcdef"],
                "upstream_cache_status" => &["HIT", "MISS"],
                _ => &["TLSv1.3", "3f0a"],
            };
            made(Meant::Other, random.of(values).to_owned())
        }
        VariableKind::Request if !random.one_in(4) => {
            let raw = escape == Escape::None;
            let may_stand = |&byte: &u8| byte != b' ' && !(raw && b"\n\r\0".contains(&byte));
            let target = text(tame, random).into_iter().filter(may_stand).collect::<Vec<u8>>();
            other(Some([b"GET /", target.as_slice(), b" HTTP/1.1"].concat()), escape)
        }
        _ if name == "remote_addr" => made(Meant::Other, random.of(&["192.0.2.1", "2001:db8::7", "unix:"]).to_owned()),
        _ if random.one_in(6) => other(None, escape),
        _ => {
            let mut raw = text(tame, random);
            match name {
                "request_uri" | "uri" => raw.insert(0, b'/'),
                // The password begins at the first colon.
                "remote_user" => raw.retain(|&byte| byte != b':'),
                "host" | "server_name" => {
                    raw.retain(|byte| byte.is_ascii_graphic() && !b"\"/".contains(byte));
                    if raw.is_empty() || raw == b"-" {
                        return other(None, escape);
                    }
                }
                // What is no request has none behind it.
                "request" if memchr::memmem::find(&raw, b" HTTP/").is_some() => raw = b"\x16\x03".to_vec(),
                _ => {}
            }
            if name.starts_with("http_") || name.starts_with("cookie_") || name == "request" {
                raw = raw.trim_ascii().to_vec();
            }
            if escape == Escape::None {
                raw.retain(|byte| !b"\n\r\0".contains(byte));
            }
            other(Some(raw), escape)
        }
    }
}

fn duration(random: &mut Random) -> u64 {
    match random.below(10) {
        0 => 0,
        1 => 66_124_476,
        2 => 366 * 86_400_000,
        _ => random.below(12_000) as u64,
    }
}

/// A list as `ngx_http_upstream_*_variable` writes it: attempts by `, `, redirects by ` : `, a trailing one of these
/// where the last redirect reached no upstream.
fn list(escape: Escape, random: &mut Random, draw: impl Fn(&mut Random) -> u64, show: impl Fn(u64) -> String) -> Value {
    if random.one_in(6) {
        let mut absent = other(None, escape);
        absent.meant = Meant::List(if escape == Escape::Default { vec![vec![None]] } else { Vec::new() });
        return absent;
    }
    let redirects = if random.one_in(4) { 2 + random.below(2) } else { 1 };
    let mut members: Members = Vec::new();
    for _ in 0..redirects {
        let attempts = if random.one_in(4) { 2 + random.below(2) } else { 1 };
        members.push((0..attempts).map(|_| (!random.one_in(5)).then(|| draw(random))).collect());
    }
    let member = |member: &Option<u64>| member.map_or("-".to_owned(), &show);
    let attempts = |attempts: &Vec<Option<u64>>| attempts.iter().map(member).collect::<Vec<_>>().join(", ");
    let mut shown = members.iter().map(attempts).collect::<Vec<_>>().join(" : ");
    if random.one_in(10) {
        shown += " : ";
        members.push(Vec::new());
    }
    Value { meant: Meant::List(members), raw: Some(shown.clone().into_bytes()), shown: shown.into_bytes() }
}

/// What a client may send: tame words, or anything.
fn text(tame: bool, random: &mut Random) -> Vec<u8> {
    const TAME: &[&[u8]] = &[b"a", b"curl8", b"_x", b"Q", b"\\x22", b"\"", b"\\", b"\x16\x03", b"z"];
    const WILD: &[&[u8]] = &[
        b" ",
        b"\"",
        b"\\",
        b"\t",
        b"-",
        b"] ",
        b" [",
        b"\xC3\xA9",
        b"\xFF",
        b"\" \"",
        b"|",
        b",",
        b", ",
        b" : ",
        b"=",
        b"10/Oct/2000:13:55:36 -0700",
        b"2000-10-10T13:55:36Z",
        b"0.5",
        b"GET / HTTP/1.1",
        b"\x1B[31m",
        b"\n",
        b"\0",
        b"<script>",
        b"\\u0022",
        b"/",
        b"?",
        b"k1=",
        b"\x7F",
        b"'",
        b":",
        b"}",
        b"\",\"k2\":\"",
        b"x",
    ];
    let words = random.below(if tame { 4 } else { 7 });
    (0..words).flat_map(|_| if tame { random.of(TAME) } else { random.of(WILD) }.iter().copied()).collect()
}
