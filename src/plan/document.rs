//! A parsed pipeline file: fits TOML to the file types and finds every problem with its line.

use super::file::PipelineFile;
use super::serde_message::plain_message;
use super::sources::{Sources, line_of};
use super::toml_tree::{find, merge, remove};
use serde::Deserialize;
use std::path::Path;
use toml::Spanned;
use toml::de::DeTable;

/// One thing wrong with a pipeline file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Dotted key, as `region[1].corner.width`.
    pub key: String,
    pub message: String,
    /// Line in the file from 1; `None` for a key given by `--set`.
    pub line: Option<usize>,
}

impl Problem {
    /// `file:line`, or `--set` for an override.
    pub fn place(&self, file: &Path) -> String {
        match self.line {
            Some(line) => format!("{}:{line}", file.display()),
            None => "--set".to_owned(),
        }
    }
}

/// A parsed pipeline file that remembers the position of every key.
pub struct Document<'a> {
    text: &'a str,
    root: Spanned<DeTable<'a>>,
    problems: Vec<Problem>,
    /// How many of the problems come from reading; validation adds the others.
    unreadable: usize,
    warnings: Vec<Problem>,
}

impl<'a> Document<'a> {
    /// Parses the text and applies the overrides to it.
    ///
    /// # Errors
    /// The first syntax error, in the file or in an override.
    pub fn parse(sources: &'a Sources) -> Result<Self, Problem> {
        let text = sources.text();
        let mut root = DeTable::parse(text).map_err(|error| Problem {
            key: "syntax".into(),
            message: on_one_line(&error),
            line: error.span().map(|span| line_of(text, span.start)),
        })?;

        for line in sources.overrides() {
            let table = DeTable::parse(line).map_err(|error| Problem {
                key: format!("--set {}", line.trim_start()),
                message: format!("expected key=value ({})", on_one_line(&error)),
                line: None,
            })?;
            merge(root.get_mut(), table.into_inner());
        }

        Ok(Self {
            text,
            root,
            problems: Vec::new(),
            unreadable: 0,
            warnings: Vec::new(),
        })
    }

    /// Fits the document to the file types.
    ///
    /// Serde stops at the first error. To find them all, the key in error is recorded and removed,
    /// and the rest is read again until it fits.
    pub fn read(&mut self) -> PipelineFile {
        let mut table = self.root.clone();
        loop {
            let deserializer = toml::Deserializer::from(table.clone());
            let error = match PipelineFile::deserialize(deserializer) {
                Ok(file) => return file,
                Err(error) => error,
            };

            let span = error.span().unwrap_or(0..0);
            let removed = remove(table.get_mut(), &span, "");
            let nothing_removed = removed.is_none();
            let (key, start) = removed.unwrap_or(("pipeline".into(), span.start));

            let first_line = error.message().lines().next().unwrap_or_default();
            self.problems.push(Problem {
                message: plain_message(&key, first_line),
                key,
                line: self.line(start),
            });
            self.unreadable += 1;

            if nothing_removed {
                return PipelineFile::default();
            }
        }
    }

    /// Adds a problem that validation found, unless one is already known for this part of the file.
    pub fn add_problem(&mut self, key: &str, message: impl Into<String>) {
        if !self.is_reported(key) {
            let problem = self.problem(key, message.into());
            self.problems.push(problem);
        }
    }

    /// Adds something to change in a file that is otherwise valid.
    pub fn add_warning(&mut self, key: &str, message: impl Into<String>) {
        let warning = self.problem(key, message.into());
        self.warnings.push(warning);
    }

    /// All problems in the order of their lines, then the warnings.
    pub fn into_findings(self) -> (Vec<Problem>, Vec<Problem>) {
        let mut problems = self.problems;
        problems.sort_by_key(|problem| problem.line);
        (problems, self.warnings)
    }

    /// Whether the key, or a table around it, has a problem, or reading removed something below it.
    fn is_reported(&self, key: &str) -> bool {
        let (unreadable, invalid) = self.problems.split_at(self.unreadable);
        unreadable
            .iter()
            .any(|p| is_below(key, &p.key) || is_below(&p.key, key))
            || invalid.iter().any(|p| is_below(key, &p.key))
    }

    fn problem(&self, key: &str, message: String) -> Problem {
        let line = match find(&self.root, key) {
            Some(start) => self.line(start),
            None => Some(1),
        };
        Problem {
            key: key.into(),
            message,
            line,
        }
    }

    /// Line of a position. Overrides are placed behind the text and have none.
    fn line(&self, start: usize) -> Option<usize> {
        (start <= self.text.len()).then(|| line_of(self.text, start))
    }
}

/// Whether a dotted key equals another one or lies below it.
fn is_below(key: &str, parent: &str) -> bool {
    key.strip_prefix(parent)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
}

fn on_one_line(error: &toml::de::Error) -> String {
    match error.message() {
        "duplicate key" => "this key or table stands in the file twice".to_owned(),
        message => message.replace('\n', " "),
    }
}
