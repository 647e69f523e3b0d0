//! What reviewers decide, and what becomes of it in the next run.

use crate::support::{audit, demo_text, finding, fixtures, parquet, plan, texts};
use camaudit::audit::Outcome;
use camaudit::finding::{ChangeState, EffectUnit, Finding, ReviewDecision, RunPart, Verdict};
use camaudit::report::open_at_or_above;
use camaudit::runs::diff::{self, ChangeReason};
use camaudit::runs::documents::Changes;
use camaudit::runs::review::{self, Decision};
use camaudit::tables::SCHEMA_VERSION;
use std::collections::BTreeMap;
use std::path::Path;

/// Open findings that are candidates or more.
fn open_candidates(outcome: &Outcome) -> usize {
    open_at_or_above(&outcome.summary.findings, Verdict::Candidate)
}

fn decision(decision: ReviewDecision) -> Decision {
    Decision {
        class: "horse".into(),
        region: "tag".into(),
        decision,
        note: String::new(),
        verdict: None,
        effect: None,
        unit: None,
        declared: String::new(),
        expires: String::new(),
        reviewer: String::new(),
        decided_at: String::new(),
    }
}

#[test]
fn a_decided_finding_is_folded_and_comes_back_when_the_evidence_grows() {
    let folder = tempfile::tempdir().expect("folder");
    let file = folder.path().join("review.csv");
    let run = |set: &[&str]| {
        let text = demo_text("shortcut.onnx") + &format!("[review]\ndecisions = {file:?}\n");
        audit(&plan(folder.path(), "review", &text, set))
    };
    let first = run(&[]);
    assert_eq!(
        (open_candidates(&first), first.new_confirmed),
        (1, 1),
        "open without a decision"
    );
    let findings = parquet(&first.folder.join("findings.parquet"));
    assert_eq!(texts(&findings, "verdict")[0], "confirmed");
    let mut decided = vec![Decision {
        class: "horse".into(),
        region: "source-tag".into(),
        decision: ReviewDecision::Confirm,
        note: "known, \"really\"".into(),
        verdict: Some(Verdict::Confirmed),
        effect: Some(0.9),
        unit: Some(EffectUnit::Fraction),
        declared: texts(&findings, "declared")[0].clone(),
        expires: String::new(),
        reviewer: String::new(),
        decided_at: String::new(),
    }];
    review::write(&file, &mut decided).expect("written");
    assert_eq!(review::read(&file).expect("read"), decided);
    let second = run(&[]);
    assert_eq!(
        (open_candidates(&second), second.new_confirmed),
        (0, 0),
        "decided"
    );
    let page = std::fs::read_to_string(second.folder.join("report.html")).expect("page");
    assert!(page.contains("1 decided earlier") && page.contains(r#"known, \"really\""#));
    decided[0].effect = Some(0.5);
    review::write(&file, &mut decided).expect("written");
    assert_eq!(open_candidates(&run(&[])), 1, "the effect has grown");
    decided[0].effect = Some(0.9);
    decided[0].expires = "2020-01-31".into();
    review::write(&file, &mut decided).expect("written");
    assert_eq!(open_candidates(&run(&[])), 1, "expired");
    decided[0].expires = String::new();
    decided[0].declared = "0123456789abcdef".into();
    review::write(&file, &mut decided).expect("written");
    let other = run(&[]);
    assert_eq!(open_candidates(&other), 1, "declared differently");
    let why = texts(
        &parquet(&other.folder.join("findings.parquet")),
        "came_back",
    )[0]
    .clone();
    assert_eq!(why, "the region is declared differently");
}

/// What a decision was about: the place, and the picture itself, whatever the files are called.
#[test]
fn a_region_is_declared_differently_when_its_place_or_picture_changes() {
    let folder = tempfile::tempdir().expect("folder");
    let tag = image::open(fixtures().join("tag.png")).expect("tag");
    let hash = |name: &str, width: f64, picture: &image::DynamicImage| {
        let file = folder.path().join(format!("{name}.png"));
        picture.save(&file).expect("picture");
        let corner = format!("corner = {{ at = \"bottom-left\", width = {width}, height = 0.3 }}");
        let region =
            format!("[[region]]\nname = {name:?}\n{corner}\ntemplate = {{ picture = {file:?} }}\n");
        let plan = plan(
            folder.path(),
            "declared",
            &(demo_text("shortcut.onnx") + &region),
            &[],
        );
        plan.regions.last().expect("region").hash.clone()
    };
    let first = hash("stamp", 0.4, &tag);
    assert_eq!(
        first,
        hash("seal", 0.4, &tag),
        "another name, another file of the same picture"
    );
    assert_ne!(first, hash("stamp", 0.5, &tag), "another place");
    assert_ne!(first, hash("stamp", 0.4, &tag.fliph()), "another picture");

    let declared = |hash: &str| Finding {
        declared: Some(hash.into()),
        ..finding(Verdict::Confirmed, 0.5)
    };
    let changes = diff::changes(&[declared("one")], &[declared("another")], &BTreeMap::new());
    assert_eq!(
        (changes[0].state, changes[0].reason),
        (ChangeState::NotComparable, Some(ChangeReason::Redeclared))
    );
    assert_eq!(changes[0].why(), "the region is declared differently");
    let changes = Changes {
        schema_version: SCHEMA_VERSION,
        previous: None,
        unreadable: None,
        differences: vec![],
        drops: vec![],
        changes,
        trends: BTreeMap::new(),
    };
    assert_eq!(
        changes.new_confirmed(&[declared("another")]),
        1,
        "what was confirmed was another region"
    );
    let both = [RunPart::Model, RunPart::Dataset];
    assert_eq!(
        diff::headline(&both, &changes.changes),
        "another model, another dataset: 1 not comparable"
    );
}

#[test]
fn a_decision_that_is_none_is_refused_with_its_line() {
    let folder = tempfile::tempdir().expect("folder");
    let file = folder.path().join("review.csv");
    std::fs::write(
        &file,
        "class,region,decision\nhorse,tag,confirm\nhorse,tag,maybe\n",
    )
    .expect("file");
    let error = review::read(&file).expect_err("refused").to_string();
    assert!(
        error.contains("review.csv:3") && error.contains("legitimate-context"),
        "{error}"
    );
    assert!(
        review::read(Path::new("/nowhere/review.csv"))
            .expect("none")
            .is_empty()
    );
}

#[test]
fn a_decision_on_an_effect_below_zero_holds() {
    let mut found = [Finding {
        effect_unit: EffectUnit::Logit,
        ..finding(Verdict::DataRisk, -0.7)
    }];
    let decided = |effect, unit| Decision {
        verdict: Some(Verdict::DataRisk),
        effect: Some(effect),
        unit: Some(unit),
        ..decision(ReviewDecision::LegitimateContext)
    };
    let today = jiff::civil::date(2026, 11, 23);
    let mut open = |d| {
        review::apply(&mut found, &[d], 0.25, today);
        found[0].review.open
    };
    assert!(
        !open(decided(-0.7, EffectUnit::Logit)),
        "nothing has changed"
    );
    assert!(open(decided(-1.2, EffectUnit::Logit)), "it has grown");
    assert!(
        !open(decided(-1.2, EffectUnit::Fraction)),
        "another measure is no growth"
    );
}

/// An apostrophe keeps a spreadsheet from reading names and notes as formulas, and comes off again.
#[test]
fn formulas_in_decisions_are_text() {
    let folder = tempfile::tempdir().expect("folder");
    let file = folder.path().join("review.csv");
    let mut decided = [Decision {
        class: "=HYPERLINK(\"http://x\")".into(),
        region: "'quoted".into(),
        note: "-1+1".into(),
        ..decision(ReviewDecision::Unsure)
    }];
    review::write(&file, &mut decided).expect("written");
    let text = std::fs::read_to_string(&file).expect("text");
    assert!(
        !text.contains("\n\"=") && !text.contains(",=") && !text.contains(",-"),
        "{text}"
    );
    assert_eq!(review::read(&file).expect("read"), decided);
}

/// The same decisions in every notation of a spreadsheet.
#[test]
fn decisions_are_read_as_spreadsheets_write_them() {
    let folder = tempfile::tempdir().expect("folder");
    let file = folder.path().join("review.csv");
    let plain = "class,region,decision,note,verdict,effect,unit\n\
                 Zürich,tag,confirm,seen; twice,candidate,0.25,fraction\n\
                 horse,tag,unsure,,,,\n";
    let semicolons = plain.replace(';', "\u{1}").replace([',', '\u{1}'], ";");
    let semicolons = semicolons
        .replace("seen; twice", "\"seen; twice\"")
        .replace("0.25", "0,25");
    let utf16 = |text: &str, mark: bool, big: bool| -> Vec<u8> {
        let units = mark
            .then_some(0xfeff)
            .into_iter()
            .chain(text.encode_utf16());
        let bytes = units.map(|unit| {
            if big {
                unit.to_be_bytes()
            } else {
                unit.to_le_bytes()
            }
        });
        bytes.flatten().collect()
    };
    let latin: Vec<u8> = semicolons.chars().map(|c| c as u32 as u8).collect();
    let quoted = plain.lines().map(|line| {
        let cells: Vec<String> = line.split(',').map(|cell| format!("\"{cell}\"")).collect();
        cells.join(",") + "\r\n"
    });
    let shouted = plain
        .replace("confirm", " CONFIRM ")
        .replace("unsure", "Unsure");
    let trailing: String = plain.lines().map(|line| format!("{line},,\n")).collect();
    let table = [
        ("plain", plain.as_bytes().to_vec()),
        (
            "semicolons and decimal commas",
            semicolons.clone().into_bytes(),
        ),
        ("tabs", plain.replace(',', "\t").into_bytes()),
        ("a mark", format!("\u{feff}{plain}").into_bytes()),
        (
            "UTF-16, little",
            utf16(&plain.replace(',', "\t"), true, false),
        ),
        ("UTF-16, big", utf16(&plain.replace(',', "\t"), true, true)),
        ("UTF-16 without a mark", utf16(plain, false, false)),
        ("Latin-1", latin),
        ("CRLF", plain.replace('\n', "\r\n").into_bytes()),
        ("CR", plain.replace('\n', "\r").into_bytes()),
        ("quotes", quoted.collect::<String>().into_bytes()),
        ("upper case and blanks", shouted.into_bytes()),
        (
            "empty rows and columns",
            format!("{trailing},,,,,,,,\n\n;;;\n")
                .replace(";;;\n", "")
                .into_bytes(),
        ),
        (
            "a line with the separator",
            format!("sep=;\r\n{semicolons}").into_bytes(),
        ),
        (
            "titles in upper case",
            plain
                .replacen("class,region", "Class, Region", 1)
                .into_bytes(),
        ),
    ];
    for (case, bytes) in table {
        std::fs::write(&file, bytes).expect("written");
        let read = review::read(&file).unwrap_or_else(|e| panic!("{case}: {e}"));
        assert_eq!(read.len(), 2, "{case}");
        let first = &read[0];
        assert_eq!(
            (first.class.as_str(), first.region.as_str()),
            ("Zürich", "tag"),
            "{case}"
        );
        assert_eq!(first.decision, ReviewDecision::Confirm, "{case}");
        assert_eq!(first.note, "seen; twice", "{case}");
        assert_eq!(first.effect, Some(0.25), "{case}");
        assert_eq!(read[1].decision, ReviewDecision::Unsure, "{case}");
    }
}

/// What is not understood is an error with its line, and never no decision.
#[test]
fn decisions_that_are_not_understood_are_refused_with_their_line() {
    let folder = tempfile::tempdir().expect("folder");
    let file = folder.path().join("review.csv");
    let head = "class,region,decision,note,effect,declared,expires\n";
    let table: [(&[u8], u32, &str); 14] = [
        (b"a,b,confirm,,nan,,\n", 2, "finite"),
        (b"a,b,confirm,,inf,,\n", 2, "finite"),
        (b"a,b,confirm,,1e999,,\n", 2, "finite"),
        (b"a,b,confirm,,\"1.234,5\",,\n", 2, "finite"),
        (b"a,b,confirm,,,1.23E+15,\n", 2, "letters and digits"),
        (b"a,b,confirm,,,,31.01.2027\n", 2, "2027-01-31"),
        (b"\na,b,confirm,,,,\n,b,confirm\n", 4, "class is empty"),
        (b"a,b,confirm,one, two, three, four, five\n", 2, "8 cells"),
        (b"a,b,confirm,\"open,,,\nc,d,confirm,,,,\n", 2, "not closed"),
        (b"a,b,\n", 2, "expected one of"),
        (
            b"a,b,confirm,\"two\nlines\",,,\nc,d,perhaps\n",
            4,
            "expected one of",
        ),
        (b"\"a\nb\",b,confirm,,,,\n", 2, "several lines"),
        (b"a,b,confirm,\0,,,\n", 1, "no text"),
        (b"PK", 2, "empty"),
    ];
    for (rows, line, expected) in table {
        std::fs::write(&file, [head.as_bytes(), rows].concat()).expect("written");
        let error = review::read(&file).expect_err("refused").to_string();
        let place = format!("review.csv:{line}: ");
        assert!(
            error.contains(&place) && error.contains(expected),
            "{rows:?}: {error}"
        );
    }

    for (text, expected) in [
        ("PK\u{3}\u{4}...", "save it as CSV"),
        (
            "klasse;region;decision\nhorse;tag;confirm\n",
            "no column class",
        ),
        (
            "class,region,decision,decision\na,b,confirm,unsure\n",
            "there twice",
        ),
    ] {
        std::fs::write(&file, text).expect("written");
        let error = review::read(&file).expect_err("refused").to_string();
        assert!(
            error.contains("review.csv:1: ") && error.contains(expected),
            "{error}"
        );
    }
    std::fs::write(&file, "\n\r\n").expect("written");
    assert!(review::read(&file).expect("empty").is_empty());
    assert!(
        review::read(folder.path()).is_err(),
        "a folder is no file of decisions"
    );
}
