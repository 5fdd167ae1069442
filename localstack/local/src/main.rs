//! The program `local`.

fn main() -> std::process::ExitCode {
    local::cli::main()
}
