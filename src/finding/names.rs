//! The closed sets: every name that a table, a document or a command line uses for one of a few
//! things.

use serde::{Deserialize, Serialize};

/// An enum whose variants have one fixed name everywhere: in Parquet, in JSON, in messages.
macro_rules! closed_set {
    ($(#[$doc:meta])* $set:ident {
        $($(#[$variant_doc:meta])* $variant:ident = $name:literal,)*
    }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum $set {
            $($(#[$variant_doc])* #[serde(rename = $name)] $variant,)*
        }

        impl $set {
            /// Every member, in order.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The name in tables, documents and messages.
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)*
                }
            }
        }

        impl std::fmt::Display for $set {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.name())
            }
        }

        impl std::str::FromStr for $set {
            type Err = String;

            fn from_str(name: &str) -> Result<Self, String> {
                let found = Self::ALL.iter().find(|member| member.name() == name);
                found.copied().ok_or_else(|| {
                    let names: Vec<&str> = Self::ALL.iter().map(|member| member.name()).collect();
                    format!("found {name:?}, expected one of {}", names.join(", "))
                })
            }
        }
    };
}

closed_set! {
    /// The verdict on one class and one region, most serious first.
    Verdict {
        Confirmed = "confirmed",
        ModelShortcut = "model_shortcut",
        Candidate = "candidate",
        DataRisk = "data_risk",
        Cleared = "cleared",
        SalientOnly = "salient_only",
        Insufficient = "insufficient",
        None = "none",
    }
}

impl Verdict {
    /// Whether reviewers are asked to decide about it.
    pub fn is_reported(self) -> bool {
        self <= Self::DataRisk
    }

    /// The name with spaces, for sentences.
    pub fn words(self) -> String {
        self.name().replace('_', " ")
    }
}

closed_set! {
    /// What a finding is about.
    FindingKind {
        /// A declared region that is present in some images.
        Confounder = "confounder",
        /// A picture of its own that is laid over images.
        Overlay = "overlay",
        /// Everything but the objects.
        Surroundings = "context",
        /// A property of the files of a class.
        Property = "property",
    }
}

closed_set! {
    /// How the region of a finding is known.
    FindingOrigin {
        /// Declared in the pipeline, or built in.
        Declared = "declared",
        /// Discovered as a picture that many images of a class repeat.
        Patch = "patch",
        /// Discovered as what many images of a class show at one place.
        Fixed = "fixed",
        /// Discovered as a property of files, pixels or the manifest.
        Property = "property",
    }
}

closed_set! {
    /// What the concepts of a class are ordered by.
    ConceptOrder {
        /// The part of the activation outside the objects, of those that speak for the class.
        OutsideObjects = "outside_objects",
        /// The contribution in held-out images that are right, less that in wrong ones.
        RightLessWrong = "right_less_wrong",
        /// Nothing that tells an artefact: all are shown, by their share.
        Unordered = "unordered",
    }
}

#[expect(
    clippy::derivable_impls,
    reason = "the macro has no place for an attribute"
)]
impl Default for FindingOrigin {
    fn default() -> Self {
        Self::Declared
    }
}

closed_set! {
    /// How much a region does, most first.
    Severity {
        Critical = "critical",
        High = "high",
        Medium = "medium",
        Low = "low",
    }
}

impl Severity {
    /// For people; `at_least` where it rests on a count that misses some images.
    pub fn words(self, at_least: bool) -> String {
        if at_least {
            format!("at least {self}")
        } else {
            self.to_string()
        }
    }

    /// The severity of an effect by its lower bound: from 20 % critical, from 10 % high, from 5 %
    /// medium.
    pub fn of_lower_bound(low: f64) -> Self {
        if low >= 0.2 {
            Self::Critical
        } else if low >= 0.1 {
            Self::High
        } else if low >= 0.05 {
            Self::Medium
        } else {
            Self::Low
        }
    }
}

closed_set! {
    /// The class whose map was taken.
    MapTarget {
        /// The class of the image's label.
        Label = "label",
        /// The predicted class, where it differs from the label's.
        Predicted = "predicted",
        /// A class that the image is a comparison for: nearly all of its own images show a region.
        Baseline = "baseline",
    }
}

closed_set! {
    /// What became of a finding since the last run.
    ChangeState {
        New = "new",
        Worse = "worse",
        Better = "better",
        Gone = "gone",
        Unchanged = "unchanged",
        NotComparable = "not_comparable",
    }
}

closed_set! {
    /// What two runs can differ in.
    RunPart {
        Version = "version",
        Model = "model",
        Dataset = "dataset",
        Pipeline = "pipeline",
        Engine = "engine",
    }
}

closed_set! {
    /// Why an image is shown with a finding.
    FigureRole {
        /// What many images repeat, and where it is in some of them.
        Pattern = "pattern",
        /// An image that shows a concept of its class.
        Concept = "concept",
        /// Images of a class whose heat lies alike.
        HeatCluster = "heat_cluster",
        /// The picture that is searched for in every photo.
        Template = "template",
        /// The mean maps of images with and without the region.
        Mean = "mean",
        /// The median of the region over the photos that it was cut from.
        Consensus = "consensus",
        /// The region pasted on an image of another class.
        Pasted = "pasted",
        /// An overlay on an image.
        Laid = "laid",
        /// An image of another class, changed to follow a rule on its properties.
        Changed = "changed",
        /// The region, or the objects, filled in.
        Filled = "filled",
        /// Among the largest contrasts.
        Strongest = "strongest",
        /// The middle contrast.
        Median = "median",
        /// Chosen by hash, with the region.
        Random = "random",
        /// Chosen by hash, without the region.
        Untagged = "untagged",
    }
}

closed_set! {
    /// What a reviewer decided about a finding.
    ReviewDecision {
        Confirm = "confirm",
        LegitimateContext = "legitimate-context",
        ObjectPart = "object-part",
        AnnotationError = "annotation-error",
        Unsure = "unsure",
        /// Last, so that the keys of the others stay as they were.
        NotAShortcut = "not-a-shortcut",
    }
}

impl ReviewDecision {
    /// Whether the finding stays open with this decision.
    pub fn stays_open(self) -> bool {
        self == Self::Unsure
    }

    /// The meaning, for the report and the help.
    pub fn meaning(self) -> &'static str {
        match self {
            Self::Confirm => "a shortcut: remove it from the data",
            Self::LegitimateContext => "belongs to the class, as rails to trains",
            Self::ObjectPart => "is part of the object",
            Self::AnnotationError => "the annotation is wrong",
            Self::Unsure => "look again next time",
            Self::NotAShortcut => "looked at: the model does not use it, or rightly so",
        }
    }
}

closed_set! {
    /// Why a decided finding is open again.
    ReopenReason {
        Redeclared = "the region is declared differently",
        Expired = "the decision expired",
        MoreSerious = "the verdict is more serious",
        EffectGrown = "the effect has grown",
    }
}

closed_set! {
    /// The unit of the effect by which runs are compared.
    EffectUnit {
        Fraction = "fraction",
        Logit = "logit",
    }
}

closed_set! {
    /// The two sides of C.
    InterventionSide {
        Insertion = "insertion",
        Removal = "removal",
    }
}

closed_set! {
    /// What is pasted instead of the confounder.
    InsertionControl {
        OtherPatch = "another patch of the same photo",
        SyntheticPatch = "a synthetic patch",
        SamePlace = "the same place without the tag",
    }
}

closed_set! {
    /// What is pasted instead of the consensus of the donors.
    ConsensusControl {
        OtherMedian = "the median of other places of the same photos",
        OtherPatch = "another patch of the same photo",
        SyntheticPatch = "a synthetic patch",
    }
}

closed_set! {
    /// How the confounder's place is filled.
    RemovalFill {
        Imputed = "imputed from the pixels around it",
        Copied = "copied from the nearest photo without it",
    }
}

closed_set! {
    /// What is laid over an image instead of the overlay.
    OverlayControl {
        Scrambled = "its own blocks shuffled",
        Synthetic = "a synthetic pattern",
    }
}

pub(super) use closed_set;
