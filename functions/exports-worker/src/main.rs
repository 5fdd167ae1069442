//! The Lambda function `exports-worker`.

fn main() -> std::process::ExitCode {
    worker::serve::<exports_worker::ExportsWorker>()
}
