//! Writes `routes.txt`: `make generate`.

use std::io;
use std::path::Path;

#[expect(clippy::disallowed_methods, reason = "a program that serves no requests")]
fn main() -> io::Result<()> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("routes.txt");
    std::fs::write(path, catalog::render(&catalog::routes()))
}
