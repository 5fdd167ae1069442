//! The Lambda function `outbox-relay`.

fn main() -> std::process::ExitCode {
    worker::serve_job::<outbox_relay::OutboxRelay>()
}
