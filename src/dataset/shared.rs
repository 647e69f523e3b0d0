//! Shared values, written and read as the values themselves: samples travel to other machines.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::sync::Arc;

pub fn serialize<T, S>(value: &Arc<T>, to: S) -> Result<S::Ok, S::Error>
where
    T: Serialize + ?Sized,
    S: Serializer,
{
    value.as_ref().serialize(to)
}

pub fn deserialize<'de, T, D>(from: D) -> Result<Arc<T>, D::Error>
where
    T: Deserialize<'de>,
    D: Deserializer<'de>,
{
    T::deserialize(from).map(Arc::new)
}

/// Shared bytes.
pub mod bytes {
    use super::{Arc, Deserialize, Deserializer};

    pub use super::serialize;

    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Arc<[u8]>, D::Error> {
        Vec::<u8>::deserialize(from).map(Into::into)
    }
}
