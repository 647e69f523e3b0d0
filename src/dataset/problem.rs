//! Problems of annotations. The codes and their meanings are in `plan::problems`.

use crate::plan::ProblemAction;
use crate::plan::problems::Policy;
use std::path::Path;

/// Something wrong at one place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    pub code: &'static str,
    /// File and line.
    pub place: String,
    pub message: String,
    /// The category of the annotation, where the problem is one of its outline.
    pub category: Option<String>,
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
            place,
            message: message.into(),
            category: None,
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
        }
    }
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
        let message = format!("{}{message}", self.prefix);
        let problem = Problem::at_line(code, self.file, self.line, message);
        self.problems.push(problem);
    }

    /// Adds a problem of an outline of this category.
    pub fn add_of(&mut self, code: &'static str, category: &str, message: impl std::fmt::Display) {
        self.add(code, message);
        if let Some(problem) = self.problems.last_mut() {
            problem.category = Some(category.to_owned());
        }
    }
}
