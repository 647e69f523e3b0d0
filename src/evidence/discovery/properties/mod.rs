//! Properties of files that tell a class from the others: `table` holds a sample, `mining` finds
//! rules on one half of the groups, `association` tests them on the other, `selection` merges and
//! limits false findings. `visible` asks whether the model's features show the rule, `usage`
//! whether images of other classes move to the class when they are changed to follow it.

mod association;
mod counted;
mod distribution;
mod mining;
mod record;
mod rule;
mod selection;
mod table;
mod usage;
mod visible;

pub use association::{PropertyTest, RuleRates, stands_out};
pub use distribution::distribution;
pub use mining::likelihood_ratio;
pub use record::evidence;
pub use selection::{PropertyFound, PropertySearch, overlap, search};
pub use table::{ImageProperties, PropertyTable, TableImage};
pub use usage::{ChangedHost, usage_effect};
pub use visible::{FEW_IMAGES, FeatureImage, visible};
