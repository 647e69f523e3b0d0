//! Problems of annotations. The codes and their meanings are in `plan::problems`.

use crate::plan::ProblemAction;
use crate::plan::problems::Policy;
use std::path::Path;

/// Problems of one list that are kept one by one; further ones are counted by code. A set of
/// millions of images with one mistake in common would otherwise take gigabytes.
const LISTED_MAX: usize = 100_000;
/// Most bytes of a message or a place: some quote a name, which may be of any length.
const TEXT_BYTES_MAX: usize = 2_000;
/// The message of problems that are only counted.
const FURTHER: &str = "further problems of this kind, which are not listed";

/// Something wrong at one place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    pub code: &'static str,
    /// File and line.
    pub place: String,
    pub message: String,
    /// The category of the annotation, where the problem is one of its outline.
    pub category: Option<String>,
    /// How many problems it stands for.
    pub count: usize,
}

impl Problem {
    /// A problem at a line of a file, from 1; 0 where the line is unknown.
    pub fn at_line(code: &'static str, file: &Path, line: u64, message: impl Into<String>) -> Self {
        let place = match line {
            0 => file.display().to_string(),
            _ => format!("{}:{line}", file.display()),
        };
        Self {
            code,
            place: shortened(place),
            message: shortened(message.into()),
            category: None,
            count: 1,
        }
    }

    /// A problem of a file as a whole, or of an image.
    pub fn in_file(code: &'static str, file: &Path, message: impl Into<String>) -> Self {
        Self::at_line(code, file, 0, message)
    }

    /// Adds what the policy does about the problem, and the image that it belongs to.
    pub fn handled(self, policy: &Policy, path: Option<&str>) -> HandledProblem {
        HandledProblem {
            code: self.code,
            action: policy.severity(self.code),
            path: path.map(str::to_owned),
            place: self.place,
            message: self.message,
            count: self.count,
        }
    }
}

/// The text, cut where it is too long.
fn shortened(mut text: String) -> String {
    if text.len() > TEXT_BYTES_MAX {
        text.truncate(text.floor_char_boundary(TEXT_BYTES_MAX));
        text.push_str("..");
    }
    text
}

/// A problem and what was done about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HandledProblem {
    pub code: &'static str,
    pub action: ProblemAction,
    /// The image, where it belongs to one.
    pub path: Option<String>,
    /// File and line.
    pub place: String,
    pub message: String,
    /// How many problems it stands for.
    pub count: usize,
}

/// A problem in a list of limited length.
pub trait Listed {
    fn code(&self) -> &'static str;
    fn count(&mut self) -> &mut usize;
    /// The entry that counts problems of this kind which are not listed.
    fn into_further(self) -> Self;
}

impl Listed for Problem {
    fn code(&self) -> &'static str {
        self.code
    }

    fn count(&mut self) -> &mut usize {
        &mut self.count
    }

    fn into_further(self) -> Self {
        Self {
            message: FURTHER.to_owned(),
            ..self
        }
    }
}

impl Listed for HandledProblem {
    fn code(&self) -> &'static str {
        self.code
    }

    fn count(&mut self) -> &mut usize {
        &mut self.count
    }

    fn into_further(self) -> Self {
        Self {
            path: None,
            message: FURTHER.to_owned(),
            ..self
        }
    }
}

/// Adds a problem to a list, or to the count of its kind where the list is full.
pub fn add<P: Listed>(problems: &mut Vec<P>, mut problem: P) {
    if problems.len() < LISTED_MAX {
        problems.push(problem);
    } else if !count_further(problems, problem.code(), *problem.count()) {
        problems.push(problem.into_further());
    }
}

/// Counts problems of a kind that a full list already counts; false where there is no such entry.
fn count_further<P: Listed>(problems: &mut [P], code: &str, count: usize) -> bool {
    let Some(further) = problems.get_mut(LISTED_MAX..) else {
        return false;
    };
    let same_kind = further.iter_mut().find(|problem| problem.code() == code);
    same_kind.map(|problem| *problem.count() += count).is_some()
}

/// Collects the problems found at one place of an annotation file.
pub struct ProblemLog<'a> {
    problems: &'a mut Vec<Problem>,
    file: &'a Path,
    line: u64,
    prefix: String,
}

impl<'a> ProblemLog<'a> {
    /// Problems at a line of a file, from 1; 0 where the line is unknown.
    pub fn at_line(problems: &'a mut Vec<Problem>, file: &'a Path, line: u64) -> Self {
        Self {
            problems,
            file,
            line,
            prefix: String::new(),
        }
    }

    /// Problems of a file as a whole, or of an image.
    pub fn in_file(problems: &'a mut Vec<Problem>, file: &'a Path) -> Self {
        Self::at_line(problems, file, 0)
    }

    /// Begins every message with `prefix`, for files without lines.
    pub fn with_prefix(self, prefix: String) -> Self {
        Self { prefix, ..self }
    }

    pub fn add(&mut self, code: &'static str, message: impl std::fmt::Display) {
        // Most problems of a long list need no message.
        if count_further(self.problems, code, 1) {
            return;
        }
        let message = format!("{}{message}", self.prefix);
        let problem = Problem::at_line(code, self.file, self.line, message);
        add(self.problems, problem);
    }

    /// Adds a problem of an outline of this category.
    pub fn add_of(&mut self, code: &'static str, category: &str, message: impl std::fmt::Display) {
        if count_further(self.problems, code, 1) {
            return;
        }
        let message = format!("{}{message}", self.prefix);
        let mut problem = Problem::at_line(code, self.file, self.line, message);
        problem.category = Some(category.to_owned());
        add(self.problems, problem);
    }
}
