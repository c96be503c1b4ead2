//! `[[carbon]]`: where points are sent.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use super::carbon_choice::read_choice;
use super::host_name::{HostName, read_host};
use super::position::Placed;
use super::section::Section;
use crate::carbon::{
    Archive, CONNECT_TIMEOUT, Protocol, SendMode, SeriesChoice, WRITE_TIMEOUT, check_address, parse_archives,
};
use crate::error::Error;
use crate::events::plain_http::Address;
use crate::time::SpelledDuration;

/// What may stand in the section.
pub(super) const KEYS: [&str; 19] = [
    "address",
    "resolver",
    "protocol",
    "prefix",
    "tagged",
    "host",
    "metrics",
    "percentiles",
    "routes",
    "unit",
    "send",
    "delay",
    "conf",
    "graphite",
    "archives",
    "spool",
    "retention",
    "connect_timeout",
    "write_timeout",
];

/// How much of the past is kept for a carbon that is away, unless it is said otherwise.
const SPOOL: Duration = Duration::from_secs(24 * 3600);

/// One `[[carbon]]` section.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CarbonSection {
    /// `host:port`, `srv:NAME` or `txt:NAME`; resolved anew on every connection, and when the answer's TTL is over.
    pub address: Placed<String>,
    /// Who is asked in DNS, if not the resolver of this host.
    pub resolver: Option<SocketAddr>,
    /// How points are written.
    pub protocol: Protocol,
    /// What every metric's name begins with: nodes of `[A-Za-z0-9_-]` with `.` between.
    pub prefix: Placed<String>,
    /// Whether names are tagged (`nginx.request_time.p99;host=web1;route=..`).
    pub tagged: bool,
    /// How this host is called there; if absent, as everywhere.
    pub host: Option<Placed<HostName>>,
    /// Which series there are.
    pub choice: SeriesChoice,
    /// Whether a slot is sent again when it changed, or once, when it is final.
    pub send: SendMode,
    /// How long after its end a slot is sent at the earliest; if absent, as long as nginx may keep its lines back.
    pub delay: Option<Duration>,
    /// The folder of carbon's own configuration, where that is on this host.
    pub conf: Option<Placed<PathBuf>>,
    /// The graphite-web that shows what this carbon keeps, to be asked what is there.
    pub graphite: Option<Placed<String>>,
    /// What carbon keeps, the finest first, which has the step of slots.
    pub archives: Option<Placed<Vec<Archive>>>,
    /// How much of the past is kept for a carbon that is away.
    pub spool: Duration,
    /// How far back carbon keeps points at all: older slots are not sent by `spikeline index --push`.
    pub retention: Option<Duration>,
    /// How long a connection may take to be made.
    pub connect_timeout: Duration,
    /// How long carbon may take nothing before the connection is given up.
    pub write_timeout: Duration,
}

/// The section, unless it has no address. What is wrong in it is collected; the rest of it is still read, so that all
/// mistakes are found in one go.
pub(super) fn read_carbon(section: &mut Section<'_>) -> Option<CarbonSection> {
    let address = section.required_text("address", "127.0.0.1:2003");
    if let Some(address) = &address
        && let Err(what) = check_address(&address.value)
    {
        section.mistake_at(
            address,
            format!("`address` has {what}"),
            "host and port, for example `address = \"127.0.0.1:2003\"`, or `srv:_graphite._tcp.example.org`",
        );
    }
    let resolver = read_resolver(section);
    let protocols = [("plaintext", Protocol::Plaintext), ("pickle", Protocol::Pickle), ("udp", Protocol::Udp)];
    let protocol = section.choice("protocol", &protocols).map_or(Protocol::Plaintext, Placed::into_value);
    let prefix = section.text("prefix", "nginx").unwrap_or_else(|| section.place().map(|()| "nginx".to_owned()));
    if !prefix.value.split('.').all(is_node) {
        let what = format!("`{}` is not a metric name", prefix.value);
        section.mistake_at(&prefix, what, "letters, digits, `_` and `-`, with `.` between: `prefix = \"nginx\"`");
    }
    let modes = [("changed", SendMode::Changed), ("final", SendMode::Final)];
    let send = section.choice("send", &modes).map_or(SendMode::Changed, Placed::into_value);
    let delay = section.duration("delay", "10s", Duration::ZERO).map(Placed::into_value);
    let conf = section.text("conf", "/etc/carbon").map(|folder| folder.map(PathBuf::from));
    let graphite = section.text("graphite", "http://127.0.0.1:8080");
    if let Some(url) = &graphite
        && let Err(error) = Address::parse(&url.value)
    {
        section.mistake_at(
            url,
            format!("`graphite`: {}", error.what()),
            "for example `graphite = \"http://127.0.0.1:8080\"`",
        );
    }
    let archives = read_archives(section);
    let positive = Duration::from_millis(1);
    let retention = section.duration("retention", "30d", positive).map(Placed::into_value);
    let spool = section.duration("spool", "24h", Duration::ZERO).map_or(SPOOL, Placed::into_value);
    let connect_timeout =
        section.duration("connect_timeout", "5s", positive).map_or(CONNECT_TIMEOUT, Placed::into_value);
    let write_timeout = section.duration("write_timeout", "10s", positive).map_or(WRITE_TIMEOUT, Placed::into_value);
    let tagged = section.boolean("tagged").unwrap_or(false);
    let host = read_host(section);
    let choice = read_choice(section);
    Some(CarbonSection {
        address: address?,
        resolver,
        protocol,
        prefix,
        tagged,
        host,
        choice,
        send,
        delay,
        conf,
        graphite,
        archives,
        spool,
        retention,
        connect_timeout,
        write_timeout,
    })
}

/// An address with a port, 53 if it has none.
fn read_resolver(section: &mut Section<'_>) -> Option<SocketAddr> {
    let text = section.text("resolver", "192.0.2.53")?;
    let read = text.value.parse().ok().or_else(|| Some(SocketAddr::new(text.value.parse().ok()?, 53)));
    if read.is_none() {
        let what = format!("`resolver` is an address, not `{}`", text.value);
        section.mistake_at(&text, what, "for example `resolver = \"192.0.2.53\"` or `resolver = \"127.0.0.1:5353\"`");
    }
    read
}

/// The archives, as carbon's own configuration has them.
fn read_archives(section: &mut Section<'_>) -> Option<Placed<Vec<Archive>>> {
    let text = section.text("archives", "10s:6h,1m:6d")?;
    match parse_archives(&text.value) {
        Ok(archives) => Some(text.map(|_| archives)),
        Err((at, what)) => {
            let remedy = "as `retentions` of storage-schemas.conf has them: `archives = \"10s:6h,1m:6d\"`";
            section.mistake_inside(&text, at, format!("`archives`: {what}"), remedy);
            None
        }
    }
}

/// What is wrong with archives where slots have this length.
pub(super) fn mistaken_archives(section: &CarbonSection, interval: Duration) -> Option<Error> {
    let archives = section.archives.as_ref()?;
    let finest = archives.value.first().filter(|finest| finest.step != interval)?;
    let (step, slot) = (SpelledDuration(finest.step), SpelledDuration(interval));
    let what = format!("`archives`: the finest has a point each {step}, and a slot is {slot}");
    Some(archives.mistake(what).remedy(format!("`interval = \"{step}\"`, or a finest archive of {slot} in carbon")))
}

/// Whether Graphite takes this as one node of a name: whisper makes it a folder, of at most 255 bytes, and `.`
/// separates nodes.
fn is_node(node: &str) -> bool {
    !node.is_empty() && node.len() <= 200 && node.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-".contains(&b))
}
