//! A slow reader of lines that is easy to believe: each format is turned into one regex by the rules that
//! `src/grammar/plan.rs` states, and values are read with chrono and wide integers. It shares no code with the parser.

use chrono::DateTime;
use regex::bytes::{Captures, Regex};
use spikeline::grammar::Escape;

/// The values that a slow reading finds.
#[derive(Debug, PartialEq)]
pub(crate) struct Slow {
    pub(crate) end_ms: i128,
    pub(crate) request_time_ms: Option<u128>,
    pub(crate) upstream_ms: [Option<u128>; 3],
    pub(crate) status: Option<u16>,
    /// One of each place where a variable stands, in the order of the text.
    pub(crate) values: Vec<Vec<u8>>,
}

pub(crate) struct Oracle {
    regex: Regex,
    pub(crate) names: Vec<String>,
}

const UPSTREAM_TIMES: [&str; 3] = ["upstream_response_time", "upstream_connect_time", "upstream_header_time"];

impl Oracle {
    /// The oracle of a format; None where its neighbours need more than a regex (`$uri$is_args`, `$host$request_uri`).
    pub(crate) fn new(text: &str, escape: Escape) -> Option<Oracle> {
        let variable = regex::Regex::new(r"\$(?:\{(\w+)\}|(\w+))").unwrap();
        let found: Vec<_> = variable.captures_iter(text).collect();
        let place = |index: usize| found[index].get(0).unwrap();
        let names: Vec<String> =
            found.iter().map(|one| one.get(1).or(one.get(2)).unwrap().as_str().to_ascii_lowercase()).collect();
        let kept = text.trim_end_matches(' ');
        let mut pattern = String::from("(?s-u)^");
        pattern += &regex::escape(&text[..place(0).start()]);
        for (index, name) in names.iter().enumerate() {
            let until = if index + 1 < found.len() { place(index + 1).start() } else { kept.len() };
            let literal = &text[place(index).end()..until];
            let last = index + 1 == found.len();
            pattern += &format!("({}){}", value_pattern(name, literal, last, escape)?, regex::escape(literal));
        }
        pattern += &format!(" {{0,{}}}$", text.len() - kept.len());
        Some(Oracle { regex: Regex::new(&pattern).unwrap(), names })
    }

    pub(crate) fn read(&self, line: &[u8]) -> Option<Slow> {
        let captures = self.regex.captures(line)?;
        let value = |name: &str| self.value(&captures, name);
        let end_ms = match (value("msec"), value("time_iso8601"), value("time_local")) {
            (Some(msec), _, _) => thousandths(msec).filter(|&ms| ms < 253_402_300_800_000)? as i128,
            (_, Some(iso), _) => {
                Regex::new(r"^\d{4}-\d\d-\d\dT\d\d:").unwrap().find(iso.as_bytes())?;
                DateTime::parse_from_rfc3339(iso).ok()?.timestamp_millis() as i128
            }
            (_, _, Some(local)) => {
                // chrono takes a space for a digit, as in year ` 970`.
                Regex::new(r"^\d\d/.../\d{4}:\d\d:\d\d:\d\d .\d{4}$").unwrap().find(local.as_bytes())?;
                DateTime::parse_from_str(local, "%d/%b/%Y:%H:%M:%S %z").ok()?.timestamp_millis() as i128
            }
            _ => return None,
        };
        let request_time_ms = match value("request_time").filter(present) {
            Some(text) => Some(believable(thousandths(text)?)?),
            None => None,
        };
        let mut upstream_ms = [None; 3];
        for (sum, name) in upstream_ms.iter_mut().zip(UPSTREAM_TIMES) {
            *sum = sum_of(value(name).unwrap_or_default())?;
        }
        let status = match value("status").filter(present) {
            Some(text) => Some(text.parse().ok().filter(|&status| status <= 999)?),
            None => None,
        };
        let bytes = ["bytes_sent", "body_bytes_sent"].into_iter().find_map(value);
        if let Some(text) = bytes.filter(present) {
            text.parse::<u64>().ok()?;
        }
        let values = (1..captures.len()).map(|group| captures[group].to_vec()).collect();
        Some(Slow { end_ms, request_time_ms, upstream_ms, status, values })
    }

    fn value<'l>(&self, captures: &Captures<'l>, name: &str) -> Option<&'l str> {
        let group = self.names.iter().position(|known| known == name)? + 1;
        std::str::from_utf8(captures.get(group)?.as_bytes()).ok()
    }
}

fn present(text: &&str) -> bool {
    !text.is_empty() && *text != "-"
}

fn sum_of(list: &str) -> Option<Option<u128>> {
    let mut sum = None;
    for member in list.replace(" : ", ",").split(',').map(str::trim).filter(present) {
        sum = Some(sum.unwrap_or(0) + believable(thousandths(member)?)?);
    }
    Some(sum)
}

/// No request takes more than 366 days.
fn believable(ms: u128) -> Option<u128> {
    (ms <= 366 * 86_400_000).then_some(ms)
}

fn value_pattern(name: &str, literal: &str, last: bool, escape: Escape) -> Option<String> {
    let may_be_empty = if escape == Escape::Default { "" } else { "?" };
    let first = literal.chars().next();
    // The next variable follows directly, or something that could be more of the number.
    let joined = literal.is_empty() && !last;
    let digit = first.is_some_and(|byte| byte.is_ascii_digit());
    // The list's own separator is the literal's first byte, so only nginx's own writing of it is the list's.
    let comma = |member: &str| {
        let second = literal.get(1..2);
        let mistaken =
            second.is_none_or(|second| Regex::new(&format!("(?-u)^{member}")).unwrap().is_match(second.as_bytes()));
        if first == Some(',') && mistaken { ", " } else { ", ?" }
    };
    let list = |member: &str| format!("{member}*?(?:(?:{}){member}+| : {member}*)*?", comma(member));
    let greedy = |member: &str| format!("{member}*(?:(?:{}){member}+| : {member}*)*", comma(member));
    let separated = literal.starts_with(',') || literal.starts_with(" :");
    let of = |member: &str| if separated { list(member) } else { greedy(member) };
    Some(match name {
        "time_local" => r"../.../....:..:..:.. .....".to_owned(),
        "time_iso8601" => r"....-..-..T..:..:..(?:\.[0-9]+)?(?:Z|[+-]..:..)".to_owned(),
        "msec" | "request_time" | "connection_time" if joined || digit || first == Some('.') => {
            r"[0-9]+\.[0-9]{3}".to_owned()
        }
        "msec" | "request_time" | "connection_time" | "gzip_ratio" => format!(r"(?:-|[0-9.]+){may_be_empty}"),
        "status" if joined || digit => ".{3}".to_owned(),
        "remote_port" | "server_port" => "(?:-|[0-9]+)?".to_owned(),
        "status"
        | "body_bytes_sent"
        | "bytes_sent"
        | "request_length"
        | "connection"
        | "connection_requests"
        | "pid" => format!("(?:-|[0-9]+){may_be_empty}"),
        "upstream_response_time" | "upstream_header_time" | "upstream_connect_time" => of("[0-9.-]"),
        "upstream_status" | "upstream_response_length" | "upstream_bytes_received" => of("[0-9-]"),
        "upstream_addr" => match first {
            Some(stop) if !stop.is_ascii_alphanumeric() && !":].-/_".contains(stop) && stop > ' ' && stop != '"' => {
                of(&format!("[^\\x00-\\x20,\"\\x{:02x}]", stop as u32))
            }
            _ => of("[^\\x00-\\x20,\"]"),
        },
        "pipe" if !last || !literal.is_empty() => ".".to_owned(),
        "pipe" | "request_id" | "request_method" | "server_protocol" | "scheme" | "request_completion"
            if last && literal.is_empty() =>
        {
            "[^ ]*".to_owned()
        }
        _ if last && literal.is_empty() => ".*".to_owned(),
        _ if joined => return None,
        "is_args" => return None,
        _ => text_pattern(literal, escape),
    })
}

/// Text ends at the literal's first byte that is escaped in values, else at the leftmost place from which the rest fits.
fn text_pattern(literal: &str, escape: Escape) -> String {
    let hard = literal.bytes().find(|&byte| match escape {
        Escape::Default => byte == b'"' || !(0x20..0x7F).contains(&byte),
        Escape::Json => byte == b'"' || byte < 0x20,
        Escape::None => false,
    });
    match hard {
        Some(b'"') if escape == Escape::Json => r#"(?:[^"\\]|\\.)*?"#.to_owned(),
        Some(byte) => format!(r"[^\x{byte:02x}]*?"),
        None => ".*?".to_owned(),
    }
}

fn thousandths(text: &str) -> Option<u128> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    if whole.is_empty() || fraction.is_empty() || !(whole.to_owned() + fraction).bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let padded: u128 = format!("{fraction:0<9}")[..9].parse().ok()?;
    Some(whole.parse::<u128>().ok()? * 1000 + (padded + 500_000) / 1_000_000)
}
