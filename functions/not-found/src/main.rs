//! The Lambda function `not-found`.

fn main() -> std::process::ExitCode {
    route::serve::<not_found::NotFound>()
}
