//! MISP warning lists: JSON with the entries in an array called `list`.

use serde::Deserialize;

use crate::entry::Entry;
use crate::import::{Import, LINE_MAX_BYTES, LineError};

#[derive(Deserialize)]
struct WarningList<'a> {
    #[serde(borrow)]
    list: Vec<std::borrow::Cow<'a, str>>,
}

pub(super) fn read(bytes: &[u8], sink: &mut dyn FnMut(Entry)) -> Import {
    let mut import = Import::default();
    let Ok(warning_list) = serde_json::from_slice::<WarningList<'_>>(bytes) else {
        import.note(1, "", LineError::NotMisp);
        return import;
    };
    for (number, text) in (1_u64..).zip(&warning_list.list) {
        import.lines += 1;
        if LINE_MAX_BYTES < text.len() {
            import.note(number, text, LineError::TooLong(text.len()));
            continue;
        }
        match Entry::parse(text) {
            Ok(entry) => {
                import.entries += 1;
                sink(entry);
            }
            Err(reason) => import.note(number, text, LineError::Entry(reason)),
        }
    }
    import
}
