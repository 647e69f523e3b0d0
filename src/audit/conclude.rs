//! `conclude`: the rows of a run -> evidence -> experiments -> findings -> documents and report.
//! `run.json` is written last.

use super::class_figures::class_figures;
use super::context::AuditContext;
use super::discovery::{Search, discover};
use super::experiments::Experiments;
use super::figures::{pair_figures, shown_parts, surroundings_figures};
use super::intervention::InterventionRunner;
use super::pool::WorkerPool;
use super::totals::Sums;
use crate::dataset::Dataset;
use crate::error::Result;
use crate::evidence::Pair;
use crate::finding::{Finding, FindingKind};
use crate::plan::Plan;
use crate::report::{self, ModelClasses};
use crate::runs::clock;
use crate::runs::concepts::concepts;
use crate::runs::documents::{
    Changes, Document, Figure, Figures, MeasureRecord, RunIdentity, RunRecord, Summary,
};
use crate::runs::folder::RunFolder;
use crate::runs::history;
use crate::runs::patterns::Patterns;
use crate::runs::review::{self, Decision};
use crate::tables::{ClassRow, FindingRow, SCHEMA_VERSION};
use crate::verdict;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Instant;

/// Rows of `findings.parquet` that are in memory at once.
const ROW_GROUP: usize = 16_384;

/// How a run ended.
pub struct Outcome {
    pub folder: PathBuf,
    pub record: RunRecord,
    pub summary: Summary,
    pub changes: Changes,
    /// Open findings that are confirmed and were not in the last run.
    pub new_confirmed: usize,
    /// Why the run is not reliable, though its files are there: more images were skipped than
    /// `run.max_skipped` allows.
    pub refused: Option<String>,
}

/// What a conclusion is made of.
pub struct Conclusion<'c> {
    pub folder: &'c RunFolder,
    pub identity: RunIdentity,
    pub measured: &'c MeasureRecord,
    pub sums: Sums,
    pub dataset: &'c Dataset,
    pub decisions: Vec<Decision>,
    /// When the conclusion started.
    pub start: Instant,
}

/// Makes findings of the sums of a run, and writes its documents.
///
/// # Errors
/// When the dataset can no longer be read, the disk fails, or the run is asked to stop.
pub fn conclude<'a>(
    context: &AuditContext<'a>,
    pool: &WorkerPool<'a>,
    mut conclusion: Conclusion<'_>,
) -> Result<Outcome> {
    let plan = context.plan;
    let folder = conclusion.folder;
    let classes = conclusion.sums.classes.rows(context.labels);
    folder.table_in_groups(classes.chunks(ROW_GROUP).map(<[ClassRow]>::to_vec))?;
    let duplicates = conclusion.sums.evidence.group_duplicates();
    folder.table(&duplicates)?;

    pool.observer.stage("experiments", None);
    let Decided {
        findings,
        figures,
        scope,
        lost,
    } = decide(context, pool, &conclusion, &classes)?;
    pool.write_cache();

    pool.observer.stage("summarise", None);
    write_findings(folder, &findings)?;
    write_figures(folder, figures)?;

    let record = record(plan, &conclusion, &findings);
    let home = folder.path().parent().unwrap_or(Path::new("."));
    let (mut changes, mut history_warnings) = history::compare(home, &record, &findings);
    changes.drops = history::lost_images(home, &record, &classes, plan.run.max_drop);
    history_warnings.extend(changes.drops.clone());
    folder.document(&changes)?;

    let new_confirmed = changes.new_confirmed(&findings);
    let of_model = ModelClasses {
        count: context.model.facts.classes,
        pooled: context.labels.pooled_labels(),
    };
    let unmatched = review::unmatched(&conclusion.decisions, &findings);
    let decisions = conclusion.decisions;
    let mut summary = report::summary(plan, &record, &classes, &findings, decisions, &of_model);
    summary
        .warnings
        .extend(conclusion.measured.warnings.clone());
    summary.scope = scope;
    let splits = conclusion.sums.splits.rows(context.labels);
    summary.splits = report::split_summaries(&summary.classes, &splits);
    summary.warnings.extend(lost_warning(lost));
    summary.warnings.extend(unmatched);
    for warning in summary.warnings.iter().chain(&history_warnings) {
        pool.observer.warning(warning);
    }
    let pipeline_file = &record.identity.pipeline_file;
    write_summary(plan, folder, &summary, &changes, pipeline_file)?;
    folder.document(conclusion.measured)?;
    folder.document(&record)?;

    Ok(Outcome {
        folder: folder.path().to_path_buf(),
        refused: refused(&summary, folder.path()),
        record,
        summary,
        changes,
        new_confirmed,
    })
}

/// What a run found.
struct Decided {
    /// Most serious first.
    findings: Vec<Finding>,
    figures: Vec<Figure>,
    /// What was looked at, in sentences.
    scope: Vec<String>,
    /// Photos that could take no part.
    lost: usize,
}

/// Chooses and runs the experiments, searches for what nobody declared, and makes findings.
fn decide<'a>(
    context: &AuditContext<'a>,
    pool: &WorkerPool<'a>,
    conclusion: &Conclusion<'_>,
    labels: &[ClassRow],
) -> Result<Decided> {
    let policy = &context.plan.verdict;
    let evidence = &conclusion.sums.evidence;
    let classes = conclusion.sums.classes.pooled_rows(context.labels);
    let mut pairs = evidence.pairs(&context.labels.pooled_names(), policy);
    let experiments = Experiments::choose(context, evidence, &classes, &pairs);
    let samples = experiments.fetch(context, pool, conclusion.dataset, conclusion.folder.path())?;
    let runner = InterventionRunner {
        context,
        pool,
        experiments: &experiments,
        samples: &samples,
    };

    pool.observer
        .parts(experiments.tests(context.plan), "tests");
    let mut figures = runner.test_pairs(&mut pairs)?;
    let mut findings = verdict::findings(&classes, labels, &pairs, policy);
    for (region, effects) in runner.overlays()? {
        let of_overlay = verdict::overlay_findings(&region, &effects, context.labels, policy);
        findings.extend(of_overlay);
    }
    let surroundings = runner.surroundings()?;
    findings.extend(verdict::surroundings_findings(
        &surroundings,
        &classes,
        policy,
    ));
    let discovered = discover(&Search {
        context,
        pool,
        dataset: conclusion.dataset,
        folder: conclusion.folder,
        home: conclusion.folder.path().parent().unwrap_or(Path::new(".")),
        evidence,
        only: None,
        declared: Some(&findings),
    })?;
    findings.extend(discovered.findings);
    figures.extend(discovered.figures);
    verdict::sort(&mut findings);
    declare(&mut findings, context.plan);

    let today = clock::today();
    let margin = context.plan.review.margin;
    review::apply(&mut findings, &conclusion.decisions, margin, today);

    // Decided findings come last: the pictures are bounded.
    let mut reported: Vec<&Finding> = findings
        .iter()
        .filter(|finding| finding.verdict.is_reported())
        .collect();
    reported.sort_by_key(|finding| !finding.review.open);

    pool.observer.stage("pictures", None);
    let of_surroundings = of_kind(&reported, FindingKind::Surroundings);
    let shown = indices(&reported, &pairs);
    let parts = shown_parts(&runner, [of_surroundings.len(), shown.len()]);
    pool.observer.parts(parts, "findings and classes");
    figures.extend(surroundings_figures(&runner, &of_surroundings)?);
    figures.extend(runner.overlay_figures(&of_kind(&reported, FindingKind::Overlay))?);
    let classes = &conclusion.sums.classes;
    figures.extend(pair_figures(&runner, classes, &pairs, &shown)?);
    figures.extend(class_figures(&runner, classes)?);
    Ok(Decided {
        findings,
        figures,
        scope: discovered.scope,
        lost: samples.lost() + discovered.lost,
    })
}

/// Photos that were measured and could take no part in experiments.
fn lost_warning(lost: usize) -> Option<String> {
    (lost > 0).then(|| {
        format!(
            "{lost} photos of the experiments are missing, unreadable or no longer the ones that \
             were measured; they take no part"
        )
    })
}

/// Adds the hash of the region's declaration to each finding.
fn declare(findings: &mut [Finding], plan: &Plan) {
    let mut hashes: BTreeMap<&str, &String> = BTreeMap::new();
    for region in &plan.regions {
        hashes.entry(&region.name).or_insert(&region.hash);
    }
    for finding in findings {
        let hash = hashes.get(finding.region.as_str());
        finding.declared = hash.map(|hash| (*hash).clone());
    }
}

fn of_kind<'f>(findings: &[&'f Finding], kind: FindingKind) -> Vec<&'f Finding> {
    let of_kind = findings.iter().filter(|finding| finding.kind() == kind);
    of_kind.copied().collect()
}

/// The pairs of the findings, in their order.
fn indices(findings: &[&Finding], pairs: &[Pair]) -> Vec<usize> {
    let mut by_name: BTreeMap<(u32, &str), usize> = BTreeMap::new();
    for (index, pair) in pairs.iter().enumerate() {
        by_name.insert((pair.class, &pair.region), index);
    }
    let mut indices = Vec::new();
    for finding in findings {
        let key = (finding.class, finding.region.as_str());
        indices.extend(by_name.get(&key));
    }
    indices
}

/// `findings.parquet`, group by group: a large table is not in memory as rows at once.
fn write_findings(folder: &RunFolder, findings: &[Finding]) -> Result<()> {
    let groups = findings.chunks(ROW_GROUP).map(|group| {
        let rows = group
            .iter()
            .map(|finding| FindingRow::new(finding, report::sentence(finding)));
        rows.collect::<Vec<_>>()
    });
    folder.table_in_groups(groups)
}

/// The pictures, and `figures.json`, which says what they show.
fn write_figures(folder: &RunFolder, mut figures: Vec<Figure>) -> Result<()> {
    report::name_files(&mut figures);
    for panel in figures.iter().flat_map(|figure| &figure.panels) {
        folder.file(&panel.file, &panel.jpeg)?;
    }
    folder.document(&Figures {
        schema_version: SCHEMA_VERSION,
        figures,
    })
}

fn record(plan: &Plan, conclusion: &Conclusion<'_>, findings: &[Finding]) -> RunRecord {
    let measured = conclusion.measured;
    let counts = &measured.facts.counts;
    let (images, correct) = conclusion.sums.classes.totals();
    let is_other_run = conclusion.identity.run_id != measured.identity.run_id;
    let wall_s = measured.facts.measure_s + conclusion.start.elapsed().as_secs_f64();
    let decisions = plan.review.decisions.as_ref();

    RunRecord {
        schema_version: SCHEMA_VERSION,
        tool_version: env!("CARGO_PKG_VERSION").to_owned(),
        identity: conclusion.identity.clone(),
        facts: measured.facts.clone(),
        rows_of: is_other_run.then(|| measured.identity.run_id.clone()),
        refused: counts.refusal(plan.run.max_skipped).is_some(),
        verdicts: verdict::count_verdicts(findings),
        top1_accuracy: f64::from(correct) / f64::from(images.max(1)),
        wall_s,
        images_per_s: counts.scored as f64 / wall_s,
        decisions: decisions.map(|file| absolute(file).display().to_string()),
    }
}

/// The path from the root, so that it holds in every folder; as it is where there is no such.
fn absolute(file: &Path) -> PathBuf {
    std::path::absolute(file).unwrap_or_else(|_| file.to_path_buf())
}

fn write_summary(
    plan: &Plan,
    folder: &RunFolder,
    summary: &Summary,
    changes: &Changes,
    pipeline_file: &str,
) -> Result<()> {
    folder.document(summary)?;
    folder.file("summary.md", report::markdown(summary).as_bytes())?;
    let page = report_page(
        folder.path(),
        summary,
        changes,
        pipeline_file,
        plan.report.figure_bytes_max,
    )?;
    folder.file("report.html", page.as_bytes())
}

/// `report.html` from the documents and pictures of a run folder.
///
/// # Errors
/// When `figures.json` cannot be read, or the page cannot be rendered.
pub fn report_page(
    run: &Path,
    summary: &Summary,
    changes: &Changes,
    pipeline_file: &str,
    picture_bytes_max: usize,
) -> Result<String> {
    let figures = Figures::read(run)?;
    // The name of the folder is the time, and `latest` is none.
    let named = run.canonicalize().unwrap_or_else(|_| run.to_path_buf());
    // Runs without a search have none.
    let mut patterns = Vec::new();
    if run.join(Patterns::FILE).is_file() {
        patterns = Patterns::read(run)?.patterns;
    }
    report::page(&report::PageInput {
        summary,
        changes,
        figures: &figures,
        patterns: &patterns,
        concepts: &concepts(run)?,
        started_at: &history::started_at(&named),
        pipeline_file,
        pictures: &|file| read_picture(&run.join(file)),
        picture_bytes_max,
    })
}

/// The bytes of a picture; `None` for anything but a regular file: a run folder may come from
/// elsewhere, and a link could lead to any file of this machine.
pub fn read_picture(file: &Path) -> Option<Vec<u8>> {
    let metadata = std::fs::symlink_metadata(file).ok()?;
    if !metadata.is_file() {
        return None;
    }
    std::fs::read(file).ok()
}

/// The refusal with the file that says more.
fn refused(summary: &Summary, folder: &Path) -> Option<String> {
    let refused = summary.refused.as_ref()?;
    let skipped = folder.join("skipped.parquet");
    Some(format!("{refused}; see {}", skipped.display()))
}
