//! Pipeline files: every problem at once, with line and key; overrides; the published schema.

use crate::support::{demo_text, fixtures, root};
use camaudit::plan::Plan;
use std::process::Command;

fn load(text: &str, set: &[&str]) -> Result<Plan, String> {
    let folder = tempfile::tempdir().expect("folder");
    let file = folder.path().join("p.toml");
    std::fs::write(&file, text).expect("write");
    let set: Vec<String> = set.iter().map(|s| (*s).to_owned()).collect();
    Plan::load(&file, &set).map_err(|e| e.to_string())
}

/// The text's problems as `line key`, in order.
fn check(text: &str, set: &[&str], expected: &[&str]) {
    let message = load(text, set).expect_err("problems");
    let found: Vec<String> = message
        .lines()
        .skip(1)
        .map(|l| {
            let l = l
                .trim()
                .rsplit_once(".toml:")
                .map_or(l.trim(), |(_, rest)| rest);
            l.splitn(3, ": ").take(2).collect::<Vec<_>>().join(" ")
        })
        .collect();
    assert_eq!(found, expected, "{message}");
}

#[test]
fn all_problems_are_reported_at_once_with_line_and_key() {
    let text = r#"
[dataset]
rooot = "x"
format = "zip"
[model]
path = "no.onnx"
expected_accuracy = 3
[preprocess]
preset = "zero-one"
size = "big"
std = [1, 2]
[[region]]
name = "a"
corner = { at = "left", width = 0.1, height = 2.0 }
[[region]]
kind = "confounder"
border = { thickness = 0.1 }
rect = { left = 0, top = 0, right = 1, bottom = 1 }
[run]
shard_size = 0
"#;
    let expected = [
        "3 dataset.rooot",
        "4 dataset.format",
        "6 model.path",
        "7 model.expected_accuracy",
        "10 preprocess.size",
        "11 preprocess.std",
        "14 region[0].corner.at",
        "14 region[0].corner.height",
        "15 region[1]",
        "20 run.shard_size",
    ];
    let message = load(text, &[]).expect_err("problems");
    for problem in expected {
        let (line, key) = problem.split_once(' ').expect("line and key");
        assert!(
            message.contains(&format!(".toml:{line}: {key}: ")),
            "{problem} is not in\n{message}"
        );
    }
}

#[test]
fn a_syntax_error_names_its_line() {
    check("[dataset]\nroot = \n", &[], &["2 syntax"]);
}

#[test]
fn what_is_missing_is_said() {
    check(
        "",
        &[],
        &["1 dataset.root", "1 model.path", "1 preprocess.preset"],
    );
}

#[test]
fn set_overrides_any_key_and_its_problems_are_distinguished() {
    let demo = demo_text("shortcut.onnx");
    let plan = load(
        &demo,
        &[
            "run.jobs=3",
            "run.out=some where",
            "scores.object_visible_min = 0.5",
        ],
    )
    .expect("plan");
    assert_eq!((plan.run.jobs, plan.scores.object_visible_min), (3, 0.5));
    assert!(plan.run.out.ends_with("some where"));
    check(&demo, &["run.jbos=3"], &["--set run.jbos"]);
    check(&demo, &["run.jobs=many"], &["--set run.jobs"]);
    check(&demo, &["nonsense"], &["--set --set nonsense"]);
}

#[test]
fn a_long_file_takes_overrides_too() {
    let text = demo_text("shortcut.onnx") + &"# a comment that makes the file long\n".repeat(2000);
    assert_eq!(
        load(&text, &["run.jobs=3", "run.seed=4"])
            .expect("plan")
            .run
            .seed,
        4
    );
}

#[test]
fn places_that_cannot_be_are_refused() {
    let demo = demo_text("shortcut.onnx");
    let with = |region: &str| load(&(demo.clone() + region), &[]).expect_err("refused");
    let corner =
        "[[region]]\nname = \"r\"\ncorner = { at = \"top-left\", width = 0, height = 0.2 }\n";
    assert!(with(corner).contains("region[2].corner.width: found 0, expected more than 0"));
    let polygon = "[[region]]\nname = \"r\"\npolygon = { points = [[0, 0], [9, 0], [9, 9]] }\n";
    assert!(with(polygon).contains("view-pixels"));
    for name in ["object", "border", "padding", "source-tag"] {
        let region = format!("[[region]]\nname = {name:?}\nborder = {{ thickness = 0.1 }}\n");
        assert!(with(&region).contains("is taken"), "{name}");
    }
}

#[test]
fn the_class_names_belong_to_the_meaning() {
    let folder = tempfile::tempdir().expect("folder");
    let hash = |names: &str| {
        std::fs::write(folder.path().join("names.txt"), names).expect("write");
        let set = format!("model.classes={:?}", folder.path().join("names.txt"));
        load(&demo_text("shortcut.onnx"), &[&set])
            .expect("plan")
            .hash
    };
    assert_ne!(hash("boat\ncar\nhorse\n"), hash("car\nboat\nhorse\n"));
}

#[test]
fn jobs_and_out_do_not_change_the_meaning_but_all_else_does() {
    let demo = demo_text("shortcut.onnx");
    let hash = |set: &[&str]| load(&demo, set).expect("plan").hash;
    assert_eq!(hash(&[]), hash(&["run.jobs=7", "run.out=elsewhere"]));
    assert_ne!(hash(&[]), hash(&["run.seed=1"]));
    assert_ne!(hash(&[]), hash(&["preprocess.size=32"]));
}

/// An override, and which of the two hashes it changes.
#[test]
fn measure_hash_covers_what_decides_the_rows() {
    let demo = demo_text("shortcut.onnx");
    let base = load(&demo, &[]).expect("plan");
    let check = |set: &str, changes_hash: bool, changes_measure_hash: bool| {
        let plan = load(&demo, &[set]).expect("plan");
        assert_eq!(plan.hash != base.hash, changes_hash, "hash, {set}");
        let measure_changed = plan.measure_hash != base.measure_hash;
        assert_eq!(measure_changed, changes_measure_hash, "measure_hash, {set}");
    };

    check("dataset.near_duplicates=false", true, true);
    check("dataset.labels={horse=0}", true, true);
    check("model.expected_accuracy=0.5", true, true);
    check("model.output=logits", true, true);
    check("preprocess.size=32", true, true);
    check("region=[]", true, true);
    check("scores.object_visible_min=0.5", true, true);
    check("run.seed=1", true, true);
    check("run.limit=5", true, true);
    check("run.image_seconds=5", true, true);

    check("verdict.causal_fraction=1", true, false);
    check("verdict.cleared_rate=0.5", true, false);
    check("report.pictures=none", true, false);
    check("report.max_mb=1", true, false);
    check("review.margin=0.5", true, false);
    check("review.decisions=review.csv", true, false);
    check("run.shard_size=7", true, false);
    check("run.max_skipped=0.5", true, false);

    check("retention.runs=3", false, false);
    check("retention.nights=3", false, false);
    check("retention.days=3", false, false);
    check("retention.gb=3", false, false);
    check("run.jobs=2", false, false);
    check("run.memory_gb=2", false, false);
    check("run.cache_gb=2", false, false);
    check("run.metrics=m.prom", false, false);
    check("run.on_finish=[\"true\"]", false, false);
    check("run.out=elsewhere", false, false);
}

#[test]
fn the_old_name_of_a_key_works_with_a_warning() {
    let demo = demo_text("shortcut.onnx");
    let named = |key: &str| demo.clone() + "[retention]\n" + key + " = 5\n";
    let line = demo.lines().count() + 2;
    let message = "retention.nights is now called retention.runs; \
                   the old name works in this version only";

    let plan = load(&named("runs"), &[]).expect("plan");
    assert_eq!((plan.retention.runs, plan.warnings.len()), (5, 0));

    let plan = load(&named("nights"), &[]).expect("plan");
    assert_eq!((plan.retention.runs, plan.warnings.len()), (5, 1));
    assert!(
        plan.warnings[0].ends_with(&format!("p.toml:{line}: {message}")),
        "{:?}",
        plan.warnings
    );

    let plan = load(&demo, &["retention.nights=5"]).expect("plan");
    assert_eq!(plan.warnings, [format!("--set: {message}")]);

    let both = named("nights") + "runs = 5\n";
    check(&both, &[], &[&format!("{line} retention.nights")]);
}

/// Thresholds in logits depend on the scale of the head; they are read, and have no effect.
#[test]
fn thresholds_in_logits_give_a_warning_with_the_key_to_set_instead() {
    let demo = demo_text("shortcut.onnx");
    let base = load(&demo, &[]).expect("plan");
    assert_eq!(base.warnings.len(), 0);
    for (key, instead) in [
        ("contrast_logits", "contrast_fraction"),
        ("causal_logits", "causal_fraction"),
    ] {
        let message = format!(
            "verdict.{key} is no longer used, because logits depend on the scale of the head; \
             remove it, and set verdict.{instead} if the default does not fit"
        );
        let line = demo.lines().count() + 2;
        let text = format!("{demo}[verdict]\n{key} = 0.7\n");
        let plan = load(&text, &[]).expect("plan");
        let [warning] = plan.warnings.as_slice() else {
            panic!("{key}: {:?}", plan.warnings);
        };
        assert!(
            warning.ends_with(&format!("p.toml:{line}: {message}")),
            "{warning}"
        );

        let plan = load(&demo, &[&format!("verdict.{key}=1e9")]).expect("plan");
        assert_eq!(plan.warnings, [format!("--set: {message}")]);
        let policies = [plan.verdict, base.verdict].map(|policy| format!("{policy:?}"));
        assert_eq!(policies[0], policies[1], "{key} has no effect");
    }
}

#[test]
fn the_thresholds_of_an_intervention_are_read() {
    let demo = demo_text("shortcut.onnx");
    let thresholds = |set: &[&str]| {
        let verdict = load(&demo, set).expect("plan").verdict;
        (verdict.causal_fraction, verdict.cleared_rate)
    };
    assert_eq!(thresholds(&[]), (0.1, 0.05));
    let set = ["verdict.causal_fraction=0.2", "verdict.cleared_rate=0"];
    assert_eq!(thresholds(&set), (0.2, 0.0));
    for (set, key) in [
        ("verdict.cleared_rate=1.5", "verdict.cleared_rate"),
        ("verdict.causal_fraction=-0.1", "verdict.causal_fraction"),
    ] {
        let error = load(&demo, &[set]).expect_err("refused");
        assert!(error.contains(key), "{error}");
    }
}

#[test]
fn a_command_prints_the_warnings_of_its_pipeline_once() {
    let folder = tempfile::tempdir().expect("folder");
    let file = folder.path().join("old.toml");
    let text = demo_text("shortcut.onnx") + "[retention]\nnights = 5\n";
    std::fs::write(&file, text).expect("write");
    for command in ["check", "list"] {
        let output = Command::new(env!("CARGO_BIN_EXE_camaudit"))
            .arg(command)
            .arg(&file)
            .output()
            .expect("camaudit");
        let stderr = String::from_utf8_lossy(&output.stderr);
        let warning = format!("warning: {}:", file.display());
        assert_eq!(stderr.matches(&warning).count(), 1, "{command}: {stderr}");
    }
}

/// Problems show the path as it was typed; the plan keeps one that is valid anywhere.
#[test]
fn the_pipeline_file_is_absolute() {
    let typed = std::path::Path::new("pipelines/demo.toml");
    let plan = Plan::load(typed, &[]).expect("plan");
    assert_eq!(plan.file, root().join(typed));
    assert_eq!(plan.name, "demo");

    let warned = Plan::load(typed, &["retention.nights=5".into()]).expect("plan");
    assert_eq!(warned.warnings.len(), 1);
    let problems = Plan::load(typed, &["dataset.root=\"none\"".into()]).expect_err("problems");
    let message = problems.to_string();
    assert!(message.contains(" pipelines/none "), "{message}");
}

#[test]
fn the_committed_schema_is_the_generated_one() {
    let committed = std::fs::read_to_string(root().join("pipelines/schema.json"))
        .expect("pipelines/schema.json");
    assert!(
        committed == camaudit::plan::json_schema().expect("schema"),
        "run `make schema`"
    );
}

/// `full.toml` must show every key there is: it is read against the schema, key by key.
#[test]
fn full_toml_shows_every_key() {
    let text = std::fs::read_to_string(root().join("pipelines/full.toml")).expect("full.toml");
    let schema = camaudit::plan::json_schema().expect("schema");
    let schema: serde_json::Value = serde_json::from_str(&schema).expect("JSON");
    let mut missing = Vec::new();
    let objects =
        std::iter::once(&schema).chain(schema["$defs"].as_object().expect("defs").values());
    for object in objects {
        for key in object["properties"]
            .as_object()
            .into_iter()
            .flat_map(|p| p.keys())
        {
            if !text.contains(key.as_str()) {
                missing.push(key.clone());
            }
        }
    }
    assert!(missing.is_empty(), "full.toml says nothing of {missing:?}");
}

#[test]
fn the_committed_pipelines_are_valid() {
    for entry in std::fs::read_dir(root().join("pipelines")).expect("pipelines") {
        let path = entry.expect("entry").path();
        if path.extension().is_some_and(|e| e == "toml") {
            // What `make real` says on the command line.
            let real = [
                format!("dataset.root={:?}", fixtures().join("horses")),
                format!("model.path={:?}", fixtures().join("models/clean.onnx")),
            ];
            let set = if path.ends_with("real.toml") {
                &real[..]
            } else {
                &[]
            };
            Plan::load(&path, set).unwrap_or_else(|e| panic!("{e}"));
        }
    }
}

#[test]
fn a_label_that_the_model_lacks_names_the_nearest() {
    let text = demo_text("shortcut.onnx") + "[dataset.labels]\nhorse = \"hrose\"\n";
    let text = text.replace("[dataset.labels]", "\n[dataset.labels]");
    let folder = tempfile::tempdir().expect("folder");
    let plan = crate::support::plan(folder.path(), "labels", &text, &[]);
    let error = camaudit::audit::run(&plan, &crate::support::Silent)
        .err()
        .expect("refused")
        .to_string();
    assert!(
        error.contains("\"hrose\"") && error.contains("did you mean \"horse\"?"),
        "{error}"
    );
}
