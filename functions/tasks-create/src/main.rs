//! The Lambda function `tasks-create`.

fn main() -> std::process::ExitCode {
    route::serve::<tasks_create::TasksCreate>()
}
