//! Documents of a run as sentences, tables, pages and pictures: pure functions, which read no
//! files.

mod anchor;
mod build_summary;
mod cards;
mod changes;
mod charts;
mod class_list;
pub mod contact_sheet;
#[cfg(test)]
mod fabricated;
mod facts;
#[cfg(test)]
mod finding_texts;
mod findings_list;
mod found_pattern;
mod glossary;
mod headline;
mod heat_table;
pub mod heatmap;
mod image_budget;
mod markdown;
mod page;
mod overlay_sentence;
mod pictures;
pub mod pipeline_index;
mod prometheus;
mod property_sentence;
mod property_spread;
mod sentences;
mod strips;
mod surroundings_sentence;
mod template;
mod terminal;
mod text;
mod unmet;
mod warnings;

pub use build_summary::summary;
pub use headline::{headline, open_at_or_above, refusal, upshot};
pub use markdown::markdown;
pub use page::{PageInput, page};
pub use pictures::{name_files, panel};
pub use prometheus::{RunOutcome, prometheus};
pub use sentences::sentence;
pub use terminal::terminal;
pub use text::printable;
pub use warnings::{accuracy_warning, ignored_warning};
