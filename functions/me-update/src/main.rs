//! The Lambda function `me-update`.

fn main() -> std::process::ExitCode {
    route::serve::<me_update::MeUpdate>()
}
