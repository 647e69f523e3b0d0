//! The files of a run against the page that documents them.

use crate::support::{audit, demo_text, parquet, plan, root};
use camaudit::tables::{
    ClassRow, Column, DuplicateRow, FindingRow, ImageRow, ProblemRow, RegionRow, Row, SkipRow,
};
use polars::prelude::DataType;

#[test]
fn reports_readme_holds_the_generated_tables() {
    let page =
        std::fs::read_to_string(root().join("reports/README.md")).expect("reports/README.md");
    assert!(
        page.contains(&camaudit::tables::markdown()),
        "run `make schema`"
    );
}

#[test]
fn every_file_has_the_documented_columns_types_and_nulls() {
    let folder = tempfile::tempdir().expect("folder");
    let outcome = audit(&plan(
        folder.path(),
        "demo",
        &demo_text("shortcut.onnx"),
        &[],
    ));
    check(
        "images/part-00000.parquet",
        ImageRow::COLUMNS,
        &outcome.folder,
    );
    check(
        "regions/part-00000.parquet",
        RegionRow::COLUMNS,
        &outcome.folder,
    );
    check("skipped.parquet", SkipRow::COLUMNS, &outcome.folder);
    check("problems.parquet", ProblemRow::COLUMNS, &outcome.folder);
    check("classes.parquet", ClassRow::COLUMNS, &outcome.folder);
    check("duplicates.parquet", DuplicateRow::COLUMNS, &outcome.folder);
    check("findings.parquet", FindingRow::COLUMNS, &outcome.folder);
}

fn check(file: &str, columns: &[Column], folder: &std::path::Path) {
    let frame = parquet(&folder.join(file));
    let names: Vec<&str> = columns.iter().map(|c| c.name).collect();
    assert_eq!(frame.get_column_names(), names, "{file}");
    for column in columns {
        let found = frame.column(column.name).expect("column");
        let kind = match found.dtype() {
            DataType::String => "text",
            DataType::Float64 => "number",
            DataType::UInt32 => "count",
            DataType::Boolean => "flag",
            DataType::List(inner) if **inner == DataType::Float32 => "floats",
            DataType::List(inner) if **inner == DataType::UInt32 => "counts",
            other => panic!("{file} {}: {other}", column.name),
        };
        assert_eq!(kind, column.kind, "{file} {}", column.name);
        assert!(
            column.nullable || found.null_count() == 0,
            "{file} {} has nulls",
            column.name
        );
        assert!(!column.meaning.is_empty());
    }
}
