//! Where Redis is, and how to get in.

use std::time::Duration;

use config::{ConfigError, Env, SecretRef, defaults};
use redis::io::tcp::TcpSettings;
use redis::{ConnectionInfo, IntoConnectionInfo, ProtocolVersion};

use crate::entry::Lives;
use crate::known_bad::KnownBad;
use crate::limit::Limits;

/// The settings of the cache.
#[derive(Clone)]
pub struct Settings {
    /// The server; of a cluster, one or more of its nodes.
    pub(crate) nodes: Vec<ConnectionInfo>,
    /// Whether it is a cluster.
    pub(crate) cluster: bool,
    /// Name and password, if it asks for them.
    pub(crate) credentials: Option<SecretRef>,
    /// The certificate authority to trust instead of the public ones, in PEM.
    pub(crate) ca_pem: Option<Vec<u8>>,
    pub(crate) connect: Duration,
    pub(crate) call: Duration,
    pub(crate) limits: Limits,
    pub(crate) lives: Lives,
    pub(crate) known_bad: KnownBad,
}

impl Settings {
    /// Reads the settings.
    pub fn from_env(env: &Env) -> Result<Self, ConfigError> {
        let urls = env.list("REDIS_URL");
        if urls.is_empty() {
            let why = "is missing: the cache, as rediss://host:port; of a cluster, nodes of it, \
                       separated by commas, and REDIS_CLUSTER=true";
            return Err(ConfigError::new("REDIS_URL", why));
        }
        let cluster = env.or("REDIS_CLUSTER", false)?;
        if urls.len() > 1 && !cluster {
            let why = "names several servers, which only a cluster has: set REDIS_CLUSTER=true";
            return Err(ConfigError::new("REDIS_URL", why));
        }
        let call =
            env.optional("REDIS_CALL_MS")?.map_or(defaults::REDIS_CALL, Duration::from_millis);
        let known = ["REDIS_CREDENTIALS", "REDIS_CREDENTIALS_FILE", "REDIS_CREDENTIALS_ARN"];
        let protected = known.iter().any(|name| !env.list(name).is_empty());
        Ok(Self {
            nodes: urls.iter().map(|url| node(url)).collect::<Result<_, _>>()?,
            cluster,
            credentials: protected
                .then(|| env.secret("REDIS_CREDENTIALS", "name and password"))
                .transpose()?,
            ca_pem: env.file("REDIS_CA_FILE")?,
            connect: defaults::REDIS_CONNECT.max(call),
            call,
            limits: Limits::from_env(env)?,
            lives: Lives {
                task: life(env, "CACHE_TASK_SECONDS", defaults::TASK_LIFE)?,
                list: life(env, "CACHE_LIST_SECONDS", defaults::LIST_LIFE)?,
            },
            known_bad: KnownBad::from_env(env)?,
        })
    }
}

/// How long a value is kept; 0 for those that are not.
fn life(env: &Env, name: &str, usual: Duration) -> Result<Duration, ConfigError> {
    Ok(env.optional::<u32>(name)?.map_or(usual, |seconds| Duration::from_secs(seconds.into())))
}

fn node(url: &str) -> Result<ConnectionInfo, ConfigError> {
    // The words of the parser may quote the text, in which somebody may have put a password.
    let info = url
        .into_connection_info()
        .map_err(|_| ConfigError::new("REDIS_URL", "must be of the form rediss://host:port"))?;
    let settings = info.redis_settings();
    if settings.password().is_some() || settings.username().is_some() {
        let why = "must not contain a name or a password; they belong in REDIS_CREDENTIALS";
        return Err(ConfigError::new("REDIS_URL", why));
    }
    // The third protocol tells of a connection that was closed while the environment was frozen; who
    // is not told would lose a call to it.
    let settings = settings.clone().set_protocol(ProtocolVersion::RESP3).set_skip_set_lib_name();
    let tcp =
        TcpSettings::default().set_nodelay(true).set_user_timeout(defaults::REDIS_TCP_USER_TIMEOUT);
    Ok(info.set_redis_settings(settings).set_tcp_settings(tcp))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(pairs: &[(&str, &str)]) -> String {
        let env = Env::of(pairs.iter().copied());
        Settings::from_env(&env).err().map(|error| error.to_string()).unwrap_or_default()
    }

    #[test]
    fn wrong_addresses_are_named_and_not_quoted() {
        assert!(refusal(&[]).starts_with("REDIS_URL: is missing"));
        assert_eq!(refusal(&[("REDIS_URL", "redis://localhost:6379")]), "");
        assert!(refusal(&[("REDIS_URL", "hunter2")]).starts_with("REDIS_URL: must be"));
        for url in ["redis://:hunter2@localhost", "redis://u:hunter2@localhost"] {
            let why = refusal(&[("REDIS_URL", url)]);
            assert!(why.contains("REDIS_CREDENTIALS") && !why.contains("hunter2"), "{why}");
        }
    }

    #[test]
    fn several_servers_are_a_cluster() {
        let two = ("REDIS_URL", "redis://a:1,redis://b:2");
        assert!(refusal(&[two]).contains("REDIS_CLUSTER=true"));
        assert_eq!(refusal(&[two, ("REDIS_CLUSTER", "true")]), "");
    }
}
