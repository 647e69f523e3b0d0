//! The conductor of a run: shards through the workers to one writer, then the figures, then `run.json`, last.

use super::crew::Crew;
use super::image::{Auditor, Failure, Scored};
use super::limits::workers;
use super::prove::Prover;
use super::see::Worker;
use super::survey::Survey;
use super::totals::{Part, Totals, Unscored, problem_row, stages};
use crate::dataset::{Dataset, LabelMap, Lost, Noted, Sample, lacking};
use crate::error::{Error, Result, Skip, Stage};
use crate::evidence::Pair;
use crate::model::{Model, machine};
use crate::plan::{Plan, Severity};
use crate::record::{ClassRow, FindingRow, SkipRow};
use crate::report::{self, Counts, Exhibit, RunRecord, review, review::Decision};
use crate::store::{Cache, Lock, Store};
use crate::verdict;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, sync_channel};
use std::time::{Duration, Instant};

/// Somebody who watches a run.
pub trait Observer: Sync {
    /// A stage begins; `total` images lie ahead where that is known.
    fn stage(&self, name: &str, total: Option<usize>);
    /// One more image is done.
    fn image(&self, skipped: Option<&SkipRow>);
    fn warning(&self, message: &str);
    /// Whether somebody asked the run to stop.
    fn stopped(&self) -> bool {
        false
    }
}

/// How a run ended.
pub struct Outcome {
    pub folder: PathBuf,
    pub record: RunRecord,
    pub summary: report::Summary,
    /// Open findings that are confirmed and were not in the run before.
    pub new_confirmed: usize,
    /// Why the run must not be relied on, though its files are there: more images were skipped than `run.max_skipped`
    /// allows.
    pub refused: Option<Error>,
}

/// Runs a plan from the walk to `run.json`.
///
/// # Errors
/// When the plan, the model or the dataset cannot be used, the disk fails, or the logit invariant is violated.
pub fn run(plan: &Plan, observer: &dyn Observer) -> Result<Outcome> {
    let start = Instant::now();
    let decisions = plan
        .review
        .decisions
        .as_deref()
        .map(review::read)
        .transpose()?
        .unwrap_or_default();
    observer.stage("load model", None);
    let model = Auditor::load_model(plan)?;
    observer.stage("walk dataset", None);
    let dataset = Dataset::open(&plan.dataset, plan.run.limit, plan.run.seed)?;
    let labels = LabelMap::new(plan, dataset.listing.labels.keys(), model.facts.classes)?;
    let audit_id = audit_id(plan, &model, &dataset);
    let home = plan.run.out.join(&plan.name);
    let _lock = Lock::take(&home)?;
    report::nights::sweep(&home);
    let run_id = report::run_id(&home);
    let mut store = Store::create(&home.join(&run_id), &audit_id)?;
    observer.stage("audit", Some(dataset.listing.found));
    let mut cache = open_cache(plan, &model, &home, observer);
    let mut auditor = Auditor {
        plan,
        model: &model,
        labels: &labels,
        survey: Survey::default(),
        cache: cache.as_ref(),
    };
    let (jobs, fewer) = workers(&plan.run, &model)?;
    fewer.iter().for_each(|message| observer.warning(message));
    let crew = Crew::new(jobs, observer)?;
    auditor.survey = Survey::new(&auditor, &crew, &dataset)?;
    let mut totals = audit_all(&auditor, &crew, &dataset, &mut store, observer)?;
    let rows = totals.classes.rows(&labels);
    store.table(&totals.skipped)?;
    store.table(&totals.problems)?;
    store.table(&rows)?;
    store.table(&totals.evidence.group_duplicates())?;
    observer.stage("prove", None);
    let (findings, exhibits) = judge(&auditor, &crew, &dataset, &totals, &rows, &decisions)?;
    auditor.cache.iter().for_each(|cache| crew.keep(cache));
    observer.stage("summarise", None);
    store.table(&findings)?;
    keep(&store, exhibits)?;
    let (images, correct) = totals.classes.totals();
    let mut record = RunRecord {
        run_id,
        audit_id,
        engine: model.engine_name.clone(),
        pipeline_hash: plan.hash.clone(),
        pipeline: plan.name.clone(),
        model_hash: model.hash.clone(),
        model: model.facts.clone(),
        dataset_fingerprint: dataset.listing.fingerprint.clone(),
        content_fingerprint: totals.content.finalize().to_hex().to_string(),
        counts: Counts::new(
            &dataset.listing,
            totals.scored,
            &totals.skipped,
            &totals.problems,
        ),
        limit: plan.run.limit,
        verdicts: report::verdict_counts(&findings),
        top1_accuracy: f64::from(correct) / f64::from(images.max(1)),
        invariant_error_max: totals.invariant_error,
        stages_ms: stages(&totals),
        slowest_image: totals.slowest.1,
        slowest_image_ms: totals.slowest.0.as_secs_f64() * 1e3,
        wall_s: start.elapsed().as_secs_f64(),
        pipeline_file: plan.file.display().to_string(),
        overrides: plan.overrides.clone(),
        decisions: plan
            .review
            .decisions
            .as_ref()
            .map(|file| file.display().to_string()),
        images_per_s: totals.scored as f64 / start.elapsed().as_secs_f64(),
        ..RunRecord::default()
    };
    let night = report::nights::compare(&home, &record, &findings);
    let new_confirmed = night.new_confirmed(&findings);
    store.file("changes.json", to_json(&night).as_bytes())?;
    let refused = too_many_skipped(plan, &record.counts, store.folder());
    record.refused = refused.is_some();
    let mut summary = report::Summary::new(
        plan,
        record.clone(),
        &rows,
        findings,
        decisions,
        model.facts.classes,
    );
    summary.warnings.extend(lacking(plan, &dataset.listing));
    if record.counts.found != dataset.listing.found {
        let (now, first) = (record.counts.found, dataset.listing.found);
        summary.warnings.push(format!(
            "the dataset changed during the run: {first} images at first, {now} in the end"
        ));
    }
    summary.warnings.iter().for_each(|w| observer.warning(w));
    store.file("summary.json", summary.to_json().as_bytes())?;
    store.file("summary.md", summary.to_markdown().as_bytes())?;
    store.file(
        "report.html",
        report::page(store.folder(), plan.report.pictures_max)?.as_bytes(),
    )?;
    store.file("run.json", record.to_json().as_bytes())?;
    if !plan.run.trial || report::nights::same_limit(&home, &record) {
        store.publish()?;
    }
    for old in report::nights::surplus(&home, &plan.retention) {
        if let Err(e) = report::nights::remove(&old) {
            observer.warning(&format!(
                "failed to remove the old run {}: {e}",
                old.display()
            ));
        }
    }
    drop((crew, auditor));
    if let Some(cache) = &mut cache {
        cache.forget(plan.run.cache_max);
        cache.failure().iter().for_each(|e| {
            observer.warning(&format!(
                "the cache failed ({e}); the run went on without it"
            ))
        });
    }
    let folder = store.folder().to_path_buf();
    Ok(Outcome {
        folder,
        record,
        summary,
        new_confirmed,
        refused,
    })
}

/// The cache beside the runs, for this model, transform, engine and machine.
fn open_cache(plan: &Plan, model: &Model, home: &Path, observer: &dyn Observer) -> Option<Cache> {
    if plan.run.cache_max == 0 {
        return None;
    }
    let transform = format!(
        "{:?} near-duplicates {}",
        plan.preprocess, plan.dataset.near_duplicates
    );
    let activation = format!("{:?}", model.activation);
    let scope = [
        &model.hash,
        &transform,
        &activation,
        &model.engine_name,
        env!("CARGO_PKG_VERSION"),
        machine(),
    ];
    let (cache, warning) = Cache::open(&home.join("cache.redb"), &scope);
    warning.iter().for_each(|w| observer.warning(w));
    cache
}

/// The findings of a run, decided ones marked, and the pictures of those that are told.
fn judge<'a>(
    auditor: &Auditor<'a>,
    crew: &Crew<'a>,
    dataset: &Dataset,
    totals: &Totals,
    rows: &[ClassRow],
    decisions: &[Decision],
) -> Result<(Vec<FindingRow>, Vec<Exhibit>)> {
    let (policy, evidence) = (&auditor.plan.verdict, &totals.evidence);
    let mut pairs = evidence.pairs(&(*policy).into());
    let candidates = verdict::candidates(rows, &pairs, policy);
    let prover = Prover {
        auditor,
        crew,
        dataset,
        evidence,
    };
    let mut exhibits = prover.prove(&mut pairs, &candidates)?;
    let mut findings = verdict::findings(rows, &pairs, policy);
    for (region, effects) in prover.overlays()? {
        findings.extend(verdict::overlay(&region, &effects, auditor.labels, policy));
    }
    let framed = verdict::least_on_objects(rows, policy);
    findings.extend(verdict::surroundings(
        &prover.contexts(&framed)?,
        rows,
        policy,
    ));
    verdict::sort(&mut findings);
    for finding in &mut findings {
        let own = auditor
            .plan
            .regions
            .iter()
            .find(|r| r.name == finding.region);
        finding.declared = own.map(|r| r.hash.clone());
    }
    review::apply(
        &mut findings,
        decisions,
        auditor.plan.review.margin,
        jiff::Zoned::now().date(),
    );
    let mut told: Vec<&FindingRow> = findings
        .iter()
        .filter(|f| !verdict::more_serious(verdict::DATA_RISK, &f.verdict))
        .collect();
    // Pictures are bounded: what is decided comes last.
    told.sort_by_key(|f| !f.open);
    let context: Vec<&FindingRow> = told
        .iter()
        .copied()
        .filter(|f| f.region == verdict::SURROUNDINGS)
        .collect();
    exhibits.extend(super::exhibits::surroundings(&prover, &context)?);
    let laid: Vec<&FindingRow> = told
        .iter()
        .copied()
        .filter(|f| f.kind == "overlay")
        .collect();
    exhibits.extend(prover.show_overlays(&laid)?);
    let pair = |f: &FindingRow| {
        pairs
            .iter()
            .find(|p| p.label == f.label && p.region == f.region)
    };
    let told: Vec<&Pair> = told.into_iter().filter_map(pair).collect();
    exhibits.extend(super::exhibits::exhibits(&prover, &totals.classes, &told)?);
    Ok((findings, exhibits))
}

/// The pictures, and `exhibits.json`, which says what they show.
fn keep(store: &Store, mut exhibits: Vec<Exhibit>) -> Result<()> {
    report::number(&mut exhibits);
    exhibits
        .iter()
        .flat_map(|e| &e.panels)
        .try_for_each(|p| store.file(&p.file, &p.jpeg))?;
    store.file("exhibits.json", to_json(&exhibits).as_bytes())
}

fn to_json<T: serde::Serialize>(value: &T) -> String {
    serde_json::to_string_pretty(value).unwrap_or_default() + "\n"
}

fn too_many_skipped(plan: &Plan, counts: &Counts, folder: &Path) -> Option<Error> {
    let part = counts.skipped as f64 / counts.found as f64;
    if part <= plan.run.max_skipped && counts.scored > 0 {
        return None;
    }
    let allowed = if counts.scored == 0 {
        "none could be scored".to_owned()
    } else {
        format!("run.max_skipped allows {} %", plan.run.max_skipped * 100.0)
    };
    let reasons: Vec<String> = counts
        .skipped_by_reason
        .iter()
        .map(|(r, n)| format!("{n} {r}"))
        .collect();
    Some(Error::too_many_skipped(format!(
        "{} of {} images were skipped ({}), {allowed}; see {}",
        counts.skipped,
        counts.found,
        reasons.join(", "),
        folder.join("skipped.parquet").display()
    )))
}

/// The shard loop. Workers take the images of a shard in any order; rows leave in the order of the dataset.
fn audit_all<'a>(
    auditor: &Auditor<'a>,
    crew: &Crew<'a>,
    dataset: &Dataset,
    store: &mut Store,
    observer: &dyn Observer,
) -> Result<Totals> {
    let mut samples = dataset.samples(auditor.labels)?;
    let problems = dataset.listing.problems.iter().map(problem_row).collect();
    let mut totals = Totals {
        problems,
        ..Totals::default()
    };
    totals.evidence.seed = auditor.plan.run.seed;
    totals.stored = std::thread::scope(|scope| {
        let (parts, receiver) = sync_channel::<Part>(1);
        let writer = scope.spawn(move || write_parts(store, auditor.cache, &receiver));
        loop {
            let shard: Vec<_> = samples.by_ref().take(auditor.plan.run.shard_size).collect();
            if shard.is_empty() {
                break;
            }
            let audited = crew.each(auditor, shard, |worker, sample| {
                audit_one(auditor, worker, sample, observer)
            })?;
            let part = totals.add(audited, auditor.plan);
            if parts.send(part).is_err() {
                break;
            }
        }
        drop(parts);
        writer
            .join()
            .unwrap_or_else(|_| Err(Error::new("the writer thread died")))
    })?;
    Ok(totals)
}

/// The time it took. What is kept of the images goes first: a run that is killed in between writes the rows again, from memory.
fn write_parts(
    store: &mut Store,
    cache: Option<&Cache>,
    parts: &Receiver<Part>,
) -> Result<Duration> {
    let mut took = Duration::ZERO;
    for part in parts {
        let start = Instant::now();
        cache
            .iter()
            .for_each(|cache| cache.keep(&part.fresh, &part.used));
        store.part(&part.images, &part.regions)?;
        took += start.elapsed();
    }
    Ok(took)
}

/// One image to its rows, or to what became of it instead.
fn audit_one(
    auditor: &Auditor<'_>,
    worker: &mut Worker<'_>,
    sample: std::result::Result<Sample, Lost>,
    observer: &dyn Observer,
) -> Result<std::result::Result<Scored, Unscored>> {
    let result = match sample {
        Err(lost) => Err((skip_row(lost.path, lost.label, &lost.skip), Vec::new())),
        Ok(mut sample) => {
            auditor.survey.annotate(&auditor.plan.regions, &mut sample);
            let lost = auditor.survey.lost(&sample.id).cloned().map(Failure::Skip);
            match lost.map_or_else(|| auditor.audit(worker, &mut sample), Err) {
                Ok(scored) => Ok(scored),
                Err(Failure::Skip(skip)) => {
                    Err((skip_row(sample.path, Some(sample.label), &skip), Vec::new()))
                }
                Err(Failure::Unfit(noted)) => {
                    Err((unfit_row(sample.path, sample.label, &noted), noted))
                }
                Err(Failure::Stop(error)) => return Err(error),
            }
        }
    };
    observer.image(result.as_ref().err().map(|(skip, _)| skip));
    Ok(result)
}

fn skip_row(path: String, label: Option<String>, skip: &Skip) -> SkipRow {
    let (stage, reason) = (skip.stage.name().to_owned(), skip.reason.to_owned());
    SkipRow {
        path,
        label,
        stage,
        reason,
        message: skip.message.clone(),
    }
}

fn unfit_row(path: String, label: String, noted: &[Noted]) -> SkipRow {
    let first = noted.iter().find(|n| n.severity == Severity::Skip);
    let (reason, message) = first.map_or(("unfit", String::new()), |n| (n.code, n.message.clone()));
    skip_row(
        path,
        Some(label),
        &Skip::new(Stage::Annotation, reason, message),
    )
}

/// Names the audit by what decides its result: plan, model, dataset, engine, instruction set and tool.
fn audit_id(plan: &Plan, model: &Model, dataset: &Dataset) -> String {
    let mut hasher = blake3::Hasher::new();
    let facts = [
        &plan.hash,
        &model.hash,
        &dataset.listing.fingerprint,
        &model.engine_name,
    ];
    for part in facts
        .map(String::as_str)
        .into_iter()
        .chain([machine(), env!("CARGO_PKG_VERSION")])
    {
        hasher.update(part.as_bytes()).update(b"\n");
    }
    hasher.finalize().to_hex()[..32].to_owned()
}
