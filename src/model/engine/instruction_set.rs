/// The instruction set that the built-in engine selects its operators by. Two computers with the
/// same instruction set compute the same numbers.
#[cfg(target_arch = "x86_64")]
pub fn instruction_set() -> &'static str {
    if std::is_x86_feature_detected!("avx512f") {
        "x86_64 avx512f"
    } else if std::is_x86_feature_detected!("fma") {
        "x86_64 fma"
    } else {
        "x86_64"
    }
}

/// The instruction set that the built-in engine selects its operators by.
#[cfg(not(target_arch = "x86_64"))]
pub fn instruction_set() -> &'static str {
    std::env::consts::ARCH
}
