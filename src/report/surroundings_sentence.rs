//! A finding about the surroundings of objects as a sentence.

use super::text::percent;
use crate::finding::{Estimate, Finding, SurroundingsEvidence, Verdict};

pub fn surroundings(finding: &Finding, evidence: &SurroundingsEvidence) -> String {
    let label = &finding.label;
    let mut parts = Vec::new();
    if let Some(rate) = evidence.rate {
        parts.push(filled(label, evidence, rate));
    }
    match evidence.with_confounder {
        0 => {}
        1 => parts.push("1 of them shows a declared confounder".to_owned()),
        count => parts.push(format!("{count} of them show a declared confounder")),
    }
    if let Some(share) = evidence.object_share {
        parts.push(format!(
            "on average {} of the heat for {label} lies on its objects ({} images)",
            percent(share),
            evidence.measured
        ));
    }

    let conclusion = match (finding.verdict, evidence.rate) {
        (Verdict::Candidate, _) => "the surroundings may be legitimate evidence",
        (_, None) => "no objects were filled in: use of the surroundings was not tested",
        (_, Some(_)) => "use of the surroundings is not shown",
    };
    parts.push(conclusion.to_owned());
    parts.join("; ")
}

fn filled(label: &str, evidence: &SurroundingsEvidence, rate: Estimate) -> String {
    let mut others = String::new();
    if let Some(net) = evidence.net {
        let percent = 100.0 * (rate.value - net.value);
        others = format!(" (filled images of other labels: {percent:.0} %)");
    }
    format!(
        "with the objects filled in, {} of {} {label} images are still predicted as \
         {label}{others}",
        evidence.kept, evidence.images
    )
}

#[cfg(test)]
mod tests {
    use super::super::fabricated;
    use super::*;

    #[test]
    fn the_sentence_says_what_was_shown_and_what_was_not() {
        let rate = Some(Estimate {
            value: 0.25,
            low: 0.1,
            high: 0.5,
        });
        let tested = SurroundingsEvidence {
            images: 16,
            kept: 4,
            rate,
            ..SurroundingsEvidence::default()
        };
        let heat = SurroundingsEvidence {
            object_share: Some(0.22),
            measured: 40,
            ..SurroundingsEvidence::default()
        };
        let start = "with the objects filled in, 4 of 16 train images are still predicted as train";
        let not_shown = "use of the surroundings is not shown";
        for (evidence, expected) in [
            (tested, format!("{start}; {not_shown}")),
            (
                SurroundingsEvidence {
                    with_confounder: 1,
                    ..tested
                },
                format!("{start}; 1 of them shows a declared confounder; {not_shown}"),
            ),
            (
                SurroundingsEvidence {
                    with_confounder: 9,
                    ..tested
                },
                format!("{start}; 9 of them show a declared confounder; {not_shown}"),
            ),
            (
                heat,
                "on average 22.0 % of the heat for train lies on its objects (40 images); no \
                 objects were filled in: use of the surroundings was not tested"
                    .to_owned(),
            ),
        ] {
            let mut finding = fabricated::surroundings("train");
            finding.verdict = Verdict::SalientOnly;
            assert_eq!(surroundings(&finding, &evidence), expected);
        }
    }
}
