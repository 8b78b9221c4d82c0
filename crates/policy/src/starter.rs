//! A small pack to begin with: complete, in order, and with scenarios that pass.

use crate::pack::{Pack, SCHOOL_FILE, TESTS_FILE};

/// Its files by their path.
const FILES: [(&str, &str); 4] = [
    (SCHOOL_FILE, include_str!("../starter/school.toml")),
    ("staff.md", include_str!("../starter/staff.md")),
    (TESTS_FILE, include_str!("../starter/tests.md")),
    ("README.md", include_str!("../starter/README.md")),
];

/// The pack that `policy new` writes.
pub fn starter() -> Pack {
    Pack::from_iter(FILES)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::{Context, build};
    use crate::fmt;
    use crate::scenario;

    #[test]
    fn it_is_in_order_and_does_what_it_says() {
        let pack = starter();
        let offices = scenario::offices(&pack, &build(&pack, Context::default()));
        let built = build(&pack, Context { offices: Some(&offices), ..Context::default() });
        assert_eq!(built.diagnostics, [], "{:#?}", built.diagnostics);
        let tested = scenario::test(&pack, &built);
        assert!(tested.is_passed(), "{}\n{:#?}", tested.text(), tested.diagnostics);
        assert_eq!(fmt::changes(&pack), []);
    }
}
