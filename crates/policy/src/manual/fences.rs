//! Markdown cut into lines and fenced blocks.

/// A piece of a text.
pub(super) enum Piece<'t> {
    Line(&'t str),
    /// Between two fences of the same length; one that is never closed goes to the end.
    Block {
        fence: &'t str,
        info: &'t str,
        body: String,
    },
}

pub(super) fn pieces(text: &str) -> Vec<Piece<'_>> {
    let mut found = Vec::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        let info = line.trim_start_matches('`');
        let fence = line.strip_suffix(info).unwrap_or_default();
        if fence.len() < 3 {
            found.push(Piece::Line(line));
            continue;
        }
        let inside = lines.by_ref().take_while(|line| line.trim_end() != fence);
        let body = inside.map(|line| format!("{line}\n")).collect();
        found.push(Piece::Block { fence, info: info.trim(), body });
    }
    found
}
