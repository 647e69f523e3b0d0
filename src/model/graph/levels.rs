//! Normalisation inside the graph: a graph that takes 8-bit levels needs a quarter of the bytes for
//! an image, which matters where images are copied to a device.

use crate::error::{Error, Result};
use crate::model::normalisation::{LEVELS, Normalisation};
use tract_onnx::pb::{
    AttributeProto, ModelProto, NodeProto, TensorProto, attribute_proto::AttributeType,
    tensor_proto::DataType, type_proto,
};

/// Start of the names of what is added.
const PREFIX: &str = "camaudit_levels";
/// From here on, operators broadcast as they are used here.
const OPSET_MIN: i64 = 7;

/// Makes the only input of a graph one of 8-bit levels. Each is looked up in the table of its
/// channel, so that the graph behind gets the very numbers that [`Normalisation::values`] gives.
///
/// # Errors
/// When the graph has no single input, or is of an operator set that is too old.
pub fn take_levels(proto: &mut ModelProto, normalisation: &Normalisation) -> Result<()> {
    let mut sets = proto.opset_import.iter();
    let opset = sets.find(|set| set.domain.is_empty() || set.domain == "ai.onnx");
    let opset = opset.map_or(1, |set| set.version);
    if opset < OPSET_MIN {
        return Err(Error::new(format!(
            "the operator set is {opset}, older than {OPSET_MIN}"
        )));
    }
    let graph = proto.graph.as_mut();
    let graph = graph.ok_or_else(|| Error::new("the file has no graph"))?;
    let [input] = &mut graph.input[..] else {
        let count = graph.input.len();
        return Err(Error::new(format!("the graph has {count} inputs")));
    };

    let channels = normalisation.channels();
    let mut offset_shape = [1; 4];
    offset_shape[normalisation.channel_axis()] = channels as i64;
    let offsets = (0..channels).map(|channel| (channel * LEVELS) as i32);
    let name = |part: &str| format!("{PREFIX}_{part}");
    graph.initializer.push(TensorProto {
        name: name("offsets"),
        dims: offset_shape.to_vec(),
        data_type: DataType::Int32 as i32,
        int32_data: offsets.collect(),
        ..TensorProto::default()
    });
    graph.initializer.push(TensorProto {
        name: name("values"),
        dims: vec![(channels * LEVELS) as i64],
        data_type: DataType::Float as i32,
        float_data: normalisation.table(),
        ..TensorProto::default()
    });

    let image = std::mem::replace(&mut input.name, PREFIX.to_owned());
    if let Some(r#type) = &mut input.r#type
        && let Some(type_proto::Value::TensorType(tensor)) = &mut r#type.value
    {
        tensor.elem_type = DataType::Uint8 as i32;
    }
    let mut cast = node("Cast", &[PREFIX], &name("whole"));
    cast.attribute.push(whole("to", DataType::Int32 as i64));
    let mut gather = node("Gather", &[&name("values"), &name("places")], &image);
    gather.attribute.push(whole("axis", 0));
    let add = node("Add", &[&name("whole"), &name("offsets")], &name("places"));
    graph.node.splice(0..0, [cast, add, gather]);
    Ok(())
}

pub(super) fn node(operator: &str, inputs: &[&str], output: &str) -> NodeProto {
    NodeProto {
        name: output.to_owned(),
        op_type: operator.to_owned(),
        input: inputs.iter().map(|&name| name.to_owned()).collect(),
        output: vec![output.to_owned()],
        ..NodeProto::default()
    }
}

pub(super) fn whole(name: &str, value: i64) -> AttributeProto {
    AttributeProto {
        name: name.to_owned(),
        r#type: AttributeType::Int as i32,
        i: value,
        ..AttributeProto::default()
    }
}
