//! Writes `routes.txt`: `make generate`.

use std::io;
use std::path::Path;

fn main() -> io::Result<()> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("routes.txt");
    std::fs::write(path, catalog::render(&catalog::routes()))
}
