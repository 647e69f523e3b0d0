//! What the fuzz targets share: a set on disk whose annotations are the fuzzer's bytes, and what is a crash.

use camaudit::dataset::{Dataset, ImageBytes, LabelMap};
use camaudit::plan::{self, BoxCoordinates, Columns, Format, Links, UnknownLabels};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

/// Between the files of formats that have several.
const SEPARATOR: &[u8] = b"\n====\n";

/// A panic in our own code is a crash even where something would catch it; one in a decoder or the engine is not, as
/// long as we catch it.
pub fn own_panics_crash() {
    std::panic::set_hook(Box::new(|info| {
        let own = info
            .location()
            .is_some_and(|l| l.file().starts_with("src/") || l.file().contains("main/src/"));
        if own {
            eprintln!("{info}");
            std::process::abort();
        }
    }));
}

/// A folder in memory where there is one, removed at the end.
pub fn folder() -> &'static Path {
    static FOLDER: OnceLock<tempfile::TempDir> = OnceLock::new();
    let make = || {
        let memory = Path::new("/dev/shm");
        let folder = if memory.is_dir() {
            tempfile::tempdir_in(memory)
        } else {
            tempfile::tempdir()
        };
        folder.expect("a temporary folder")
    };
    FOLDER.get_or_init(make).path()
}

/// One file of the set in [`folder`], made with its folders.
pub fn put(name: &str, bytes: &[u8]) -> PathBuf {
    let path = folder().join(name);
    std::fs::create_dir_all(path.parent().expect("a parent")).expect("make the folder");
    std::fs::write(&path, bytes).expect("write the file");
    path
}

/// The fuzzer's bytes as several files; the last ones are empty where there are too few.
pub fn split<const N: usize>(bytes: &[u8]) -> [&[u8]; N] {
    let mut rest = Some(bytes);
    std::array::from_fn(|_| {
        let Some(bytes) = rest else { return &[][..] };
        let at = bytes.windows(SEPARATOR.len()).position(|w| w == SEPARATOR);
        rest = at.map(|at| &bytes[at + SEPARATOR.len()..]);
        &bytes[..at.unwrap_or(bytes.len())]
    })
}

/// A set with nothing named but its root.
pub fn set(root: PathBuf, format: Format) -> plan::Dataset {
    plan::Dataset {
        keeps_cells: true,
        root,
        format,
        guess: None,
        manifest: None,
        columns: Columns::default(),
        annotations: None,
        names: None,
        label: None,
        label_table: None,
        problems: plan::problems::Policy::default(),
        boxes: None,
        box_coordinates: BoxCoordinates::Pixels,
        splits: None,
        near_duplicates: true,
        presence_columns: Vec::new(),
        segmentations: true,
        links: Links::Inside,
        unknown_labels: UnknownLabels::Error,
        labels: std::collections::BTreeMap::new(),
    }
}

/// Reads the whole set; what was counted must come, once each.
pub fn read(plan: &plan::Dataset) {
    let Ok(dataset) = Dataset::open(plan, None, 0) else {
        return;
    };
    let labels = LabelMap::without_model(dataset.stats.labels.keys());
    let Ok(samples) = dataset.samples(&labels, ImageBytes::Read) else {
        return;
    };
    let mut found = 0;
    for sample in samples {
        found += 1;
        if let Ok(mut sample) = sample {
            sample.fit(camaudit::geometry::Size::new(64, 48), None);
        }
    }
    assert_eq!(
        found, dataset.stats.found,
        "an item was lost between the walk and the stream"
    );
}
