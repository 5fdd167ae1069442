//! The connection: one, shared by all requests of the process, made when it is first needed and anew when
//! it is lost.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use config::{ExposeSecret, SecretError, SecretString, Secrets, defaults};
use futures_util::future::join_all;
use redis::aio::{ConnectionLike, MultiplexedConnection};
use redis::cluster::ClusterClientBuilder;
use redis::cluster_async::ClusterConnection;
use redis::io::tcp::TcpSettings;
use redis::{
    AsyncConnectionConfig, Client, Cmd, ConnectionInfo, ErrorKind, Pipeline, ProtocolVersion,
    RedisError, TlsCertificates, Value,
};
use serde::Deserialize;
use tokio::sync::Mutex;
use tokio::time::timeout;

use crate::settings::Settings;

/// What came of a command: its answer, or why Redis refused it.
pub(crate) type Answer = Result<Value, RedisError>;

/// An open connection.
#[derive(Clone)]
pub(crate) enum Connection {
    One(MultiplexedConnection),
    Cluster(ClusterConnection),
}

/// Where to connect, and the connection, if there is one.
pub(crate) struct Link {
    settings: Settings,
    secrets: Secrets,
    open: Mutex<Open>,
    /// Counts the connections that could not be made.
    failed: AtomicU64,
}

#[derive(Default)]
struct Open {
    connection: Option<Connection>,
    /// Those that served last: Secrets Manager is slower than a connection may be.
    credentials: Option<Credentials>,
    /// Counts the connections, so that nobody closes another one than they used.
    number: u64,
}

impl Link {
    pub(crate) fn new(settings: Settings, secrets: Secrets) -> Self {
        Self { settings, secrets, open: Mutex::default(), failed: AtomicU64::new(0) }
    }

    /// The connection and its number; made now, if need be.
    pub(crate) async fn connection(&self) -> Result<(Connection, u64), String> {
        // Whoever comes while it is being made waits for the same, and fails with it.
        let failed_before = self.failed.load(Ordering::Relaxed);
        let mut open = self.open.lock().await;
        if let Some(connection) = &open.connection {
            return Ok((connection.clone(), open.number));
        }
        if self.failed.load(Ordering::Relaxed) != failed_before {
            return Err("no connection, for whoever asked before".to_owned());
        }
        let connection = self.connect(&mut open.credentials).await.inspect_err(|_| {
            self.failed.fetch_add(1, Ordering::Relaxed);
        })?;
        open.connection = Some(connection.clone());
        open.number += 1;
        Ok((connection, open.number))
    }

    /// Closes whatever connection there is; if somebody is making one, that is new.
    pub(crate) fn close_any(&self) {
        if let Ok(mut open) = self.open.try_lock() {
            open.connection = None;
        }
    }

    /// Closes a connection that turned out to be useless.
    pub(crate) async fn close(&self, number: u64) {
        let mut open = self.open.lock().await;
        if open.number == number {
            open.connection = None;
        }
    }

    async fn connect(&self, known: &mut Option<Credentials>) -> Result<Connection, String> {
        let Some(source) = &self.settings.credentials else {
            return self.connect_as(None).await.map_err(|error| words(&error));
        };
        let credentials = match known.take() {
            Some(credentials) => credentials,
            None => Credentials::parse(&self.secret(self.secrets.get(source)).await?)?,
        };
        let connected = match self.connect_as(Some(&credentials)).await {
            // The password was changed: it is read anew, once.
            Err(error) if is_refused(&error) => {
                let now = self.secret(self.secrets.read_anew(source)).await?;
                let credentials = known.insert(Credentials::parse(&now)?);
                self.connect_as(Some(credentials)).await
            }
            connected => {
                *known = Some(credentials);
                connected
            }
        };
        connected.map_err(|error| words(&error))
    }

    /// A secret, if it comes soon: requests wait for it.
    async fn secret(
        &self,
        reading: impl Future<Output = Result<SecretString, SecretError>>,
    ) -> Result<SecretString, String> {
        match timeout(defaults::REDIS_SECRET, reading).await {
            Ok(read) => read.map_err(|error| error.to_string()),
            Err(_elapsed) => Err("the credentials did not come in time".to_owned()),
        }
    }

    async fn connect_as(
        &self,
        credentials: Option<&Credentials>,
    ) -> Result<Connection, RedisError> {
        let connecting = async {
            if self.settings.cluster {
                self.cluster(credentials).await.map(Connection::Cluster)
            } else {
                self.single(credentials).await.map(Connection::One)
            }
        };
        timeout(self.settings.connect, connecting)
            .await
            .unwrap_or_else(|_| Err((ErrorKind::Io, "no connection in time").into()))
    }

    async fn single(
        &self,
        credentials: Option<&Credentials>,
    ) -> Result<MultiplexedConnection, RedisError> {
        let mut node = self.settings.nodes[0].clone();
        if let Some(Credentials { username, password }) = credentials {
            let mut settings = node.redis_settings().clone().set_password(password.expose_secret());
            if let Some(username) = username {
                settings = settings.set_username(username);
            }
            node = node.set_redis_settings(settings);
        }
        let client = match self.certificates() {
            Some(certificates) => Client::build_with_tls(node, certificates)?,
            None => Client::open(node)?,
        };
        // The time of a call is watched by whoever makes it.
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(self.settings.connect))
            .set_response_timeout(None);
        client.get_multiplexed_async_connection_with_config(&config).await
    }

    async fn cluster(
        &self,
        credentials: Option<&Credentials>,
    ) -> Result<ClusterConnection, RedisError> {
        let nodes: Vec<ConnectionInfo> = self.settings.nodes.clone();
        let tcp = nodes.first().map_or_else(TcpSettings::default, |n| n.tcp_settings().clone());
        let mut builder = ClusterClientBuilder::new(nodes)
            .use_protocol(ProtocolVersion::RESP3)
            .tcp_settings(tcp)
            .retries(1)
            .max_retry_wait(u64::try_from(RETRY_WAIT.as_millis()).unwrap_or(u64::MAX))
            .connection_timeout(self.settings.connect)
            .response_timeout(self.settings.call);
        if let Some(Credentials { username, password }) = credentials {
            builder = builder.password(password.expose_secret());
            if let Some(username) = username {
                builder = builder.username(username);
            }
        }
        if let Some(certificates) = self.certificates() {
            builder = builder.certs(certificates);
        }
        builder.build()?.get_async_connection().await
    }

    fn certificates(&self) -> Option<TlsCertificates> {
        let root_cert = self.settings.ca_pem.clone();
        root_cert.map(|pem| TlsCertificates { client_tls: None, root_cert: Some(pem) })
    }
}

/// How long a cluster's client rests before it asks another node.
const RETRY_WAIT: Duration = Duration::from_millis(5);

impl Connection {
    /// Sends commands and returns their answers, in one round trip: a single server gets them in one
    /// go, in their order; the nodes of a cluster get theirs at the same time.
    pub(crate) async fn send(&mut self, commands: Vec<Cmd>) -> Result<Vec<Answer>, RedisError> {
        match self {
            Self::One(connection) => {
                let mut pipeline = Pipeline::with_capacity(commands.len());
                for command in commands {
                    pipeline.add_command(command);
                }
                pipeline.ignore_errors().query_async(connection).await
            }
            Self::Cluster(connection) => {
                let sent = commands.into_iter().map(|command| {
                    let mut connection = connection.clone();
                    async move { connection.req_packed_command(&command).await?.extract_error() }
                });
                join_all(sent).await.into_iter().map(told_by_a_server).collect()
            }
        }
    }
}

/// Whether the password was refused.
fn is_refused(error: &RedisError) -> bool {
    const CODES: [&str; 2] = ["WRONGPASS", "NOAUTH"];
    // The client of a cluster tells it in the words of another error.
    let told = |code: &str| {
        error.code() == Some(code) || error.detail().is_some_and(|detail| detail.contains(code))
    };
    error.kind() == ErrorKind::AuthenticationFailed || CODES.into_iter().any(told)
}

/// A refusal is an answer; anything else that goes wrong is not.
fn told_by_a_server(answer: Answer) -> Result<Answer, RedisError> {
    match answer {
        Err(error) if !matches!(error.kind(), ErrorKind::Server(_) | ErrorKind::Extension) => {
            Err(error)
        }
        answer => Ok(answer),
    }
}

/// What went wrong, in words that quote nothing: not what was sent, and not what Redis said of it.
pub(crate) fn words(error: &RedisError) -> String {
    match error.code() {
        Some(code) => format!("{}: {code}", error.category()),
        None if error.is_timeout() => "no answer in time".to_owned(),
        None => error.category().to_owned(),
    }
}

/// What a credentials secret holds. Further members are ignored.
struct Credentials {
    username: Option<String>,
    password: SecretString,
}

impl Credentials {
    fn parse(text: &SecretString) -> Result<Self, &'static str> {
        #[derive(Deserialize)]
        struct Wire {
            username: Option<String>,
            password: String,
        }
        // serde's message may quote the text: it stays inside.
        let Wire { username, password } = serde_json::from_str(text.expose_secret())
            .map_err(|_| r#"the credentials are not of the form {"username": …, "password": …}"#)?;
        Ok(Self { username, password: password.into() })
    }
}
