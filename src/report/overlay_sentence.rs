//! A finding about an overlay as a sentence: what was shown, what was not, and the thresholds.

use super::text::percent;
use crate::finding::{Finding, OVERLAY_HOSTS, OverlayEvidence, Verdict};

/// Adjusted p-values below this are not written out.
const SMALL_Q: f64 = 0.001;

pub fn overlay(finding: &Finding, evidence: &OverlayEvidence) -> String {
    let label = &finding.label;
    let mut parts = vec![
        rise(finding, evidence),
        entries(label, evidence),
        conclusion(finding, evidence),
    ];
    if evidence.hosts < OVERLAY_HOSTS {
        parts.push(power(evidence));
    }
    parts.join("; ")
}

fn rise(finding: &Finding, evidence: &OverlayEvidence) -> String {
    let Finding { label, region, .. } = finding;
    let rise = evidence.rise;
    let mut standing = format!("rank {} of {}", evidence.rank, evidence.classes);
    if let Some(least) = evidence.thresholds.z {
        standing += &format!(", z {:.1}, threshold {least:.1}", evidence.z);
    }
    format!(
        "{region} laid over {} images changes the logit of {label} by {:+.2} ({:.2} to {:.2}; \
         threshold {:.2}) relative to {} ({standing})",
        evidence.hosts,
        rise.value,
        rise.low,
        rise.high,
        evidence.min_effect,
        evidence.control.name(),
    )
}

fn entries(label: &str, evidence: &OverlayEvidence) -> String {
    let [with, control] = evidence.entries;
    let rate = evidence.rate;
    let net = format!(
        "control {control}; net {}, {} to {}",
        percent(rate.value),
        percent(rate.low),
        percent(rate.high)
    );
    match evidence.top_k {
        None | Some(1) => format!("{with} images are predicted as {label} ({net})"),
        Some(k) => {
            let [predicted, control_predicted] = evidence.predicted;
            format!(
                "{label} is among the {k} highest classes of {with} images ({net}) and predicted \
                 in {predicted} (control {control_predicted})"
            )
        }
    }
}

/// The verdict in words: what was not shown, by which figure and threshold.
fn conclusion(finding: &Finding, evidence: &OverlayEvidence) -> String {
    if finding.verdict == Verdict::ModelShortcut {
        return "whether images of the set show it was not measured".to_owned();
    }

    let missing = not_shown(evidence).join(" and ");
    let is_associated = evidence.rises() && evidence.stands_out();
    if is_associated {
        format!("an association and no shortcut: {missing}")
    } else {
        format!("no shortcut: {missing}")
    }
}

fn not_shown(evidence: &OverlayEvidence) -> Vec<String> {
    let thresholds = evidence.thresholds;
    let mut missing = Vec::new();
    if !evidence.rises() {
        let (q, most) = (q_text(evidence.q), thresholds.q);
        missing.push(format!(
            "a rise above its threshold is not shown (q {q}, at most {most})"
        ));
    }
    if let Some(least) = thresholds.z.filter(|_| !evidence.stands_out()) {
        missing.push(format!(
            "it does not stand out from the other classes (z {:.1}, at least {least:.1})",
            evidence.z
        ));
    }
    if !evidence.enters() {
        missing.push(format!(
            "{} is not shown (lower bound of the net rate {}, at least {})",
            match evidence.top_k {
                None | Some(1) => "a change of predictions".to_owned(),
                Some(k) => format!("entry into the {k} highest classes"),
            },
            percent(evidence.rate.low),
            percent(thresholds.rate)
        ));
    }
    missing
}

/// What so few hosts could have shown.
fn power(evidence: &OverlayEvidence) -> String {
    match evidence.detectable_rate {
        Some(rate) => format!(
            "{} images can show a net rate of {} or more",
            evidence.hosts,
            percent(rate)
        ),
        None => format!("{} images can show no net rate", evidence.hosts),
    }
}

fn q_text(q: f64) -> String {
    if q < SMALL_Q {
        format!("under {SMALL_Q}")
    } else {
        format!("{q:.3}")
    }
}

#[cfg(test)]
mod tests {
    use super::super::fabricated;
    use super::*;
    use crate::finding::{Estimate, FindingEvidence};

    /// The sentence of a finding whose evidence is changed.
    fn sentence_with(change: impl FnOnce(&mut Finding, &mut OverlayEvidence)) -> String {
        let mut finding = fabricated::overlay("horse", "stamp");
        let FindingEvidence::Overlay(mut evidence) = finding.evidence.clone() else {
            panic!("no overlay");
        };
        change(&mut finding, &mut evidence);
        overlay(&finding, &evidence)
    }

    #[test]
    fn a_shortcut_has_its_figures_and_thresholds() {
        assert_eq!(
            sentence_with(|_, _| {}),
            "stamp laid over 150 images changes the logit of horse by +1.20 (0.90 to 1.50; \
             threshold 0.25) relative to a synthetic pattern (rank 1 of 1000, z 6.2, threshold \
             4.0); horse is among the 5 highest classes of 24 images (control 3; net 14.0 %, 8.0 % \
             to 20.0 %) and predicted in 8 (control 1); whether images of the set show it was not \
             measured"
        );
    }

    #[test]
    fn a_rise_without_entries_is_an_association() {
        let text = sentence_with(|finding, evidence| {
            finding.verdict = Verdict::None;
            evidence.rate = Estimate {
                value: 0.006,
                low: -0.018,
                high: 0.035,
            };
        });
        assert!(
            text.ends_with(
                "an association and no shortcut: entry into the 5 highest classes is not shown \
                 (lower bound of the net rate -1.8 %, at least 2.0 %)"
            ),
            "{text}"
        );
    }

    #[test]
    fn everything_that_is_missing_is_named() {
        let text = sentence_with(|finding, evidence| {
            finding.verdict = Verdict::None;
            evidence.q = 0.31;
            evidence.z = 1.2;
        });
        assert!(
            text.ends_with(
                "; no shortcut: a rise above its threshold is not shown (q 0.310, at most 0.05) \
                 and it does not stand out from the other classes (z 1.2, at least 4.0)"
            ),
            "{text}"
        );
    }

    #[test]
    fn few_hosts_say_what_they_could_have_shown() {
        let few = sentence_with(|_, evidence| {
            evidence.hosts = 129;
            evidence.detectable_rate = Some(0.07);
        });
        assert!(
            few.ends_with("; 129 images can show a net rate of 7.0 % or more"),
            "{few}"
        );
        let hopeless = sentence_with(|_, evidence| {
            evidence.hosts = 2;
            evidence.detectable_rate = None;
        });
        assert!(
            hopeless.ends_with("; 2 images can show no net rate"),
            "{hopeless}"
        );
        let enough = sentence_with(|_, evidence| evidence.hosts = 130);
        assert!(!enough.contains("can show"), "{enough}");
    }

    /// With few classes, and with sigmoid heads, a class enters by being predicted; z is not asked
    /// for with few.
    #[test]
    fn a_class_that_is_predicted_enters() {
        for top_k in [Some(1), None] {
            let text = sentence_with(|_, evidence| {
                evidence.top_k = top_k;
                evidence.classes = 3;
                evidence.thresholds.z = None;
            });
            assert!(
                text.contains(
                    "(rank 1 of 3); 24 images are predicted as horse (control 3; net 14.0 %, "
                ),
                "{text}"
            );
        }
    }
}
