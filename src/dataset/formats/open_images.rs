//! Open Images: one CSV of normalised boxes for all images.

use super::entry_table::{EntryTable, RowPlace};
use crate::dataset::csv_table::{self, column, find_column};
use crate::dataset::problem::Problem;
use crate::error::Result;
use std::collections::HashMap;
use std::path::Path;

/// Reads `ImageID,..,LabelName,..,XMin,XMax,YMin,YMax,..,IsGroupOf,..`; `names` maps label codes.
///
/// # Errors
/// When a file cannot be read, or lacks a column.
pub fn load(file: &Path, root: &Path, names: Option<&Path>) -> Result<EntryTable> {
    let mut table = EntryTable::new(root);
    let names = match names {
        Some(names) => read_names(names, &mut table.problems)?,
        None => HashMap::new(),
    };

    let mut csv = csv_table::open(file, "dataset.annotations")?;
    let image_column = column(&csv.header, "ImageID", file)?;
    let label_column = column(&csv.header, "LabelName", file)?;
    let edge_columns = [
        column(&csv.header, "XMin", file)?,
        column(&csv.header, "YMin", file)?,
        column(&csv.header, "XMax", file)?,
        column(&csv.header, "YMax", file)?,
    ];
    let group_column = find_column(&csv.header, "IsGroupOf");

    while let Some(row) = csv.next(&mut table.problems)? {
        let path = format!("{}.jpg", row.text(image_column));
        let code = row.text(label_column);
        let category = names.get(code).map_or(code, String::as_str);
        let edges = edge_columns.map(|edge| row.number(edge));
        let line = row.line;
        let place = RowPlace { file, line };
        let group = group_column.map(|column| row.text(column));
        let Some(is_group) = table.flag(&path, "IsGroupOf", group, place) else {
            continue;
        };
        if let Some(annotation) = table.add_box(&path, category, edges, place) {
            annotation.normalised = true;
            annotation.ignore = is_group;
        }
    }
    Ok(table)
}

/// The class descriptions: `code,name`, without a header.
fn read_names(file: &Path, problems: &mut Vec<Problem>) -> Result<HashMap<String, String>> {
    let mut csv = csv_table::open_headless(file, "dataset.names")?;
    let mut names = HashMap::new();
    while let Some(row) = csv.next(problems)? {
        names.insert(row.text(0).to_owned(), row.text(1).to_owned());
    }
    Ok(names)
}
