//! Posting an event once: Graphite itself knows which it has, so that nothing has to be remembered over a restart, nor of a post whose
//! answer was lost.

use serde::Deserialize;

use super::graphite_event::GraphiteEvent;
use super::plain_http::{Address, encoded};
use crate::error::Result;

/// Of one route an event that begins so many seconds before or after is the same: the rule knows less of what was usual after a restart.
const NEAR_SECS: i64 = 300;

/// What became of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EventPosting {
    /// Graphite has it now.
    Posted,
    /// It had it before.
    WasThere,
}

/// An event as Graphite lists it.
#[derive(Deserialize)]
struct KeptEvent {
    when: f64,
    tags: Vec<String>,
}

/// Posts it, unless Graphite has it.
///
/// # Errors
/// It cannot be posted; or it cannot be known whether Graphite has it, and `is_new` is not set.
pub fn post_once(graphite: &Address, event: &GraphiteEvent, is_new: bool) -> Result<EventPosting> {
    match is_kept(graphite, event) {
        Ok(true) => return Ok(EventPosting::WasThere),
        Ok(false) => {}
        // What takes events and lists none is told of those that are new.
        Err(_) if is_new => {}
        Err(error) => return Err(error),
    }
    graphite.post("/events/", &event.json()?)?;
    Ok(EventPosting::Posted)
}

/// Whether Graphite has it.
fn is_kept(graphite: &Address, event: &GraphiteEvent) -> Result<bool> {
    let wanted: Vec<&str> = event
        .tags
        .iter()
        .map(String::as_str)
        .filter(|tag| tag.starts_with("host:") || tag.starts_with("route:"))
        .collect();
    let path = format!(
        "/events/get_data?tags={}&set=intersection&from={}&until={}",
        encoded(&wanted.join(" ")),
        event.when - NEAR_SECS,
        event.when + NEAR_SECS
    );
    let kept: Vec<KeptEvent> = serde_json::from_slice(&graphite.get(&path)?).map_err(|error| {
        crate::error::Error::failed(format!("http://{}{path}: no list of events: {error}", graphite.authority()))
    })?;
    #[expect(clippy::cast_precision_loss, reason = "seconds since 1970")]
    let is_near = |kept: &KeptEvent| (kept.when - event.when as f64).abs() <= NEAR_SECS as f64;
    Ok(kept.iter().any(|kept| is_near(kept) && wanted.iter().all(|tag| kept.tags.iter().any(|held| held == tag))))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{BufRead, BufReader, Read, Write};
    use std::net::TcpListener;

    /// A Graphite that lists `kept`, for so many requests; the first lines of what it was asked.
    fn graphite(kept: &'static str, requests: usize) -> (Address, std::thread::JoinHandle<Vec<String>>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = Address::parse(&format!("http://{}", listener.local_addr().unwrap())).unwrap();
        let asked = std::thread::spawn(move || {
            let mut asked = Vec::new();
            for _ in 0..requests {
                let (mut stream, _) = listener.accept().unwrap();
                let mut reader = BufReader::new(stream.try_clone().unwrap());
                let (mut first, mut length) = (String::new(), 0);
                reader.read_line(&mut first).unwrap();
                loop {
                    let mut line = String::new();
                    reader.read_line(&mut line).unwrap();
                    if let Some(text) = line.strip_prefix("Content-Length: ") {
                        length = text.trim().parse().unwrap();
                    }
                    if line == "\r\n" {
                        break;
                    }
                }
                reader.read_exact(&mut vec![0; length]).unwrap();
                let status = if kept.is_empty() && first.starts_with("GET") { "404 Not Found" } else { "200 OK" };
                let body = if first.starts_with("GET") { kept } else { "" };
                write!(stream, "HTTP/1.0 {status}\r\n\r\n{body}").unwrap();
                asked.push(first.trim().to_owned());
            }
            asked
        });
        (address, asked)
    }

    fn event() -> GraphiteEvent {
        let tags = ["spikeline", "slow", "host:web1", "route:app.git"].map(str::to_owned).to_vec();
        GraphiteEvent { what: "app.git is slow".to_owned(), tags, data: String::new(), when: 1_322_664_000 }
    }

    #[test]
    fn what_graphite_has_is_not_posted_again() {
        let near = r#"[{"id":1,"what":"x","when":1322664060,"tags":["spikeline","slow","host:web1","route:app.git"],"data":""}]"#;
        let (address, asked) = graphite(near, 1);
        assert_eq!(post_once(&address, &event(), false).unwrap(), EventPosting::WasThere);
        let asked = asked.join().unwrap();
        assert!(
            asked[0].starts_with(
                "GET /events/get_data?tags=host%3Aweb1%20route%3Aapp.git&set=intersection&from=1322663700"
            ),
            "{asked:?}"
        );
    }

    #[test]
    fn another_routes_event_is_another() {
        let other = r#"[{"id":1,"what":"x","when":1322664000,"tags":["host:web1","route:app.wiki"],"data":""},
            {"id":2,"what":"x","when":1322660000,"tags":["host:web1","route:app.git"],"data":""}]"#;
        let (address, asked) = graphite(other, 2);
        assert_eq!(post_once(&address, &event(), false).unwrap(), EventPosting::Posted);
        assert!(asked.join().unwrap()[1].starts_with("POST /events/ "));
    }

    #[test]
    fn where_events_are_not_listed_only_new_ones_are_posted() {
        let (address, asked) = graphite("", 3);
        assert!(post_once(&address, &event(), false).is_err());
        assert_eq!(post_once(&address, &event(), true).unwrap(), EventPosting::Posted);
        assert_eq!(asked.join().unwrap().len(), 3);
    }
}
