//! The Lambda function `audit-worker`.

fn main() -> std::process::ExitCode {
    worker::serve::<audit_worker::AuditWorker>()
}
