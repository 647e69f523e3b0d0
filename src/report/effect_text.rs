//! The effect of a finding, as lists show it.

use crate::finding::{EffectUnit, FindingKind};

/// An effect with its unit, and of what it is a part.
pub fn effect_text(kind: FindingKind, effect: Option<f64>, unit: EffectUnit) -> String {
    let Some(effect) = effect else {
        return "no effect measured".to_owned();
    };
    let percent = 100.0 * effect;
    match (unit, kind) {
        (EffectUnit::Logit, _) => format!("{effect:+.2} logits"),
        (EffectUnit::Fraction, FindingKind::Surroundings) => format!("{percent:.0} % stay"),
        (EffectUnit::Fraction, FindingKind::Property) => format!("{percent:+.0} points"),
        (EffectUnit::Fraction, FindingKind::Confounder | FindingKind::Overlay) => {
            format!("{percent:.0} % flip")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_effect_says_of_what_it_is_a_part() {
        let (logit, fraction) = (EffectUnit::Logit, EffectUnit::Fraction);
        let table = [
            (FindingKind::Confounder, Some(0.85), fraction, "85 % flip"),
            (FindingKind::Confounder, Some(0.62), logit, "+0.62 logits"),
            (FindingKind::Overlay, Some(1.2), logit, "+1.20 logits"),
            (FindingKind::Surroundings, Some(0.75), fraction, "75 % stay"),
            (FindingKind::Property, Some(0.36), fraction, "+36 points"),
            (
                FindingKind::Confounder,
                None,
                fraction,
                "no effect measured",
            ),
        ];
        for (kind, effect, unit, expected) in table {
            assert_eq!(effect_text(kind, effect, unit), expected);
        }
    }
}
