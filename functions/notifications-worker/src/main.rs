//! The Lambda function `notifications-worker`.

fn main() -> std::process::ExitCode {
    worker::serve::<notifications_worker::NotificationsWorker>()
}
