//! The conversation with a mail server.

use std::time::Duration;

use config::{ExposeSecret, SecretString, Secrets, defaults};
use lettre::transport::smtp::authentication::Mechanism;
use lettre::transport::smtp::client::AsyncSmtpConnection;
use lettre::transport::smtp::commands::{Data, Mail, Rcpt};
use lettre::transport::smtp::extension::{ClientId, Extension, MailBodyParameter, MailParameter};
use lettre::transport::smtp::response::Response;
use tokio::sync::{Mutex, MutexGuard};
use tokio::time::timeout;

use crate::mail::Sealed;
use crate::outcome::{MailError, Receipt, Refusal};
use crate::settings::{Server, credentials};

/// A mail server, and the connection to it while there is one.
pub(crate) struct Smtp {
    server: Server,
    /// What we call ourselves.
    name: ClientId,
    secrets: Secrets,
    /// The connection of the mail before: one mail after the other. Whoever sends takes it out; if they
    /// are dropped on the way, it is closed with them.
    kept: Mutex<Option<AsyncSmtpConnection>>,
}

/// How far a mail had come when it was refused, which says whose fault it is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// The sender was named: what is wrong with it is wrong with every mail.
    Sender,
    /// The recipient was named, or the mail announced.
    Recipient,
    /// The mail was sent: without an answer nobody knows whether it was taken.
    Content,
}

impl Smtp {
    /// Connects to nothing yet. `domain` is that of the sender.
    pub(crate) fn new(server: Server, domain: &str, secrets: Secrets) -> Self {
        let name = ClientId::Domain(domain.to_owned());
        Self { server, name, secrets, kept: Mutex::default() }
    }

    /// Opens the connection, so that the first mail need not.
    pub(crate) async fn warm_up(&self) -> Result<(), MailError> {
        let mut kept = self.kept.lock().await;
        *kept = Some(self.connect().await?);
        Ok(())
    }

    /// Hands a mail to the server, within this time. A connection that turns out to be dead is replaced
    /// once, while the mail itself has not been sent.
    pub(crate) async fn send(&self, mail: &Sealed, time: Duration) -> Result<Receipt, MailError> {
        let late = |_| Err(MailError::Temporary("no answer in time".to_owned()));
        // Whoever waits for the turn of others does not lose their own time for it.
        let turn = async {
            let kept = self.kept.lock().await;
            timeout(defaults::MAIL_SEND, self.attempts(kept, mail)).await.unwrap_or_else(late)
        };
        timeout(time, turn).await.unwrap_or_else(late)
    }

    async fn attempts(
        &self,
        mut kept: MutexGuard<'_, Option<AsyncSmtpConnection>>,
        mail: &Sealed,
    ) -> Result<Receipt, MailError> {
        if let Some(mut connection) = alive(kept.take()).await {
            match hand_over(&mut connection, mail).await {
                Err((stage, refusal)) if stage != Stage::Content && refusal.is_of_connection() => {}
                result => return end(&mut kept, connection, result).await,
            }
        }
        let mut connection = self.connect().await?;
        let result = hand_over(&mut connection, mail).await;
        end(&mut kept, connection, result).await
    }

    /// A connection, encrypted and signed in. Refused credentials are read anew, once.
    async fn connect(&self) -> Result<AsyncSmtpConnection, MailError> {
        let source = &self.server.credentials;
        let unread = |error: config::SecretError| MailError::Temporary(error.to_string());
        let secret = self.secrets.get(source).await.map_err(unread)?;
        let refused = match self.sign_in(&secret).await? {
            Ok(connection) => return Ok(connection),
            Err(refused) => refused,
        };
        let renewed = self.secrets.read_anew(source).await.map_err(unread)?;
        if renewed.expose_secret() == secret.expose_secret() {
            return Err(refused);
        }
        self.sign_in(&renewed).await?
    }

    /// The inner error: the server refuses the credentials.
    async fn sign_in(
        &self,
        secret: &SecretString,
    ) -> Result<Result<AsyncSmtpConnection, MailError>, MailError> {
        let credentials = credentials(secret).map_err(MailError::Temporary)?;
        let opened = timeout(defaults::MAIL_CONNECT, async {
            let mut connection = self.open().await?;
            let mechanisms = [Mechanism::Plain, Mechanism::Login];
            match connection.auth(&mechanisms, &credentials).await {
                Ok(_) => Ok(Ok(connection)),
                Err(error) if error.is_permanent() => {
                    Ok(Err(Refusal::of(&error).of_server("the credentials are refused")))
                }
                Err(error) => Err(Refusal::of(&error).of_server("signing in failed")),
            }
        });
        let late = || MailError::Temporary("the mail server does not answer".to_owned());
        opened.await.map_err(|_| late())?
    }

    /// A connection, encrypted: without that nothing is said that matters.
    async fn open(&self) -> Result<AsyncSmtpConnection, MailError> {
        let refused = |why| move |error| Refusal::of(&error).of_server(why);
        let address = (self.server.host.as_str(), self.server.port);
        let mut connection =
            AsyncSmtpConnection::connect_tokio1(address, None, &self.name, None, None)
                .await
                .map_err(refused("no connection"))?;
        if !connection.can_starttls() {
            return Err(MailError::Temporary("the mail server offers no STARTTLS".to_owned()));
        }
        connection
            .starttls(self.server.tls.clone(), &self.name)
            .await
            .map_err(refused("no encryption"))?;
        Ok(connection)
    }
}

/// The connection of the mail before, if the server still answers on it: the environment may have been
/// frozen for hours.
async fn alive(kept: Option<AsyncSmtpConnection>) -> Option<AsyncSmtpConnection> {
    let mut connection = kept?;
    let alive = timeout(defaults::MAIL_CHECK, connection.test_connected()).await;
    alive.unwrap_or(false).then_some(connection)
}

/// What came of a mail. The connection is kept if the mail was taken.
async fn end(
    kept: &mut Option<AsyncSmtpConnection>,
    mut connection: AsyncSmtpConnection,
    result: Result<Response, (Stage, Refusal)>,
) -> Result<Receipt, MailError> {
    match result {
        Ok(response) => {
            *kept = Some(connection);
            Ok(Receipt::of(&response))
        }
        Err((stage, refusal)) => {
            // In the middle of a mail: the next one begins on a connection of its own.
            let _ = timeout(defaults::MAIL_CHECK, connection.abort()).await;
            Err(match stage {
                Stage::Sender => refusal.of_server("the sender is refused"),
                Stage::Recipient => refusal.of_mail("the recipient is refused"),
                Stage::Content => refusal.of_mail("the mail is refused"),
            })
        }
    }
}

/// The four steps of a mail.
async fn hand_over(
    connection: &mut AsyncSmtpConnection,
    mail: &Sealed,
) -> Result<Response, (Stage, Refusal)> {
    let at = |stage| move |error| (stage, Refusal::of(&error));
    let mut parameters = Vec::new();
    let addresses = mail.envelope.from().into_iter().chain(mail.envelope.to());
    if !addresses.map(AsRef::<str>::as_ref).all(str::is_ascii) {
        if !connection.server_info().supports_feature(Extension::SmtpUtfEight) {
            return Err((
                Stage::Recipient,
                Refusal::unable("the server takes ASCII addresses only"),
            ));
        }
        parameters.push(MailParameter::SmtpUtfEight);
    }
    if !mail.bytes.is_ascii() {
        parameters.push(MailParameter::Body(MailBodyParameter::EightBitMime));
    }
    let from = mail.envelope.from().cloned();
    connection.command(Mail::new(from, parameters)).await.map_err(at(Stage::Sender))?;
    for to in mail.envelope.to() {
        let to = Rcpt::new(to.clone(), Vec::new());
        connection.command(to).await.map_err(at(Stage::Recipient))?;
    }
    connection.command(Data).await.map_err(at(Stage::Recipient))?;
    connection.message(&mail.bytes).await.map_err(at(Stage::Content))
}
