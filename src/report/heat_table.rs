//! The rows of heat that terminal and Markdown show, as text.

use super::headline::open_reported;
use super::text::{percent_or, printable};
use crate::finding::Finding;
use crate::runs::documents::{HeatRow, Summary};

/// Rows, and findings, that the terminal and Markdown show.
const ROWS_MAX: usize = 20;

/// Columns of text; the others are numbers.
pub const TEXT_COLUMNS: usize = 2;

/// The table of heat by class and region.
pub struct HeatTable {
    pub header: Vec<&'static str>,
    pub rows: Vec<Vec<String>>,
    /// What the figures mean, and how many rows and findings are left out.
    pub footnote: String,
}

impl HeatTable {
    pub fn new(summary: &Summary) -> Self {
        let has_objects = summary.heat.iter().any(|row| row.object_share.is_some());
        let mut header = vec!["class", "region", "images", "top-1", "heat", "area", "lift"];
        if has_objects {
            header.push("on object");
        }

        let with_share = summary.heat.iter().take_while(|row| row.share.is_some());
        let rows: Vec<Vec<String>> = with_share
            .take(ROWS_MAX)
            .map(|row| cells(row, has_objects))
            .collect();

        let footnote = footnote(summary, rows.len());
        Self {
            header,
            rows,
            footnote,
        }
    }
}

/// The open findings that are shown above the table.
pub fn shown_findings(summary: &Summary) -> impl Iterator<Item = &Finding> {
    open_reported(summary).take(ROWS_MAX)
}

fn cells(row: &HeatRow, has_objects: bool) -> Vec<String> {
    let images = match row.present {
        Some(present) => format!("{present}/{}", row.images),
        None => row.images.to_string(),
    };
    let lift = match row.lift {
        Some(lift) => format!("{lift:.1}"),
        None => "-".to_owned(),
    };

    let mut cells = vec![
        printable(&row.label),
        printable(&row.region),
        images,
        percent_or(row.accuracy, "-"),
        percent_or(row.share, "-"),
        percent_or(row.area, "-"),
        lift,
    ];
    if has_objects {
        cells.push(percent_or(row.object_share, "-"));
    }
    cells
}

fn footnote(summary: &Summary, shown_rows: usize) -> String {
    let mut text = "Heat is the mean share of the class's positive evidence inside the region. \
                    It is a screening figure and does not show that predictions depend on the \
                    region."
        .to_owned();

    let more_rows = summary.heat.len() - shown_rows + summary.heat_omitted;
    if more_rows > 0 {
        text += &format!(" {more_rows} more rows in classes.parquet.");
    }
    let more_findings = open_reported(summary).count() - shown_findings(summary).count();
    if more_findings > 0 {
        text += &format!(" {more_findings} more findings in findings.parquet.");
    }
    text
}
