//! The commands: `measure` writes the rows of a new run folder, `conclude` makes findings of them,
//! `run` is both.

use super::conclude::{Conclusion, Outcome, conclude};
use super::context::{AuditContext, load_model};
use super::limits::workers;
use super::measure::measure;
use super::observer::Observer;
use super::pool::WorkerPool;
use super::rows::read_sums;
use crate::cache::Cache;
use crate::dataset::{Dataset, LabelMap};
use crate::error::{Error, Result};
use crate::model::{Model, instruction_set};
use crate::plan::Plan;
use crate::runs::documents::{Document, MeasureRecord, RunIdentity, RunRecord};
use crate::runs::folder::RunFolder;
use crate::runs::{self, Lock, history, review};
use std::path::{Path, PathBuf};
use std::time::Instant;

/// A plan with its model and dataset.
pub struct Prepared<'p> {
    pub plan: &'p Plan,
    pub model: Model,
    pub dataset: Dataset,
    pub labels: LabelMap,
}

/// Audits a dataset from the walk to `run.json`.
///
/// # Errors
/// When the plan, the model or the dataset cannot be used, the disk fails, or the logit invariant
/// is violated.
pub fn run(plan: &Plan, observer: &dyn Observer) -> Result<Outcome> {
    let start = Instant::now();
    let decisions = read_decisions(plan)?;
    let prepared = Prepared::new(plan, observer)?;
    let home = plan.run.out.join(&plan.name);
    let _lock = take_lock(&home, observer)?;
    history::remove_incomplete(&home);

    let (run_id, sequence) = history::next_run(&home);
    let identity = prepared.identity(run_id, sequence);
    let mut folder = RunFolder::create(&home.join(&identity.run_id), &identity.audit_id)?;
    let outcome = prepared.with_workers(&home, observer, |context, pool| {
        let dataset = &prepared.dataset;
        let (measured, sums) =
            measure(context, pool, dataset, &mut folder, identity.clone(), start)?;
        conclude(
            context,
            pool,
            Conclusion {
                folder: &folder,
                identity,
                measured: &measured,
                sums,
                dataset,
                decisions,
                start: Instant::now(),
            },
        )
    })?;
    publish(plan, &home, &folder, &outcome, observer)?;
    Ok(outcome)
}

/// Writes the rows of a new run folder, for `conclude`.
///
/// # Errors
/// As of [`run`].
pub fn measure_only(plan: &Plan, observer: &dyn Observer) -> Result<(PathBuf, MeasureRecord)> {
    let start = Instant::now();
    let prepared = Prepared::new(plan, observer)?;
    let home = plan.run.out.join(&plan.name);
    let _lock = take_lock(&home, observer)?;
    history::remove_incomplete(&home);

    let (run_id, sequence) = history::next_run(&home);
    let identity = prepared.identity(run_id, sequence);
    let mut folder = RunFolder::create(&home.join(&identity.run_id), &identity.audit_id)?;
    let (record, _) = prepared.with_workers(&home, observer, |context, pool| {
        measure(
            context,
            pool,
            &prepared.dataset,
            &mut folder,
            identity,
            start,
        )
    })?;
    folder.document(&record)?;
    remove_expired(plan, &home, folder.path(), observer);
    Ok((folder.path().to_path_buf(), record))
}

/// Makes findings of the rows of a run folder. Where the pipeline's policy is the one of the rows,
/// the documents are written into the same folder; else into a new run folder with the same rows.
///
/// # Errors
/// When rows are missing, of another schema, or of another audit; when model or dataset are not
/// those of the rows; and as of [`run`].
pub fn conclude_run(run: &Path, plan: &Plan, observer: &dyn Observer) -> Result<Outcome> {
    let start = Instant::now();
    let decisions = read_decisions(plan)?;
    let measured = MeasureRecord::read(run)?;
    check_measured_alike(run, &measured, plan)?;
    let prepared = Prepared::new(plan, observer)?;
    prepared.check_unchanged(run, &measured)?;

    let run = &run
        .canonicalize()
        .map_err(Error::cause(format!("open {}", run.display())))?;
    let home = run.parent().unwrap_or(Path::new("."));
    let _lock = take_lock(home, observer)?;
    observer.stage("read rows", None);
    let sums = read_sums(run, &measured, plan)?;

    let concluded = runs::identity(run)?;
    let mut identity = prepared.identity(concluded.run_id.clone(), concluded.sequence);
    let folder = if identity.audit_id == concluded.audit_id {
        identity = concluded;
        RunFolder::reopen(run, &identity.audit_id)?
    } else {
        (identity.run_id, identity.sequence) = history::next_run(home);
        let folder = RunFolder::create(&home.join(&identity.run_id), &identity.audit_id)?;
        folder.link_rows(run)?;
        folder
    };
    let outcome = prepared.with_workers(home, observer, |context, pool| {
        conclude(
            context,
            pool,
            Conclusion {
                folder: &folder,
                identity,
                measured: &measured,
                sums,
                dataset: &prepared.dataset,
                decisions,
                start,
            },
        )
    })?;
    publish(plan, home, &folder, &outcome, observer)?;
    Ok(outcome)
}

/// Refuses rows that another pipeline measured.
///
/// # Errors
/// When the parts of the pipeline that decide the rows differ.
pub fn check_measured_alike(run: &Path, measured: &MeasureRecord, plan: &Plan) -> Result<()> {
    if measured.measure_hash == plan.measure_hash {
        return Ok(());
    }
    Err(Error::new(format!(
        "{}: the rows were measured with another pipeline: [dataset], [model], [preprocess], \
         [[region]], [scores], run.seed, run.limit, verdict.tagged_min or verdict.baseline_min \
         differs; run `camaudit run {}`",
        run.display(),
        plan.file.display()
    )))
}

fn read_decisions(plan: &Plan) -> Result<Vec<review::Decision>> {
    match &plan.review.decisions {
        Some(file) => review::read(file),
        None => Ok(Vec::new()),
    }
}

/// # Errors
/// When another run of the pipeline holds it.
pub fn take_lock(home: &Path, observer: &dyn Observer) -> Result<Lock> {
    let lock = Lock::take(home)?;
    if let Some(warning) = lock.warning() {
        observer.warning(&warning);
    }
    Ok(lock)
}

/// Makes `latest` name the run if it is the newest and no trial, and removes runs that the
/// retention policy lets go.
fn publish(
    plan: &Plan,
    home: &Path,
    folder: &RunFolder,
    outcome: &Outcome,
    observer: &dyn Observer,
) -> Result<()> {
    let is_newest = history::finished(home)
        .last()
        .is_some_and(|newest| newest.file_name() == folder.path().file_name());
    let is_trial = plan.run.trial && !history::same_limit(home, plan.run.limit);
    if is_newest && !is_trial && !is_what_if(home, outcome) {
        folder.publish()?;
    }
    remove_expired(plan, home, folder.path(), observer);
    Ok(())
}

/// Whether the run concludes the rows of another finished run, under other thresholds.
fn is_what_if(home: &Path, outcome: &Outcome) -> bool {
    let rows_of = outcome.record.rows_of.as_ref();
    rows_of.is_some_and(|run_id| home.join(run_id).join(RunRecord::FILE).is_file())
}

/// Removes the runs that the retention policy lets go, never the one that was just made.
pub fn remove_expired(plan: &Plan, home: &Path, run: &Path, observer: &dyn Observer) {
    for old in history::expired(home, &plan.retention) {
        if old != run
            && let Err(e) = history::remove(&old)
        {
            observer.warning(&e.to_string());
        }
    }
}

impl<'p> Prepared<'p> {
    /// # Errors
    /// When the model or the dataset cannot be used.
    pub fn new(plan: &'p Plan, observer: &dyn Observer) -> Result<Self> {
        observer.stage("load model", None);
        let model = load_model(plan)?;
        observer.stage("walk dataset", None);
        let dataset = Dataset::open(&plan.dataset, plan.run.limit, plan.run.seed)?;
        let labels = LabelMap::new(plan, dataset.stats.labels.keys(), model.facts.classes)?;
        Ok(Self {
            plan,
            model,
            dataset,
            labels,
        })
    }

    pub fn identity(&self, run_id: String, sequence: u64) -> RunIdentity {
        RunIdentity {
            run_id,
            sequence,
            audit_id: self.audit_id(),
            pipeline: self.plan.name.clone(),
            pipeline_hash: self.plan.hash.clone(),
            pipeline_file: self.plan.file.display().to_string(),
            overrides: self.plan.overrides.clone(),
        }
    }

    /// Names the audit by what decides its result: plan, model, dataset, engine, instruction set
    /// and tool.
    fn audit_id(&self) -> String {
        let mut hasher = blake3::Hasher::new();
        let mut parts = vec![
            self.plan.hash.as_str(),
            &self.model.hash,
            &self.dataset.stats.fingerprint,
            &self.model.engine_name,
            instruction_set(),
            env!("CARGO_PKG_VERSION"),
        ];
        if self.plan.dataset.keeps_cells {
            parts.push(&self.dataset.stats.cells_fingerprint);
        }
        for part in parts {
            hasher.update(part.as_bytes()).update(b"\n");
        }
        hasher.finalize().to_hex()[..32].to_owned()
    }

    /// Refuses rows that were measured with another model or on another dataset.
    ///
    /// # Errors
    /// When they were.
    pub fn check_unchanged(&self, run: &Path, measured: &MeasureRecord) -> Result<()> {
        let parts = [
            ("model", &self.model.hash, &measured.facts.model_hash),
            (
                "dataset",
                &self.dataset.stats.fingerprint,
                &measured.facts.dataset_fingerprint,
            ),
        ];
        for (name, now, then) in parts {
            if now != then {
                return Err(Error::new(format!(
                    "{}: the {name} is not the one that the rows were measured with: run \
                     `camaudit run {}`",
                    run.display(),
                    self.plan.file.display()
                )));
            }
        }
        Ok(())
    }

    /// Works with a cache and a pool of workers, and closes the cache afterwards.
    ///
    /// # Errors
    /// When the workers cannot be started; the error of `work`.
    pub fn with_workers<T>(
        &self,
        home: &Path,
        observer: &dyn Observer,
        work: impl for<'a> FnOnce(&AuditContext<'a>, &WorkerPool<'a>) -> Result<T>,
    ) -> Result<T> {
        let (workers, fewer) = workers(&self.plan.run, &self.model)?;
        if let Some(message) = fewer {
            observer.warning(&message);
        }
        let mut cache = self.open_cache(home, observer);
        let context = AuditContext {
            plan: self.plan,
            model: &self.model,
            labels: &self.labels,
            cache: cache.as_ref(),
        };
        let result = {
            let pool = WorkerPool::new(context, workers, observer)?;
            work(&context, &pool)?
        };

        if let Some(cache) = &mut cache {
            cache.evict(self.plan.run.cache_bytes_max);
            if let Some(e) = cache.failure() {
                observer.warning(&format!(
                    "the cache failed ({e}); the run continued without it"
                ));
            }
        }
        Ok(result)
    }

    /// The cache beside the runs, for this model, transform, engine and machine.
    fn open_cache(&self, home: &Path, observer: &dyn Observer) -> Option<Cache> {
        let plan = self.plan;
        if plan.run.cache_bytes_max == 0 {
            return None;
        }
        let transform = format!(
            "{:?} frame {:?} near-duplicates {}",
            plan.preprocess, self.model.frame, plan.dataset.near_duplicates
        );
        let activation = format!("{:?}", self.model.activation);
        let scope = [
            self.model.hash.as_str(),
            &transform,
            &activation,
            &self.model.engine_name,
            env!("CARGO_PKG_VERSION"),
            instruction_set(),
        ];
        let (cache, warning) = Cache::open(&home.join("cache.redb"), &scope);
        if let Some(warning) = warning {
            observer.warning(&warning);
        }
        cache
    }
}
