//! Marks: what stands for a secret where it was masked.

/// What stands for the secret of this name, and for what can be made of it: `$TOKEN`, `${TOKEN%?}`. Each is what a
/// shell writes for the same, so that a command with it can be run.
pub fn marks_of(name: &str) -> [String; 5] {
    let name = name.to_ascii_uppercase();
    [
        format!("${name}"),
        format!("${{{name}~~}}"),
        format!("${{{name}%?}}"),
        format!("${{{name},,}}"),
        format!("${{{name}^^}}"),
    ]
}
