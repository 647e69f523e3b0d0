//! Measuring on several machines: the shards of a run are written into its folder, measured
//! anywhere, and their rows are put together here in the order of the dataset. The rows have the
//! same bytes as those of one machine.

use super::context::AuditContext;
use super::limits::workers;
use super::measure::{place, prepare, record, unmeasured};
use super::measurer::{Brought, Measurer, check_equal};
use super::observer::Observer;
use super::pool::WorkerPool;
use super::prescan::Prescan;
use super::run::{Prepared, remove_expired, take_lock};
use super::totals::{Totals, problem_row};
use super::worker::Timings;
use crate::bounded;
use crate::dataset::{ImageBytes, LabelMap, Sample, Skipped};
use crate::error::{Error, Result};
use crate::model::instruction_set;
use crate::plan::Plan;
use crate::runs::documents::MeasureRecord;
use crate::runs::{self, RunFolder, history};
use crate::tables::{ProblemRow, SkipRow, encode};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// The sub-folder of a run folder that holds the shards while they are measured.
const FOLDER: &str = "shards";
const JOB: &str = "job";
/// A shard holds the photos of sets that store them beside their labels.
const SHARD_BYTES_MAX: u64 = 64 << 30;

/// What every machine needs to know beside the pipeline file.
#[derive(Serialize, Deserialize)]
struct Job {
    pipeline_file: String,
    overrides: Vec<String>,
    audit_id: String,
    labels: LabelMap,
    prescan: Prescan,
    facts: Facts,
}

/// What must be the same on all machines.
#[derive(Serialize, Deserialize)]
struct Facts {
    tool_version: String,
    pipeline_hash: String,
    model_hash: String,
    engine: String,
    instruction_set: String,
}

/// The rows of one shard, and what they add to the totals of the run.
#[derive(Serialize, Deserialize)]
struct MeasuredShard {
    index: usize,
    audit_id: String,
    /// Parquet files.
    images: Vec<u8>,
    regions: Vec<u8>,
    skipped: Vec<SkipRow>,
    problems: Vec<ProblemRow>,
    scored: usize,
    turned: usize,
    invariant_error: f64,
    timings: Timings,
    slowest: (Duration, String),
    /// The content hashes of its images, one after the other.
    contents: String,
}

/// Shards that are ready to be measured.
pub struct Shards {
    /// Where they are: [`ShardWorker::open`] and [`ShardWorker::measure`] read them there.
    pub folder: PathBuf,
    pub count: usize,
}

/// Writes the rows of a new run folder, for `conclude`. `distribute` has all shards measured, and
/// returns what [`ShardWorker::measure`] returned of each, in their order.
///
/// # Errors
/// As of [`super::measure_only`]; when a shard is missing or of another run.
pub fn measure_shards<I>(
    plan: &Plan,
    observer: &dyn Observer,
    distribute: impl FnOnce(&Shards) -> Result<I>,
) -> Result<(PathBuf, MeasureRecord)>
where
    I: Iterator<Item = Result<Vec<u8>>>,
{
    let start = Instant::now();
    let prepared = Prepared::new(plan, observer)?;
    let home = plan.run.out.join(&plan.name);
    let _lock = take_lock(&home, observer)?;
    history::remove_incomplete(&home);

    let (run_id, sequence) = history::next_run(&home);
    let identity = prepared.identity(run_id, sequence);
    let mut folder = RunFolder::create(&home.join(&identity.run_id), &identity.audit_id)?;
    let mut totals = Totals::new(plan.run.seed);
    let context = AuditContext {
        plan,
        model: &prepared.model,
        labels: &prepared.labels,
        cache: None,
    };
    let shards = write_shards(
        &context,
        &prepared,
        observer,
        &folder,
        &identity.audit_id,
        &mut totals,
    )?;

    observer.stage("measure", Some(prepared.dataset.stats.found));
    let mut next = 0;
    for shard in distribute(&shards)? {
        let shard = MeasuredShard::read(&shard?, next, &identity.audit_id)?;
        folder.encoded_part(&shard.images, &shard.regions)?;
        totals.add_shard(shard);
        next += 1;
    }
    if next != shards.count {
        let count = shards.count;
        return Err(Error::new(format!("{next} of {count} shards came back")));
    }

    folder.table(&totals.skipped)?;
    folder.table(&totals.problems)?;
    std::fs::remove_dir_all(&shards.folder)
        .map_err(Error::cause(format!("remove {}", shards.folder.display())))?;
    let record = record(&context, &prepared.dataset, &totals, identity, start);
    folder.document(&record)?;
    remove_expired(plan, &home, folder.path(), observer);
    Ok((folder.path().to_path_buf(), record))
}

/// Reads the annotations, and writes the shards and the job into the run folder.
fn write_shards<'a>(
    context: &AuditContext<'a>,
    prepared: &Prepared<'_>,
    observer: &'a dyn Observer,
    folder: &RunFolder,
    audit_id: &str,
    totals: &mut Totals,
) -> Result<Shards> {
    let plan = context.plan;
    let dataset = &prepared.dataset;
    observer.stage("prescan", None);
    let (workers, _) = workers(&plan.run, context.model)?;
    let pool = WorkerPool::new(*context, workers, observer)?;
    let mut prescan = Prescan::new(context, &pool, dataset)?;
    place(context, &mut prescan, &pool, dataset, totals)?;
    let problems = dataset.stats.problems.iter().chain(&prescan.problems);
    totals.problems.extend(problems.map(problem_row));

    observer.stage("write shards", None);
    let mut count = 0;
    let mut samples = dataset.samples(context.labels, ImageBytes::Read)?;
    loop {
        let shard: Vec<_> = samples.by_ref().take(plan.run.shard_size).collect();
        if shard.is_empty() {
            break;
        }
        let images = brought(context, &prescan, shard);
        write(folder, &name(count), &images)?;
        count += 1;
    }

    let job = Job {
        pipeline_file: absolute(&plan.file)?,
        overrides: plan.overrides.clone(),
        audit_id: audit_id.to_owned(),
        labels: context.labels.clone(),
        prescan,
        facts: Facts::of(plan, context),
    };
    write(folder, JOB, &job)?;
    Ok(Shards {
        folder: folder.path().join(FOLDER),
        count,
    })
}

/// The images of a shard as they travel: presence and skips are known.
fn brought(
    context: &AuditContext<'_>,
    prescan: &Prescan,
    shard: Vec<Result<Sample, Skipped>>,
) -> Vec<Brought> {
    let mut images = Vec::new();
    for image in prepare(context, prescan, shard) {
        images.push(match image {
            Err(skipped) => Err(unmeasured(skipped.path, skipped.label, &skipped.skip).row),
            Ok((sample, _)) => match prescan.timeout(sample.id) {
                Some(skip) => Err(unmeasured(sample.path, Some(sample.label), skip).row),
                None => Ok(sample),
            },
        });
    }
    images
}

fn write<T: Serialize>(folder: &RunFolder, name: &str, value: &T) -> Result<()> {
    let bytes = postcard::to_stdvec(value).map_err(Error::cause(format!(
        "write the shard {name} of the dataset"
    )))?;
    folder.file(&format!("{FOLDER}/{name}"), &bytes)
}

fn read<T: for<'de> Deserialize<'de>>(file: &Path) -> Result<T> {
    let what = format!("read {}", file.display());
    let bytes = bounded::bytes(file, SHARD_BYTES_MAX).map_err(Error::cause(&what))?;
    postcard::from_bytes(&bytes).map_err(Error::cause(&what))
}

fn name(index: usize) -> String {
    format!("{index:05}")
}

fn absolute(file: &Path) -> Result<String> {
    let file = std::path::absolute(file).map_err(Error::cause(format!(
        "find the folder of {}",
        file.display()
    )))?;
    Ok(file.display().to_string())
}

impl Facts {
    fn of(plan: &Plan, context: &AuditContext<'_>) -> Self {
        Self {
            tool_version: env!("CARGO_PKG_VERSION").to_owned(),
            pipeline_hash: plan.hash.clone(),
            model_hash: context.model.hash.clone(),
            engine: context.model.engine_name.clone(),
            instruction_set: instruction_set().to_owned(),
        }
    }
}

impl MeasuredShard {
    fn read(bytes: &[u8], index: usize, audit_id: &str) -> Result<Self> {
        let shard: Self =
            postcard::from_bytes(bytes).map_err(Error::cause("read a measured shard"))?;
        if shard.index != index || shard.audit_id != audit_id {
            return Err(Error::new(format!(
                "shard {index} of the audit {audit_id} was expected, but shard {} of {} came",
                shard.index, shard.audit_id
            )));
        }
        Ok(shard)
    }
}

impl Totals {
    fn add_shard(&mut self, shard: MeasuredShard) {
        self.skipped.extend(shard.skipped);
        self.problems.extend(shard.problems);
        self.scored += shard.scored;
        self.turned += shard.turned;
        self.invariant_error = self.invariant_error.max(shard.invariant_error);
        self.timings.add(&shard.timings);
        if shard.slowest.0 > self.slowest.0 {
            self.slowest = shard.slowest;
        }
        self.content.update(shard.contents.as_bytes());
    }
}

/// Measures shards, on any machine that sees the run folder, the pipeline, the model and the
/// photos under the same paths.
pub struct ShardWorker {
    folder: PathBuf,
    audit_id: String,
    measurer: Measurer,
}

impl ShardWorker {
    /// Reads the job of a folder of shards and loads the model; `threads` workers, 0 = all cores.
    ///
    /// # Errors
    /// When pipeline, model, version or instruction set are not those that the run was started
    /// with.
    pub fn open(folder: &Path, threads: usize) -> Result<Self> {
        let job: Job = read(&folder.join(JOB))?;
        let there = &job.facts;
        check_equal("version", env!("CARGO_PKG_VERSION"), &there.tool_version)?;
        let mut plan = Plan::load(Path::new(&job.pipeline_file), &job.overrides)?;
        check_equal("pipeline", &plan.hash, &there.pipeline_hash)?;
        plan.run.jobs = threads;

        let measurer = Measurer::new(plan, job.prescan, |_, _| Ok(job.labels))?;
        let context = measurer.context();
        let here = Facts::of(context.plan, context);
        check_equal("model", &here.model_hash, &there.model_hash)?;
        check_equal("engine", &here.engine, &there.engine)?;
        check_equal(
            "instruction set",
            &here.instruction_set,
            &there.instruction_set,
        )?;
        Ok(Self {
            folder: folder.to_path_buf(),
            audit_id: job.audit_id,
            measurer,
        })
    }

    /// Measures one shard; the bytes are for `distribute` of [`measure_shards`].
    ///
    /// # Errors
    /// When the shard cannot be read, or the logit invariant is violated.
    pub fn measure(&self, index: usize) -> Result<Vec<u8>> {
        let images: Vec<Brought> = read(&self.folder.join(name(index)))?;
        let plan = self.measurer.context().plan;
        let measured = self.measurer.measure(images)?;
        let mut contents = String::new();
        for image in measured.iter().flatten() {
            contents += &image.measurement.image.content_hash;
        }

        let mut totals = Totals::new(plan.run.seed);
        let part = totals.add(measured, plan);
        let footer = runs::folder::footer(&self.audit_id);
        let what = format!("encode shard {index} as Parquet");
        let shard = MeasuredShard {
            index,
            audit_id: self.audit_id.clone(),
            images: encode(&part.images, &footer).map_err(Error::cause(&what))?,
            regions: encode(&part.regions, &footer).map_err(Error::cause(&what))?,
            skipped: totals.skipped,
            problems: totals.problems,
            scored: totals.scored,
            turned: totals.turned,
            invariant_error: totals.invariant_error,
            timings: totals.timings,
            slowest: totals.slowest,
            contents,
        };
        postcard::to_stdvec(&shard).map_err(Error::cause(format!("write shard {index}")))
    }
}
