//! The Lambda function `tasks-history`.

fn main() -> std::process::ExitCode {
    route::serve::<tasks_history::TasksHistory>()
}
