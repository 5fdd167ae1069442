//! Puts credentials into Secrets Manager, where programs look for them.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::credentials::secret_key;
use crate::{Credentials, Error, LocalStack, REGION, Users, http, secret_name};

/// Creates one secret for each user of the database, and the further ones; returns the ARNs of the users' by
/// [`secret_key`].
pub(crate) fn create(
    localstack: &LocalStack,
    users: &Users,
    further: &BTreeMap<String, Credentials>,
) -> Result<BTreeMap<String, String>, Error> {
    for (name, credentials) in further {
        create_one(localstack, name, credentials)?;
    }
    let of_user = |user: &Credentials| {
        let name = secret_name(&user.username);
        Ok((secret_key(&user.username).to_owned(), create_one(localstack, &name, user)?))
    };
    users.all().map(of_user).collect()
}

fn create_one(localstack: &LocalStack, name: &str, user: &Credentials) -> Result<String, Error> {
    let refused =
        |answer: String| Error::LocalStack { doing: format!("create the secret {name}"), answer };
    let body = json!({
        "Name": name,
        "SecretString": json!({ "username": user.username, "password": user.password }).to_string(),
        // Anything unique; the real service takes it to recognise a repeated call.
        "ClientRequestToken": format!("{:->32}", name.replace('/', "-")),
    });
    // LocalStack reads the service and the region from the signature, and does not check it.
    let authorization = format!(
        "AWS4-HMAC-SHA256 Credential=test/20250101/{REGION}/secretsmanager/aws4_request, \
         SignedHeaders=host, Signature=0"
    );
    let headers = [
        ("X-Amz-Target", "secretsmanager.CreateSecret"),
        ("Content-Type", "application/x-amz-json-1.1"),
        ("Authorization", authorization.as_str()),
    ];
    let answer = http::request(localstack.port(), "POST", "/", &headers, &body.to_string())
        .map_err(|error| refused(error.to_string()))?;
    let arn = serde_json::from_str::<Value>(&answer.body)
        .ok()
        .and_then(|answer| answer["ARN"].as_str().map(str::to_owned));
    match arn {
        Some(arn) if answer.status == 200 => Ok(arn),
        _ => Err(refused(format!("{} {}", answer.status, answer.body))),
    }
}
