//! `discover`: the search for what nobody declared, alone, on the rows of the newest run.

use super::discovery::{FoundLine, Search, discover};
use super::observer::Observer;
use super::rows::read_sums;
use super::run::{Prepared, check_measured_alike, take_lock};
use crate::error::{Error, Result};
use crate::plan::Plan;
use crate::runs::documents::{Document, MeasureRecord};
use crate::runs::folder::RunFolder;
use crate::runs::history;
use std::path::PathBuf;

/// What a search alone found.
pub struct DiscoveredRun {
    /// Where the tables are.
    pub folder: PathBuf,
    pub lines: Vec<FoundLine>,
    /// What was looked at, in sentences.
    pub scope: Vec<String>,
}

/// Searches the newest run of a pipeline for what nobody declared, in one class or in all, without
/// experiments. The tables are written into `discover` in the folder of the run, and replace
/// earlier ones.
///
/// # Errors
/// When the pipeline has no `[discovery]`, there is no finished run of its rows, the class is
/// unknown, and as of [`crate::audit::conclude_run`].
pub fn discover_run(
    plan: &Plan,
    class: Option<&str>,
    observer: &dyn Observer,
) -> Result<DiscoveredRun> {
    if plan.discovery.is_none() {
        return Err(Error::new(format!(
            "{}: there is no [discovery]; add the table, or --set discovery.patches=true",
            plan.file.display()
        )));
    }
    let home = plan.run.out.join(&plan.name);
    let run = history::finished(&home).pop();
    let run = run.ok_or_else(|| {
        Error::new(format!(
            "{}: no finished run; run `camaudit run {}`",
            home.display(),
            plan.file.display()
        ))
    })?;
    let measured = MeasureRecord::read(&run)?;
    check_measured_alike(&run, &measured, plan)?;
    let prepared = Prepared::new(plan, observer)?;
    prepared.check_unchanged(&run, &measured)?;
    let only = class.map(|class| prepared.labels.class_named(class));
    let only = only.transpose()?.map(|class| class as u32);

    let _lock = take_lock(&home, observer)?;
    observer.stage("read rows", None);
    let mut sums = read_sums(&run, &measured, plan)?;
    sums.evidence.group_duplicates();
    let path = run.join("discover");
    if path.is_dir() {
        history::remove(&path)?;
    }
    let identity = prepared.identity(String::new(), 0);
    let folder = RunFolder::create(&path, &identity.audit_id)?;
    folder.link_rows(&run)?;
    prepared.with_workers(&home, observer, |context, pool| {
        let discovered = discover(&Search {
            context,
            pool,
            dataset: &prepared.dataset,
            folder: &folder,
            home: &home,
            evidence: &sums.evidence,
            only,
            declared: None,
        })?;
        Ok(DiscoveredRun {
            folder: path.clone(),
            lines: discovered.lines,
            scope: discovered.scope,
        })
    })
}
