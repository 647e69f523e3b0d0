//! TOML text and `--set` overrides -> [`PipelineFile`], with every problem found and its line.

use super::file::PipelineFile;
use serde::Deserialize;
use std::ops::Range;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// One thing wrong with a pipeline file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Dotted key, as `region[1].corner.width`.
    pub key: String,
    pub message: String,
    /// Line in the file from 1; `None` for a key given by `--set`.
    pub line: Option<usize>,
}

/// A parsed pipeline file that remembers where each key stands.
pub struct Document<'a> {
    text: &'a str,
    root: Spanned<DeTable<'a>>,
    /// Everything that did not fit the file types; validation adds to it.
    pub problems: Vec<Problem>,
    /// How many of them reading found.
    unreadable: usize,
}

impl<'a> Document<'a> {
    /// Parses the text and lays the overrides over it. A syntax error ends the reading at once.
    pub fn parse(sources: &'a Sources) -> Result<Self, Problem> {
        let text = sources.text.as_str();
        let message = |e: &toml::de::Error| e.message().replace('\n', " ");
        let mut root = DeTable::parse(text).map_err(|e| Problem {
            key: "syntax".into(),
            message: message(&e),
            line: e.span().map(|s| line_of(text, s.start)),
        })?;
        for line in &sources.overrides {
            let table = DeTable::parse(line).map_err(|e| Problem {
                key: format!("--set {}", line.trim_start()),
                message: format!("expected key=value ({})", message(&e)),
                line: None,
            })?;
            merge(root.get_mut(), table.into_inner());
        }
        Ok(Self {
            text,
            root,
            problems: Vec::new(),
            unreadable: 0,
        })
    }

    /// Fits the document to the file types. Serde stops at the first error, so each offending key is noted, taken out,
    /// and the rest read again until nothing offends.
    pub fn read(&mut self) -> PipelineFile {
        let mut table = self.root.clone();
        loop {
            let error = match PipelineFile::deserialize(toml::Deserializer::from(table.clone())) {
                Ok(file) => return file,
                Err(error) => error,
            };
            let span = error.span().unwrap_or(0..0);
            let removed = remove(table.get_mut(), &span, "");
            let (key, start) = removed.clone().unwrap_or(("pipeline".into(), span.start));
            let message = plainly(error.message().lines().next().unwrap_or_default());
            let line = self.line(start);
            self.problems.push(Problem { key, message, line });
            self.unreadable += 1;
            if removed.is_none() {
                return PipelineFile::default();
            }
        }
    }

    /// Adds a problem that validation found, unless the key was already complained about: it or what it lies in, or
    /// something below it that reading took out.
    pub fn complain(&mut self, key: &str, message: impl Into<String>) {
        let below = |key: &str, of: &str| {
            key.strip_prefix(of)
                .is_some_and(|r| r.is_empty() || r.starts_with(['.', '[']))
        };
        let said = |(i, p): (usize, &Problem)| {
            below(key, &p.key) || (i < self.unreadable && below(&p.key, key))
        };
        if self.problems.iter().enumerate().any(said) {
            return;
        }
        let line = find(&self.root, key).map_or(Some(1), |start| self.line(start));
        self.problems.push(Problem {
            key: key.into(),
            message: message.into(),
            line,
        });
    }

    /// Line of a position; overrides stand behind the text and have none.
    fn line(&self, start: usize) -> Option<usize> {
        (start <= self.text.len()).then(|| line_of(self.text, start))
    }
}

/// What serde says of a key, without the names of Rust's types, and with the key that was most likely meant.
fn plainly(message: &str) -> String {
    let names: Vec<&str> = message.split('`').skip(1).step_by(2).collect();
    if let (true, [unknown, known @ ..]) = (message.starts_with("unknown field"), &names[..]) {
        let far = |name: &&&str| strsim::damerau_levenshtein(name, unknown);
        let meant = known
            .iter()
            .min_by_key(far)
            .filter(|name| far(name) * 2 <= name.len());
        let meant = meant.map_or(";".to_owned(), |name| format!("; did you mean `{name}`?"));
        return format!(
            "unknown key `{unknown}`{meant} known are {}",
            known.join(", ")
        );
    }
    let plain = [
        ("u16", "a whole number"),
        ("u32", "a whole number"),
        ("u64", "a whole number"),
        ("f64", "a number"),
    ];
    let (told, expected) = message.rsplit_once("expected ").unwrap_or((message, ""));
    let expected = match expected.strip_prefix("struct ") {
        Some(_) => "a table",
        None => plain
            .iter()
            .find(|(rust, _)| *rust == expected)
            .map_or(expected, |(_, plain)| plain),
    };
    if expected.is_empty() {
        message.to_owned()
    } else {
        format!("{told}expected {expected}")
    }
}

fn line_of(text: &str, offset: usize) -> usize {
    text.bytes().take(offset).filter(|&b| b == b'\n').count() + 1
}

/// The pipeline text and the overrides as one run of positions: each `key=value` becomes a line of TOML that starts
/// behind all before it, so that a span tells which text it belongs to. What is no TOML value is taken as text, so
/// that `run.out=x` needs no quotes.
pub struct Sources {
    text: String,
    overrides: Vec<String>,
}

impl Sources {
    pub fn new(text: String, overrides: &[String]) -> Self {
        let mut start = text.len() + 1;
        let lines = overrides.iter().map(|given| {
            let line = match given.split_once('=') {
                Some((key, value)) if given.parse::<toml::Table>().is_err() => {
                    format!("{key}={}", toml::Value::String(value.trim().to_owned()))
                }
                _ => given.clone(),
            };
            let padded = " ".repeat(start) + &line;
            start = padded.len() + 1;
            padded
        });
        let overrides = lines.collect();
        Self { text, overrides }
    }
}

/// Takes out the key or element whose own span or whose value's span is `span`; returns its dotted key and position.
fn remove(table: &mut DeTable<'_>, span: &Range<usize>, at: &str) -> Option<(String, usize)> {
    let hit = table
        .iter()
        .find(|(k, v)| k.span() == *span || v.span() == *span)
        .map(|(k, _)| k.clone());
    if let Some(key) = hit {
        table.remove(key.get_ref().as_ref());
        return Some((join(at, key.get_ref()), key.span().start));
    }
    table
        .iter_mut()
        .find_map(|(k, v)| remove_below(v.get_mut(), span, &join(at, k.get_ref())))
}

fn remove_below(value: &mut DeValue<'_>, span: &Range<usize>, at: &str) -> Option<(String, usize)> {
    match value {
        DeValue::Table(table) => remove(table, span, at),
        DeValue::Array(items) => {
            if let Some(i) = items.iter().position(|v| v.span() == *span) {
                let rest = std::mem::replace(items, std::iter::empty().collect())
                    .into_iter()
                    .enumerate()
                    .filter(|(j, _)| *j != i);
                rest.for_each(|(_, item)| items.push(item));
                return Some((format!("{at}[{i}]"), span.start));
            }
            items
                .iter_mut()
                .enumerate()
                .find_map(|(i, v)| remove_below(v.get_mut(), span, &format!("{at}[{i}]")))
        }
        _ => None,
    }
}

fn join(at: &str, key: &str) -> String {
    if at.is_empty() {
        key.to_owned()
    } else {
        format!("{at}.{key}")
    }
}

/// Position of a dotted key, or of the deepest part of it that is written.
fn find(root: &Spanned<DeTable<'_>>, key: &str) -> Option<usize> {
    let mut steps = key.split(['.', '[']).map(|s| s.trim_end_matches(']'));
    let first = steps.next()?;
    let (k, mut value) = root.get_ref().get_key_value(first)?;
    let mut start = k.span().start;
    for step in steps {
        let next = match value.get_ref() {
            DeValue::Table(t) => t.get_key_value(step).map(|(k, v)| (k.span().start, v)),
            DeValue::Array(a) => step
                .parse::<usize>()
                .ok()
                .and_then(|i| a.get(i))
                .map(|v| (v.span().start, v)),
            _ => None,
        };
        let Some((s, v)) = next else { break };
        (start, value) = (s, v);
    }
    Some(start)
}

fn merge<'a>(into: &mut DeTable<'a>, from: DeTable<'a>) {
    for (key, value) in from {
        match (
            into.get_mut(key.get_ref().as_ref()).map(Spanned::get_mut),
            value,
        ) {
            (Some(DeValue::Table(old)), value) if value.get_ref().is_table() => {
                if let DeValue::Table(new) = value.into_inner() {
                    merge(old, new);
                }
            }
            (_, value) => {
                // A map keeps the key that it has, and with it the old position.
                into.remove(key.get_ref().as_ref());
                into.insert(key, value);
            }
        }
    }
}
