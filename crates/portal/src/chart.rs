//! Charts as SVG, drawn on the server: the same picture without a script, on paper, and for a screen reader.
//!
//! Each bar's name stands above it, so that the drawing stays readable on a phone. Colours come from the stylesheet by class; a table beside the chart holds the same numbers.

use std::fmt::Write as _;

const WIDTH: usize = 480;
/// Kept free to the right of the longest bar, for its number.
const NUMBER_WIDTH: usize = 130;
const ROW_HEIGHT: usize = 58;
const BAR_HEIGHT: usize = 22;

/// One bar.
#[derive(Debug, Clone)]
pub(crate) struct Bar {
    pub(crate) label: String,
    pub(crate) value: u64,
    /// The number as shown, which may be "fewer than 5".
    pub(crate) shown: String,
    /// Class of the stylesheet: `system`, `checked`, `promised`, `unknown`, `plain`.
    pub(crate) class: &'static str,
}

/// Horizontal bars from one common zero, each with its name and number in words.
pub(crate) fn bars(title: &str, bars: &[Bar]) -> String {
    let height = bars.len() * ROW_HEIGHT + 4;
    let mut svg = format!(
        r#"<svg viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{}" xmlns="http://www.w3.org/2000/svg">"#,
        escaped(&described(title, bars))
    );
    let largest = bars.iter().map(|bar| bar.value).max().unwrap_or(0).max(1);
    for (row, bar) in bars.iter().enumerate() {
        bar_draw(&mut svg, bar, row * ROW_HEIGHT, largest);
    }
    // Writing to a String cannot fail.
    let _ = write!(svg, r#"<line class="sg-axis" x1="1" y1="0" x2="1" y2="{height}"/></svg>"#);
    svg
}

fn bar_draw(svg: &mut String, bar: &Bar, top: usize, largest: u64) {
    let room = u64::try_from(WIDTH - NUMBER_WIDTH).unwrap_or(0);
    let width = match bar.value {
        0 => 0,
        value => (value.saturating_mul(room) / largest).max(2),
    };
    let _ = write!(
        svg,
        concat!(
            r#"<text x="8" y="{label_y}">{label}</text>"#,
            r#"<rect class="sg-bar--{class}" x="1" y="{bar_y}" width="{width}" height="{height}" rx="2"/>"#,
            r#"<text x="{after}" y="{number_y}">{shown}</text>"#,
        ),
        label_y = top + 20,
        label = escaped(&bar.label),
        class = bar.class,
        bar_y = top + 28,
        width = width,
        height = BAR_HEIGHT,
        after = width + 10,
        number_y = top + 45,
        shown = escaped(&bar.shown),
    );
}

fn described(title: &str, bars: &[Bar]) -> String {
    let parts: Vec<String> = bars.iter().map(|bar| format!("{}: {}", bar.label, bar.shown)).collect();
    format!("{title}. {}", parts.join(", "))
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bar(label: &str, value: u64) -> Bar {
        Bar { label: label.into(), value, shown: value.to_string(), class: "plain" }
    }

    #[test]
    fn a_chart_says_its_numbers_in_words() {
        let svg = bars("Visits", &[bar("Monday", 3), bar("Tuesday", 0)]);
        assert!(svg.contains(r#"aria-label="Visits. Monday: 3, Tuesday: 0""#), "{svg}");
        assert!(svg.contains(r#"width="0""#), "{svg}");
    }

    #[test]
    fn nothing_of_a_label_becomes_markup() {
        let svg = bars("<b>", &[bar("\"><script>", 1)]);
        assert!(!svg.contains("<script>") && !svg.contains("<b>"), "{svg}");
    }

    #[test]
    fn no_chart_carries_inline_style() {
        assert!(!bars("a", &[bar("b", 1)]).contains("style="));
    }
}
