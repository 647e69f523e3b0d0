//! Text for people: counts, percentages, and names from files that must not act as markup.

/// A count with separators: 1,300.
pub fn thousands(count: impl Into<u64>) -> String {
    let digits = count.into().to_string();
    let mut text = String::new();

    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A fraction as a percentage.
pub fn percent(fraction: f64) -> String {
    format!("{:.1} %", 100.0 * fraction)
}

/// A fraction as a percentage, or `missing` where it was not measured.
pub fn percent_or(fraction: Option<f64>, missing: &str) -> String {
    fraction.map_or_else(|| missing.to_owned(), percent)
}

/// Counts by name in one line: `3 bad_row, 1 bad_file`.
pub fn counted<'a>(counts: impl IntoIterator<Item = (&'a String, &'a usize)>) -> String {
    let parts: Vec<String> = counts
        .into_iter()
        .map(|(name, count)| format!("{count} {name}"))
        .collect();
    parts.join(", ")
}

/// Replaces the characters of a name that command a terminal, reverse the text or are invisible.
///
/// The joiners U+200C and U+200D stay: Persian words and emoji are written with them.
pub fn printable(text: &str) -> String {
    text.replace(is_hidden, "\u{fffd}")
}

fn is_hidden(c: char) -> bool {
    let is_format = matches!(
        c,
        '\u{ad}'
            | '\u{34f}'
            | '\u{61c}'
            | '\u{115f}'..='\u{1160}'
            | '\u{17b4}'..='\u{17b5}'
            | '\u{180e}'
            | '\u{200b}'
            | '\u{200e}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{3164}'
            | '\u{feff}'
            | '\u{ffa0}'
            | '\u{fff9}'..='\u{fffb}'
            | '\u{1d173}'..='\u{1d17a}'
            | '\u{e0000}'..='\u{e007f}'
    );
    c.is_control() || is_format
}

/// Breaks a paragraph at spaces into lines of at most `width` characters, longer words apart.
pub fn wrap(text: &str, width: usize) -> String {
    let mut wrapped = String::new();
    let mut column = 0;

    for word in text.split(' ') {
        let length = word.chars().count();
        if column > 0 && column + 1 + length <= width {
            wrapped.push(' ');
            column += 1;
        } else if column > 0 {
            wrapped.push('\n');
            column = 0;
        }
        wrapped += word;
        column += length;
    }
    wrapped
}

/// Escapes text from files for Markdown: it cannot become a link, a mention, a tag or a table.
pub fn markdown_escaped(text: &str) -> String {
    let mut escaped = String::new();

    for c in printable(text).chars() {
        match c {
            '\u{fffd}' => escaped.push(' '),
            '<' => escaped += "&lt;",
            '&' => escaped += "&amp;",
            '@' => escaped += "&#64;",
            // A backslash is not enough: plain addresses become links too.
            ':' => escaped += "&#58;",
            '.' if ends_with_www(&escaped) => escaped += "&#46;",
            '\\' | '`' | '*' | '_' | '[' | ']' | '!' | '|' | '#' | '~' => escaped.extend(['\\', c]),
            c => escaped.push(c),
        }
    }
    escaped
}

fn ends_with_www(text: &str) -> bool {
    let last = text.as_bytes().last_chunk::<3>();
    last.is_some_and(|last| last.eq_ignore_ascii_case(b"www"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_have_separators() {
        for (count, text) in [
            (0, "0"),
            (999, "999"),
            (1300, "1,300"),
            (1_234_567, "1,234,567"),
        ] {
            assert_eq!(thousands(count as u64), text);
        }
    }

    #[test]
    fn names_cannot_command_a_terminal() {
        assert_eq!(
            printable("a\u{1b}[2Jb\u{202e}c\n"),
            "a\u{fffd}[2Jb\u{fffd}c\u{fffd}"
        );
        assert_eq!(printable("Zürich 東京"), "Zürich 東京");
        for hidden in
            "\u{61c}\u{ad}\u{200b}\u{2028}\u{2029}\u{202a}\u{2066}\u{feff}\u{e0041}".chars()
        {
            assert_eq!(
                printable(&format!("a{hidden}b")),
                "a\u{fffd}b",
                "{hidden:?}"
            );
        }
        let joined = "می\u{200c}خواهم 👩\u{200d}🚀 ❤\u{fe0f}";
        assert_eq!(printable(joined), joined);
    }

    #[test]
    fn paragraphs_are_broken_at_spaces() {
        assert_eq!(wrap("one two three", 7), "one two\nthree");
        assert_eq!(wrap("a verylongword b", 5), "a\nverylongword\nb");
        assert_eq!(wrap("", 5), "");
    }

    #[test]
    fn names_are_no_markdown() {
        let name = "@all [x](http:) `a` <b> | *c* www.x _d_";
        let escaped = "&#64;all \\[x\\](http&#58;) \\`a\\` &lt;b> \\| \\*c\\* www&#46;x \\_d\\_";
        assert_eq!(markdown_escaped(name), escaped);
        assert_eq!(
            markdown_escaped("WwW.x a.b & #1!"),
            "WwW&#46;x a.b &amp; \\#1\\!"
        );
        assert_eq!(markdown_escaped("a\nb\u{202e}"), "a b ");
    }
}
