//! The glossary of the report: the tables of `docs/glossary.md`, so that both say the same.

use serde::Serialize;

const PAGE: &str = include_str!("../../docs/glossary.md");

/// One term and its meaning.
#[derive(Debug, Serialize, PartialEq, Eq)]
pub struct Term {
    name: String,
    meaning: String,
}

/// The terms in the order of the page.
pub fn glossary() -> Vec<Term> {
    let mut terms = Vec::new();
    for line in PAGE.lines() {
        let mut cells = line.split('|').map(str::trim).skip(1);
        let (Some(name), Some(meaning)) = (cells.next(), cells.next()) else {
            continue;
        };
        let is_header = name == "term" || name.starts_with("---");
        if !is_header {
            terms.push(Term {
                name: plain(name),
                meaning: plain(meaning),
            });
        }
    }
    terms
}

/// Markdown without code marks and without the targets of links.
fn plain(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("](") {
        let (text, label) = before.rsplit_once('[').unwrap_or(("", before));
        out += text;
        out += label;
        rest = after.split_once(')').map_or("", |(_, rest)| rest);
    }
    out += rest;
    out.replace('`', "")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_glossary_has_the_terms_of_the_page_without_markdown() {
        let terms = glossary();
        assert!(terms.len() >= 20, "{}", terms.len());
        for term in &terms {
            assert!(
                !term.name.is_empty() && !term.meaning.is_empty(),
                "{term:?}"
            );
            let is_plain = !term.meaning.contains('`') && !term.meaning.contains("](");
            assert!(is_plain, "{term:?}");
        }
        assert!(terms.iter().any(|term| term.name == "lift"));
    }

    #[test]
    fn links_and_code_become_text() {
        assert_eq!(plain("see [the page](a.md), `x`"), "see the page, x");
        assert_eq!(plain("a `[[region]]` table"), "a [[region]] table");
    }
}
