//! Confounders that nobody declared.

pub mod properties;
