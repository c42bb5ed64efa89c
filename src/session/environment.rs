//! What the environment says about the run.

/// Whether this is a run of CI, as `CI` says.
pub fn in_ci() -> bool {
    std::env::var_os("CI").is_some_and(|value| !value.is_empty() && value != "false" && value != "0")
}
