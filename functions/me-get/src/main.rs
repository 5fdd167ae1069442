//! The Lambda function `me-get`.

fn main() -> std::process::ExitCode {
    route::serve::<me_get::MeGet>()
}
