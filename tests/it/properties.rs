//! Properties of files: measured, against NumPy and Pillow on the files of `fixtures/properties`.

use crate::support::{fixtures, json};
use camaudit::finding::{FileProperty, PropertyValue};
use camaudit::input::{FileProperties, decode};

/// Largest difference from the reference. The pixels of a PNG are the same; those of a JPEG differ
/// by up to three levels, since libjpeg and this decoder interpolate chroma and round differently.
fn tolerance(file: &str, property: FileProperty) -> f64 {
    let is_lossless = file.ends_with(".png") || file.ends_with(".bmp");
    match property {
        // The resized picture is rounded to 8 bits twice, in two programs.
        FileProperty::SharpnessSmall => 0.02,
        _ if is_lossless || file.ends_with(".webp") => 1e-9,
        FileProperty::LumaMean
        | FileProperty::LumaSd
        | FileProperty::Saturation
        | FileProperty::RedGreen
        | FileProperty::BlueGreen
        | FileProperty::RingMean
        | FileProperty::RingSd => 0.6,
        FileProperty::Sharpness | FileProperty::FineDetail => 0.05,
        // Log of the SD: under one level where JPEG left flat blocks, where rounding is all of it.
        FileProperty::Noise => 1.0,
        FileProperty::Blockiness => 0.1,
        FileProperty::DarkShare | FileProperty::LightShare => 0.005,
        _ => 1e-9,
    }
}

#[test]
fn properties_are_those_of_numpy_and_pillow() {
    let golden = json(&fixtures().join("golden/properties.json"));
    let files = golden["files"].as_object().expect("files");
    let mut compared = 0;
    let mut differences = Vec::new();
    for (file, expected) in files {
        let bytes = std::fs::read(fixtures().join("properties").join(file)).expect("read");
        let photo = decode(&bytes).expect("decode");
        let found = FileProperties::measure(&bytes, &photo);
        for &property in FileProperty::ALL {
            let what = format!("{file} {property}");
            match (found.get(property), expected.get(property.name())) {
                (PropertyValue::Number(x), Some(wanted)) => {
                    let wanted = wanted.as_f64().unwrap_or_else(|| panic!("{what}"));
                    let most = tolerance(file, property);
                    if (x - wanted).abs() > most {
                        differences.push(format!("{what}: {x}, not {wanted}"));
                    }
                }
                (PropertyValue::Level(level), Some(wanted)) => {
                    assert_eq!(Some(level.as_str()), wanted.as_str(), "{what}");
                }
                (PropertyValue::Missing, None) => continue,
                (value, wanted) => panic!("{what}: {value:?}, expected {wanted:?}"),
            }
            compared += 1;
        }
    }
    assert!(differences.is_empty(), "{differences:#?}");
    assert!(compared > 400, "{compared} values");
}

#[test]
fn names_tell_letters_and_folders_but_not_the_label() {
    let level = |text: &str| PropertyValue::Level(text.to_owned());
    let missing = PropertyValue::Missing;
    for (path, label, prefix, folder) in [
        ("cat/IMG_001.jpg", "cat", level("IMG"), missing.clone()),
        ("train/cat/0001.jpg", "cat", missing.clone(), level("train")),
        ("site a/x1.png", "cat", level("x"), level("site a")),
        ("photo.jpg", "cat", level("photo"), missing.clone()),
        ("cat/été-1.jpg", "dog", level("été"), level("cat")),
    ] {
        let mut found = FileProperties::default();
        found.add_name(path, label);
        assert_eq!(found.get(FileProperty::NamePrefix), prefix, "{path}");
        assert_eq!(found.get(FileProperty::Folder), folder, "{path}");
    }
}
