//! The two kinds of failure: an [`Error`] stops the run, a [`Skip`] leaves out one image.

use std::cell::Cell;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};

thread_local! {
    static GUARDED: Cell<bool> = const { Cell::new(false) };
}

/// Calls a library on untrusted bytes; `None` where it panics.
///
/// The panic hook of the command line prints nothing for such a panic ([`is_guarded`]).
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

/// Why a run stopped. The message names the file, the key or the node, and the remedy.
#[derive(Debug)]
pub struct Error {
    message: String,
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
    is_interruption: bool,
}

/// `Result` of everything that can stop a run.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// A wrong command line, pipeline, model, dataset or file system.
    pub fn new(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            source: None,
            is_interruption: false,
        }
    }

    /// The run was asked to stop. The same command continues where it stopped.
    pub fn interrupted() -> Self {
        Self {
            is_interruption: true,
            ..Self::new("interrupted; the same command continues where it stopped")
        }
    }

    /// Shorthand for `map_err`: "failed to {what}: {cause}".
    pub fn cause<E>(what: impl fmt::Display) -> impl FnOnce(E) -> Self
    where
        E: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        move |cause| {
            let source = cause.into();
            Self {
                message: format!("failed to {what}: {source}"),
                source: Some(source),
                is_interruption: false,
            }
        }
    }

    /// Whether the run was asked to stop.
    pub fn is_interruption(&self) -> bool {
        self.is_interruption
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        let source = self.source.as_ref()?;
        Some(source.as_ref())
    }
}

/// The step at which an image was skipped.
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

/// Why one image was skipped. The names stay the same from version to version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum SkipReason {
    /// The file system failed while a folder was listed.
    Walk,
    /// The folder could not be listed; the images in it are not counted.
    UnlistedFolder,
    /// The shard could not be read; the images in it are not counted.
    BadShard,
    /// A link to a folder, which is not followed.
    Link,
    /// A link to a place outside of the dataset's root.
    LinkOutside,
    /// A link that leads back to a folder above it.
    LinkLoop,
    /// The target of a link is missing.
    DanglingLink,
    /// A device, a pipe or a folder.
    NotAFile,
    /// No right to read the file.
    Permission,
    /// The file is missing.
    NotFound,
    /// Reading failed.
    Io,
    /// The bytes are not those that were measured.
    Changed,
    /// The file has no bytes.
    Empty,
    /// The file has more bytes than the limit.
    TooLarge,
    /// The file ends before the picture does.
    Truncated,
    /// The bytes are of no image format.
    NotAnImage,
    /// The image uses a feature that the decoder lacks.
    Unsupported,
    /// The decoder rejects the bytes.
    Corrupt,
    /// The decoder panicked.
    DecoderPanic,
    /// The image has more pixels than the limit.
    TooManyPixels,
    /// The picture needs more memory than one may take.
    Memory,
    /// Decoding took longer than `run.image_seconds`.
    Timeout,
    /// The run was asked to stop.
    Interrupted,
    /// The image is too elongated for the model's input.
    TooElongated,
    /// Resizing failed.
    Resize,
    /// The model failed on the image.
    Inference,
    /// The label appeared after the run began.
    UnknownLabel,
    /// The path leads outside of the dataset's root.
    PathOutside,
    /// The row group of a Parquet file cannot be read.
    BadRowGroup,
    /// The rule gives no label.
    NoLabel,
    /// The annotations do not fit the image.
    Unfit,
    /// A problem of the annotations, by its code; see `plan::problems`.
    Problem(&'static str),
}

impl SkipReason {
    /// The name written to `skipped.parquet`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Walk => "walk",
            Self::UnlistedFolder => "unlisted_folder",
            Self::BadShard => "bad_shard",
            Self::Link => "link",
            Self::LinkOutside => "link_outside",
            Self::LinkLoop => "link_loop",
            Self::DanglingLink => "dangling_link",
            Self::NotAFile => "not_a_file",
            Self::Permission => "permission",
            Self::NotFound => "not_found",
            Self::Io => "io",
            Self::Changed => "changed",
            Self::Empty => "empty",
            Self::TooLarge => "too_large",
            Self::Truncated => "truncated",
            Self::NotAnImage => "not_an_image",
            Self::Unsupported => "unsupported",
            Self::Corrupt => "corrupt",
            Self::DecoderPanic => "decoder_panic",
            Self::TooManyPixels => "too_many_pixels",
            Self::Memory => "memory",
            Self::Timeout => "timeout",
            Self::Interrupted => "interrupted",
            Self::TooElongated => "too_elongated",
            Self::Resize => "resize",
            Self::Inference => "inference",
            Self::UnknownLabel => "unknown_label",
            Self::PathOutside => "path_outside",
            Self::BadRowGroup => "bad_row_group",
            Self::NoLabel => "no_label",
            Self::Unfit => "unfit",
            Self::Problem(code) => code,
        }
    }
}

impl fmt::Display for SkipReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Why one image was not scored. It becomes a row of `skipped.parquet`; the run continues.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Skip {
    pub stage: Stage,
    pub reason: SkipReason,
    pub message: String,
}

impl Skip {
    /// Whether the time limit for one image was exceeded.
    pub fn is_timeout(&self) -> bool {
        self.reason == SkipReason::Timeout
    }

    pub fn new(stage: Stage, reason: SkipReason, message: impl fmt::Display) -> Self {
        Self {
            stage,
            reason,
            message: message.to_string(),
        }
    }
}
