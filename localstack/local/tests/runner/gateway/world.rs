//! A gateway with the probe behind it, and a client that says every byte itself.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write as _;
use std::net::SocketAddr;
use std::time::Duration;

use clock::Clock;
use local::gateway::{Gateway, Settings};
use local::lambda::Function;
use local::template::{Place, Template};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::support::{self, Lines};

/// The gateway and the functions of a template.
pub(super) struct World {
    pub(super) gateway: Gateway,
    pub(super) functions: HashMap<String, Function>,
    pub(super) lines: Lines,
}

impl World {
    pub(super) async fn start(template: &str) -> Self {
        Self::with_patience(template, Duration::from_secs(30)).await
    }

    pub(super) async fn with_patience(template: &str, patience: Duration) -> Self {
        let template = Template::read(template, &Place::default()).unwrap();
        let lines = Lines::default();
        let clock = Clock::system();
        let functions = template.functions.iter().map(|function| {
            let mut settings = support::probe();
            settings.name.clone_from(&function.name);
            settings.timeout = function.timeout;
            settings.cap = 8;
            (function.name.clone(), Function::new(settings, clock.clone(), lines.logs()))
        });
        let functions: HashMap<_, _> = functions.collect();
        let listen = SocketAddr::from(([127, 0, 0, 1], 0));
        let settings = Settings { listen, patience };
        let gateway = Gateway::start(settings, &template, &functions, clock, lines.logs()).await;
        Self { gateway: gateway.unwrap(), functions, lines }
    }

    pub(super) async fn send(&self, request: &[u8]) -> Answer {
        let mut stream = TcpStream::connect(self.gateway.address()).await.unwrap();
        // It may be refused before all of it is read.
        let _ = stream.write_all(request).await;
        Answer::read(&mut stream).await
    }

    pub(super) async fn ask(
        &self,
        method: &str,
        target: &str,
        headers: &str,
        body: &str,
    ) -> Answer {
        let mut request = format!("{method} {target} HTTP/1.1\r\nHost: api.example:8000\r\n");
        write!(request, "Connection: close\r\n{headers}").unwrap();
        if !body.is_empty() {
            write!(request, "Content-Length: {}\r\n", body.len()).unwrap();
        }
        write!(request, "\r\n{body}").unwrap();
        self.send(request.as_bytes()).await
    }
}

/// What came back.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) headers: BTreeMap<String, String>,
    pub(super) body: String,
}

impl Answer {
    pub(super) async fn read(stream: &mut TcpStream) -> Self {
        let mut bytes = Vec::new();
        // A connection that is reset after the answer has still answered.
        let _ = stream.read_to_end(&mut bytes).await;
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or((text.as_str(), ""));
        let mut lines = head.lines();
        let status = lines.next().and_then(|line| line.split(' ').nth(1)).expect("an answer");
        let headers = lines.filter_map(|line| line.split_once(": "));
        let headers = headers.map(|(name, value)| (name.to_lowercase(), value.to_owned()));
        Self { status: status.parse().unwrap(), headers: headers.collect(), body: body.to_owned() }
    }

    pub(super) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|_| panic!("no JSON: {self:?}"))
    }

    pub(super) fn is(&self, status: u16, message: &str) {
        assert_eq!(self.status, status, "{self:?}");
        assert_eq!(self.json(), json!({ "message": message }));
        assert_eq!(self.headers["content-type"], "application/json");
    }
}
