//! The Lambda function `audit-list`.

fn main() -> std::process::ExitCode {
    route::serve::<audit_list::AuditList>()
}
