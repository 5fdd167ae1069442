//! The Lambda function `tasks-delete`.

fn main() -> std::process::ExitCode {
    route::serve::<tasks_delete::TasksDelete>()
}
