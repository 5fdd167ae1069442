//! The mail server.

mod auth;
mod content;
pub(crate) mod lines;
mod session;
mod transaction;

#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};

use crate::shared::Shared;
use session::Session;

/// More connections at a time are turned away.
pub(crate) const MAX_CONNECTIONS: usize = 200;

/// The largest mail, in bytes.
pub(crate) const MAX_MAIL: usize = 10 * 1024 * 1024;

/// A line, a TLS handshake or a reader that takes longer ends the connection.
const PATIENCE: Duration = Duration::from_mins(1);

/// Takes connections until it is dropped.
pub(crate) async fn serve(listener: TcpListener, shared: Arc<Shared>) {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                tokio::spawn(talk(stream, Arc::clone(&shared)));
            }
            // Out of file descriptors, most likely: asking at once again would only burn time.
            Err(_) => tokio::time::sleep(Duration::from_millis(100)).await,
        }
    }
}

async fn talk(stream: TcpStream, shared: Arc<Shared>) {
    let Ok(_permit) = shared.connections.try_acquire() else {
        // Fits into the empty send buffer of a new connection.
        let _ = stream.try_write(b"421 4.3.2 too many connections, try again later\r\n");
        return;
    };
    Session::new(Arc::clone(&shared), Box::new(stream)).run().await;
}
