//! WSOL evaluation: text files without headers, one line per image or box.

use super::entry_table::{EntryTable, RowPlace};
use crate::dataset::checks::checked_size;
use crate::dataset::class_names::{self, ClassNames};
use crate::dataset::csv_table;
use crate::dataset::problem::Problem;
use crate::error::Result;
use std::path::Path;

/// The key of the pipeline that names the folder.
const KEY: &str = "dataset.annotations";

/// Reads `class_labels.txt` (path, class), and where they exist `image_sizes.txt` (path, w, h) and
/// `localization.txt` (path, x0, y0, x1, y1), in pixels.
///
/// `names` is a file of class names; without it a class is named by its number.
///
/// # Errors
/// When a file cannot be read.
pub fn load(folder: &Path, root: &Path, names: Option<&Path>) -> Result<EntryTable> {
    let mut table = EntryTable::new(root);
    let names = class_names::read_optional(names)?.unwrap_or_default();

    read_labels(&folder.join("class_labels.txt"), &names, &mut table)?;
    let sizes = folder.join("image_sizes.txt");
    if sizes.exists() {
        read_sizes(&sizes, &mut table)?;
    }
    let boxes = folder.join("localization.txt");
    if boxes.exists() {
        read_boxes(&boxes, &mut table)?;
    }
    Ok(table)
}

fn read_labels(file: &Path, names: &ClassNames, table: &mut EntryTable) -> Result<()> {
    let mut csv = csv_table::open_headless(file, KEY)?;
    while let Some(row) = csv.next(&mut table.problems)? {
        let line = row.line;
        let class = row.record.get(1).unwrap_or_default();
        let label = class_names::named(names, class.trim());
        let Some(entry) = table.entry(row.text(0), RowPlace { file, line }) else {
            continue;
        };

        if let (Some(first), Ok(second)) = (&entry.label, &label)
            && first != second
        {
            let message = format!("{first:?} and {second:?}");
            let problem = Problem::at_line("two_labels", file, line, message);
            entry.problems.push(problem);
        }
        entry.set_label(label);
    }
    Ok(())
}

fn read_sizes(file: &Path, table: &mut EntryTable) -> Result<()> {
    let mut csv = csv_table::open_headless(file, KEY)?;
    while let Some(row) = csv.next(&mut table.problems)? {
        let line = row.line;
        let size = checked_size(Some(row.number(1)), Some(row.number(2)));
        if let Some(entry) = table.entry(row.text(0), RowPlace { file, line }) {
            entry.declared_size = size;
        }
    }
    Ok(())
}

/// The boxes have no category of their own: they outline the class of their image.
fn read_boxes(file: &Path, table: &mut EntryTable) -> Result<()> {
    let mut csv = csv_table::open_headless(file, KEY)?;
    while let Some(row) = csv.next(&mut table.problems)? {
        let line = row.line;
        let path = row.text(0);
        let category = table.label_of(path).unwrap_or_default().to_owned();
        let edges = [1, 2, 3, 4].map(|column| row.number(column));
        table.add_box(path, &category, edges, RowPlace { file, line });
    }
    Ok(())
}
