//! Every relative link in a Markdown file leads to a file that exists.

use std::path::Path;

use super::{File, Finding};

pub(crate) fn check(root: &Path, file: &File) -> Vec<Finding> {
    // A policy's links are the school's own; the pack's checker looks at them.
    if file.extension() != "md" || file.path.starts_with("policies/") {
        return Vec::new();
    }
    let folder = root.join(&file.path).parent().map(Path::to_path_buf).unwrap_or_default();
    let mut findings = Vec::new();
    for (line, text) in (1..).zip(file.text.lines()) {
        for target in targets(text) {
            let path = target.split('#').next().unwrap_or_default();
            let is_ours = !path.is_empty() && !path.contains("://") && !path.starts_with("mailto:");
            if is_ours && !folder.join(path).exists() {
                findings.push(Finding::new(&file.path, line, format!("the link to `{path}` leads nowhere")));
            }
        }
    }
    findings
}

/// What stands in `](…)`.
fn targets(text: &str) -> Vec<&str> {
    text.split("](").skip(1).filter_map(|rest| rest.split_once(')').map(|(target, _)| target)).collect()
}

#[cfg(test)]
mod tests {
    use super::targets;

    #[test]
    fn both_links_of_a_line_are_found() {
        assert_eq!(targets("a [b](c.md) and ![d](e/f.svg#g), not (h)"), ["c.md", "e/f.svg#g"]);
    }
}
