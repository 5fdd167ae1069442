//! The Lambda function `health`.

fn main() -> std::process::ExitCode {
    route::serve::<health::Health>()
}
