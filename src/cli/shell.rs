//! `camaudit completions` and `camaudit man`.

use super::output::print;
use crate::error::{Error, Result};
use clap::{Args, Command};
use clap_complete::Shell;
use std::path::PathBuf;

#[derive(Args)]
pub struct CompletionsArgs {
    /// The shell
    #[arg(value_enum)]
    shell: Shell,
}

#[derive(Args)]
pub struct ManArgs {
    /// Folder to write to; it is made where it is missing
    folder: PathBuf,
}

/// Prints the script that completes commands and options.
///
/// # Errors
/// When stdout cannot be written.
pub fn completions(args: &CompletionsArgs, mut command: Command) -> Result<()> {
    let name = command.get_name().to_owned();
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut command, name, &mut script);
    print(&String::from_utf8_lossy(&script))
}

/// Writes one page for the program and one for each command.
///
/// # Errors
/// When a page cannot be written.
pub fn man(args: &ManArgs, command: Command) -> Result<()> {
    let folder = &args.folder;
    let what = format!("write the pages to {}", folder.display());
    std::fs::create_dir_all(folder).map_err(Error::cause(&what))?;
    clap_mangen::generate_to(command.disable_help_subcommand(true), folder)
        .map_err(Error::cause(&what))
}
