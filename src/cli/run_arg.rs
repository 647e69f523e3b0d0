//! Folders of runs as the user names them: `latest` may be a file that names the folder.

use crate::runs;
use clap::builder::{PathBufValueParser, TypedValueParser};
use std::path::PathBuf;

/// The parser of such an argument.
pub fn run_folder() -> impl TypedValueParser<Value = PathBuf> {
    PathBufValueParser::new().map(runs::run_folder)
}
