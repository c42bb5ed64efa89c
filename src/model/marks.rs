//! Marks: replacements for masked secrets.

/// The mark for a secret of this name and for its filtered forms: `$TOKEN`, `${TOKEN%?}`. Each is valid
/// shell syntax, so that a command with it can be run.
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
