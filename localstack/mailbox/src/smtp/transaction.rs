//! A mail on its way in: `MAIL`, `RCPT` and `DATA`.

use std::sync::Arc;

use smtp_proto::{MAIL_BODY_7BIT, MAIL_BODY_8BITMIME, MAIL_SMTPUTF8, MailFrom, RcptTo};

use super::MAX_MAIL;
use super::content::{self, Content};
use super::lines::Gone;
use super::session::{Next, Session};
use crate::behaviour::Step;

/// RFC 5321, 4.5.3.1.8: a server takes at least so many.
const MAX_RECIPIENTS: usize = 100;

#[derive(Debug)]
pub(super) struct Transaction {
    from: String,
    to: Vec<String>,
}

impl Session {
    pub(super) async fn mail(&mut self, from: MailFrom<String>) -> Result<Next, Gone> {
        if !self.greeted {
            return self.mistake("503 5.5.1 EHLO comes first").await;
        }
        if self.shared.credentials.is_some() && !self.authenticated {
            return self.reply("530 5.7.0 authentication required").await;
        }
        if self.transaction.is_some() {
            return self.mistake("503 5.5.1 one mail at a time").await;
        }
        let asks_more = MailFrom {
            address: from.address.clone(),
            size: from.size,
            auth: from.auth.clone(),
            flags: from.flags & (MAIL_BODY_7BIT | MAIL_BODY_8BITMIME | MAIL_SMTPUTF8),
            ..MailFrom::default()
        } != from;
        if asks_more {
            return self.mistake("555 5.5.4 a parameter of MAIL is not offered").await;
        }
        if from.size > MAX_MAIL {
            return self.reply(&too_big()).await;
        }
        if let Some(next) = self.misbehave(Step::Mail, &[]).await? {
            return Ok(next);
        }
        self.transaction = Some(Transaction { from: from.address, to: Vec::new() });
        self.reply("250 2.1.0 sender taken").await
    }

    pub(super) async fn rcpt(&mut self, to: RcptTo<String>) -> Result<Next, Gone> {
        let Some(transaction) = &self.transaction else {
            return self.mistake("503 5.5.1 MAIL comes first").await;
        };
        if to.address.is_empty() {
            return self.mistake("501 5.1.3 the recipient is no address").await;
        }
        if to != (RcptTo { address: to.address.clone(), ..RcptTo::default() }) {
            return self.mistake("555 5.5.4 a parameter of RCPT is not offered").await;
        }
        if transaction.to.len() >= MAX_RECIPIENTS {
            return self.reply("452 4.5.3 too many recipients").await;
        }
        let recipient = [to.address];
        if let Some(next) = self.misbehave(Step::Rcpt, &recipient).await? {
            return Ok(next);
        }
        if let Some(transaction) = &mut self.transaction {
            transaction.to.extend(recipient);
        }
        self.reply("250 2.1.5 recipient taken").await
    }

    pub(super) async fn data(&mut self) -> Result<Next, Gone> {
        if self.transaction.as_ref().is_none_or(|transaction| transaction.to.is_empty()) {
            return self.mistake("503 5.5.1 MAIL and RCPT come first").await;
        }
        self.lines.reply("354 end with a dot on a line of its own").await?;
        let content = content::read(&mut self.lines).await?;
        let Some(transaction) = self.transaction.take() else { return Ok(Next::Close) };
        match content {
            Content::Whole(raw) => self.take(transaction, raw).await,
            Content::TooBig => self.reply(&too_big()).await,
            Content::LineTooLong => {
                self.reply("554 5.6.0 a line is longer than 998 characters").await
            }
        }
    }

    async fn take(&mut self, transaction: Transaction, raw: Vec<u8>) -> Result<Next, Gone> {
        let Transaction { from, to } = transaction;
        if let Some(code) = self.shared.behaviours.failure(Step::Data, &to) {
            self.shared.behaviours.delay(Step::Data).await;
            return self.refuse(code).await;
        }
        let shared = Arc::clone(&self.shared);
        let stored = tokio::task::spawn_blocking(move || shared.store.add(from, to, raw)).await;
        if !matches!(stored, Ok(Ok(()))) {
            return self.reply("452 4.3.1 the mail cannot be stored; is the disk full?").await;
        }
        self.shared.behaviours.delay(Step::Data).await;
        if self.shared.behaviours.get().drop_after_data {
            return Ok(Next::Close);
        }
        self.reply("250 2.0.0 stored").await
    }
}

fn too_big() -> String {
    format!("552 5.3.4 a mail has at most {MAX_MAIL} bytes")
}
