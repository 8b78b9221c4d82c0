//! Lays out a stretch of TOML: keys in the order of the language, their `=` below each other, one blank line between
//! tables. Comments stay where they are.

/// A piece of the text, in lines without their ends.
enum Piece {
    Blank,
    /// Comments, and what is left as it stands.
    Fixed(Vec<String>),
    Header(String),
    Key(Key),
}

struct Key {
    name: String,
    /// As written before `=`.
    written: String,
    /// Its value; what follows in further lines stands as it is.
    value: Vec<String>,
}

/// Keys in their order: of the table with this header, or of what stands before all headers.
pub(super) type Order<'o> = &'o dyn Fn(Option<&str>) -> Vec<&'static str>;

/// The text laid out; `None` where it is no TOML.
pub(super) fn laid_out(text: &str, order: Order<'_>) -> Option<String> {
    text.parse::<toml::Table>().ok()?;
    let mut out: Vec<String> = Vec::new();
    let mut run: Vec<Key> = Vec::new();
    let mut known = order(None);
    for piece in pieces(text) {
        match piece {
            Piece::Key(key) => run.push(key),
            Piece::Blank => {
                flush(&mut run, &known, &mut out);
                // One blank line is as good as three, and none is needed below a header.
                if out.last().is_some_and(|last| !last.is_empty() && !last.starts_with('[')) {
                    out.push(String::new());
                }
            }
            Piece::Fixed(lines) => {
                flush(&mut run, &known, &mut out);
                out.extend(lines);
            }
            Piece::Header(line) => {
                flush(&mut run, &known, &mut out);
                // A comment right above a header belongs to it.
                if out.last().is_some_and(|last| !last.is_empty() && !last.starts_with('#')) {
                    out.push(String::new());
                }
                let name = line.trim_start_matches('[').split(']').next().unwrap_or("").trim().to_owned();
                known = order(Some(&name));
                out.push(line);
            }
        }
    }
    flush(&mut run, &known, &mut out);
    while out.last().is_some_and(String::is_empty) {
        out.pop();
    }
    Some(out.iter().map(|line| format!("{line}\n")).collect())
}

/// Writes keys that stand together.
fn flush(run: &mut Vec<Key>, known: &[&'static str], out: &mut Vec<String>) {
    let place = |key: &Key| known.iter().position(|name| *name == key.name);
    if run.iter().all(|key| place(key).is_some()) {
        // The key below a comment is what the comment is about.
        let pinned = usize::from(out.last().is_some_and(|last| last.starts_with('#')));
        if let Some(free) = run.get_mut(pinned..) {
            free.sort_by_key(place);
        }
    }
    let width = run.iter().map(|key| key.written.chars().count()).max().unwrap_or(0);
    for key in run.drain(..) {
        let mut value = key.value.into_iter();
        let first = value.next().unwrap_or_default();
        out.push(format!("{:<width$} = {first}", key.written));
        out.extend(value);
    }
}

fn pieces(text: &str) -> Vec<Piece> {
    let mut lines = text.lines();
    let mut found = Vec::new();
    while let Some(line) = lines.next() {
        let trimmed = line.trim();
        if trimmed.is_empty() {
            found.push(Piece::Blank);
        } else if trimmed.starts_with('#') {
            found.push(Piece::Fixed(vec![line.trim_end().to_owned()]));
        } else if trimmed.starts_with('[') {
            found.push(Piece::Header(trimmed.to_owned()));
        } else {
            let mut whole = vec![line.to_owned()];
            while whole.join("\n").parse::<toml::Table>().is_err() {
                let Some(next) = lines.next() else { break };
                whole.push(next.to_owned());
            }
            found.push(key(whole));
        }
    }
    found
}

/// A key with its value. Texts over several lines hold spaces that count, so they stand as they are.
fn key(lines: Vec<String>) -> Piece {
    let whole = lines.join("\n");
    let names: Vec<String> =
        whole.parse::<toml::Table>().map(|table| table.keys().cloned().collect()).unwrap_or_default();
    let ([name], Some(first)) = (names.as_slice(), lines.first()) else { return Piece::Fixed(lines) };
    let Some((written, value)) = first.split_once('=') else { return Piece::Fixed(lines) };
    let is_plain = written.trim() == name || written.trim().trim_matches(['"', '\'']) == name;
    if !is_plain || whole.contains("\"\"\"") || whole.contains("'''") {
        return Piece::Fixed(lines);
    }
    let rest = lines.iter().skip(1).map(|line| line.trim_end().to_owned());
    let value = std::iter::once(value.trim().to_owned()).chain(rest).collect();
    Piece::Key(Key { name: name.clone(), written: written.trim().to_owned(), value })
}
