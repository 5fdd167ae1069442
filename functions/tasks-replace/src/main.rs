//! The Lambda function `tasks-replace`.

fn main() -> std::process::ExitCode {
    route::serve::<tasks_replace::TasksReplace>()
}
