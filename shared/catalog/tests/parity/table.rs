//! The table that a human reviews.

use crate::read;

#[test]
fn the_table_says_what_the_code_does() {
    let written = read("shared/catalog/routes.txt");
    let rendered = catalog::render(&catalog::routes());
    assert!(
        written == rendered,
        "shared/catalog/routes.txt is not what the code says. Run `make generate` and review the \
         difference.\n\nthe code says:\n{rendered}"
    );
}
