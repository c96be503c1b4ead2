//! Looking up where a carbon is, in DNS: SRV, TXT, and the addresses of the hosts that they name.
//!
//! The resolver is that of `/etc/resolv.conf`, or the one that is given. A look-up runs on the thread that asks and takes no longer than it
//! is given, also if nobody answers. Nothing is remembered here: who asks knows until when an answer holds.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use hickory_resolver::config::{ConnectionConfig, NameServerConfig, ResolverConfig};
use hickory_resolver::net::NetError;
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::proto::rr::RData;
use hickory_resolver::{Resolver, TokioResolver};

use super::address::{CarbonAddress, split_host_port};

/// No more hosts of one answer are looked up.
const HOSTS: usize = 16;

/// A host that takes points, and its addresses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CarbonHost {
    /// `host:port`, as DNS names it.
    pub name: String,
    /// What the host's name stands for; empty if that could not be found out.
    pub addresses: Vec<SocketAddr>,
}

/// What DNS says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CarbonHosts {
    /// In the order in which they are to be tried.
    pub hosts: Vec<CarbonHost>,
    /// Until when that holds: the least TTL of all that was asked.
    pub valid_until: Instant,
}

/// A host of an SRV record.
#[derive(Debug, Clone, PartialEq, Eq)]
struct ServiceTarget {
    priority: u16,
    weight: u16,
    port: u16,
    host: String,
}

/// Look up an address within this time. `random` is what weights are drawn by, and is another one afterwards.
///
/// # Errors
/// No answer, or one that names no host.
pub fn look_up_hosts(
    address: &CarbonAddress,
    resolver: Option<SocketAddr>,
    within: Duration,
    random: &mut u64,
) -> io::Result<CarbonHosts> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        match tokio::time::timeout(within, find_hosts(address, resolver, within, random)).await {
            Ok(found) => found,
            Err(_) => Err(io::Error::new(io::ErrorKind::TimedOut, "the resolver does not answer")),
        }
    })
}

async fn find_hosts(
    address: &CarbonAddress,
    at: Option<SocketAddr>,
    within: Duration,
    random: &mut u64,
) -> io::Result<CarbonHosts> {
    let resolver = open_resolver(at, within).map_err(|error| io_error(&error))?;
    let mut valid_until = Instant::now() + Duration::from_secs(24 * 3600);
    let names = match address {
        CarbonAddress::HostPort(name) => vec![name.clone()],
        CarbonAddress::Service(name) => {
            let answer = resolver.srv_lookup(full_name(name)).await.map_err(|error| io_error(&error))?;
            valid_until = valid_until.min(answer.valid_until());
            let mut targets = Vec::new();
            for record in answer.answers() {
                if let RData::SRV(service) = &record.data {
                    let host = service.target.to_ascii();
                    let (priority, weight, port) = (service.priority, service.weight, service.port);
                    targets.push(ServiceTarget { priority, weight, port, host });
                }
            }
            names_of_targets(targets, random)?
        }
        CarbonAddress::Text(name) => {
            let answer = resolver.txt_lookup(full_name(name)).await.map_err(|error| io_error(&error))?;
            valid_until = valid_until.min(answer.valid_until());
            let mut texts = Vec::new();
            for record in answer.answers() {
                if let RData::TXT(text) = &record.data {
                    texts.push(String::from_utf8_lossy(&text.txt_data.concat()).into_owned());
                }
            }
            names_of_texts(texts)?
        }
    };
    let mut hosts = Vec::new();
    let mut failed = None;
    for name in names.into_iter().take(HOSTS) {
        let addresses = match addresses_of(&resolver, &name, &mut valid_until).await {
            Ok(addresses) => addresses,
            Err(error) => {
                failed = Some(io::Error::new(error.kind(), format!("{name}: {error}")));
                Vec::new()
            }
        };
        hosts.push(CarbonHost { name, addresses });
    }
    match failed {
        Some(error) if hosts.iter().all(|host| host.addresses.is_empty()) => Err(error),
        _ => Ok(CarbonHosts { hosts, valid_until }),
    }
}

/// The addresses of one `host:port`.
async fn addresses_of(resolver: &TokioResolver, name: &str, valid_until: &mut Instant) -> io::Result<Vec<SocketAddr>> {
    let (host, port) = split_host_port(name).map_err(io::Error::other)?;
    if let Ok(address) = host.parse::<IpAddr>() {
        return Ok(vec![SocketAddr::new(address, port)]);
    }
    let found = resolver.lookup_ip(host).await.map_err(|error| io_error(&error))?;
    *valid_until = found.valid_until().min(*valid_until);
    Ok(found.iter().map(|address| SocketAddr::new(address, port)).collect())
}

/// That of `/etc/resolv.conf`, or one at an address. Each try gets a share of the time, so that there is a second one.
fn open_resolver(at: Option<SocketAddr>, within: Duration) -> Result<TokioResolver, NetError> {
    let mut builder = match at {
        None => Resolver::builder_tokio()?,
        Some(at) => {
            let mut server = NameServerConfig::udp_and_tcp(at.ip());
            for connection in &mut server.connections {
                let protocol = connection.protocol.clone();
                *connection = ConnectionConfig::new(protocol);
                connection.port = at.port();
            }
            let config = ResolverConfig::from_parts(None, Vec::new(), vec![server]);
            Resolver::builder_with_config(config, TokioRuntimeProvider::default())
        }
    };
    let options = builder.options_mut();
    options.timeout = (within / 3).max(Duration::from_millis(100));
    options.attempts = 1;
    options.cache_size = 0;
    builder.build()
}

/// A name that no search list is tried for.
fn full_name(name: &str) -> String {
    if name.ends_with('.') { name.to_owned() } else { format!("{name}.") }
}

fn io_error(error: &NetError) -> io::Error {
    io::Error::other(error.to_string())
}

/// `host:port` of the targets, the least priority first and by chance of their weights within one (RFC 2782).
fn names_of_targets(mut targets: Vec<ServiceTarget>, random: &mut u64) -> io::Result<Vec<String>> {
    // A service that there is decidedly not has the root as its only target.
    targets.retain(|target| target.host != "." && target.port > 0);
    // Answers come in any order: sorted, so that what is drawn depends on them alone. Those without weight first.
    targets.sort_by(|one, two| {
        (one.priority, one.weight, &one.host, one.port).cmp(&(two.priority, two.weight, &two.host, two.port))
    });
    let mut names = Vec::new();
    while let Some(priority) = targets.first().map(|target| target.priority) {
        let same = targets.iter().take_while(|target| target.priority == priority);
        let sum: u64 = same.clone().map(|target| u64::from(target.weight)).sum();
        let drawn = next_random(random) % (sum + 1);
        let mut running = 0;
        let at = same.clone().position(|target| {
            running += u64::from(target.weight);
            running >= drawn
        });
        let target = targets.remove(at.unwrap_or(0));
        names.push(format!("{}:{}", target.host.trim_end_matches('.'), target.port));
    }
    if names.is_empty() {
        return Err(io::Error::new(io::ErrorKind::NotFound, "DNS has no host for this service"));
    }
    Ok(names)
}

/// The members of `host:port;host:port`, in their order; of several records, which come in any, by their texts.
fn names_of_texts(mut texts: Vec<String>) -> io::Result<Vec<String>> {
    texts.sort();
    let mut names: Vec<String> = Vec::new();
    let mut wrong = None;
    for member in texts.iter().flat_map(|text| text.split(';')).map(str::trim).filter(|member| !member.is_empty()) {
        match split_host_port(member) {
            Ok(_) if names.iter().any(|known| known == member) => {}
            Ok(_) => names.push(member.to_owned()),
            Err(what) => wrong = Some(format!("`{member}` in the TXT record has {what}")),
        }
    }
    match (names.is_empty(), wrong) {
        (false, _) => Ok(names),
        (true, Some(wrong)) => Err(io::Error::new(io::ErrorKind::InvalidData, wrong)),
        (true, None) => Err(io::Error::new(io::ErrorKind::NotFound, "the TXT record names no host")),
    }
}

/// SplitMix64 (Steele, Lea, Flood 2014).
fn next_random(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let z = (*state ^ (*state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(priority: u16, weight: u16, host: &str) -> ServiceTarget {
        ServiceTarget { priority, weight, port: 2003, host: host.to_owned() }
    }

    #[test]
    fn targets_go_by_priority_and_by_chance_of_their_weights() {
        let targets =
            || vec![target(20, 0, "backup."), target(10, 60, "a."), target(10, 40, "b."), target(10, 0, "c.")];
        let (mut random, mut first) = (7, [0_u32; 3]);
        for _ in 0..10_000 {
            let names = names_of_targets(targets(), &mut random).unwrap();
            assert_eq!((names.len(), names[3].as_str()), (4, "backup:2003"));
            for (count, name) in first.iter_mut().zip(["a:2003", "b:2003", "c:2003"]) {
                *count += u32::from(names[0] == name);
            }
        }
        assert!(
            (5_700..6_200).contains(&first[0]) && (3_700..4_300).contains(&first[1]) && first[2] < 300,
            "{first:?}"
        );
        assert!(names_of_targets(vec![target(0, 0, ".")], &mut random).is_err());
        assert!(names_of_targets(Vec::new(), &mut random).is_err());
    }

    #[test]
    fn a_text_names_hosts_in_order() {
        let names = |texts: &[&str]| names_of_texts(texts.iter().map(|&text| text.to_owned()).collect());
        assert_eq!(names(&["b:2003;a:2003"]).unwrap(), ["b:2003", "a:2003"]);
        assert_eq!(names(&["b:2003; a:2004 ;", "a:2004;c:1"]).unwrap(), ["a:2004", "c:1", "b:2003"]);
        assert_eq!(names(&["v=1;[::1]:2003"]).unwrap(), ["[::1]:2003"]);
        assert!(names(&["v=1"]).unwrap_err().to_string().contains("`v=1` in the TXT record has no port"));
        assert!(names(&[""]).is_err() && names(&[]).is_err());
    }
}
