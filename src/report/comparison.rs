//! Two runs side by side as one offline page: what the new model learned, unlearned and kept.

use super::anchor::anchor;
use super::changes::{change_text, comparison};
use super::effect_text::effect_text;
use super::headline::refusal;
use super::heat_comparison::{HeatLine, heat_lines};
use super::image_budget::ImageBudget;
use super::strips::{Strip, strips};
use super::template::COMPARISON;
use crate::error::Result;
use crate::finding::{ChangeState, EffectUnit, FigureRole, FindingKind, RunPart, Verdict};
use crate::runs::diff::Change;
use crate::runs::documents::{Figure, Figures, Summary};
use crate::runs::{ClassHeat, TestedPair};
use serde::Serialize;
use std::collections::BTreeMap;

/// Roles that are shown of a finding, at most one figure of each.
const ROLES: [FigureRole; 7] = [
    FigureRole::Mean,
    FigureRole::Pasted,
    FigureRole::Laid,
    FigureRole::Changed,
    FigureRole::Filled,
    FigureRole::Strongest,
    FigureRole::Median,
];

/// Figures of one finding that are shown of each run.
const FIGURES_MAX: usize = 4;

/// One of the two runs.
pub struct ComparedRun<'a> {
    pub summary: &'a Summary,
    pub figures: &'a Figures,
    /// Every class and region.
    pub pairs: &'a [TestedPair],
    pub heat: &'a [ClassHeat],
    /// The name of its folder.
    pub run_id: &'a str,
    /// When the run started, for people; empty where it is not known.
    pub started_at: &'a str,
    /// The bytes of a picture by the name of its file in the run folder.
    pub pictures: &'a dyn Fn(&str) -> Option<Vec<u8>>,
}

/// What the page is made of.
pub struct ComparisonInput<'a> {
    /// The earlier and the later one.
    pub runs: [ComparedRun<'a>; 2],
    pub differences: &'a [RunPart],
    pub changes: &'a [Change],
    /// Bytes that the pictures may take in the page.
    pub picture_bytes_max: usize,
}

#[derive(Serialize)]
struct Context<'a> {
    runs: [RunColumn<'a>; 2],
    headline: String,
    /// Another dataset, or other contents of its files.
    other_dataset: bool,
    groups: Vec<Group<'a>>,
    heat: Vec<HeatLine<'a>>,
    heat_omitted: usize,
    /// JPEGs in base64.
    pictures: Vec<String>,
    pictures_missing: usize,
    pictures_over_budget: usize,
}

#[derive(Serialize)]
struct RunColumn<'a> {
    summary: &'a Summary,
    run_id: &'a str,
    started_at: &'a str,
    refusal: Option<String>,
}

/// Findings that went the same way.
#[derive(Serialize)]
struct Group<'a> {
    title: &'static str,
    findings: Vec<ComparedFinding<'a>>,
}

#[derive(Serialize)]
struct ComparedFinding<'a> {
    anchor: String,
    label: &'a str,
    region: &'a str,
    state: ChangeState,
    reason: String,
    sides: [Side<'a>; 2],
}

/// A class and region in one of the runs.
#[derive(Serialize)]
struct Side<'a> {
    name: &'static str,
    /// `None` where the run does not audit it.
    verdict: Option<Verdict>,
    severity: Option<String>,
    number: String,
    sentence: &'a str,
    strips: Vec<Strip<'a>>,
    /// The run has no pictures of the finding; these are of its class.
    of_class: bool,
}

const NAMES: [&str; 2] = ["old", "new"];

/// Makes the page.
///
/// # Errors
/// When the template does not fit.
pub fn comparison_page(input: &ComparisonInput<'_>) -> Result<String> {
    let mut budget = ImageBudget::new(input.picture_bytes_max);
    let groups = groups(input, &mut budget);
    let [old, new] = &input.runs;
    let (heat, heat_omitted) = heat_lines(old.heat, new.heat);
    let title = format!(
        "{} against {}",
        new.summary.model_file, old.summary.model_file
    );
    let context = Context {
        runs: [column(old), column(new)],
        headline: comparison(input.differences, input.changes),
        other_dataset: input.differences.contains(&RunPart::Dataset),
        groups,
        heat,
        heat_omitted,
        pictures: budget.pictures,
        pictures_missing: budget.missing,
        pictures_over_budget: budget.over_budget,
    };
    COMPARISON.render(&title, context)
}

fn column<'a>(run: &ComparedRun<'a>) -> RunColumn<'a> {
    RunColumn {
        summary: run.summary,
        run_id: run.run_id,
        started_at: run.started_at,
        refusal: refusal(run.summary),
    }
}

/// The findings by what became of them; groups without a finding are left out.
fn groups<'a>(input: &ComparisonInput<'a>, budget: &mut ImageBudget) -> Vec<Group<'a>> {
    let lookups = [Lookup::new(&input.runs[0]), Lookup::new(&input.runs[1])];
    let is_other_model = input.differences == [RunPart::Model];
    let mut groups = Vec::new();
    for (states, titles) in GROUPS {
        let mut findings = Vec::new();
        for change in input.changes {
            if states.contains(&change.state) {
                findings.push(compared(change, &lookups, budget));
            }
        }
        if !findings.is_empty() {
            groups.push(Group {
                title: titles[usize::from(is_other_model)],
                findings,
            });
        }
    }
    groups
}

/// States, and their title: of any two runs, and of two models on the same set.
const GROUPS: [(&[ChangeState], [&str; 2]); 4] = [
    (
        &[ChangeState::New, ChangeState::Worse],
        ["New or worse", "Learned by the new model"],
    ),
    (
        &[ChangeState::Better, ChangeState::Gone],
        ["Better or gone", "Unlearned by the new model"],
    ),
    (
        &[ChangeState::Unchanged],
        ["Unchanged", "Kept by the new model"],
    ),
    (
        &[ChangeState::NotComparable],
        ["Not comparable", "Not comparable"],
    ),
];

fn compared<'a>(
    change: &'a Change,
    lookups: &[Lookup<'a>; 2],
    budget: &mut ImageBudget,
) -> ComparedFinding<'a> {
    let [old, new] = lookups;
    let verdicts = [change.before, change.after];
    ComparedFinding {
        anchor: anchor(&change.label, &change.region),
        label: &change.label,
        region: &change.region,
        state: change.state,
        reason: change_text(change),
        sides: [
            old.side(NAMES[0], change, verdicts[0], budget),
            new.side(NAMES[1], change, verdicts[1], budget),
        ],
    }
}

/// The pairs and figures of a run by label and region.
struct Lookup<'a> {
    pairs: BTreeMap<(&'a str, &'a str), &'a TestedPair>,
    figures: BTreeMap<(&'a str, &'a str), Vec<&'a Figure>>,
    pictures: &'a dyn Fn(&str) -> Option<Vec<u8>>,
}

impl<'a> Lookup<'a> {
    fn new(run: &ComparedRun<'a>) -> Self {
        let mut pairs = BTreeMap::new();
        for pair in run.pairs {
            pairs.insert((pair.label.as_str(), pair.region.as_str()), pair);
        }
        let mut figures: BTreeMap<_, Vec<&Figure>> = BTreeMap::new();
        for figure in &run.figures.figures {
            let key = (figure.label.as_str(), figure.region.as_str());
            figures.entry(key).or_default().push(figure);
        }
        Self {
            pairs,
            figures,
            pictures: run.pictures,
        }
    }

    fn side(
        &self,
        name: &'static str,
        change: &'a Change,
        verdict: Option<Verdict>,
        budget: &mut ImageBudget,
    ) -> Side<'a> {
        let pair = self
            .pairs
            .get(&(change.label.as_str(), change.region.as_str()));
        let own = self.shown(&change.label, &change.region);
        let of_class = own.is_empty();
        let figures = if of_class {
            self.shown(&change.label, "")
        } else {
            own
        };
        Side {
            name,
            verdict: pair.map(|pair| pair.verdict).or(verdict),
            severity: pair.and_then(|pair| pair.severity_words()),
            number: number_of(pair),
            sentence: pair.map_or("", |pair| &pair.sentence),
            strips: strips(&figures, self.pictures, budget),
            of_class,
        }
    }

    /// The first figure of each role, in the order of [`ROLES`].
    fn shown(&self, label: &str, region: &str) -> Vec<&'a Figure> {
        let mut shown = Vec::new();
        let Some(figures) = self.figures.get(&(label, region)) else {
            return shown;
        };
        for role in ROLES {
            shown.extend(figures.iter().find(|figure| figure.role == role));
        }
        shown.truncate(FIGURES_MAX);
        shown
    }
}

/// The effect of a side, which may not have the pair.
fn number_of(pair: Option<&&TestedPair>) -> String {
    let kind = pair.map_or(FindingKind::Confounder, |pair| pair.kind);
    let unit = pair.and_then(|pair| pair.effect_unit);
    let effect = pair.and_then(|pair| pair.effect);
    effect_text(kind, effect, unit.unwrap_or(EffectUnit::Fraction))
}

#[cfg(test)]
mod tests;
