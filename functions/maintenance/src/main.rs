//! The Lambda function `maintenance`.

fn main() -> std::process::ExitCode {
    worker::serve_job::<maintenance::Maintenance>()
}
