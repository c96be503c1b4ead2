//! The way to one collector: a POST for each slot, and what became of it.
//!
//! A connection is made for each request: one in ten seconds. So none can be gone unnoticed, and an answer that does not come is of this slot.

use std::error::Error as _;
use std::io::Write as _;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use chrono::Utc;
use flate2::Compression;
use flate2::write::GzEncoder;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1;
use hyper::header::{
    CONNECTION, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, HOST, HeaderName, HeaderValue, RETRY_AFTER, USER_AGENT,
};
use hyper::{Method, Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::answer::{ExportVerdict, HeardAnswer};
use super::endpoint::OtlpEndpoint;
use crate::carbon::Backoff;
use crate::time::SpelledDuration;

/// An answer may be no larger than this.
const ANSWER: usize = 64 * 1024;

/// Headers that a request has anyway.
const OWN_HEADERS: [&str; 7] =
    ["content-type", "content-length", "content-encoding", "transfer-encoding", "connection", "host", "user-agent"];

/// One collector.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OtlpDestination {
    /// Where it is; its name is looked up anew for each request.
    pub endpoint: OtlpEndpoint,
    /// What is sent with each request, besides what OTLP asks for; each has passed [`check_header`].
    pub headers: Vec<(String, String)>,
    /// Whether bodies are compressed.
    pub gzip: bool,
    /// How long all of a request may take, from looking the name up to the end of the answer.
    pub timeout: Duration,
}

/// What became of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ExportOutcome {
    /// It was taken, but for so many points.
    Taken {
        /// How many bytes went.
        bytes: u64,
        /// Points that the collector rejects, which would be rejected again.
        rejected: u64,
        /// What it says to that, or so.
        words: String,
    },
    /// It is refused, and would be again.
    Refused(String),
    /// It was not taken, or nobody knows.
    Failed {
        /// Why.
        words: String,
        /// Before this nothing is tried.
        next_try: Instant,
    },
}

/// The way to it.
#[derive(Debug)]
pub struct OtlpExporter {
    destination: OtlpDestination,
    backoff: Backoff,
    /// Until when the collector asked to be left alone.
    asked_until: Option<Instant>,
    last_failure: String,
}

impl OtlpExporter {
    /// Nothing is tried yet. `seed` spreads the retries.
    pub fn new(destination: OtlpDestination, seed: u64) -> OtlpExporter {
        OtlpExporter { destination, backoff: Backoff::new(seed), asked_until: None, last_failure: String::new() }
    }

    /// Send one request, an encoded `ExportMetricsServiceRequest`. It takes no longer than the destination's time-out. Before the time for
    /// the next try nothing is done.
    pub fn send(&mut self, body: &[u8], now: Instant) -> ExportOutcome {
        let next_try = self.backoff.next_attempt().max(self.asked_until);
        if let Some(next_try) = next_try.filter(|at| now < *at) {
            return ExportOutcome::Failed { words: self.last_failure.clone(), next_try };
        }
        let began = Instant::now();
        let verdict = match self.destination.post(body) {
            Ok((bytes, answer)) => match answer.judge(Utc::now()) {
                ExportVerdict::Taken { rejected, words } => {
                    self.note_answer();
                    return ExportOutcome::Taken { bytes, rejected, words };
                }
                ExportVerdict::Refused(words) => {
                    self.note_answer();
                    return ExportOutcome::Refused(words);
                }
                ExportVerdict::Later { after, words } => (after, words),
            },
            Err(words) => (None, words),
        };
        let (after, words) = verdict;
        let at = now + began.elapsed();
        self.asked_until = after.and_then(|wait| at.checked_add(wait));
        let next_try = Some(self.backoff.note_failure(at)).max(self.asked_until).unwrap_or(at);
        self.last_failure.clone_from(&words);
        ExportOutcome::Failed { words, next_try }
    }

    fn note_answer(&mut self) {
        self.backoff.note_success();
        self.asked_until = None;
    }
}

impl OtlpDestination {
    /// Posts a body; gives how many bytes that were, and the answer. Errors are words.
    fn post(&self, body: &[u8]) -> Result<(u64, HeardAnswer), String> {
        let body = if self.gzip { compressed(body) } else { body.to_vec() };
        let bytes = body.len() as u64;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|error| format!("cannot be asked: {error}"))?;
        let answer = runtime.block_on(self.exchange(body));
        // A resolver that is silent is not waited for.
        runtime.shutdown_background();
        answer.map(|answer| (bytes, answer))
    }

    /// The answer counts from its head on: a body that does not come, or not whole, only says less. What was taken is not sent again for it.
    async fn exchange(&self, body: Vec<u8>) -> Result<HeardAnswer, String> {
        let began = Instant::now();
        let Ok(asked) = timeout(self.timeout, self.ask(body)).await else {
            return Err(format!("no answer within {}", SpelledDuration(self.timeout)));
        };
        let (head, body) = asked?.into_parts();
        let left = self.timeout.saturating_sub(began.elapsed());
        let body = match timeout(left, Limited::new(body, ANSWER).collect()).await {
            Ok(Ok(body)) => body.to_bytes().to_vec(),
            Ok(Err(_)) | Err(_) => Vec::new(),
        };
        let text = |name: HeaderName| {
            head.headers.get(name).map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
        };
        Ok(HeardAnswer {
            status: head.status.as_u16(),
            content_type: text(CONTENT_TYPE).unwrap_or_default().to_ascii_lowercase(),
            retry_after: text(RETRY_AFTER),
            body,
        })
    }

    /// Sends the request, and waits for the head of the answer.
    async fn ask(&self, body: Vec<u8>) -> Result<Response<Incoming>, String> {
        let stream = self.connect().await?;
        let (mut sender, connection) =
            http1::handshake(TokioIo::new(stream)).await.map_err(|error| words_of(&error))?;
        // It ends with the runtime.
        tokio::spawn(connection);
        sender.send_request(self.request(body)?).await.map_err(|error| words_of(&error))
    }

    /// To the first address of the name that takes a connection; each gets its share of the time.
    async fn connect(&self) -> Result<TcpStream, String> {
        let OtlpEndpoint { host, port, .. } = &self.endpoint;
        let looked_up = tokio::net::lookup_host((host.as_str(), *port)).await;
        let addresses: Vec<SocketAddr> =
            looked_up.map_err(|error| format!("cannot look up the name: {error}"))?.collect();
        let mut last = "cannot look up the name: it has no address".to_owned();
        let share = self.timeout / u32::try_from(addresses.len()).unwrap_or(1).max(1);
        for address in addresses {
            match timeout(share, TcpStream::connect(address)).await {
                // Linux can connect a socket to itself when nobody listens on a port that it hands out to clients.
                Ok(Ok(stream)) if stream.local_addr().ok() == stream.peer_addr().ok() => {
                    last = "cannot connect: nobody listens there".to_owned();
                }
                Ok(Ok(stream)) => return Ok(stream),
                Ok(Err(error)) => last = format!("cannot connect: {error}"),
                Err(_) => last = format!("cannot connect to {address} within {}", SpelledDuration(share)),
            }
        }
        Err(last)
    }

    fn request(&self, body: Vec<u8>) -> Result<Request<Full<Bytes>>, String> {
        let mut request = Request::builder()
            .method(Method::POST)
            .uri(self.endpoint.path())
            .header(HOST, self.endpoint.authority())
            .header(CONTENT_TYPE, "application/x-protobuf")
            // Of an empty body hyper says no length, which not every server takes.
            .header(CONTENT_LENGTH, body.len())
            .header(USER_AGENT, concat!("spikeline/", env!("CARGO_PKG_VERSION")))
            .header(CONNECTION, "close");
        if self.gzip {
            request = request.header(CONTENT_ENCODING, "gzip");
        }
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        request.body(Full::new(Bytes::from(body))).map_err(|error| format!("cannot be asked: {error}"))
    }
}

/// Whether a header can be sent with each request.
///
/// # Errors
/// What is wrong with it.
pub fn check_header(name: &str, value: &str) -> Result<(), &'static str> {
    let Ok(parsed) = HeaderName::try_from(name) else { return Err("is no name of a header") };
    if OWN_HEADERS.contains(&parsed.as_str()) {
        return Err("is set by spikeline itself");
    }
    HeaderValue::from_str(value).map(drop).map_err(|_| "has a value that no header can have")
}

fn compressed(body: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::with_capacity(body.len() / 4), Compression::fast());
    // Writing into a Vec cannot fail.
    let _written = encoder.write_all(body);
    encoder.finish().unwrap_or_default()
}

/// What hyper says, with the reasons behind it.
fn words_of(error: &hyper::Error) -> String {
    let mut words = error.to_string();
    let mut source = error.source();
    while let Some(reason) = source {
        words = format!("{words}: {reason}");
        source = reason.source();
    }
    if error.is_parse() { format!("it does not speak HTTP: {words}") } else { words }
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::TcpListener;

    use super::*;

    /// A collector that answers one request with this text, after reading it to its last byte; gives what it was sent.
    fn answering(text: &'static str) -> (OtlpDestination, std::thread::JoinHandle<Vec<u8>>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let endpoint = OtlpEndpoint::parse(&format!("http://{}", listener.local_addr().unwrap())).unwrap();
        let heard = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut heard = Vec::new();
            while !heard.ends_with(b"END") {
                let mut some = [0; 512];
                let count = stream.read(&mut some).unwrap();
                heard.extend_from_slice(&some[..count]);
            }
            stream.write_all(text.as_bytes()).unwrap();
            heard
        });
        let headers = vec![("X-Scope-OrgID".to_owned(), "ops".to_owned())];
        (OtlpDestination { endpoint, headers, gzip: false, timeout: Duration::from_secs(60) }, heard)
    }

    #[test]
    fn a_request_has_its_headers_and_a_chunked_answer_is_read() {
        let answer = "HTTP/1.1 200 OK\r\nContent-Type: application/x-protobuf\r\nTransfer-Encoding: chunked\r\n\r\n\
                      4\r\n\n\u{2}\u{8}\u{5}\r\n0\r\n\r\n";
        let (destination, heard) = answering(answer);
        let outcome = OtlpExporter::new(destination, 1).send(b"bodyEND", Instant::now());
        assert_eq!(outcome, ExportOutcome::Taken { bytes: 7, rejected: 5, words: String::new() });
        let heard = String::from_utf8(heard.join().unwrap()).unwrap().to_lowercase();
        let wanted = [
            "post /v1/metrics http/1.1\r\n",
            "content-type: application/x-protobuf\r\n",
            "x-scope-orgid: ops\r\n",
            "content-length: 7\r\n",
        ];
        for piece in wanted {
            assert!(heard.contains(piece), "{piece:?} is not in {heard}");
        }
    }

    /// What was taken would be counted again with every try.
    #[test]
    fn what_was_taken_is_taken_although_the_rest_of_the_answer_does_not_come() {
        for answer in [
            "HTTP/1.1 200 OK\r\nContent-Length: 90\r\n\r\n",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nno chunk",
            "HTTP/1.1 202 Accepted\r\nContent-Length: 900000000\r\n\r\nmore than anybody reads",
        ] {
            let (destination, heard) = answering(answer);
            let outcome = OtlpExporter::new(destination, 1).send(b"END", Instant::now());
            heard.join().unwrap();
            assert_eq!(outcome, ExportOutcome::Taken { bytes: 3, rejected: 0, words: String::new() }, "{answer}");
        }
    }

    #[test]
    fn a_wait_that_is_asked_for_is_kept_to() {
        let (destination, heard) = answering("HTTP/1.1 503 no\r\nRetry-After: 900\r\nContent-Length: 0\r\n\r\n");
        let (mut exporter, now) = (OtlpExporter::new(destination, 1), Instant::now());
        let ExportOutcome::Failed { words, next_try } = exporter.send(b"END", now) else { panic!("taken") };
        heard.join().unwrap();
        assert!(words.contains("503") && next_try >= now + Duration::from_secs(900), "{words}");
        // Nobody listens any more, and nobody is asked.
        let again = exporter.send(b"END", now + Duration::from_secs(899));
        assert_eq!(again, ExportOutcome::Failed { words, next_try });
    }

    #[test]
    fn what_speaks_no_http_is_said_to() {
        let (destination, heard) = answering("SSH-2.0-OpenSSH_9.2\r\n");
        let ExportOutcome::Failed { words, .. } = OtlpExporter::new(destination, 1).send(b"END", Instant::now()) else {
            panic!("taken")
        };
        heard.join().unwrap();
        assert!(words.starts_with("it does not speak HTTP"), "{words}");
    }

    #[test]
    fn headers_are_checked() {
        assert_eq!(check_header("Authorization", "Bearer x"), Ok(()));
        assert!(check_header("Content-Type", "x").unwrap_err().contains("itself"));
        assert!(check_header("a b", "x").is_err() && check_header("a", "x\ny").is_err());
    }
}
