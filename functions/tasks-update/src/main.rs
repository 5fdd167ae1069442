//! The Lambda function `tasks-update`.

fn main() -> std::process::ExitCode {
    route::serve::<tasks_update::TasksUpdate>()
}
