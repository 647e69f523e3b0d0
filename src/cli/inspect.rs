//! `camaudit inspect`

use super::print;
use crate::error::Error;
use crate::model::{Facts, Model, Options, engines};
use crate::plan::{Device, Engine};
use clap::Args;
use std::path::PathBuf;

#[derive(Args)]
pub struct InspectArgs {
    /// ONNX file; without one, only the engines that can be used here are listed
    model: Option<PathBuf>,
    /// Input shape where the file leaves it open, as 1,3,224,224
    #[arg(long, value_name = "N,C,H,W", value_delimiter = ',')]
    input_shape: Option<Vec<usize>>,
    /// Output that holds the logits [default: the first]
    #[arg(long)]
    output: Option<String>,
    /// What runs the model
    #[arg(long, value_name = "NAME", default_value = "tract", value_parser = ["tract", "onnxruntime"])]
    engine: String,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub fn inspect(args: &InspectArgs) -> Result<(), Error> {
    let Some(file) = &args.model else {
        return print(&engine_lines());
    };
    let engine = match args.engine.as_str() {
        "onnxruntime" => Engine::OnnxRuntime {
            library: None,
            device: Device::Cpu,
        },
        _ => Engine::Tract,
    };
    let options = Options {
        input_shape: args.input_shape.as_deref(),
        output: args.output.as_deref(),
        engine,
        ..Options::default()
    };
    let model = Model::load(file, &options)?;
    if args.json {
        return print(&(serde_json::to_string_pretty(&model.facts).unwrap_or_default() + "\n"));
    }
    print(&format!(
        "{}engine         {}\n{}",
        describe(&model.facts),
        model.engine_name,
        engine_lines()
    ))
}

fn engine_lines() -> String {
    let titles = ["engines here"].into_iter().chain(std::iter::repeat(""));
    titles
        .zip(engines())
        .map(|(title, line)| format!("{title:15}{line}\n"))
        .collect()
}

/// The facts of a model for people.
pub fn describe(f: &Facts) -> String {
    let shape = |s: &[usize]| {
        s.iter()
            .map(usize::to_string)
            .collect::<Vec<_>>()
            .join(" x ")
    };
    format!(
        "input          {} ({})\n\
         pool           {} ({})\n\
         features       {} ({})\n\
         classes        {}\n\
         output         {}\n\
         decomposition  {}\n\
         affine error   {:.1e}\n\
         invariant      |mean(CAM) + bias - logit| <= {:.1e} of the logit\n",
        f.input,
        shape(&f.input_shape),
        f.pool_node,
        f.pool_op,
        f.features_tensor,
        shape(&f.features_shape),
        f.classes,
        if f.output_activation == "none" {
            "logits"
        } else {
            f.output_activation
        },
        f.decomposition.name(),
        f.affine_error,
        f.invariant_error,
    )
}
