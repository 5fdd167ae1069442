//! The Lambda function `exports-get`.

fn main() -> std::process::ExitCode {
    route::serve::<exports_get::ExportsGet>()
}
