//! One request read, admitted and answered; every answer with the headers that keep a browser from doing anything else with it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router as PathRouter;
use axum::body::Body;
use axum::extract::{RawPathParams, State};
use axum::response::{IntoResponse, Response};
use axum::routing::MethodRouter;
use http_body_util::{BodyExt, Limited};
use hyper::header::{ACCEPT, CONTENT_TYPE, HOST, HeaderName, HeaderValue};
use hyper::{Method, Request, StatusCode};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::asked::Asked;
use super::endpoint::{Answers, Endpoint, Takes};
use super::guard::{Admitted, Guard};
use super::reader::{Reader, SharedStore};
use super::redaction::Redaction;
use super::reply::Reply;
use super::{graphite_api, loki, metrics, page};

/// A form may be this long.
const LONGEST_FORM: usize = 1 << 20;

/// All forms that are read or answered at the same time may be this long together.
const FORMS: usize = 16 << 20;

/// An answer may be this long.
const LONGEST_ANSWER: usize = 64 << 20;

/// Who has a wrong token waits so long for being told.
const WRONG_TOKEN: Duration = Duration::from_millis(300);

/// A form must have come after this.
const FORM_TIME: Duration = Duration::from_secs(10);

/// A question must be answered after this; it is told half that, so that a partial answer comes in time.
const ANSWER_TIME: Duration = Duration::from_secs(30);

/// Questions that ask the store at the same time; others wait.
pub(super) const AT_ONCE: usize = 4;

/// So many may wait; one more is told to come again.
const WAITING: usize = 128;

/// Headers of every answer. The policy: what is on a page comes from here, scripts and styles from files of their own; nobody frames it.
const HEADERS: [(&str, &str); 7] = [
    (
        "content-security-policy",
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; \
         form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    ),
    ("x-content-type-options", "nosniff"),
    ("x-frame-options", "DENY"),
    ("referrer-policy", "no-referrer"),
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-resource-policy", "same-origin"),
    ("cache-control", "no-store"),
];

/// What all exchanges share.
pub(super) struct Exchange {
    pub(super) guard: Guard,
    pub(super) store: SharedStore,
    at_once: Arc<Semaphore>,
    waiting: Semaphore,
    /// Bytes of forms that there is room for.
    forms: Arc<Semaphore>,
}

impl Exchange {
    pub(super) fn new(guard: Guard, store: SharedStore) -> Exchange {
        Exchange {
            guard,
            store,
            at_once: Arc::new(Semaphore::new(AT_ONCE)),
            waiting: Semaphore::new(WAITING),
            forms: Arc::new(Semaphore::new(FORMS)),
        }
    }
}

/// What answers all paths.
pub(super) fn paths(exchange: &Arc<Exchange>) -> PathRouter {
    let mut paths = PathRouter::new();
    for endpoints in [page::ENDPOINTS, graphite_api::ENDPOINTS, loki::ENDPOINTS, metrics::ENDPOINTS] {
        for endpoint in endpoints {
            paths = paths.route(endpoint.path, methods(endpoint));
        }
    }
    paths.fallback(no_such_path).method_not_allowed_fallback(no_such_method).with_state(Arc::clone(exchange))
}

/// The methods that a path is asked by.
fn methods(endpoint: &'static Endpoint) -> MethodRouter<Arc<Exchange>> {
    let answer = async move |State(exchange): State<Arc<Exchange>>, path: RawPathParams, request: Request<Body>| {
        let path_value = path.iter().next().map(|(_, value)| value.to_owned()).unwrap_or_default();
        exchange_one(exchange, endpoint, path_value, request).await
    };
    match endpoint.takes {
        Takes::Get => MethodRouter::new().get(answer),
        Takes::GetOrForm => MethodRouter::new().get(answer).post(answer),
    }
}

async fn no_such_path(State(exchange): State<Arc<Exchange>>, request: Request<Body>) -> Response {
    refuse(&exchange, &request, Reply::text(404, "there is nothing here; the page is at /\n"))
}

async fn no_such_method(State(exchange): State<Arc<Exchange>>, request: Request<Body>) -> Response {
    refuse(&exchange, &request, Reply::text(405, "read-only: GET (and Graphite's and Loki's POST forms)\n"))
}

/// What is not to be had: said to those who may ask.
fn refuse(exchange: &Exchange, request: &Request<Body>, reply: Reply) -> Response {
    match exchange.guard.admit(request.headers()) {
        Ok(_) => response(reply, &Admitted::default()),
        Err(refusal) => response(refusal, &Admitted::default()),
    }
}

/// Read, admit, answer.
async fn exchange_one(
    exchange: Arc<Exchange>,
    endpoint: &'static Endpoint,
    path_value: String,
    request: Request<Body>,
) -> Response {
    let admitted = match exchange.guard.admit(request.headers()) {
        Ok(admitted) => admitted,
        Err(refusal) => {
            if refusal.status == 401 {
                tokio::time::sleep(WRONG_TOKEN).await;
            }
            return response(refusal, &Admitted::default());
        }
    };
    let mut asked = Asked::new(request.uri().path(), Instant::now() + ANSWER_TIME / 2);
    asked.path_value = path_value;
    asked.add_form(request.uri().query().unwrap_or_default().as_bytes());
    if let Some(host) = request.headers().get(HOST).and_then(|host| host.to_str().ok()) {
        host.clone_into(&mut asked.host);
    }
    if let Some(accept) = request.headers().get(ACCEPT).and_then(|accept| accept.to_str().ok()) {
        accept.clone_into(&mut asked.accept);
    }
    // Held until the answer is there, as its parameters are.
    let mut held = None;
    if request.method() == Method::POST {
        match read_form(&exchange, request).await {
            Ok(form) => asked.add_form(&held.insert(form).bytes),
            Err(refusal) => return response(refusal, &admitted),
        }
    }
    let reply = match endpoint.answers {
        Answers::Fixed(answer) => answer(&asked),
        Answers::Store(_) => ask_store(exchange, endpoint, asked, admitted.redaction.clone()).await,
    };
    drop(held);
    response(reply, &admitted)
}

/// A form, and its place among those that are held at the same time.
struct HeldForm {
    bytes: Vec<u8>,
    room: Option<OwnedSemaphorePermit>,
}

/// The body of a POST, as far as there is room for it: many who send large ones at the same time would fill the memory before one of them
/// is answered.
async fn read_form(exchange: &Exchange, request: Request<Body>) -> Result<HeldForm, Reply> {
    let content_type = request.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if !content_type.to_ascii_lowercase().starts_with("application/x-www-form-urlencoded") {
        return Err(Reply::text(415, "a POST is a form: application/x-www-form-urlencoded\n"));
    }
    let body = Limited::new(request.into_body(), LONGEST_FORM);
    match tokio::time::timeout(FORM_TIME, gather(&exchange.forms, body)).await {
        Ok(form) => form,
        Err(_) => Err(Reply::text(408, "the form did not come\n")),
    }
}

async fn gather(forms: &Arc<Semaphore>, mut body: Limited<Body>) -> Result<HeldForm, Reply> {
    let mut form = HeldForm { bytes: Vec::new(), room: None };
    while let Some(frame) = body.frame().await {
        let cut_off = || Reply::text(413, format!("a form of more than {LONGEST_FORM} bytes, or one cut off\n"));
        let Ok(data) = frame.map_err(|_| cut_off())?.into_data() else { continue };
        let size = u32::try_from(data.len()).unwrap_or(u32::MAX);
        let Ok(room) = Arc::clone(forms).try_acquire_many_owned(size) else {
            return Err(Reply::text(503, "busy with other forms: ask again in a moment\n").with("Retry-After", "1"));
        };
        match &mut form.room {
            Some(held) => held.merge(room),
            None => form.room = Some(room),
        }
        form.bytes.extend_from_slice(&data);
    }
    Ok(form)
}

/// Wait for one of the few threads that ask the store.
async fn ask_store(exchange: Arc<Exchange>, endpoint: &'static Endpoint, asked: Asked, redaction: Redaction) -> Reply {
    let busy = || Reply::text(503, "busy: ask again in a moment\n").with("Retry-After", "1");
    let Ok(_place) = exchange.waiting.try_acquire() else { return busy() };
    let permit = tokio::time::timeout(ANSWER_TIME / 2, Arc::clone(&exchange.at_once).acquire_owned()).await;
    let Ok(Ok(permit)) = permit else { return busy() };
    let asking = Arc::clone(&exchange);
    let asked = Asked { deadline: Instant::now() + ANSWER_TIME / 2, ..asked };
    let answering = tokio::task::spawn_blocking(move || {
        let reply = match endpoint.answers {
            Answers::Fixed(answer) => answer(&asked),
            Answers::Store(answer) => {
                let reader = Reader::new(&asking.store, asked.now, asked.deadline, redaction);
                answer(&asked, &reader).unwrap_or_else(|error| Reply::failed(&error))
            }
        };
        // Held for as long as a thread is at it, also when nobody waits for the answer any more.
        drop(permit);
        reply
    });
    match tokio::time::timeout(ANSWER_TIME, answering).await {
        Ok(Ok(reply)) if reply.body.len() <= LONGEST_ANSWER => reply,
        Ok(Ok(_)) => Reply::text(400, "that answer would be too long: ask for less\n"),
        Ok(Err(_)) => Reply::text(500, "this question could not be answered\n"),
        Err(_) => Reply::text(503, "this takes too long: ask for a shorter window\n"),
    }
}

/// With the headers of every answer, unless it has its own.
fn response(reply: Reply, admitted: &Admitted) -> Response {
    let Reply { status, content_type, body, headers } = reply;
    let mut response = body.into_response();
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let map = response.headers_mut();
    for (name, value) in HEADERS {
        map.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
    }
    map.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    if let Some(origin) = admitted.origin.as_deref().and_then(|origin| HeaderValue::from_str(origin).ok()) {
        map.insert("access-control-allow-origin", origin);
        map.insert("cross-origin-resource-policy", HeaderValue::from_static("cross-origin"));
        map.insert("vary", HeaderValue::from_static("Origin"));
    }
    for (name, value) in headers {
        // What cannot stand in a header is left out: it may be made of what a log says.
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value)) {
            map.insert(name, value);
        }
    }
    response
}
