//! The Lambda function `auth-logout`.

fn main() -> std::process::ExitCode {
    route::serve::<auth_logout::AuthLogout>()
}
