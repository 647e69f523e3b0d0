//! The cards of the report: one for each reported finding, with its figures and pictures.

use super::changes::change_text;
use super::charts::{Bar, bars, spark_line};
use super::image_budget::ImageBudget;
use super::pictures::is_own_picture;
use super::sentences::sentence;
use super::unmet::unmet_text;
use crate::finding::{
    ChangeState, EffectUnit, FigureRole, Finding, FindingKind, RegionHeat, ReopenReason, Severity,
    Verdict,
};
use crate::runs::diff::Change;
use crate::runs::documents::{Changes, Figure, Summary};
use serde::Serialize;
use std::collections::BTreeMap;

/// A region of which the model sees at least this fraction counts as seen completely.
const FULLY_VISIBLE: f64 = 0.95;

/// A reported finding with everything that is shown of it.
#[derive(Serialize)]
pub struct Card<'a> {
    number: usize,
    label: &'a str,
    region: &'a str,
    kind: FindingKind,
    verdict: Verdict,
    severity: Option<Severity>,
    severity_words: Option<String>,
    sentence: String,
    effect: Option<f64>,
    effect_unit: EffectUnit,
    declared: Option<&'a str>,
    reopened: Option<&'static str>,
    not_tested: Option<String>,
    /// Why the verdict is not a more serious one.
    unmet: Vec<String>,
    bars: Vec<Bar>,
    change: Option<ChangeLine>,
    /// Points of a line through the effects of the last runs.
    trend: Option<String>,
    /// Limits of the figures.
    notes: Vec<String>,
    groups: Vec<FigureGroup<'a>>,
    #[serde(skip)]
    pub is_open: bool,
}

#[derive(Serialize)]
struct ChangeLine {
    state: ChangeState,
    reason: String,
}

/// The figures of one role.
#[derive(Serialize)]
struct FigureGroup<'a> {
    title: &'static str,
    figures: Vec<ShownFigure<'a>>,
}

#[derive(Serialize)]
struct ShownFigure<'a> {
    path: &'a str,
    panels: Vec<ShownPanel<'a>>,
}

#[derive(Serialize)]
struct ShownPanel<'a> {
    caption: &'a str,
    /// A data URI; empty where the picture is not included.
    uri: String,
}

/// The documents that cards are made of.
pub struct CardSources<'a> {
    pub summary: &'a Summary,
    pub changes: &'a Changes,
    pub figures: &'a [Figure],
    pub pictures: &'a dyn Fn(&str) -> Option<Vec<u8>>,
}

/// Label and region.
type Pair<'a> = (&'a str, &'a str);

/// The sources by label and region.
struct Lookup<'a> {
    changes: BTreeMap<Pair<'a>, &'a Change>,
    figures: BTreeMap<Pair<'a>, Vec<&'a Figure>>,
    trends: &'a BTreeMap<String, Vec<Option<f64>>>,
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
    for (i, finding) in reported.into_iter().enumerate() {
        let groups = figure_groups(&lookup.figures_of(finding), sources.pictures, budget);
        cards.push(card(i + 1, finding, &lookup, groups));
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
            trends: &sources.changes.trends,
            cells: sources.summary.model.cells,
        }
    }

    fn figures_of(&self, finding: &Finding) -> Vec<&'a Figure> {
        let figures = self.figures.get(&pair_of(finding));
        figures.cloned().unwrap_or_default()
    }

    fn trend_of(&self, finding: &Finding) -> Option<String> {
        let key = format!("{}\t{}", finding.label, finding.region);
        spark_line(self.trends.get(&key)?)
    }
}

fn card<'a>(
    number: usize,
    finding: &'a Finding,
    lookup: &Lookup<'a>,
    groups: Vec<FigureGroup<'a>>,
) -> Card<'a> {
    let change = lookup.changes.get(&pair_of(finding));
    Card {
        number,
        label: &finding.label,
        region: &finding.region,
        kind: finding.kind(),
        verdict: finding.verdict,
        severity: finding.severity,
        severity_words: finding.severity_words(),
        sentence: sentence(finding),
        effect: finding.effect,
        effect_unit: finding.effect_unit,
        declared: finding.declared.as_deref(),
        reopened: finding.review.reopened.map(ReopenReason::name),
        not_tested: finding.not_tested.map(|reason| reason.to_string()),
        unmet: finding.unmet.iter().map(unmet_text).collect(),
        bars: bars(finding),
        change: change.map(|change| ChangeLine {
            state: change.state,
            reason: change_text(change),
        }),
        trend: lookup.trend_of(finding),
        notes: notes(finding, lookup),
        groups,
        is_open: finding.review.open,
    }
}

/// Limits of the figures: parts of the region that the model does not see, a region smaller than a
/// cell of the map, no intervention.
fn notes(finding: &Finding, lookup: &Lookup<'_>) -> Vec<String> {
    let mut notes = Vec::new();
    if let Some(evidence) = finding.confounder() {
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
                "The region was pasted on images that the model may have been trained on: the \
                 other splits have too few."
                    .into(),
            );
        }
    }
    notes
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

fn figure_groups<'a>(
    figures: &[&'a Figure],
    pictures: &dyn Fn(&str) -> Option<Vec<u8>>,
    budget: &mut ImageBudget,
) -> Vec<FigureGroup<'a>> {
    let mut groups = Vec::new();
    for &role in FigureRole::ALL {
        let mut shown = Vec::new();
        for figure in figures.iter().filter(|figure| figure.role == role) {
            shown.push(shown_figure(figure, pictures, budget));
        }
        if !shown.is_empty() {
            groups.push(FigureGroup {
                title: group_title(role),
                figures: shown,
            });
        }
    }
    groups
}

fn shown_figure<'a>(
    figure: &'a Figure,
    pictures: &dyn Fn(&str) -> Option<Vec<u8>>,
    budget: &mut ImageBudget,
) -> ShownFigure<'a> {
    let mut panels = Vec::new();
    for panel in &figure.panels {
        let is_own = is_own_picture(&panel.file);
        let jpeg = if is_own { pictures(&panel.file) } else { None };
        panels.push(ShownPanel {
            caption: &panel.caption,
            uri: budget.embed(jpeg.as_deref()),
        });
    }
    ShownFigure {
        path: &figure.path,
        panels,
    }
}

fn group_title(role: FigureRole) -> &'static str {
    match role {
        FigureRole::Pattern => "What many images of the class repeat",
        FigureRole::Template => "The template",
        FigureRole::Mean => "Mean maps",
        FigureRole::Consensus => "What the photos with the region have in common there",
        FigureRole::Pasted => "Pasted on images of other classes",
        FigureRole::Laid => "Laid over images",
        FigureRole::Filled => "Filled in",
        FigureRole::Strongest => "Largest contrast",
        FigureRole::Median => "Median contrast",
        FigureRole::Random => "Chosen at random, with the region",
        FigureRole::Untagged => "Chosen at random, without the region",
    }
}
