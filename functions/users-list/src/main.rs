//! The Lambda function `users-list`.

fn main() -> std::process::ExitCode {
    route::serve::<users_list::UsersList>()
}
