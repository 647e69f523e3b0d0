//! A concept of a finished run as a region: the boxes of its cells in all images.

use super::concept_run::with_class;
use super::discovery::places;
use super::observer::Observer;
use crate::error::{Error, Result};
use crate::geometry::{Rect, Size};
use crate::plan::{BoxCoordinates, Plan};
use crate::runs::write_file;
use csv::{ReaderBuilder, Writer, WriterBuilder};
use std::path::{Path, PathBuf};

const COLUMNS: [&str; 6] = ["path", "category", "xmin", "ymin", "xmax", "ymax"];

/// What was written.
pub struct ConceptRegion {
    /// The name of the region, which is the category of its boxes.
    pub name: String,
    /// The boxes, in the coordinates of `dataset.box_coordinates`.
    pub boxes: PathBuf,
    /// Images that were read, those that show the concept, and those that could not be read.
    pub images: usize,
    pub present: usize,
    pub lost: usize,
    /// Boxes of the dataset that the file holds too.
    pub taken_over: usize,
}

/// Writes the boxes of a concept, counted from 1, into a folder. All images of the dataset are
/// inferred for it.
///
/// # Errors
/// When the rows are not those of the pipeline, the class has no such concept, the pipeline's boxes
/// cannot be taken over, or the file cannot be written.
pub fn concept_region(
    plan: &Plan,
    run: &Path,
    (class, concept): (&str, usize),
    out: &Path,
    observer: &dyn Observer,
) -> Result<ConceptRegion> {
    let mut boxes = BoxFile::new()?;
    let taken_over = boxes.take_over(plan)?;
    let coordinates = plan.dataset.box_coordinates;
    let (mut images, mut present) = (0, 0);
    let (name, lost) = with_class(plan, run, class, observer, |search, sampled| {
        let index = search.only.unwrap_or_default();
        let name = region_name(class, index, concept);
        let lost = places(search, sampled, concept, |image| {
            images += 1;
            present += usize::from(!image.places.is_empty());
            for place in &image.places {
                boxes.add(&image.path, &name, &edges(*place, image.photo, coordinates))?;
            }
            Ok(())
        })?;
        Ok((name, lost))
    })?;

    let file = out.join(format!("{name}.csv"));
    let what = format!("create {}", out.display());
    std::fs::create_dir_all(out).map_err(Error::cause(what))?;
    write_file(&file, &boxes.bytes()?)?;
    let path = std::path::absolute(&file).unwrap_or(file);
    Ok(ConceptRegion {
        name,
        boxes: path,
        images,
        present,
        lost,
        taken_over,
    })
}

/// A name of plain letters: it stands in pipelines and names a file.
fn region_name(class: &str, index: u32, concept: usize) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    if !class.is_empty() && class.len() < 64 && class.chars().all(is_plain) {
        format!("concept-{class}-{concept}")
    } else {
        format!("concept-class{index}-{concept}")
    }
}

fn edges(place: Rect, photo: Size, coordinates: BoxCoordinates) -> [String; 4] {
    let unit = match coordinates {
        BoxCoordinates::Pixels => [1.0, 1.0],
        BoxCoordinates::Normalised => [photo.width, photo.height].map(f64::from),
    };
    let edges = [
        place.x0 / unit[0],
        place.y0 / unit[1],
        place.x1 / unit[0],
        place.y1 / unit[1],
    ];
    edges.map(|edge| format!("{edge:.6}"))
}

/// Boxes as `dataset.boxes` reads them.
struct BoxFile(Writer<Vec<u8>>);

impl BoxFile {
    fn new() -> Result<Self> {
        let mut writer = WriterBuilder::new().from_writer(Vec::new());
        let header = writer.write_record(COLUMNS);
        header.map_err(Error::cause("write boxes as CSV"))?;
        Ok(Self(writer))
    }

    fn add(&mut self, path: &str, category: &str, edges: &[String; 4]) -> Result<()> {
        let [x0, y0, x1, y1] = edges;
        let row = [path, category, x0, y0, x1, y1];
        let written = self.0.write_record(row);
        written.map_err(Error::cause("write boxes as CSV"))
    }

    /// Adds the boxes that the pipeline has beside the set: a set has one file of them.
    fn take_over(&mut self, plan: &Plan) -> Result<usize> {
        let Some(file) = &plan.dataset.boxes else {
            return Ok(0);
        };
        let what = format!("read {}", file.display());
        let mut rows = ReaderBuilder::new()
            .from_path(file)
            .map_err(Error::cause(&what))?;
        let header = rows.headers().map_err(Error::cause(&what))?.clone();
        let place = |name: &str| header.iter().position(|column| column.trim() == name);
        let columns: Vec<usize> = COLUMNS.iter().filter_map(|name| place(name)).collect();
        let mut count = 0;
        for row in rows.records() {
            let row = row.map_err(Error::cause(&what))?;
            let cells = columns.iter().map(|column| &row[*column]);
            self.0.write_record(cells).map_err(Error::cause(&what))?;
            count += 1;
        }
        Ok(count)
    }

    fn bytes(self) -> Result<Vec<u8>> {
        let bytes = self.0.into_inner();
        bytes.map_err(Error::cause("write boxes as CSV"))
    }
}
