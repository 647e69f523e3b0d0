//! Class activation maps inside the graph: from a device come a few numbers for each class that is
//! asked for, instead of all features.

use super::levels::{node, whole};
use crate::error::{Error, Result};
use crate::model::class_weights::ClassWeights;
use crate::model::layout::MapLayout;
use tract_onnx::pb::{
    AttributeProto, ModelProto, NodeProto, TensorProto, TensorShapeProto, TypeProto,
    ValueInfoProto, attribute_proto::AttributeType, tensor_proto::DataType, tensor_shape_proto,
    type_proto,
};

/// Start of the names of what is added.
const PREFIX: &str = "camaudit_maps";

/// What the maps are made of.
pub struct InGraph<'a> {
    /// Names of tensors of the graph.
    pub features: &'a str,
    pub logits: &'a str,
    pub layout: MapLayout,
    /// Images of a run.
    pub images: usize,
    /// One logit for two classes: its negative is the logit of class 0.
    pub binary: bool,
    /// What an index asks for: one row for each class, then a second one for each class where there
    /// are centred weights.
    pub rows: &'a [ClassWeights],
    pub classes: usize,
}

impl InGraph<'_> {
    /// Rows of a class.
    pub fn rows_of_class(&self) -> usize {
        self.rows.len() / self.classes.max(1)
    }

    /// Adds an input and two outputs. The input has the shape `[images, asked]`: rows by their
    /// indices, for each image as many. The first output has the shape `[images, asked + rows of a
    /// class, cells]`: their maps, and last those of the class with the largest logit, the first if
    /// several have it. The second one, `[images, 1]`, is this class. Sums are those of 64-bit
    /// floats, as of [`ClassWeights::map`].
    ///
    /// # Errors
    /// When the file has no graph.
    pub fn add_to(&self, proto: &mut ModelProto) -> Result<()> {
        let graph = proto.graph.as_mut();
        let graph = graph.ok_or_else(|| Error::new("the file has no graph"))?;
        let (images, cells) = (self.images as i64, self.layout.cells() as i64);
        let channels = self.layout.channels as i64;

        let planes = match self.layout.channels_last {
            true => [images, cells, channels],
            false => [images, channels, cells],
        };
        let weights = self.rows.iter().flat_map(|row| &row.weights);
        graph.initializer.extend([
            constant("planes_shape", &[3], &planes),
            constant("logits_shape", &[2], &[images, -1]),
            TensorProto {
                name: name("rows"),
                dims: vec![self.rows.len() as i64, channels],
                data_type: DataType::Double as i32,
                double_data: weights.copied().collect(),
                ..TensorProto::default()
            },
        ]);

        let mut nodes = vec![node(
            "Reshape",
            &[self.features, &name("planes_shape")],
            &name("planes"),
        )];
        let mut planes = "planes";
        if self.layout.channels_last {
            let mut transpose = named("Transpose", &["planes"], "channels_first");
            transpose.attribute.push(AttributeProto {
                name: "perm".to_owned(),
                r#type: AttributeType::Ints as i32,
                ints: vec![0, 2, 1],
                ..AttributeProto::default()
            });
            nodes.push(transpose);
            planes = "channels_first";
        }
        nodes.push(cast(planes, DataType::Double, "exact_planes"));

        nodes.push(node(
            "Reshape",
            &[self.logits, &name("logits_shape")],
            &name("logits"),
        ));
        let mut logits = "logits";
        if self.binary {
            nodes.push(named("Neg", &["logits"], "negated_logits"));
            let both = named("Concat", &["negated_logits", "logits"], "both_logits");
            nodes.push(with_axis(both, 1));
            logits = "both_logits";
        }
        let mut predicted = with_axis(named("ArgMax", &[logits], "predicted"), 1);
        predicted.attribute.push(whole("keepdims", 1));
        nodes.push(predicted);
        let mut all = vec!["asked", "predicted"];
        if self.rows_of_class() > 1 {
            let classes = constant("classes", &[1], &[self.classes as i64]);
            graph.initializer.push(classes);
            nodes.push(named("Add", &["predicted", "classes"], "predicted_centred"));
            all.push("predicted_centred");
        }
        let all = named("Concat", &all, "all_asked");
        let rows = named("Gather", &["rows", "all_asked"], "asked_rows");
        nodes.extend([
            with_axis(all, 1),
            with_axis(rows, 0),
            named("MatMul", &["asked_rows", "exact_planes"], "exact_maps"),
            cast("exact_maps", DataType::Float, "maps"),
            cast("predicted", DataType::Float, "predicted_class"),
        ]);
        graph.node.extend(nodes);
        let indices = value_info("asked", DataType::Int64, &[Some(images), None]);
        graph.input.push(indices);
        for output in ["maps", "predicted_class"] {
            graph.output.push(value_info(output, DataType::Float, &[]));
        }
        Ok(())
    }
}

fn name(part: &str) -> String {
    format!("{PREFIX}_{part}")
}

/// A node between tensors that are added.
fn named(operator: &str, inputs: &[&str], output: &str) -> NodeProto {
    let inputs: Vec<String> = inputs.iter().map(|input| name(input)).collect();
    let inputs: Vec<&str> = inputs.iter().map(String::as_str).collect();
    node(operator, &inputs, &name(output))
}

fn cast(input: &str, to: DataType, output: &str) -> NodeProto {
    let mut cast = named("Cast", &[input], output);
    cast.attribute.push(whole("to", to as i64));
    cast
}

fn with_axis(mut node: NodeProto, axis: i64) -> NodeProto {
    node.attribute.push(whole("axis", axis));
    node
}

fn constant(part: &str, shape: &[i64], numbers: &[i64]) -> TensorProto {
    TensorProto {
        name: name(part),
        dims: shape.to_vec(),
        data_type: DataType::Int64 as i32,
        int64_data: numbers.to_vec(),
        ..TensorProto::default()
    }
}

/// An empty `sides` leaves the shape undeclared; a side of `None` is open.
fn value_info(part: &str, r#type: DataType, sides: &[Option<i64>]) -> ValueInfoProto {
    use tensor_shape_proto::dimension::Value;
    let dimension = |side: &Option<i64>| tensor_shape_proto::Dimension {
        value: Some(match side {
            Some(side) => Value::DimValue(*side),
            None => Value::DimParam(part.to_owned()),
        }),
        ..Default::default()
    };
    let shape = (!sides.is_empty()).then(|| TensorShapeProto {
        dim: sides.iter().map(dimension).collect(),
    });
    let tensor = type_proto::Tensor {
        elem_type: r#type as i32,
        shape,
    };
    ValueInfoProto {
        name: name(part),
        r#type: Some(TypeProto {
            value: Some(type_proto::Value::TensorType(tensor)),
            ..TypeProto::default()
        }),
        ..ValueInfoProto::default()
    }
}
