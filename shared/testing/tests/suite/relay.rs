//! The relay: from the outbox to the queues, each event, each in its order.

mod order;
mod routes;
mod wake;
