//! The Lambda function `exports-list`.

fn main() -> std::process::ExitCode {
    route::serve::<exports_list::ExportsList>()
}
