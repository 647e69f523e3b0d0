//! Annotations that other tools write in other forms: read as they are meant, or refused, never
//! believed to be something else.

use crate::odd_set::{BOXES, OddSet};
use crate::support::camaudit;

/// The boxes of the set as text that `line` makes of path, category and edges.
fn each(line: impl Fn(&str, &str, [f64; 4]) -> String) -> String {
    let lines = BOXES
        .iter()
        .map(|(path, category, edges)| line(path, category, *edges));
    lines.collect::<Vec<_>>().join("\n")
}

const BOXES_HEADER: &str = "path,category,xmin,ymin,xmax,ymax\n";
const MANIFEST_AND_BOXES: &str = "manifest = \"SET/../m.csv\"\nboxes = \"SET/../b.csv\"\n";
const FRACTIONS: &str = "box_coordinates = \"normalised\"\n";

fn boxes_file(edges: impl Fn([f64; 4]) -> [f64; 4]) -> String {
    let rows = each(|path, category, given| {
        let [a, b, c, d] = edges(given);
        format!("{path},{category},{a},{b},{c},{d}")
    });
    format!("{BOXES_HEADER}{rows}\n")
}

#[test]
fn boxes_in_other_units_or_order_are_refused() {
    let right = |edges: [f64; 4]| edges;
    let fractions = |edges: [f64; 4]| edges.map(|edge| edge / 64.0);
    let sized = |[x0, y0, x1, y1]: [f64; 4]| [x0, y0, x1 - x0, y1 - y0];
    let swapped = |[x0, y0, x1, y1]: [f64; 4]| [x1, y1, x0, y0];
    let of_other_photos = |edges: [f64; 4]| edges.map(|edge| edge + 100.0);
    let of_larger_photos = |edges: [f64; 4]| edges.map(|edge| edge * 10.0);
    let thousandths = |edges: [f64; 4]| edges.map(|edge| edge / 64.0 * 1000.0);
    let rounded = |[x0, y0, _, _]: [f64; 4]| [x0, y0, x0, y0];

    let fine = "";
    let cases: [(&str, String, &str, &str); 12] = [
        ("right", boxes_file(right), "", fine),
        ("right fractions", boxes_file(fractions), FRACTIONS, fine),
        (
            "fractions",
            boxes_file(fractions),
            "",
            "look like fractions",
        ),
        (
            "pixels as fractions",
            boxes_file(right),
            FRACTIONS,
            "look like pixels",
        ),
        (
            "width and height",
            boxes_file(sized),
            "",
            "look like x, y, width, height",
        ),
        (
            "corners swapped",
            boxes_file(swapped),
            "",
            "second corner left of or above",
        ),
        (
            "other photos",
            boxes_file(of_other_photos),
            "",
            "boxes of other photos",
        ),
        (
            "larger photos",
            boxes_file(of_larger_photos),
            "",
            "boxes of other photos",
        ),
        (
            "thousandths",
            boxes_file(thousandths),
            "",
            "boxes of other photos",
        ),
        (
            "thousandths as fractions",
            boxes_file(thousandths),
            FRACTIONS,
            "look like pixels",
        ),
        ("without area", boxes_file(rounded), "", "have no area"),
        (
            "ignored",
            boxes_file(fractions),
            "problems = { implausible_boxes = \"ignore\" }\n",
            fine,
        ),
    ];
    for (name, boxes, keys, expected) in cases {
        let set = OddSet::new();
        set.write("m.csv", manifest());
        set.write("b.csv", &boxes);
        let checked = set.check_boxes(&format!("{MANIFEST_AND_BOXES}{keys}"));
        match checked {
            Ok(_) => assert!(expected.is_empty(), "{name}: accepted"),
            Err(message) => {
                let is_expected = !expected.is_empty() && message.contains(expected);
                assert!(is_expected, "{name}: {message}");
                let remedy = "implausible_boxes = \"ignore\"";
                assert!(message.contains(remedy), "{name}: {message}");
            }
        }
    }
}

fn manifest() -> String {
    let mut rows = "path,label\n".to_owned();
    for (path, category, _) in BOXES {
        rows += &format!("{path},{category}\n");
    }
    rows
}

/// One category in other units among others that are right.
#[test]
fn one_implausible_category_is_refused() {
    let set = OddSet::new();
    set.write("m.csv", manifest());
    let rows = each(|path, category, edges| {
        let scale = if category == "car" { 64.0 } else { 1.0 };
        let [a, b, c, d] = edges.map(|edge| edge / scale);
        format!("{path},{category},{a},{b},{c},{d}")
    });
    set.write("b.csv", format!("{BOXES_HEADER}{rows}\n"));
    let message = set.check_boxes(MANIFEST_AND_BOXES).expect_err("refused");
    assert!(message.contains("3 of 3 boxes of \"car\""), "{message}");
}

#[test]
fn coordinates_of_other_formats_are_refused() {
    let coco = |edges: fn([f64; 4]) -> [f64; 4]| {
        let annotations = (0..).zip(BOXES).map(|(i, (_, category, given))| {
            let [a, b, c, d] = edges(given);
            let class = ["boat", "car", "horse"]
                .iter()
                .position(|name| *name == category);
            let class = class.expect("a class");
            format!(r#"{{"id":{i},"image_id":{i},"category_id":{class},"bbox":[{a},{b},{c},{d}]}}"#)
        });
        coco_file(&annotations.collect::<Vec<_>>().join(","))
    };
    let set = OddSet::new();
    set.write(
        "right.json",
        coco(|[x0, y0, x1, y1]| [x0, y0, x1 - x0, y1 - y0]),
    );
    set.write("corners.json", coco(|edges| edges));
    set.write(
        "fractions.json",
        coco(|edges| edges.map(|edge| edge / 64.0)),
    );
    for (path, category, [x0, y0, x1, y1]) in BOXES {
        let class = ["boat", "car", "horse"]
            .iter()
            .position(|name| *name == category);
        let class = class.expect("a class");
        let stem = path.trim_end_matches(".jpg");
        let (w, h) = (x1 - x0, y1 - y0);
        set.write(
            &format!("yolo_pixels/{stem}.txt"),
            format!("{class} {} {} {w} {h}\n", x0 + w / 2.0, y0 + h / 2.0),
        );
        let corners = [x0, y0, x1, y1].map(|edge| edge / 64.0);
        let [a, b, c, d] = corners;
        set.write(
            &format!("yolo_corners/{stem}.txt"),
            format!("{class} {a} {b} {c} {d}\n"),
        );
        let edges = format!("<xmin>{a}</xmin><ymin>{b}</ymin><xmax>{c}</xmax><ymax>{d}</ymax>");
        set.write(
            &format!("voc_fractions/{stem}.xml"),
            format!(
                "<annotation><object><name>{category}</name><bndbox>{edges}</bndbox></object>\
                 </annotation>"
            ),
        );
    }
    set.write("names.txt", "boat\ncar\nhorse\n");

    let names = "names = \"SET/../names.txt\"\n";
    let cases = [
        ("right.json", "", ""),
        ("corners.json", "", "look like xmin, ymin, xmax, ymax"),
        ("fractions.json", "", "look like fractions"),
        ("yolo_pixels", names, "look like pixels"),
        ("yolo_corners", names, "the centre, width and height"),
        ("voc_fractions", "", "look like fractions"),
    ];
    for (annotations, keys, expected) in cases {
        let keys = format!("annotations = \"SET/../{annotations}\"\n{keys}");
        match set.check_boxes(&keys) {
            Ok(_) => assert!(expected.is_empty(), "{annotations}: accepted"),
            Err(message) => {
                let is_expected = !expected.is_empty() && message.contains(expected);
                assert!(is_expected, "{annotations}: {message}");
            }
        }
    }
}

fn coco_file(annotations: &str) -> String {
    let images = (0..).zip(BOXES).map(|(i, (path, _, _))| {
        format!(r#"{{"id":{i},"file_name":"{path}","width":64,"height":64}}"#)
    });
    let images = images.collect::<Vec<_>>().join(",");
    format!(
        r#"{{"images":[{images}],"annotations":[{annotations}],"categories":[
        {{"id":0,"name":"boat"}},{{"id":1,"name":"car"}},{{"id":2,"name":"horse"}}]}}"#
    )
}

/// The rows of one label file, and what becomes of them.
#[test]
fn rows_of_yolo_are_boxes_or_polygons_or_problems() {
    let keypoints = "kpt_shape: [2, 3]\nnames: [boat, car, horse]\n";
    let plain = "names: {'0': boat, '1': car, '2': horse}\n";
    let pose = "1 .5 .5 .4 .4 .41 .42 .43 .44 .45 .46\n";
    let cases: [(&str, &str, &str, &str); 12] = [
        ("a box", plain, "1 .5 .5 .25 .25\n", "car 24,24,40,40"),
        (
            "class as a decimal",
            plain,
            "1.0e+00 .5 .5 .25 .25\n",
            "car 24,24,40,40",
        ),
        (
            "with a confidence",
            plain,
            "1 .5 .5 .25 .25 .91\n",
            "car 24,24,40,40",
        ),
        (
            "with confidence and track",
            plain,
            "1 .5 .5 .25 .25 .91 7\n",
            "car 24,24,40,40",
        ),
        (
            "with a comment",
            plain,
            "1 .5 .5 .25 .25 # seen\n",
            "car 24,24,40,40",
        ),
        (
            "a triangle",
            plain,
            "1 .25 .25 .5 .25 .5 .5\n",
            "car 16,16,32,32",
        ),
        (
            "an oriented box",
            plain,
            "1 .25 .25 .5 .25 .5 .5 .25 .5\n1 .25 .25 .5 .25 .5 .5 .25 .5\n1 .5 .5 .75 .5 .75 .75 .5 .75\n",
            "car 16,16,32,32; car 16,16,32,32; car 32,32,48,48",
        ),
        (
            "keypoints that data.yaml names",
            keypoints,
            "1 .5 .5 .25 .25 .4 .4 2 .6 .6 1\n",
            "car 24,24,40,40",
        ),
        (
            "keypoints as polygons",
            plain,
            &pose.repeat(3),
            "3 x bad_annotation",
        ),
        (
            "keypoints with visibility",
            plain,
            "1 .5 .5 .25 .25 .4 .4 2 .6 .6 1\n",
            "1 x bad_annotation",
        ),
        (
            "too few numbers",
            plain,
            "1 .5 .5 .25\n",
            "1 x bad_annotation",
        ),
        (
            "another number of keypoints",
            keypoints,
            "1 .5 .5 .4 .4 .41 .42 .43 .44\n",
            "1 x bad_annotation",
        ),
    ];
    for (name, yaml, rows, expected) in cases {
        let set = OddSet::new();
        set.write("data.yaml", yaml);
        set.write("labels/p1.txt", rows);
        let keys = "format = \"yolo\"\nannotations = \"SET/../labels\"\n\
                    names = \"SET/../data.yaml\"\nlabel = \"table\"\n\
                    label_table = \"SET/../m.csv\"\n";
        set.write("m.csv", manifest());
        let found = set.objects(keys, "p1.jpg");
        assert_eq!(found, expected, "{name}");
    }
}

#[test]
fn shapes_of_labelme_are_read_as_they_are_meant() {
    let cases = [
        (
            "two corners",
            r#"{"label": "car", "shape_type": "rectangle", "points": [[40, 41], [10, 11]]}"#,
            "car 10,11,40,41",
        ),
        (
            "four corners",
            r#"{"label": "car", "shape_type": "rectangle",
                "points": [[10, 11], [40, 11], [40, 41], [10, 41]]}"#,
            "car 10,11,40,41",
        ),
        (
            "a rotated rectangle",
            r#"{"label": "car", "shape_type": "rotation",
                "points": [[25, 10], [40, 25], [25, 40], [10, 25]]}"#,
            "car 10,10,40,40 (4 corners)",
        ),
        (
            "no label",
            r#"{"label": null, "shape_type": "rectangle", "points": [[10, 11], [40, 41]]}"#,
            "1 x unknown_category",
        ),
        (
            "an empty label",
            r#"{"label": " ", "shape_type": "polygon", "points": [[1, 1], [9, 1], [9, 9]]}"#,
            "1 x unknown_category",
        ),
        (
            "no number",
            r#"{"label": "car", "shape_type": "rectangle", "points": [[NaN, 11], [40, 41]]}"#,
            "1 x not_a_number",
        ),
        (
            "another form",
            r#"{"label": "car", "shape_type": "cuboid", "points": [[1, 1], [9, 1], [9, 9]]}"#,
            "1 x bad_annotation",
        ),
    ];
    for (name, shape, expected) in cases {
        let set = OddSet::new();
        set.write("m.csv", manifest());
        let file = format!(r#"{{"flags": null, "score": NaN, "shapes": [{shape}]}}"#);
        set.write("ann/p1.json", &file);
        let keys = "format = \"labelme\"\nannotations = \"SET/../ann\"\nlabel = \"table\"\n\
                    label_table = \"SET/../m.csv\"\n";
        assert_eq!(set.objects(keys, "p1.jpg"), expected, "{name}");
    }
}

/// Ids, flags and values that a strict reader refuses.
#[test]
fn coco_is_read_as_python_reads_it() {
    let image = |id: &str| format!(r#"{{"id": {id}, "file_name": "p1.jpg", "width": "64"}}"#);
    let category = |id: &str| format!(r#"{{"id": {id}, "name": "car", "score": NaN}}"#);
    let annotation = |image: &str, category: &str, more: &str| {
        format!(
            r#"{{"image_id": {image}, "category_id": {category}, "area": -Infinity,
                "bbox": [10, 11, 30, 30]{more}}}"#
        )
    };
    let (one, text) = ("1", r#""a7""#);
    let cases = [
        (
            "numbers",
            image(one),
            category(one),
            annotation(one, one, ""),
            "car 10,11,40,41",
        ),
        (
            "texts",
            image(text),
            category(text),
            annotation(text, text, ""),
            "car 10,11,40,41",
        ),
        (
            "decimals",
            image("1.0"),
            category("3"),
            annotation("1", "3.0", ""),
            "car 10,11,40,41",
        ),
        (
            "below 0",
            image("-1"),
            category("-2"),
            annotation("-1", "-2", ""),
            "car 10,11,40,41",
        ),
        (
            "iscrowd as text",
            image(one),
            category(one),
            annotation(one, one, r#", "iscrowd": "1.0""#),
            "car 10,11,40,41 ignored",
        ),
        (
            "iscrowd that is no flag",
            image(one),
            category(one),
            annotation(one, one, r#", "iscrowd": "some""#),
            "1 x bad_annotation",
        ),
        (
            "a category that is null",
            image(one),
            category(one),
            annotation(one, "null", ""),
            "1 x unknown_category",
        ),
        (
            "a number and a text",
            image(one),
            category(one),
            annotation(one, r#""1""#, ""),
            "1 x unknown_category",
        ),
        (
            "an image that is null",
            image(one),
            category(one),
            annotation("null", one, ""),
            "1 x annotation_without_image",
        ),
    ];
    for (name, image, category, annotation, expected) in cases {
        let set = OddSet::new();
        set.write("m.csv", manifest());
        let file = format!(
            r#"{{"info": null, "images": [{image}], "annotations": [{annotation}],
                "categories": [{category}]}}"#
        );
        set.write("a.json", &file);
        let keys = "annotations = \"SET/../a.json\"\nlabel = \"table\"\n\
                    label_table = \"SET/../m.csv\"\n";
        assert_eq!(set.objects(keys, "p1.jpg"), expected, "{name}");
    }
}

/// Files that were merged with their ids: neither image gets the boxes of the other.
#[test]
fn images_that_share_an_id_are_skipped() {
    let set = OddSet::new();
    set.write(
        "a.json",
        r#"{"images": [{"id": 1, "file_name": "p0.jpg"}, {"id": 1, "file_name": "p1.jpg"},
                       {"id": 1.0, "file_name": "p2.jpg"}, {"id": 2, "file_name": "p3.jpg"}],
            "annotations": [{"image_id": 1, "category_id": 1, "bbox": [1, 1, 9, 9]},
                            {"image_id": 2, "category_id": 1, "bbox": [1, 1, 9, 9]}],
            "categories": [{"id": 1, "name": "boat"}]}"#,
    );
    let counts = set.counts("annotations = \"SET/../a.json\"\n");
    assert_eq!(counts, "4 found; annotation/duplicate_id 3; boat 1");
}

/// Where only the sizes of the photos show it: both commands refuse, and nothing is measured.
#[test]
fn commands_refuse_boxes_of_other_photos() {
    let set = OddSet::new();
    set.write("m.csv", manifest());
    set.write("b.csv", boxes_file(|edges| edges.map(|edge| edge + 100.0)));
    let plan = set.plan(MANIFEST_AND_BOXES);
    let out = format!("run.out={}", set.path("reports").display());
    for command in ["check", "run"] {
        let output = camaudit(&[command, &plan.file.display().to_string(), "--set", &out]);
        assert_eq!(output.status.code(), Some(2), "{command}");
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(
            error.contains("boxes of other photos"),
            "{command}: {error}"
        );
    }
    let measured = crate::support::files(&set.path("reports"));
    assert!(
        !measured.iter().any(|(name, _)| name.contains("part-")),
        "rows are written"
    );
}
