//! `camaudit inspect`: a model's input, pool and head.

use super::output::print;
use crate::error::{Error, Result};
use crate::model::{Facts, Model, Options, OutputActivation, engines};
use crate::plan::{Device, Engine, InputValue};
use clap::Args;
use std::collections::BTreeMap;
use std::path::PathBuf;

/// Names of the engines.
pub const ENGINES: [&str; 2] = ["tract", "onnxruntime"];

#[derive(Args)]
pub struct InspectArgs {
    /// ONNX file; without one, only the engines that can be used here are listed
    model: Option<PathBuf>,
    /// Input shape where the file leaves it open, as 1,3,224,224
    #[arg(long, value_name = "N,C,H,W", value_delimiter = ',')]
    input_shape: Option<Vec<usize>>,
    /// Output or other tensor that holds the logits [default: the first output]
    #[arg(long)]
    output: Option<String>,
    /// Constant for an input other than the image, as is_scale=1; may be repeated
    #[arg(long = "input", value_name = "NAME=NUMBER")]
    inputs: Vec<String>,
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
    let engine = engine(&args.engine);
    let options = Options {
        input_shape: args.input_shape.as_deref(),
        output: args.output.as_deref(),
        inputs: constants(&args.inputs)?,
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

/// The engine of a name.
pub fn engine(name: &str) -> Engine {
    match name {
        "onnxruntime" => Engine::OnnxRuntime {
            library: None,
            device: Device::Cpu,
            batch: 1,
        },
        _ => Engine::default(),
    }
}

/// Constants for inputs other than the image.
fn constants(given: &[String]) -> Result<BTreeMap<String, InputValue>> {
    let mut constants = BTreeMap::new();
    for text in given {
        let number = text
            .rsplit_once('=')
            .and_then(|(name, number)| Some((name, number.parse::<f64>().ok()?)));
        let Some((name, number)) = number else {
            return Err(Error::new(format!(
                "--input {text}: expected NAME=NUMBER, such as is_scale=1"
            )));
        };
        constants.insert(name.to_owned(), InputValue::Number(number));
    }
    Ok(constants)
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
         map            {} x {} cells\n\
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
        facts.map[0],
        facts.map[1],
        facts.classes,
        output,
        facts.decomposition.name(),
        facts.affine_error,
        facts.invariant_error,
    ) + &checks(facts)
}

/// What the checks of the maps found.
fn checks(facts: &Facts) -> String {
    let mut lines = String::new();
    if let Some(error) = facts.knockout_error {
        lines += &format!(
            "knock-out      a cell set to 0 moves the logit as the map says, within {error:.1e}\n"
        );
    }
    if let Some(correlation) = facts.knockout_correlation {
        lines +=
            &format!("knock-out      a cell set to 0 and the map correlate by {correlation:.2}\n");
    }
    let covered = 100.0 * facts.coverage;
    let orientation = facts.orientation.name();
    lines += &format!("coverage       {covered:.0} % of the input moves the map, {orientation}\n");
    if let Some([x0, y0, x1, y1]) = facts.frame {
        lines +=
            &format!("frame          x {x0:.0} to {x1:.0}, y {y0:.0} to {y1:.0} of the input\n");
    }
    if !facts.precisions.is_empty() {
        let precisions = facts.precisions.join(", ");
        lines += &format!("precision      {precisions} in the file, computed in float32\n");
    }
    for warning in &facts.warnings {
        lines += &format!("warning        {warning}\n");
    }
    lines
}

fn shape(sizes: &[usize]) -> String {
    let sizes: Vec<String> = sizes.iter().map(usize::to_string).collect();
    sizes.join(" x ")
}
