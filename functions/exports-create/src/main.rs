//! The Lambda function `exports-create`.

fn main() -> std::process::ExitCode {
    route::serve::<exports_create::ExportsCreate>()
}
