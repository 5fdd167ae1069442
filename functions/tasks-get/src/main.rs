//! The Lambda function `tasks-get`.

fn main() -> std::process::ExitCode {
    route::serve::<tasks_get::TasksGet>()
}
