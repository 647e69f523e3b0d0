//! The cards of the report: one for each reported finding, with its figures and pictures.

use super::anchor::anchor;
use super::changes::change_text;
use super::charts::{Chart, charts, spark_line};
use super::effect_text::effect_text;
use super::found_pattern::{FoundPattern, found_pattern};
use super::image_budget::ImageBudget;
use super::property_spread::{Spread, spread};
use super::sentences::sentence;
use super::strips::{Strip, strips};
use super::text::thousands;
use super::unmet::unmet_text;
use crate::finding::{
    ChangeState, EffectUnit, FigureRole, Finding, FindingKind, FindingOrigin, PresenceCounts,
    RegionHeat, ReopenReason, ReviewDecision, Severity, Verdict,
};
use crate::runs::diff::Change;
use crate::runs::documents::{Changes, Figure, RateThresholds, Summary};
use crate::runs::images::Measure;
use crate::runs::patterns::Pattern;
use serde::Serialize;
use std::collections::BTreeMap;

/// A region of which the model sees at least this fraction counts as seen completely.
const FULLY_VISIBLE: f64 = 0.95;

/// A reported finding: what the list, the bar and `review.csv` need of it.
#[derive(Serialize)]
pub struct Card<'a> {
    label: &'a str,
    region: &'a str,
    /// Names the card in links to it.
    anchor: String,
    kind: FindingKind,
    verdict: Verdict,
    severity: Option<Severity>,
    severity_words: Option<String>,
    effect: Option<f64>,
    effect_unit: EffectUnit,
    /// The effect for people.
    number: String,
    sentence: String,
    /// What was decided in earlier runs.
    decision: Option<&'static str>,
    declared: Option<&'a str>,
    reopened: Option<&'static str>,
    change: Option<ChangeLine>,
    pub is_open: bool,
    #[serde(skip)]
    pub detail: CardDetail<'a>,
}

/// What is shown of a finding once its card is open.
///
/// The page reads the details of a card when it opens: those of thousands of findings are most of
/// the page.
#[derive(Serialize)]
pub struct CardDetail<'a> {
    not_tested: Option<String>,
    /// Why the verdict is not a more serious one.
    unmet: Vec<String>,
    charts: Vec<Chart>,
    /// How the values of a property are spread.
    spread: Option<Spread>,
    /// Where a found region is, and how a pipeline declares it.
    found: Option<FoundPattern>,
    /// Points of a line through the effects of the last runs.
    trend: Option<String>,
    /// Limits of the figures.
    notes: Vec<String>,
    strips: Vec<Strip<'a>>,
    /// An image to explain, relative to the dataset's root.
    example: Option<&'a str>,
    /// The figure by which `camaudit gallery` sorts the images of the region; `None` where the rows
    /// have no figures of it.
    gallery_sort: Option<&'static str>,
}

#[derive(Serialize)]
pub struct ChangeLine {
    state: ChangeState,
    reason: String,
}

/// The documents that cards are made of.
pub struct CardSources<'a> {
    pub summary: &'a Summary,
    pub changes: &'a Changes,
    pub figures: &'a [Figure],
    /// What the search for undeclared regions found.
    pub patterns: &'a [Pattern],
    pub pictures: &'a dyn Fn(&str) -> Option<Vec<u8>>,
}

/// Label and region.
type Pair<'a> = (&'a str, &'a str);

/// The sources by label and region.
struct Lookup<'a> {
    changes: BTreeMap<Pair<'a>, &'a Change>,
    figures: BTreeMap<Pair<'a>, Vec<&'a Figure>>,
    patterns: &'a [Pattern],
    trends: &'a BTreeMap<String, Vec<Option<f64>>>,
    thresholds: Option<RateThresholds>,
    /// Cells of a map.
    cells: usize,
}

/// One card for each reported finding, the open ones first: they take the budget of pictures first.
pub fn cards<'a>(sources: &CardSources<'a>, budget: &mut ImageBudget) -> Vec<Card<'a>> {
    let lookup = Lookup::new(sources);
    let findings = sources.summary.findings.iter();
    let mut reported: Vec<&Finding> = findings.filter(|f| f.verdict.is_reported()).collect();
    reported.sort_by_key(|finding| !finding.review.open);

    let mut cards = Vec::new();
    for finding in reported {
        let figures = lookup.figures_of(finding);
        let strips = strips(&figures, sources.pictures, budget);
        cards.push(card(finding, &figures, &lookup, strips));
    }
    cards
}

fn pair_of(finding: &Finding) -> Pair<'_> {
    (&finding.label, &finding.region)
}

impl<'a> Lookup<'a> {
    fn new(sources: &CardSources<'a>) -> Self {
        let mut figures: BTreeMap<Pair<'a>, Vec<&'a Figure>> = BTreeMap::new();
        for figure in sources.figures {
            let pair = (figure.label.as_str(), figure.region.as_str());
            figures.entry(pair).or_default().push(figure);
        }

        let mut changes = BTreeMap::new();
        for change in &sources.changes.changes {
            changes.insert((change.label.as_str(), change.region.as_str()), change);
        }

        Self {
            changes,
            figures,
            patterns: sources.patterns,
            trends: &sources.changes.trends,
            thresholds: sources.summary.thresholds,
            cells: sources.summary.model.cells,
        }
    }

    fn figures_of(&self, finding: &Finding) -> Vec<&'a Figure> {
        let figures = self.figures.get(&pair_of(finding));
        figures.cloned().unwrap_or_default()
    }

    fn found(&self, finding: &Finding) -> Option<FoundPattern> {
        let mut patterns = self.patterns.iter();
        let pattern = patterns.find(|pattern| pattern.name == finding.region)?;
        found_pattern(pattern)
    }

    fn trend_of(&self, finding: &Finding) -> Option<String> {
        let key = format!("{}\t{}", finding.label, finding.region);
        spark_line(self.trends.get(&key)?)
    }
}

fn card<'a>(
    finding: &'a Finding,
    figures: &[&'a Figure],
    lookup: &Lookup<'a>,
    strips: Vec<Strip<'a>>,
) -> Card<'a> {
    let change = lookup.changes.get(&pair_of(finding));
    let mut images = figures.iter().filter(|figure| !figure.path.is_empty());
    let first = images.clone().next();
    let example = images
        .find(|figure| figure.role == FigureRole::Strongest)
        .or(first);
    Card {
        label: &finding.label,
        region: &finding.region,
        anchor: anchor(&finding.label, &finding.region),
        kind: finding.kind(),
        verdict: finding.verdict,
        severity: finding.severity,
        severity_words: finding.severity_words(),
        effect: finding.effect,
        effect_unit: finding.effect_unit,
        number: effect_text(finding.kind(), finding.effect, finding.effect_unit),
        sentence: sentence(finding),
        decision: finding.review.decision.map(ReviewDecision::name),
        declared: finding.declared.as_deref(),
        reopened: finding.review.reopened.map(ReopenReason::name),
        change: change.map(|change| ChangeLine {
            state: change.state,
            reason: change_text(change),
        }),
        is_open: finding.review.open,
        detail: CardDetail {
            not_tested: finding.not_tested.map(|reason| reason.to_string()),
            unmet: finding.unmet.iter().map(unmet_text).collect(),
            charts: charts(finding, lookup.thresholds),
            spread: finding.property().and_then(spread),
            found: lookup.found(finding),
            trend: lookup.trend_of(finding),
            notes: notes(finding, lookup),
            strips,
            example: example.map(|figure| figure.path.as_str()),
            gallery_sort: gallery_sort(finding),
        },
    }
}

/// Images have figures of declared regions alone, and a contrast where B could be computed.
fn gallery_sort(finding: &Finding) -> Option<&'static str> {
    let is_declared = finding.origin == FindingOrigin::Declared;
    let evidence = finding.confounder().filter(|_| is_declared)?;
    Some(match evidence.contrast {
        Some(_) => Measure::Contrast.name(),
        None => Measure::Share.name(),
    })
}

/// Limits of the figures: parts of the region that the model does not see, a region smaller than a
/// cell of the map, no intervention.
fn notes(finding: &Finding, lookup: &Lookup<'_>) -> Vec<String> {
    let mut notes = Vec::new();
    notes.extend(origin_note(finding.origin).map(str::to_owned));
    if let Some(evidence) = finding.confounder() {
        notes.extend(unclear_note(&evidence.counts));
        notes.extend(visibility_note(&evidence.heat));
        notes.extend(resolution_note(&evidence.heat, lookup.cells));
        let intervention = evidence.intervention.as_ref();
        let insertion = intervention.and_then(|intervention| intervention.insertion);
        let removal = intervention.and_then(|intervention| intervention.removal);
        if insertion.is_none() && removal.is_none() {
            notes.push("Based on heat and counts alone; no image was edited to test it.".into());
        }
        if intervention.is_some_and(|intervention| intervention.hosts_trained_on) {
            notes.push(
                "The region was pasted on images that the model may have been trained on: too few \
                 are known to be of other splits."
                    .into(),
            );
        }
    }
    notes
}

/// How the region of a finding was found, where nobody declared it.
fn origin_note(origin: FindingOrigin) -> Option<&'static str> {
    match origin {
        FindingOrigin::Patch => Some(
            "Nobody declared this region: many images of the class repeat the picture. Look \
             whether it belongs to the object; an experiment cannot tell that.",
        ),
        FindingOrigin::Fixed => Some(
            "Nobody declared this region: at this place of the model's input many images of the \
             class show the same. Look whether it belongs to the object; an experiment cannot \
             tell that.",
        ),
        FindingOrigin::Declared | FindingOrigin::Property => None,
    }
}

/// Images in which the search may have missed the region.
fn unclear_note(counts: &PresenceCounts) -> Option<String> {
    let (unclear, missed) = (thousands(counts.unclear), thousands(counts.missed));
    (counts.unclear > 0).then(|| {
        format!(
            "{unclear} further images of the class match the picture worse than the threshold, and \
             better than half of the images of other classes: about {missed} of them show it. \
             Counts take all as without it; what the model does is compared without them."
        )
    })
}

fn visibility_note(heat: &RegionHeat) -> Option<String> {
    let visible = heat.visible.filter(|visible| *visible < FULLY_VISIBLE)?;
    let percent = 100.0 * visible;
    Some(format!(
        "The model sees {percent:.0} % of the region on average; \
         the preprocessing cuts off the rest."
    ))
}

fn resolution_note(heat: &RegionHeat, map_cells: usize) -> Option<String> {
    let cells = heat.area? * map_cells as f64;
    (cells < 1.0 && map_cells > 0).then(|| {
        format!(
            "The region covers {cells:.1} cells of the map: \
             its heat cannot be separated from the heat beside it."
        )
    })
}
