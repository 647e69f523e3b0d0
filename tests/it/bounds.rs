//! Files that are small on the disk and huge in memory: each command ends soon and in bounded
//! memory, with a refusal or a counted skip that names the file.

use crate::bombs::{self, Bomb};
use crate::support::fixtures;
use std::io::Read;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// Longest time of a command. The slowest takes a second on a quiet machine.
const TIME_MAX: Duration = Duration::from_secs(60);
/// Largest peak of the memory of a command.
const PEAK_MAX_KIB: u64 = 1 << 20;
/// Largest address space, which no allocation gets past, whatever the sampling misses.
const ADDRESS_SPACE_KIB: u64 = 4 << 20;

/// What came of a command.
struct Ended {
    code: Option<i32>,
    output: String,
    peak_kib: u64,
    time: Duration,
}

/// Runs a command of the program in `folder` under the limits; panics where it takes too long.
fn ended(name: &str, folder: &Path, arguments: &[&str]) -> Ended {
    let output = folder.join("output");
    let file = std::fs::File::create(&output).expect("output");
    let limited = format!("ulimit -v {ADDRESS_SPACE_KIB}; exec \"$0\" \"$@\"");
    let start = Instant::now();
    let mut child = Command::new("sh")
        .args(["-c", &limited, env!("CARGO_BIN_EXE_camaudit")])
        .args(arguments)
        .current_dir(folder)
        .stdin(Stdio::null())
        .stdout(file.try_clone().expect("stdout"))
        .stderr(file)
        .spawn()
        .expect("started");

    let mut peak_kib = 0;
    let code = loop {
        peak_kib = peak_kib.max(peak_of(child.id()));
        if let Some(status) = child.try_wait().expect("waited") {
            break status.code();
        }
        if start.elapsed() > TIME_MAX {
            child.kill().expect("killed");
            child.wait().expect("waited");
            panic!("{name}: not ended after {TIME_MAX:?}, with {peak_kib} KiB");
        }
        std::thread::sleep(Duration::from_millis(3));
    };
    Ended {
        code,
        output: std::fs::read_to_string(&output).expect("text"),
        peak_kib,
        time: start.elapsed(),
    }
}

/// The peak of a process so far in KiB; 0 where it has ended or the system does not tell.
fn peak_of(process: u32) -> u64 {
    let mut status = String::new();
    let file = std::fs::File::open(format!("/proc/{process}/status"));
    let read = file.and_then(|mut file| file.read_to_string(&mut status));
    if read.is_err() {
        return 0;
    }
    let mut lines = status.lines();
    let peak = lines.find_map(|line| line.strip_prefix("VmHWM:"));
    let peak = peak.and_then(|peak| peak.split_whitespace().next()?.parse().ok());
    peak.unwrap_or_default()
}

/// The pipeline of a bomb in a folder of its own.
fn pipeline(folder: &Path, keys: &str) -> String {
    format!(
        "[dataset]\nroot = {:?}\n{}\n[model]\npath = {:?}\n[preprocess]\npreset = \"zero-one\"\n\
         size = 64\n[[region]]\nname = \"corner\"\n\
         corner = {{ at = \"top-left\", width = 0.25, height = 0.25 }}\n",
        folder.join("images"),
        keys.replace("HERE", &folder.display().to_string()),
        fixtures().join("models/shortcut.onnx"),
    )
}

/// Makes the bomb, runs `check` and `list`, and compares what comes of them.
fn defused(bomb: &Bomb) {
    let folder = tempfile::tempdir().expect("folder");
    let here = folder.path();
    std::fs::create_dir(here.join("images")).expect("images");
    let keys = (bomb.make)(here);
    std::fs::write(here.join("bomb.toml"), pipeline(here, &keys)).expect("pipeline");

    for arguments in [
        &["check", "--no-images", "bomb.toml"][..],
        &["list", "bomb.toml"],
    ] {
        let name = format!("{} of {}", arguments[0], bomb.name);
        let ended = ended(&name, here, arguments);
        eprintln!(
            "{name}: {:.1} s, {} MiB, exit code {:?}",
            ended.time.as_secs_f64(),
            ended.peak_kib >> 10,
            ended.code
        );
        let output = &ended.output;
        assert_eq!(ended.code, Some(bomb.code), "{name}: {output}");
        assert!(ended.peak_kib < PEAK_MAX_KIB, "{name}: {}", ended.peak_kib);
        let said = bomb.says.iter().all(|text| output.contains(text));
        assert!(
            said || arguments[0] == "list" && bomb.code == 0,
            "{name}: {:?} is not in\n{output}",
            bomb.says
        );
    }
}

fn all_defused(bombs: &[Bomb]) {
    for bomb in bombs {
        defused(bomb);
    }
}

#[cfg(target_os = "linux")]
#[test]
fn shards_claim_huge_headers() {
    all_defused(&bombs::SHARDS);
}

#[cfg(target_os = "linux")]
#[test]
fn parquet_files_repeat_and_unpack() {
    all_defused(&bombs::PARQUET);
}

#[cfg(target_os = "linux")]
#[test]
fn tables_have_endless_rows() {
    all_defused(&bombs::TABLES);
}

#[cfg(target_os = "linux")]
#[test]
fn json_is_deep_and_masks_are_large() {
    all_defused(&bombs::JSON);
}

#[cfg(target_os = "linux")]
#[test]
fn annotation_files_of_one_image_are_huge() {
    all_defused(&bombs::SIDECARS);
}

#[cfg(target_os = "linux")]
#[test]
fn lists_of_names_are_deep_and_huge() {
    all_defused(&bombs::NAMES);
}

#[cfg(target_os = "linux")]
#[test]
fn pipes_and_devices_are_not_waited_for() {
    all_defused(&bombs::ENDLESS);
}

/// The pipeline file itself, and the files that it names beside the dataset.
#[cfg(target_os = "linux")]
#[test]
fn pipelines_are_bounded() {
    let folder = tempfile::tempdir().expect("folder");
    let here = folder.path();
    std::fs::create_dir_all(here.join("images/horse")).expect("images");
    bombs::photo(here, "images/horse/0.jpg");
    bombs::sparse(here, "huge.toml", b"[dataset]\n", 1 << 30);
    bombs::sparse(here, "huge.txt", b"a\n", 1 << 30);
    bombs::sparse(here, "huge.csv", b"class,region,decision\n", 1 << 30);
    bombs::link(here, "zero.toml", "/dev/zero");
    std::fs::write(
        here.join("deep.toml"),
        format!("a = {}", "[".repeat(200_000)),
    )
    .expect("deep");
    let sound = pipeline(here, "");
    let named = sound.replace("[preprocess]", "classes = \"huge.txt\"\n[preprocess]");
    std::fs::write(here.join("classes.toml"), named).expect("classes");
    let reviewed = sound + &format!("[review]\ndecisions = {:?}\n", here.join("huge.csv"));
    std::fs::write(here.join("review.toml"), reviewed).expect("review");

    let cases = [
        ("check", "huge.toml", "over the limit of 16 MiB"),
        ("check", "zero.toml", "not a regular file"),
        ("check", "deep.toml", "deep.toml"),
        ("check", "classes.toml", "over the limit of 16 MiB"),
        ("run", "review.toml", "over the limit of 16 MiB"),
    ];
    for (command, file, cause) in cases {
        let ended = ended(file, here, &[command, file]);
        assert_eq!(ended.code, Some(2), "{file}: {}", ended.output);
        assert!(ended.output.contains(cause), "{file}: {}", ended.output);
        assert!(ended.peak_kib < PEAK_MAX_KIB, "{file}: {}", ended.peak_kib);
    }
}
