//! The rows of an audit: the schemas in one place, and their Parquet files. Each table is written
//! and read by the same list of columns.

mod columns;
mod concepts;
mod discovered;
mod findings;
mod measurements;
mod parquet;
mod properties;
mod rows;

pub use columns::{Cell, Column, Row, SCHEMA_VERSION, Values};
pub use concepts::{ConceptRow, HeatClusterRow};
pub use discovered::DiscoveredRow;
pub use findings::FindingRow;
pub use measurements::measurements;
pub use parquet::{checked, decode, encode, encode_groups, read_footer};
pub use properties::PropertyRow;
pub use rows::{ClassRow, DuplicateRow, ImageRow, ProblemRow, RegionRow, SkipRow};

/// The tables in Markdown, as `reports/README.md` holds them.
pub fn markdown() -> String {
    let tables = [
        (ImageRow::TABLE, ImageRow::COLUMNS),
        (RegionRow::TABLE, RegionRow::COLUMNS),
        (SkipRow::TABLE, SkipRow::COLUMNS),
        (ProblemRow::TABLE, ProblemRow::COLUMNS),
        (DuplicateRow::TABLE, DuplicateRow::COLUMNS),
        (ClassRow::TABLE, ClassRow::COLUMNS),
        (PropertyRow::TABLE, PropertyRow::COLUMNS),
        (FindingRow::TABLE, FindingRow::COLUMNS),
        (DiscoveredRow::TABLE, DiscoveredRow::COLUMNS),
        (ConceptRow::TABLE, ConceptRow::COLUMNS),
        (HeatClusterRow::TABLE, HeatClusterRow::COLUMNS),
    ];
    let sections: Vec<String> = tables
        .iter()
        .map(|(name, columns)| section(name, columns))
        .collect();
    sections.join("\n")
}

fn section(table: &str, columns: &[Column]) -> String {
    let header = "| column | type | unit | null | meaning |\n|---|---|---|---|---|\n";
    let mut out = format!("### {table}\n\n{header}");
    for column in columns {
        let null = if column.nullable { "yes" } else { "" };
        out += &format!(
            "| `{}` | {} | {} | {null} | {} |\n",
            column.name, column.kind, column.unit, column.meaning
        );
    }
    out
}
