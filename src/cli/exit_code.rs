//! Exit codes: what a caller learns without reading.

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExitCode {
    /// Done; no finding that `--fail-on` names.
    Clean = 0,
    /// Done; findings that `--fail-on` names, or reviewers that disagree.
    Findings = 1,
    /// Wrong command line, pipeline, model, dataset or file system.
    Failure = 2,
    /// Done, but more images were skipped than `run.max_skipped` allows.
    TooManySkipped = 3,
    /// Asked to stop; the same command continues where it stopped.
    Interrupted = 130,
}

impl ExitCode {
    pub fn number(self) -> u8 {
        self as u8
    }
}

impl From<ExitCode> for std::process::ExitCode {
    fn from(code: ExitCode) -> Self {
        Self::from(code.number())
    }
}
