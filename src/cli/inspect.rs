//! `camaudit inspect`: a model's input, pool and head.

use super::output::print;
use crate::error::{Error, Result};
use crate::model::{Facts, Model, Options, OutputActivation, engines};
use crate::plan::{Device, Engine};
use clap::Args;
use std::path::PathBuf;

/// Names of the engines.
const ENGINES: [&str; 2] = ["tract", "onnxruntime"];

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
    /// Engine that runs the model
    #[arg(long, value_name = "NAME", default_value = ENGINES[0], value_parser = ENGINES)]
    engine: String,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Prints the facts of a model, and the engines.
///
/// # Errors
/// When the model cannot be loaded; names the node that stands in the way.
pub fn inspect(args: &InspectArgs) -> Result<()> {
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
        let text = serde_json::to_string_pretty(&model.facts)
            .map_err(Error::cause("write the model's facts as JSON"))?;
        return print(&(text + "\n"));
    }
    print(&format!(
        "{}engine         {}\n{}",
        describe(&model.facts),
        model.engine_name,
        engine_lines()
    ))
}

fn engine_lines() -> String {
    let mut lines = String::new();
    for (i, engine) in engines().iter().enumerate() {
        let title = if i == 0 { "engines here" } else { "" };
        lines += &format!("{title:15}{engine}\n");
    }
    lines
}

/// The facts of a model for people.
pub fn describe(facts: &Facts) -> String {
    let output = match facts.output_activation {
        OutputActivation::None => "logits",
        activation => activation.name(),
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
        facts.input,
        shape(&facts.input_shape),
        facts.pool_node,
        facts.pool_op,
        facts.features_tensor,
        shape(&facts.features_shape),
        facts.classes,
        output,
        facts.decomposition.name(),
        facts.affine_error,
        facts.invariant_error,
    )
}

fn shape(sizes: &[usize]) -> String {
    let sizes: Vec<String> = sizes.iter().map(usize::to_string).collect();
    sizes.join(" x ")
}
