//! The gateway's door: connections, limits, and the way of a request.

use std::collections::HashMap;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use axum::http::request::Parts;
use axum::http::{HeaderValue, Request, StatusCode, header};
use clock::Clock;
use http_body_util::{BodyExt as _, Limited};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use percent_encoding::percent_decode_str;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::answer::{self, Answer};
use super::cors;
use super::event::{self, Origin};
use super::routes::Routes;
use crate::lambda::{Function, Logs, Stream};
use crate::template::{Cors, Template};

/// The largest body.
const BODY_LIMIT: usize = 10 * 1024 * 1024;
/// The request line and all headers together.
const HEADER_LIMIT: usize = 10_240;
/// As many headers as the limit has room for; HTTP's own library would stop at 100.
const HEADERS: usize = HEADER_LIMIT / 4;
/// What requests under way get when the gateway stops.
const GRACE: Duration = Duration::from_secs(10);

/// A gateway that serves until it is stopped or dropped.
pub struct Gateway {
    address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    server: JoinHandle<()>,
}

/// Where a gateway listens, and how long it waits.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// The address.
    pub listen: SocketAddr,
    /// How long a function is waited for, and how long a client may take for each part of its request.
    pub patience: Duration,
}

impl Settings {
    /// As API Gateway waits.
    pub const fn at(listen: SocketAddr) -> Self {
        Self { listen, patience: Duration::from_secs(30) }
    }
}

/// What all connections share.
struct Api {
    port: u16,
    patience: Duration,
    routes: Routes,
    cors: Option<Cors>,
    functions: HashMap<String, Function>,
    clock: Clock,
    logs: Logs,
}

impl Gateway {
    /// Serves the routes of a template with these functions.
    pub async fn start(
        settings: Settings,
        template: &Template,
        functions: &HashMap<String, Function>,
        clock: Clock,
        logs: Logs,
    ) -> std::io::Result<Self> {
        let routes = template.functions.iter().flat_map(|function| {
            function.routes.iter().map(|route| (function.name.as_str(), route))
        });
        let listener = TcpListener::bind(settings.listen).await?;
        let address = listener.local_addr()?;
        let api = Api {
            port: address.port(),
            patience: settings.patience,
            routes: Routes::of(routes),
            cors: template.cors.clone(),
            functions: functions.clone(),
            clock,
            logs,
        };
        let (stop, stopped) = oneshot::channel();
        let server = tokio::spawn(serve(listener, Arc::new(api), stopped));
        Ok(Self { address, stop: Some(stop), server })
    }

    /// Where it listens.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Takes no more requests, and waits for those under way.
    pub async fn stop(mut self) {
        drop(self.stop.take());
        let _ = (&mut self.server).await;
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn serve(listener: TcpListener, api: Arc<Api>, mut stopped: oneshot::Receiver<()>) {
    let graceful = GracefulShutdown::new();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = &mut stopped => break,
        };
        match accepted {
            Ok((stream, client)) => connect(stream, client, &api, &graceful),
            // Too many open files, or a client that is gone: others may fare better in a moment.
            Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
        }
    }
    drop(listener);
    let _ = tokio::time::timeout(GRACE, graceful.shutdown()).await;
}

fn connect(stream: TcpStream, client: SocketAddr, api: &Arc<Api>, graceful: &GracefulShutdown) {
    let _ = stream.set_nodelay(true);
    let (api, patience) = (Arc::clone(api), api.patience);
    let service = service_fn(move |request| {
        let api = Arc::clone(&api);
        async move { Ok::<_, Infallible>(respond(&api, client, request).await) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        // Whoever is slower is cut off without a word.
        .header_read_timeout(patience)
        .max_headers(HEADERS)
        // Above the limit that is answered in the gateway's words.
        .max_buf_size(8 * HEADER_LIMIT)
        .serve_connection(TokioIo::new(stream), service);
    let connection = graceful.watch(connection);
    tokio::spawn(async move {
        // A client that went away or sent no HTTP has been told what there was to tell.
        let _ = connection.await;
    });
}

async fn respond(api: &Api, client: SocketAddr, request: Request<Incoming>) -> Answer {
    let (parts, body) = request.into_parts();
    let id = api.clock.new_id();
    let seconds = u32::try_from(api.clock.unix_seconds()).unwrap_or_default();
    let hex = id.simple().to_string();
    let origin = Origin {
        client: client.ip().to_canonical(),
        port: api.port,
        now: api.clock.now(),
        request_id: id.to_string(),
        trace: format!("Root=1-{seconds:08x}-{}", &hex[8..]),
    };
    let preflight = api.cors.as_ref();
    let preflight = preflight.and_then(|cors| cors::preflight(cors, &parts.method, &parts.headers));
    let mut answer = if let Some(answer) = preflight {
        answer
    } else {
        let mut answer = within_limits(api, &parts, body, &origin).await;
        if let Some(cors) = &api.cors {
            cors::apply(cors, parts.headers.get(header::ORIGIN), &mut answer);
        }
        answer
    };
    if let Ok(id) = HeaderValue::try_from(&origin.request_id) {
        answer.headers_mut().insert("apigw-requestid", id);
    }
    answer
}

async fn within_limits(api: &Api, parts: &Parts, body: Incoming, origin: &Origin) -> Answer {
    let line = parts.method.as_str().len() + parts.uri.to_string().len();
    let headers = parts.headers.iter().map(|(name, value)| name.as_str().len() + value.len());
    if line + headers.sum::<usize>() > HEADER_LIMIT {
        let status = StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE;
        return closing(answer::message(status, "Request Header Fields Too Large"));
    }
    let body =
        match tokio::time::timeout(api.patience, Limited::new(body, BODY_LIMIT).collect()).await {
            Ok(Ok(body)) => body.to_bytes(),
            Ok(Err(error)) if error.is::<http_body_util::LengthLimitError>() => {
                let status = StatusCode::PAYLOAD_TOO_LARGE;
                return closing(answer::message(status, "Request Entity Too Large"));
            }
            Ok(Err(_)) => return closing(answer::message(StatusCode::BAD_REQUEST, "Bad Request")),
            Err(_) => {
                return closing(answer::message(StatusCode::REQUEST_TIMEOUT, "Request Timeout"));
            }
        };
    // The gateway decodes the path before it looks for a route.
    let Ok(path) = percent_decode_str(parts.uri.path()).decode_utf8() else {
        return answer::message(StatusCode::BAD_REQUEST, "Bad Request");
    };
    call(api, parts, &path, &body, origin).await
}

async fn call(api: &Api, parts: &Parts, path: &str, body: &Bytes, origin: &Origin) -> Answer {
    let not_found = || answer::message(StatusCode::NOT_FOUND, "Not Found");
    let Some(found) = api.routes.find(parts.method.as_str(), path) else { return not_found() };
    let Some(function) = api.functions.get(found.function) else { return not_found() };
    let event = event::event(parts, path, body, &found, origin).to_string();
    let invoked = function.invoke(event.into(), &origin.trace);
    // As it was sent: what the client encoded must not reach the terminal decoded.
    let say = |words: &str| {
        let words = format!("{} {}: {words}", parts.method, parts.uri.path());
        api.logs.line(found.function, Stream::Runner, &words);
    };
    match tokio::time::timeout(api.patience, invoked).await {
        Ok(Ok(payload)) => answer::of_function(&payload, &parts.method),
        Ok(Err(failure)) => {
            say(&failure.to_string());
            answer::failed()
        }
        Err(_) => {
            say(&format!("no answer within {} s", api.patience.as_secs_f32()));
            answer::message(StatusCode::SERVICE_UNAVAILABLE, "Service Unavailable")
        }
    }
}

/// What is left of the request is not read.
fn closing(mut answer: Answer) -> Answer {
    answer.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    answer
}
