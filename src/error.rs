//! The two ways things go wrong: an [`Error`] stops the run, a [`Skip`] is the fate of one image.

use std::cell::Cell;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};

thread_local! {
    static GUARDED: Cell<bool> = const { Cell::new(false) };
}

/// Calls a library on bytes that may be hostile; `None` where it panics, without a message of its own on stderr.
pub fn guarded<T>(work: impl FnOnce() -> T) -> Option<T> {
    let outer = GUARDED.replace(true);
    let result = catch_unwind(AssertUnwindSafe(work));
    GUARDED.set(outer);
    result.ok()
}

/// Whether this thread is inside [`guarded`].
pub fn is_guarded() -> bool {
    GUARDED.get()
}

/// Why a run stopped. The message names the file, the key or the node and the remedy.
#[derive(Debug)]
pub struct Error {
    kind: Kind,
    message: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Findings,
    Input,
    TooManySkipped,
    Interrupted,
}

/// `Result` of everything that can stop a run.
pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    /// A wrong command line, pipeline, model, dataset or file system (exit code 2).
    pub fn new(message: impl Into<String>) -> Self {
        Self {
            kind: Kind::Input,
            message: message.into(),
        }
    }

    /// The run found what `--fail-on` names (exit code 1).
    pub fn findings(message: impl Into<String>) -> Self {
        Self {
            kind: Kind::Findings,
            message: message.into(),
        }
    }

    /// More images were skipped than `run.max_skipped` allows (exit code 3).
    pub fn too_many_skipped(message: impl Into<String>) -> Self {
        Self {
            kind: Kind::TooManySkipped,
            message: message.into(),
        }
    }

    /// The same outcome without a message: it has been told already.
    pub fn told(self) -> Self {
        Self {
            message: String::new(),
            ..self
        }
    }

    /// Somebody asked the run to stop (exit code 130). The same command goes on where it stopped.
    pub fn interrupted() -> Self {
        let message = "interrupted; the same command goes on where it stopped";
        Self {
            kind: Kind::Interrupted,
            message: message.into(),
        }
    }

    /// Shorthand for `map_err`: "failed to {what}: {cause}".
    pub fn cause<E: fmt::Display>(what: impl fmt::Display) -> impl FnOnce(E) -> Self {
        move |cause| Self::new(format!("failed to {what}: {cause}"))
    }

    /// The exit code that tells the caller what kind of failure this was.
    pub fn exit_code(&self) -> u8 {
        match self.kind {
            Kind::Findings => 1,
            Kind::Input => 2,
            Kind::TooManySkipped => 3,
            Kind::Interrupted => 130,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Error {}

/// Where on its way an image was lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stage {
    Walk,
    Annotation,
    Read,
    Decode,
    Preprocess,
    Infer,
}

impl Stage {
    /// The name written to `skipped.parquet`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Walk => "walk",
            Self::Annotation => "annotation",
            Self::Read => "read",
            Self::Decode => "decode",
            Self::Preprocess => "preprocess",
            Self::Infer => "infer",
        }
    }
}

/// Why one image was not scored. It becomes a row of `skipped.parquet`; the run goes on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Skip {
    pub stage: Stage,
    /// A short code that stays the same from version to version.
    pub reason: &'static str,
    pub message: String,
}

impl Skip {
    pub fn new(stage: Stage, reason: &'static str, message: impl fmt::Display) -> Self {
        Self {
            stage,
            reason,
            message: message.to_string(),
        }
    }
}
