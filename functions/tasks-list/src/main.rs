//! The Lambda function `tasks-list`.

fn main() -> std::process::ExitCode {
    route::serve::<tasks_list::TasksList>()
}
