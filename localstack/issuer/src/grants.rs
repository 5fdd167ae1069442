//! What the token and logout endpoints decide. No HTTP here.

use serde_json::{Value, json};
use uuid::Uuid;

use crate::client::{Form, authenticate};
use crate::mappers::Subject;
use crate::person::Person;
use crate::realm::{Client, User};
use crate::refusal::Refusal;
use crate::scopes::Granted;
use crate::sessions::Session;
use crate::state::State;
use crate::tokens::{self, Refresh, now, random_id};

/// `POST …/token`. The order of the checks is Keycloak's, so that a request with two faults gets
/// the same answer.
pub(crate) fn token(state: &State, basic: Option<&str>, form: &Form) -> Result<Value, Refusal> {
    let grant = form
        .get("grant_type")
        .ok_or_else(|| Refusal::request("Missing form parameter: grant_type"))?;
    let handle = match grant {
        "password" => password,
        "client_credentials" => client_credentials,
        "refresh_token" => refresh,
        _ => return Err(Refusal::grant_type()),
    };
    handle(state, authenticate(&state.realm, basic, form)?, form)
}

fn password(state: &State, client: &Client, form: &Form) -> Result<Value, Refusal> {
    if !client.direct_access_grants_enabled {
        return Err(Refusal::no_password_grant());
    }
    let granted = granted(client, form)?;
    let username = form.get("username").ok_or_else(Refusal::no_username)?;
    let password = form.get("password").unwrap_or_default();
    let user = state
        .realm
        .user(username)
        .filter(|user| user.has_password(password))
        .ok_or_else(Refusal::bad_credentials)?;
    active(user)?;
    let (sid, now) = (random_id(), now());
    let ends = now + state.realm.sso_session_max_lifespan;
    let idle = ends.min(now + state.realm.sso_session_idle_timeout);
    let session = Session { sub: user.id, client: client.client_id.clone(), ends, idle };
    state.sessions().begin(sid, session, now);
    let remembered = granted.all();
    with_session(state, client, user, &granted, sid, idle, remembered)
}

fn client_credentials(state: &State, client: &Client, form: &Form) -> Result<Value, Refusal> {
    let account = state
        .realm
        .service_account(&client.client_id)
        .filter(|_| client.service_accounts_enabled && !client.public_client)
        .ok_or_else(|| Refusal::no_service_account(client.public_client))?;
    let granted = granted(client, form)?;
    active(account)?;
    let person = Person::of(account, &client.client_id, None);
    let mut answer = tokens_for(state, client, &person, &granted)?;
    answer["refresh_expires_in"] = json!(0);
    Ok(answer)
}

fn refresh(state: &State, client: &Client, form: &Form) -> Result<Value, Refusal> {
    let old = refresh_token(state, client, form)?;
    let now = now();
    if old.exp <= now {
        return Err(Refusal::grant("Token is not active"));
    }
    let session = state
        .sessions()
        .visit(old.sid, now, now + state.realm.sso_session_idle_timeout)
        .ok_or_else(|| Refusal::grant("Session not active"))?;
    let user = state
        .realm
        .user_by_id(session.sub)
        .ok_or_else(|| Refusal::grant("Invalid refresh token"))?;
    active(user)?;
    let granted = Granted::again(client, &old.scope, form.get("scope"));
    // The next refresh token remembers what the first one did: narrowing once does not stick.
    with_session(state, client, user, &granted, old.sid, session.idle, old.scope)
}

/// `POST …/logout`: ends the session and hands it back; `None` if it was over already.
pub(crate) fn logout(
    state: &State,
    basic: Option<&str>,
    form: &Form,
) -> Result<Option<(Uuid, Session)>, Refusal> {
    let client = authenticate(&state.realm, basic, form)?;
    let token = refresh_token(state, client, form)?;
    Ok(state.sessions().end(token.sid, now()).map(|session| (token.sid, session)))
}

fn refresh_token(state: &State, client: &Client, form: &Form) -> Result<Refresh, Refusal> {
    let token = form.get("refresh_token").ok_or_else(|| Refusal::request("No refresh token"))?;
    let token =
        Refresh::decode(state, token).ok_or_else(|| Refusal::grant("Invalid refresh token"))?;
    if token.azp == client.client_id {
        Ok(token)
    } else {
        let words = "Invalid refresh token. Token client and authorized client don't match";
        Err(Refusal::grant(words))
    }
}

fn granted(client: &Client, form: &Form) -> Result<Granted, Refusal> {
    let asked = form.get("scope").unwrap_or_default();
    Granted::ask(client, asked).ok_or_else(|| Refusal::scope(asked))
}

fn active(user: &User) -> Result<(), Refusal> {
    if user.enabled { Ok(()) } else { Err(Refusal::grant("Account disabled")) }
}

fn with_session(
    state: &State,
    client: &Client,
    user: &User,
    granted: &Granted,
    sid: Uuid,
    until: i64,
    remembered: String,
) -> Result<Value, Refusal> {
    let person = Person::of(user, &client.client_id, Some(sid));
    let mut answer = tokens_for(state, client, &person, granted)?;
    let now = now();
    let refresh = Refresh {
        exp: until,
        iat: now,
        jti: random_id(),
        iss: state.url.clone(),
        aud: state.url.clone(),
        sub: user.id,
        typ: "Refresh".to_owned(),
        azp: client.client_id.clone(),
        sid,
        scope: remembered,
    };
    answer["refresh_expires_in"] = json!(until - now);
    answer["refresh_token"] = json!(refresh.encode(state)?);
    answer["session_state"] = json!(sid);
    Ok(answer)
}

fn tokens_for(
    state: &State,
    client: &Client,
    person: &Person,
    granted: &Granted,
) -> Result<Value, Refusal> {
    let subject = Subject { realm: &state.realm, client, person, granted };
    let token = state.keys().sign(&json!({}), &tokens::access(state, subject))?;
    let mut answer = json!({
        "expires_in": state.realm.access_token_lifespan,
        "token_type": "Bearer",
        "not-before-policy": 0,
        "scope": granted.claim(&state.realm),
    });
    if granted.openid() {
        let claims = tokens::id(state, subject, &token);
        answer["id_token"] = json!(state.keys().sign(&json!({}), &claims)?);
    }
    answer["access_token"] = json!(token);
    Ok(answer)
}
