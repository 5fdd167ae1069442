//! What the person reads when all of it is ready.

use super::Addresses;

/// Where everything is, and what to do next.
pub fn banner(addresses: &Addresses) -> String {
    let Addresses { mail, postgres, pgbouncer, redis, localstack, database, .. } = addresses;
    let (api, token_url) = (addresses.api_url(), addresses.token_url());
    let issuer = addresses.issuer();
    format!(
        r#"
The task manager is ready.

  API        {api}
  identity   {issuer}
             people (password = name): alice, bob, victor (reads only), admin, nora (no role)
  mails      http://127.0.0.1:{mail}
  services   postgres :{postgres}  pgbouncer :{pgbouncer}  redis :{redis}  localstack :{localstack}  (database {database})
  logs       .local/log/

A token, and a task:

  TOKEN=$(curl -s {token_url} \
    -d grant_type=password -d client_id=fastapi-backend -d client_secret=local-secret \
    -d username=alice -d password=alice | sed 's/.*"access_token":"\([^"]*\)".*/\1/')
  curl -s {api}/v1/tasks -H "Authorization: Bearer $TOKEN" \
    -H 'Content-Type: application/json' -d '{{"title": "Try it"}}'
"#
    )
}
