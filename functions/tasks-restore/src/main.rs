//! The Lambda function `tasks-restore`.

fn main() -> std::process::ExitCode {
    route::serve::<tasks_restore::TasksRestore>()
}
