//! `[model]`: the ONNX file, its class names and its engine.

use super::checker::Checker;
use crate::bounded;
use crate::plan::class_list;
use crate::plan::file::{EngineName, ModelFile};
use crate::plan::types::{Device, Engine, Model};
use std::path::Path;

/// Images that a GPU runs at once, where the pipeline does not say.
const CUDA_BATCH: u32 = 64;

pub fn model(file: &ModelFile, check: &mut Checker<'_>) -> Model {
    let path = check.file("model.path", file.path.as_ref());
    let path = check.required("model.path", path, "the ONNX file");

    let class_file = check.file("model.classes", file.classes.as_ref());
    let class_file = class_file.filter(|file| file.is_file());
    let classes = class_file.as_ref().map(|file| read_classes(file, check));

    if let Some(accuracy) = file.expected_accuracy {
        check.number("model.expected_accuracy", accuracy, 0.0..=1.0);
    }

    let default_splits = || vec!["train".to_owned()];
    Model {
        path,
        classes,
        class_file,
        output: file.output.clone(),
        inputs: file.inputs.clone(),
        activation: file.activation,
        engine: engine(file, check),
        expected_accuracy: file.expected_accuracy,
        trained_splits: file.trained_splits.clone().unwrap_or_else(default_splits),
    }
}

fn engine(file: &ModelFile, check: &mut Checker<'_>) -> Engine {
    let library = check.file("model.library", file.library.as_ref());
    let device = device(file.device.as_deref().unwrap_or("cpu"), check);
    if file.engine == Some(EngineName::Onnxruntime) {
        if file.exact_convolutions.is_some() {
            check.problem(
                "model.exact_convolutions",
                "only valid with engine = \"tract\"",
            );
        }
        let default = match device {
            Device::Cpu => 1,
            Device::Cuda(_) => CUDA_BATCH,
        };
        let batch = file.batch.unwrap_or(default);
        return Engine::OnnxRuntime {
            library,
            device,
            batch: check.count("model.batch", batch, 1..=1024) as usize,
        };
    }

    let given = [
        ("model.library", file.library.is_some()),
        ("model.device", file.device.is_some()),
        ("model.batch", file.batch.is_some()),
    ];
    for (key, is_given) in given {
        if is_given {
            check.problem(key, "only valid with engine = \"onnxruntime\"");
        }
    }
    Engine::Tract {
        exact_convolutions: file.exact_convolutions.unwrap_or_default(),
    }
}

/// `cpu`, `cuda` or `cuda:N`.
fn device(name: &str, check: &mut Checker<'_>) -> Device {
    match name {
        "cpu" => return Device::Cpu,
        "cuda" => return Device::Cuda(0),
        _ => {}
    }

    let number = name.strip_prefix("cuda:").map(str::parse::<u16>);
    if let Some(Ok(number)) = number {
        return Device::Cuda(number);
    }
    check.problem(
        "model.device",
        format!("found {name:?}, allowed are \"cpu\", \"cuda\" and \"cuda:1\""),
    );
    Device::Cpu
}

/// Largest file of class names: the 21,843 names of ImageNet take 1 MiB.
const CLASSES_BYTES_MAX: u64 = 16 << 20;

/// The class names of a file, one per line. Two classes may have one name: ImageNet has two cranes.
fn read_classes(file: &Path, check: &mut Checker<'_>) -> Vec<String> {
    let text = match bounded::text(file, CLASSES_BYTES_MAX) {
        Ok(text) => text,
        Err(error) => {
            let message = format!("failed to read {}: {error}", file.display());
            check.problem("model.classes", message);
            return Vec::new();
        }
    };
    match class_list::parse(&text) {
        Ok(names) => names,
        Err(message) => {
            check.problem("model.classes", format!("{}: {message}", file.display()));
            Vec::new()
        }
    }
}
