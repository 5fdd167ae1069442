//! The function `migrate`.

fn main() -> std::process::ExitCode {
    migrate::main()
}
