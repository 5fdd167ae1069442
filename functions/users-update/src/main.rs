//! The Lambda function `users-update`.

fn main() -> std::process::ExitCode {
    route::serve::<users_update::UsersUpdate>()
}
