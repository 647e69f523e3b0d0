//! Documents of a run as sentences, tables, pages and pictures: pure functions, which read no
//! files.

mod anchor;
mod build_summary;
mod cards;
mod cell_map;
mod changes;
mod charts;
mod class_list;
mod comparison;
mod concepts;
pub mod contact_sheet;
mod effect_text;
#[cfg(test)]
mod fabricated;
mod facts;
#[cfg(test)]
mod finding_texts;
mod found_pattern;
mod glossary;
mod headline;
mod heat_comparison;
mod heat_table;
pub mod heatmap;
mod image_budget;
mod junit;
mod markdown;
mod page;
mod overlay_sentence;
mod pictures;
pub mod pipeline_index;
mod prometheus;
mod property_sentence;
mod property_spread;
mod reported;
mod sarif;
mod sarif_document;
mod sentences;
mod split_summary;
mod strips;
mod surroundings_sentence;
mod template;
mod terminal;
mod tested_run;
mod text;
mod unmet;
mod warnings;

pub use build_summary::summary;
pub use cell_map::{CellMap, cell_map_picture, mean_map_picture};
pub use comparison::{ComparedRun, ComparisonInput, comparison_page};
pub use headline::{headline, open_at_or_above, open_findings, refusal, upshot};
pub use junit::junit;
pub use markdown::markdown;
pub use page::{PageInput, page};
pub use pictures::{name_files, panel};
pub use prometheus::{RunOutcome, prometheus};
pub use reported::ModelClasses;
pub use sarif::sarif;
pub use sentences::sentence;
pub use split_summary::split_summaries;
pub use terminal::terminal;
pub use tested_run::TestedRun;
pub use text::{printable, wrap};
pub use warnings::{accuracy_warning, ignored_warning};
