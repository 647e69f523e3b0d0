//! A finding about a property of files as a sentence: what tells the class, whether the model's
//! features show it, and what the experiment did.

use super::text::{percent, thousands};
use crate::finding::{
    Finding, PropertyEvidence, PropertyFamily, PropertyNotTested, PropertyTrial, PropertyUnmet,
    PropertyUsage, ShamChange, ShamComparison, Verdict,
};

/// From this area under the curve on, the features show a rule.
const VISIBLE_MIN: f64 = 0.75;

pub fn property(finding: &Finding, evidence: &PropertyEvidence) -> String {
    let mut parts = vec![counts(finding, evidence)];
    parts.extend(also(evidence));
    parts.push(visible(evidence));
    parts.push(match &evidence.test {
        PropertyTrial::Tested { change, usage } => tested(&finding.label, change, usage),
        PropertyTrial::NotTested(reason) => format!("no image was changed: {reason}"),
    });
    if finding.verdict == Verdict::DataRisk {
        parts.push("in the data; use by this model not shown".to_owned());
        parts.extend(may_be_the_class(evidence));
    }
    parts.join("; ")
}

fn counts(finding: &Finding, evidence: &PropertyEvidence) -> String {
    let label = &finding.label;
    let association = &evidence.association;
    let source = if evidence.is_other_source {
        format!("{label} comes from another source than the other classes: ")
    } else {
        String::new()
    };
    format!(
        "{source}{} in {} of {} sampled {label} images and {} of {} others (median of the other \
         classes {}, largest {}; p {:.1e} in the half that the rule was not found on, {} tests)",
        evidence.rule.of(&evidence.property.words()),
        thousands(association.in_class.present),
        thousands(association.in_class.groups),
        thousands(association.in_others.present),
        thousands(association.in_others.groups),
        percent(association.median_other),
        percent(association.worst_other),
        association.p,
        thousands(association.tests),
    )
}

/// The other rules about mostly the same images.
fn also(evidence: &PropertyEvidence) -> Option<String> {
    let rules = evidence.also.iter();
    let rules: Vec<String> = rules
        .map(|also| also.rule.of(&also.property.words()))
        .collect();
    (!rules.is_empty()).then(|| format!("mostly the same images: {}", rules.join(", ")))
}

fn visible(evidence: &PropertyEvidence) -> String {
    match evidence.visible {
        Some(area) if area >= VISIBLE_MIN => {
            format!("the model's features show which images these are (AUC {area:.3})")
        }
        Some(area) => {
            format!("the model's features do not show which images these are (AUC {area:.3})")
        }
        None if is_beyond_limit(evidence) => {
            "whether the model's features show it was not asked".to_owned()
        }
        None => "whether the model's features show it was not asked: fewer than 8 images of the \
                 class on one side"
            .to_owned(),
    }
}

fn is_beyond_limit(evidence: &PropertyEvidence) -> bool {
    let limit =
        |reason: &PropertyNotTested| matches!(reason, PropertyNotTested::CandidateLimit { .. });
    matches!(&evidence.test, PropertyTrial::NotTested(reason) if limit(reason))
}

fn tested(label: &str, change: &str, usage: &PropertyUsage) -> String {
    let [changed, _] = usage.predicted;
    let figures = format!(
        "{} images of other classes were changed ({change}): the logit of {label} changes by \
         {:+.2} (threshold {:.2}), {:.2} of the change of all logits (at least {:.1}){}; {changed} \
         predicted as {label} ({}: {}; net at least {})",
        thousands(usage.hosts),
        usage.rise,
        usage.min_effect,
        usage.part_of_change,
        PropertyUsage::PART_MIN,
        against_shams(usage),
        control(usage.control),
        usage.control_predicted,
        percent(usage.rate.low),
    );
    if usage.is_used() {
        return figures;
    }
    let unmet = usage
        .unmet()
        .into_iter()
        .map(|unmet| unmet_words(label, unmet));
    let unmet = unmet.collect::<Vec<_>>().join(", and ");
    format!("{figures}: {unmet}")
}

fn unmet_words(label: &str, unmet: PropertyUnmet) -> String {
    match unmet {
        PropertyUnmet::SmallRise => {
            format!("the logit of {label} rises by less than the threshold")
        }
        PropertyUnmet::OtherClassMore => "the logit of another class rises more".to_owned(),
        PropertyUnmet::SmallPart => "other logits change as well".to_owned(),
        PropertyUnmet::NoMoreThan(sham) => {
            format!(
                "the logit of {label} rises, but not clearly more than by {}",
                sham.name()
            )
        }
    }
}

/// The treatment that the rate is held against.
fn control(sham: Option<ShamChange>) -> &'static str {
    sham.map_or("saved again without a change", ShamChange::name)
}

fn against_shams(usage: &PropertyUsage) -> String {
    let compared = usage.against.map(|ShamComparison { t, sham }| {
        let least = PropertyUsage::T_MIN;
        format!(", t {t:.1} against {} (at least {least:.0})", sham.name())
    });
    compared.unwrap_or_default()
}

/// What the class looks like is no confounder.
fn may_be_the_class(evidence: &PropertyEvidence) -> Option<String> {
    let family = evidence.property.family();
    let is_look = matches!(
        family,
        PropertyFamily::Tone | PropertyFamily::Colour | PropertyFamily::Sharpness
    );
    is_look.then(|| format!("{family} may be what the class looks like"))
}
