//! The search for confounders that nobody declared.

/// What is searched for, and in how many images.
#[derive(Debug, Clone, Copy)]
pub struct Discovery {
    pub patches: bool,
    pub fixed: bool,
    pub properties: bool,
    pub concepts: bool,
    /// Most images of a class that take part.
    pub images_per_class: usize,
}
