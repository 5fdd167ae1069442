//! The web server: pages for people, JSON for tests.

mod api;
mod guard;
mod html;
mod message;
mod pages;

use std::io;
use std::sync::Arc;

use axum::Router;
use axum::middleware::from_fn;
use axum::routing::{get, post};
use uuid::Uuid;

use crate::mail::Mail;
use crate::parsed::{self, Parsed};
use crate::shared::Shared;
use crate::store::Store;

pub(crate) fn router(shared: Arc<Shared>) -> Router {
    let api = Router::new()
        .route("/messages", get(api::list).delete(api::delete_all))
        .route("/messages/{id}", get(api::show).delete(api::delete))
        .route("/messages/{id}/raw", get(api::raw))
        .route(
            "/behaviour",
            get(api::behaviour).put(api::set_behaviour).delete(api::reset_behaviour),
        )
        .fallback(api::unknown);
    Router::new()
        .route("/", get(pages::list))
        .route("/delete-all", post(pages::delete_all))
        .route("/behave", post(pages::behave))
        .route("/style.css", get(pages::style))
        .route("/messages/{id}", get(message::show))
        .route("/messages/{id}/delete", post(message::delete))
        .route("/messages/{id}/html", get(message::html))
        .route("/messages/{id}/raw", get(message::raw))
        .route("/messages/{id}/attachments/{number}", get(message::attachment))
        .nest("/api", api)
        .fallback(pages::unknown)
        .layer(from_fn(guard::guard))
        .with_state(shared)
}

/// A mail by the id in its URL. What is no id at all belongs to no mail either.
fn find(shared: &Shared, id: &str) -> Option<Arc<Mail>> {
    Uuid::try_parse(id).ok().and_then(|id| shared.store.get(id))
}

/// Off the runtime's thread: a large mail takes a while, and mails come in meanwhile.
async fn parse(mail: &Mail) -> Parsed {
    let raw = Arc::clone(&mail.raw);
    // A mail that the parser cannot bear is shown as its source.
    tokio::task::spawn_blocking(move || parsed::parse(&raw)).await.unwrap_or_default()
}

/// Off the runtime's thread, because the folder blocks.
async fn change<T: Send + 'static>(
    shared: &Arc<Shared>,
    work: impl FnOnce(&Store) -> io::Result<T> + Send + 'static,
) -> io::Result<T> {
    let shared = Arc::clone(shared);
    tokio::task::spawn_blocking(move || work(&shared.store)).await.map_err(io::Error::other)?
}
