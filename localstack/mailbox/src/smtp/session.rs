//! One conversation with a sender.

use std::sync::Arc;

use smtp_proto::{Error, Request};

use super::MAX_MAIL;
use super::lines::{Gone, Lines, Stream};
use super::transaction::Transaction;
use crate::behaviour::Step;
use crate::shared::Shared;

/// RFC 4954 wants room for an AUTH response of this length; other commands are much shorter.
pub(super) const MAX_COMMAND: usize = 12_288;

/// So many commands that make no sense, and the other side is no mail client.
const MAX_MISTAKES: u32 = 20;

/// What comes after a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Next {
    Command,
    Close,
}

pub(super) struct Session {
    pub(super) shared: Arc<Shared>,
    pub(super) lines: Lines,
    /// After `STARTTLS`.
    pub(super) secure: bool,
    /// After `EHLO` or `HELO`.
    pub(super) greeted: bool,
    pub(super) authenticated: bool,
    pub(super) transaction: Option<Transaction>,
    mistakes: u32,
}

impl Session {
    pub(super) fn new(shared: Arc<Shared>, stream: Box<dyn Stream>) -> Self {
        Self {
            shared,
            lines: Lines::new(stream),
            secure: false,
            greeted: false,
            authenticated: false,
            transaction: None,
            mistakes: 0,
        }
    }

    pub(super) async fn run(mut self) {
        if let Err(Gone::Silent) = self.talk().await {
            let _ = self.lines.reply("421 4.4.2 waited too long, closing").await;
        }
        self.lines.close().await;
    }

    async fn talk(&mut self) -> Result<(), Gone> {
        self.shared.behaviours.delay(Step::Connect).await;
        if let Some(code) = self.shared.behaviours.failure(Step::Connect, &[]) {
            self.refuse(code).await?;
            return Ok(());
        }
        self.lines
            .reply("220 localhost ESMTP mailbox, keeps everything and delivers nothing")
            .await?;
        while self.command().await? == Next::Command {}
        Ok(())
    }

    async fn command(&mut self) -> Result<Next, Gone> {
        let line = self.lines.next(MAX_COMMAND).await?;
        if line.too_long {
            return self.mistake("500 5.5.2 line too long").await;
        }
        match parse(self.lines.bytes()) {
            Ok(request) => self.obey(request).await,
            Err(reply) => self.mistake(&reply).await,
        }
    }

    async fn obey(&mut self, request: Request<String>) -> Result<Next, Gone> {
        match request {
            Request::Ehlo { host } => self.greet(&host, true).await,
            Request::Helo { host } => self.greet(&host, false).await,
            Request::StartTls => self.start_tls().await,
            Request::Auth { mechanism, initial_response } => {
                self.authenticate(mechanism, initial_response).await
            }
            Request::Mail { from } => self.mail(from).await,
            Request::Rcpt { to } => self.rcpt(to).await,
            Request::Data => self.data().await,
            Request::Rset => {
                self.transaction = None;
                self.reply("250 2.0.0 forgotten").await
            }
            Request::Noop { .. } => self.reply("250 2.0.0 done").await,
            Request::Vrfy { .. } => self.reply("252 2.1.5 every recipient is taken").await,
            Request::Quit => {
                self.lines.reply("221 2.0.0 bye").await?;
                Ok(Next::Close)
            }
            other => {
                let name = other.name();
                self.mistake(&format!("502 5.5.1 {name} is not implemented")).await
            }
        }
    }

    async fn greet(&mut self, host: &str, extended: bool) -> Result<Next, Gone> {
        self.greeted = true;
        self.transaction = None;
        if !extended {
            return self.reply("250 localhost").await;
        }
        let mut lines = vec![
            format!("localhost greets {host}"),
            "PIPELINING".to_owned(),
            format!("SIZE {MAX_MAIL}"),
            "8BITMIME".to_owned(),
            "SMTPUTF8".to_owned(),
        ];
        let encrypts = self.shared.tls.is_some();
        if encrypts && !self.secure {
            lines.push("STARTTLS".to_owned());
        }
        if self.shared.credentials.is_some() && (self.secure || !encrypts) {
            lines.push("AUTH PLAIN LOGIN".to_owned());
        }
        let reply = lines.join("\r\n250-");
        self.reply(&format!("250-{reply}\r\n250 ENHANCEDSTATUSCODES")).await
    }

    async fn start_tls(&mut self) -> Result<Next, Gone> {
        if self.secure {
            return self.mistake("503 5.5.1 TLS is on already").await;
        }
        let Some(acceptor) = self.shared.tls.clone() else {
            return self.mistake("502 5.5.1 no certificate was given, so there is no TLS").await;
        };
        self.lines.reply("220 2.0.0 go ahead with TLS").await?;
        self.lines.upgrade(&acceptor).await?;
        // RFC 3207, 4.2: nothing that was said in clear text counts.
        self.secure = true;
        self.greeted = false;
        self.authenticated = false;
        self.transaction = None;
        Ok(Next::Command)
    }

    pub(super) async fn reply(&mut self, reply: &str) -> Result<Next, Gone> {
        self.lines.reply(reply).await?;
        Ok(Next::Command)
    }

    /// Replies to a command that a mail client does not send.
    pub(super) async fn mistake(&mut self, reply: &str) -> Result<Next, Gone> {
        self.mistakes += 1;
        self.lines.reply(reply).await?;
        if self.mistakes < MAX_MISTAKES {
            return Ok(Next::Command);
        }
        self.lines.reply("421 4.7.0 too many mistakes, closing").await?;
        Ok(Next::Close)
    }

    /// Waits as the behaviour says and then refuses if it says so.
    pub(super) async fn misbehave(
        &mut self,
        at: Step,
        recipients: &[String],
    ) -> Result<Option<Next>, Gone> {
        self.shared.behaviours.delay(at).await;
        match self.shared.behaviours.failure(at, recipients) {
            Some(code) => self.refuse(code).await.map(Some),
            None => Ok(None),
        }
    }

    pub(super) async fn refuse(&mut self, code: u16) -> Result<Next, Gone> {
        let class = code / 100;
        self.lines
            .reply(&format!("{code} {class}.0.0 refused because a test asked for it"))
            .await?;
        // RFC 5321, 3.8: this code says that the connection is closed.
        Ok(if code == 421 { Next::Close } else { Next::Command })
    }
}

pub(super) fn parse(line: &[u8]) -> Result<Request<String>, String> {
    let text = line.strip_suffix(b"\n").unwrap_or(line);
    let text = text.strip_suffix(b"\r").unwrap_or(text);
    if std::str::from_utf8(text).is_err() || text.iter().any(u8::is_ascii_control) {
        return Err("500 5.5.2 a command is text without control characters".to_owned());
    }
    Request::parse(&mut line.iter()).map(Request::into_owned).map_err(|error| match error {
        Error::InvalidSenderAddress => "501 5.1.7 the sender is no address".to_owned(),
        Error::InvalidRecipientAddress => "501 5.1.3 the recipient is no address".to_owned(),
        Error::SyntaxError { syntax } => format!("501 5.5.4 the syntax is: {syntax}"),
        Error::InvalidParameter { param } => format!("501 5.5.4 {param} has no such value"),
        Error::UnsupportedParameter { param } => format!("555 5.5.4 {param} is not offered"),
        _ => "500 5.5.1 unknown command".to_owned(),
    })
}
