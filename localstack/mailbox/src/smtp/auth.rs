//! `AUTH PLAIN` and `AUTH LOGIN`.

use base64::prelude::{BASE64_STANDARD, Engine as _};
use smtp_proto::{AUTH_LOGIN, AUTH_PLAIN};

use super::lines::Gone;
use super::session::{MAX_COMMAND, Next, Session};
use crate::behaviour::Step;
use crate::settings::Credentials;

/// What a sender says of itself, or the reply to what it said instead.
type Claim = Result<Credentials, &'static str>;

const NO_BASE64: &str = "501 5.5.2 that is no Base64 of text";

impl Session {
    pub(super) async fn authenticate(
        &mut self,
        mechanism: u64,
        initial: String,
    ) -> Result<Next, Gone> {
        let Some(wanted) = self.shared.credentials.clone() else {
            return self.mistake("502 5.5.1 nobody has to sign in here").await;
        };
        if self.shared.tls.is_some() && !self.secure {
            return self.mistake("538 5.7.11 STARTTLS comes first").await;
        }
        if !self.greeted || self.authenticated || self.transaction.is_some() {
            return self.mistake("503 5.5.1 AUTH comes once, after EHLO and before MAIL").await;
        }
        let initial = Some(initial).filter(|response| !response.is_empty());
        let claim = match mechanism {
            AUTH_PLAIN => self.plain(initial).await?,
            AUTH_LOGIN => self.login(initial).await?,
            _ => Err("504 5.5.4 PLAIN and LOGIN are the ways to sign in"),
        };
        let claim = match claim {
            Ok(claim) => claim,
            Err(reply) => return self.mistake(reply).await,
        };
        if let Some(next) = self.misbehave(Step::Auth, &[]).await? {
            return Ok(next);
        }
        if claim != wanted {
            return self.mistake("535 5.7.8 the name or the password is wrong").await;
        }
        self.authenticated = true;
        self.reply("235 2.7.0 signed in").await
    }

    /// RFC 4616: whom to act for, which is ignored, the name and the password.
    async fn plain(&mut self, initial: Option<String>) -> Result<Claim, Gone> {
        let response = match initial {
            Some(initial) => decode(&initial),
            None => self.ask("").await?,
        };
        Ok(response.and_then(|response| {
            let mut parts = response.split('\0').skip(1).map(str::to_owned);
            match (parts.next(), parts.next(), parts.next()) {
                (Some(username), Some(password), None) => Ok(Credentials { username, password }),
                _ => Err("501 5.5.2 PLAIN is: NUL name NUL password"),
            }
        }))
    }

    async fn login(&mut self, initial: Option<String>) -> Result<Claim, Gone> {
        let username = match initial {
            Some(initial) => decode(&initial),
            None => self.ask("Username:").await?,
        };
        let username = match username {
            Ok(username) => username,
            Err(reply) => return Ok(Err(reply)),
        };
        let password = self.ask("Password:").await?;
        Ok(password.map(|password| Credentials { username, password }))
    }

    async fn ask(&mut self, question: &str) -> Result<Result<String, &'static str>, Gone> {
        self.lines.reply(&format!("334 {}", BASE64_STANDARD.encode(question))).await?;
        let line = self.lines.next(MAX_COMMAND).await?;
        if line.too_long {
            return Ok(Err("500 5.5.6 line too long"));
        }
        let answer = std::str::from_utf8(self.lines.bytes()).unwrap_or_default().trim_end();
        Ok(if answer == "*" { Err("501 5.7.0 cancelled") } else { decode(answer) })
    }
}

/// `=` stands for an empty response (RFC 4954, 4).
fn decode(response: &str) -> Result<String, &'static str> {
    if response == "=" {
        return Ok(String::new());
    }
    let bytes = BASE64_STANDARD.decode(response).map_err(|_| NO_BASE64)?;
    String::from_utf8(bytes).map_err(|_| NO_BASE64)
}
