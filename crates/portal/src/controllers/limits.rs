//! What is filtered, what only by name, and what not at all: the same words as in the documentation.

use comrak::{Options, markdown_to_html};

use crate::ctx::Ctx;
use crate::failure::{PageResult, shown};
use crate::views::gateway::LimitsPage;

const LIMITS: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/limits.md"));

pub(crate) async fn limits_show(ctx: Ctx) -> PageResult {
    shown(&LimitsPage { frame: ctx.frame("", "What the filter sees"), text: html(LIMITS) })
}

/// In the classes of the pages around it. Links lead to other documents, which are not pages here.
fn html(markdown: &str) -> String {
    let mut options = Options::default();
    options.extension.table = true;
    let mut html = markdown_to_html(&without_links(markdown), &options);
    for (plain, dressed) in [
        ("<h1>", "<h1 class=\"govuk-heading-l\">"),
        ("<h2>", "<h2 class=\"govuk-heading-m\">"),
        ("<p>", "<p class=\"govuk-body\">"),
        ("<ul>", "<ul class=\"govuk-list govuk-list--bullet\">"),
        (
            "<table>",
            "<div class=\"sg-wide\" tabindex=\"0\" role=\"region\" aria-label=\"By kind of device\"><table class=\"govuk-table\">",
        ),
        ("</table>", "</table></div>"),
        ("<th>", "<th scope=\"col\" class=\"govuk-table__header\">"),
        ("<td>", "<td class=\"govuk-table__cell\">"),
    ] {
        html = html.replace(plain, dressed);
    }
    html
}

/// `[words](place)` becomes its words; other brackets stay.
fn without_links(markdown: &str) -> String {
    let mut text = String::with_capacity(markdown.len());
    let mut rest = markdown;
    while let Some((before, from)) = rest.split_once('[') {
        text.push_str(before);
        let link = from.split_once("](").and_then(|(words, place)| {
            let (_, after) = place.split_once(')')?;
            (!words.contains([']', '[', '\n'])).then_some((words, after))
        });
        match link {
            Some((words, after)) => {
                text.push_str(words);
                rest = after;
            }
            None => {
                text.push('[');
                rest = from;
            }
        }
    }
    text + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_document_reads_as_a_page() {
        assert_eq!(without_links("a [b](c.md), [d] e [f](g)"), "a b, [d] e f");
        let page = html(LIMITS);
        assert!(page.contains("<h1 class=\"govuk-heading-l\">What is filtered"), "{page}");
        assert!(!page.contains("<a ") && !page.contains(".md"), "{page}");
    }
}
