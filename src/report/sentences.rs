//! A finding as a sentence of counts and estimates, for people.

use super::overlay_sentence::overlay;
use super::property_sentence::property;
use super::surroundings_sentence::surroundings;
use super::text::{percent, thousands};
use crate::finding::{
    ConfounderEvidence, Consensus, Contrast, ContrastBaseline, Finding, FindingEvidence,
    FindingOrigin, InsertionControl, Intervention, InterventionEffect, LabelCount, PresenceCounts,
    RegionHeat, RemovalFill, Unmet, Verdict,
};

/// The finding in counts, without a full stop at the end.
pub fn sentence(finding: &Finding) -> String {
    match &finding.evidence {
        FindingEvidence::Confounder(evidence) => confounder(finding, evidence),
        FindingEvidence::Overlay(evidence) => overlay(finding, evidence),
        FindingEvidence::Surroundings(evidence) => surroundings(finding, evidence),
        FindingEvidence::Property(evidence) => property(finding, evidence),
    }
}

fn confounder(finding: &Finding, evidence: &ConfounderEvidence) -> String {
    let Finding { label, region, .. } = finding;
    let Some(present) = evidence.counts.present else {
        return heat(label, region, &evidence.heat);
    };

    let mut parts = vec![presence(label, region, present, &evidence.counts)];
    parts.extend(by_label(&evidence.labels));
    match &evidence.intervention {
        Some(intervention) => parts.extend(intervention_parts(label, intervention)),
        None => parts.extend(evidence.contrast.map(|contrast| shift(label, &contrast))),
    }
    parts.extend(not_shown(finding, evidence));
    parts.join("; ")
}

/// The counts of each label, where several are one class of the model.
fn by_label(labels: &[LabelCount]) -> Option<String> {
    let mut counts = Vec::new();
    for LabelCount {
        label,
        present,
        images,
    } in labels
    {
        let present = thousands(present.unwrap_or(0));
        counts.push(format!("{present} of {} {label}", thousands(*images)));
    }
    (!counts.is_empty()).then(|| format!("by label: {}", counts.join(", ")))
}

/// Pasting a found picture that lies on the objects pastes the object.
fn is_on_objects(finding: &Finding) -> bool {
    let mut unmet = finding.unmet.iter();
    unmet.any(|unmet| matches!(unmet, Unmet::OnObjects { .. }))
}

/// What a verdict does not say, with the bound.
fn not_shown(finding: &Finding, evidence: &ConfounderEvidence) -> Option<String> {
    let intervention = evidence.intervention.as_deref();
    match finding.verdict {
        Verdict::DataRisk => Some(use_not_shown(finding, evidence)),
        Verdict::Candidate if is_on_objects(finding) => Some(
            "it lies on the annotated objects, so that it may be what the class looks like"
                .to_owned(),
        ),
        Verdict::Candidate if intervention.is_some() => {
            Some("that it changes the prediction is not shown".to_owned())
        }
        Verdict::Confirmed if finding.origin != FindingOrigin::Declared => {
            Some("look whether it belongs to the object".to_owned())
        }
        Verdict::Cleared => {
            let high = intervention.map_or(1.0, |c| rate_bound(c).unwrap_or(1.0));
            Some(format!(
                "it changes at most {} of the predictions",
                percent(high)
            ))
        }
        Verdict::None | Verdict::Insufficient => {
            let difference = evidence.association?.difference;
            Some(if difference.high > 0.0 {
                let points = 100.0 * difference.high;
                format!("it is at most {points:.1} points more frequent with this class")
            } else {
                "it is less frequent with this class".to_owned()
            })
        }
        _ => None,
    }
}

fn use_not_shown(finding: &Finding, evidence: &ConfounderEvidence) -> String {
    let in_data = "in the data; use by this model not shown";

    let intervention = evidence.intervention.as_deref();
    if let Some(high) = intervention.and_then(rate_bound) {
        let bound = percent(high);
        return format!("{in_data}: it changes at most {bound} of the predictions");
    }
    if let Some(reason) = finding.not_tested {
        return format!("{in_data}: no image was edited to test it, {reason}");
    }
    match evidence.contrast.map(|contrast| contrast.difference.high) {
        Some(high) if high > 0.0 => {
            format!("{in_data}: the evidence there rises by at most {high:.2} logits")
        }
        Some(_) => format!("{in_data}: the evidence there does not rise"),
        None => format!("{in_data}: no image was edited to test it"),
    }
}

/// The larger upper bound of the net rates of C.
fn rate_bound(intervention: &Intervention) -> Option<f64> {
    let flips = intervention.insertion.map(|effect| effect.rate.high);
    let loss = intervention.removal.map(|effect| effect.rate.high);

    let largest = flips.into_iter().chain(loss).reduce(f64::max)?;
    Some(largest.clamp(0.0, 1.0))
}

/// For regions without presence information: heat is all that was measured.
fn heat(label: &str, region: &str, heat: &RegionHeat) -> String {
    let (Some(share), Some(area)) = (heat.share, heat.area) else {
        return format!("no heat for {label} was measured in {region}");
    };
    format!(
        "{} of the heat for {label} lies in {region}, which covers {} of the view; \
         the set has no information on which images show it",
        percent(share),
        percent(area)
    )
}

fn presence(label: &str, region: &str, present: u32, counts: &PresenceCounts) -> String {
    let missed = match counts.missed {
        0 => String::new(),
        missed => format!(" (about {} more may show it)", thousands(missed)),
    };
    format!(
        "{region} in {} of {} {label} images{missed} and {} of {} others",
        thousands(present),
        thousands(counts.images),
        thousands(counts.others_present),
        thousands(counts.others_images)
    )
}

fn shift(label: &str, contrast: &Contrast) -> String {
    let baseline = match contrast.baseline {
        ContrastBaseline::Label => "images without it",
        ContrastBaseline::OtherClasses => "images of other classes without it",
    };
    let difference = contrast.difference;
    format!(
        "the evidence for {label} at its place is {:+.2} logits relative to {baseline} \
         ({:.2} to {:.2}; threshold {:.2})",
        difference.value, difference.low, difference.high, contrast.min_effect
    )
}

fn intervention_parts(label: &str, intervention: &Intervention) -> Vec<String> {
    let mut parts = Vec::new();
    if let Some(effect) = &intervention.insertion {
        parts.push(insertion(label, effect));
    }
    if let Some(consensus) = &intervention.consensus {
        parts.extend(common(label, consensus));
    }
    if let Some(effect) = &intervention.removal {
        parts.push(removal(effect, intervention.untagged_filled));
    }
    if let Some(hits) = intervention.template_hits.filter(|hits| hits.misses()) {
        let rate = f64::from(hits.found) / f64::from(hits.tried);
        parts.push(format!(
            "the template finds about {} of such regions, so that the effect may be larger",
            percent(rate)
        ));
    }

    match intervention.photos_lost {
        0 => {}
        1 => parts.push("1 photo could not be read again".to_owned()),
        count => parts.push(format!("{count} photos could not be read again")),
    }
    parts
}

fn insertion(label: &str, effect: &InterventionEffect<InsertionControl>) -> String {
    let [flips, control_flips] = effect.predicted;
    let margin = effect.margin;
    format!(
        "pasted on {} images of other classes, {flips} are predicted as {label} \
         (control {control_flips}; margin changes by {:+.2} logits, {:+.2} to {:+.2})",
        effect.images, margin.value, margin.low, margin.high
    )
}

/// Insertion of what the donors have in common.
fn common(label: &str, consensus: &Consensus) -> Option<String> {
    let [flips, control_flips] = consensus.effect.as_ref()?.predicted;
    Some(format!(
        "with the pixelwise median of the pasted patches, {flips} (control {control_flips}); the \
         photos agree about {} of the region, so that the object of {label} {} be part of the \
         effect",
        percent(consensus.coverage),
        if consensus.tells_apart() {
            "cannot"
        } else {
            "may"
        }
    ))
}

fn removal(effect: &InterventionEffect<RemovalFill>, untagged: u32) -> String {
    let points = (100.0 * effect.rate.value).round();
    let recall = if points < 0.0 { "rises" } else { "falls" };
    let margin = effect.margin;
    let compared = match untagged {
        0 => String::new(),
        images => format!(" more than on {images} without it"),
    };
    format!(
        "filled in on {} images, recall {recall} by {:.0} points{compared} \
         (margin changes by {:+.2} logits, {:+.2} to {:+.2})",
        effect.images,
        points.abs(),
        0.0 - margin.value,
        0.0 - margin.high,
        0.0 - margin.low
    )
}

#[cfg(test)]
mod tests {
    use super::super::fabricated;
    use super::*;

    #[test]
    fn every_kind_of_finding_has_its_sentence() {
        let not_tested = fabricated::candidate("horse", "tag");
        let mut other_baseline = not_tested.clone();
        let mut heat_only = fabricated::data_risk("horse", "corner");
        let mut nothing = heat_only.clone();
        for finding in [&mut heat_only, &mut nothing] {
            fabricated::evidence_of(finding).counts.present = None;
        }
        fabricated::evidence_of(&mut nothing).heat.share = None;
        if let Some(contrast) = &mut fabricated::evidence_of(&mut other_baseline).contrast {
            contrast.baseline = ContrastBaseline::OtherClasses;
        }

        let table = [
            (
                fabricated::confirmed("horse", "tag"),
                "tag in 1,040 of 1,300 horse images and 3 of 1,298,700 others; pasted on 20 images \
                 of other classes, 18 are predicted as horse (control 1; margin changes by +3.10 \
                 logits, +2.50 to +3.70); filled in on 16 images, recall falls by 0 points more \
                 than on 12 without it (margin changes by -1.20 logits, -1.60 to -0.80); 2 photos \
                 could not be read again",
            ),
            (
                not_tested,
                "tag in 1,040 of 1,300 horse images and 3 of 1,298,700 others; the evidence for \
                 horse at its place is +0.62 logits relative to images without it (0.40 to 0.84; \
                 threshold 0.15)",
            ),
            (
                other_baseline,
                "tag in 1,040 of 1,300 horse images and 3 of 1,298,700 others; the evidence for \
                 horse at its place is +0.62 logits relative to images of other classes without \
                 it (0.40 to 0.84; threshold 0.15)",
            ),
            (
                fabricated::data_risk("horse", "corner"),
                "corner in 1,040 of 1,300 horse images and 3 of 1,298,700 others; in the data; \
                 use by this model not shown: no image was edited to test it",
            ),
            (
                heat_only,
                "12.5 % of the heat for horse lies in corner, which covers 4.0 % of the view; the \
                 set has no information on which images show it",
            ),
            (nothing, "no heat for horse was measured in corner"),
            (
                fabricated::overlay("horse", "stamp"),
                "stamp laid over 150 images changes the logit of horse by +1.20 (0.90 to 1.50; \
                 threshold 0.25) relative to a synthetic pattern (rank 1 of 1000, z 6.2, \
                 threshold 4.0); horse is among the 5 highest classes of 24 images (control 3; \
                 net 14.0 %, 8.0 % to 20.0 %) and predicted in 8 (control 1); whether images of \
                 the set show it was not measured",
            ),
            (
                fabricated::surroundings("train"),
                "with the objects filled in, 12 of 16 train images are still predicted as train \
                 (filled images of other labels: 25 %); on average 31.0 % of the heat for train \
                 lies on its objects (40 images); the surroundings may be legitimate evidence",
            ),
        ];
        for (finding, expected) in table {
            assert_eq!(sentence(&finding), expected);
        }
    }

    #[test]
    fn a_rising_recall_is_no_negative_fall() {
        let mut effect = fabricated::removal_effect();
        for (rate, expected) in [
            (-0.004, "recall falls by 0 points"),
            (0.126, "recall falls by 13 points"),
            (-0.05, "recall rises by 5 points"),
        ] {
            effect.rate.value = rate;
            let text = removal(&effect, 0);
            assert!(text.contains(expected), "{text}");
        }
    }
}
