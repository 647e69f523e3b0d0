//! ImageNet localisation: `LOC_train_solution.csv` or `LOC_val_solution.csv`.

use super::entry_table::{EntryTable, RowPlace};
use crate::dataset::csv_table::{self, column};
use crate::error::Result;
use std::path::Path;

/// Extensions of ImageNet's files.
const EXTENSIONS: [&str; 3] = ["JPEG", "jpeg", "jpg"];

/// Reads `ImageId,PredictionString`, the latter made of groups `class xmin ymin xmax ymax`.
///
/// # Errors
/// When the file cannot be read, or lacks a column.
pub fn load(file: &Path, root: &Path) -> Result<EntryTable> {
    let mut table = EntryTable::new(root);
    let mut csv = csv_table::open(file, "dataset.annotations")?;
    let image_column = column(&csv.header, "ImageId", file)?;
    let solution_column = column(&csv.header, "PredictionString", file)?;

    while let Some(row) = csv.next(&mut table.problems)? {
        let line = row.line;
        let place = RowPlace { file, line };
        let fields: Vec<&str> = row.text(solution_column).split_whitespace().collect();
        let class = fields.first().copied().unwrap_or_default();
        let path = image_path(root, class, row.text(image_column).trim());

        for group in fields.chunks(5) {
            table.add_box(&path, group[0], edges(group), place);
        }
        if let Some(entry) = table.entry(&path, place) {
            entry.label = Some(class.to_owned()).filter(|class| !class.is_empty());
        }
    }
    Ok(table)
}

/// The four numbers after a class; NaN where one is missing.
fn edges(group: &[&str]) -> [f64; 4] {
    [1, 2, 3, 4].map(|i| {
        let number = group.get(i).and_then(|text| text.parse().ok());
        number.unwrap_or(f64::NAN)
    })
}

/// The path of an image: directly below the root (validation) or in the folder of its class
/// (training).
fn image_path(root: &Path, class: &str, id: &str) -> String {
    for folder in [String::new(), format!("{class}/")] {
        for extension in EXTENSIONS {
            let path = format!("{folder}{id}.{extension}");
            if root.join(&path).exists() {
                return path;
            }
        }
    }
    format!("{id}.JPEG")
}
