//! What the template's parameters are in the local cloud.

use std::collections::BTreeMap;

use services::{REGION, State, secret_name};

use super::Addresses;
use super::neighbours::SMTP_SECRET;
use crate::template::Place;

/// Front ends under development, as the usual tools serve them.
const FRONT_ENDS: [u16; 3] = [3000, 4200, 5173];

/// The values of the template here.
pub fn place(addresses: &Addresses, state: &State) -> Place {
    let database = |port: u16| format!("postgres://127.0.0.1:{port}/{}", addresses.database);
    let origins = FRONT_ENDS
        .iter()
        .flat_map(|port| ["localhost", "127.0.0.1"].map(|host| format!("http://{host}:{port}")));
    let parameters = [
        ("Stage", "local".to_owned()),
        ("PublicUrl", addresses.api_url()),
        ("AllowedOrigins", origins.collect::<Vec<_>>().join(",")),
        ("AuthIssuer", addresses.issuer()),
        ("RedisUrl", state.redis.url.clone()),
        ("RedisCluster", state.redis.cluster.to_string()),
        ("RedisSecretArn", String::new()),
        ("DatabaseUrl", database(state.pgbouncer.port)),
        ("ClusterUrl", database(state.postgres.port)),
        // By name: LocalStack gives them other ARNs when it starts again.
        ("AdminSecretArn", secret_name(&state.admin.username)),
        ("ApiReadSecretArn", secret_name("api_read")),
        ("ApiWriteSecretArn", secret_name("api_write")),
        ("WorkerSecretArn", secret_name("worker")),
        ("MigrateSecretArn", secret_name("migrate")),
        ("MailFrom", "Task manager <tasks@localhost>".to_owned()),
        ("SmtpHost", "127.0.0.1".to_owned()),
        ("SmtpPort", addresses.smtp.to_string()),
        ("SmtpSecretArn", SMTP_SECRET.to_owned()),
    ];
    Place {
        parameters: parameters.into_iter().map(|(name, value)| (name.to_owned(), value)).collect(),
        region: REGION.to_owned(),
        endpoint: state.localstack.url.clone(),
    }
}

/// What each function has besides the template's settings: on AWS the platform gives it, or it goes
/// without saying.
pub fn settings(state: &State) -> BTreeMap<String, String> {
    let settings = [
        ("AWS_REGION", REGION.to_owned()),
        ("AWS_DEFAULT_REGION", REGION.to_owned()),
        ("AWS_ACCESS_KEY_ID", "test".to_owned()),
        ("AWS_SECRET_ACCESS_KEY", "test".to_owned()),
        ("AWS_ENDPOINT_URL", state.localstack.url.clone()),
        ("DATABASE_CA_FILE", state.ca_file.display().to_string()),
        // LocalStack's buckets have no host names of their own.
        ("S3_PATH_STYLE", "true".to_owned()),
        ("SMTP_CA_FILE", state.ca_file.display().to_string()),
    ];
    settings.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}
