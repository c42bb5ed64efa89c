//! `conforme.toml` of this repository, which is the commented reference of all settings.

use std::fs;

use crate::{blocks::project_of, page::repository};

/// The file with every setting that is commented out in effect: `#key = value` and `#[table]`.
fn uncommented() -> String {
    let text = fs::read_to_string(repository().join("conforme.toml")).expect("conforme.toml");
    let mut settings = String::new();
    for line in text.lines() {
        let setting = line
            .strip_prefix('#')
            .filter(|rest| rest.starts_with(|c: char| c.is_ascii_lowercase() || c == '['));
        settings += &format!("{}\n", setting.unwrap_or(line));
    }
    settings
}

#[test]
fn every_setting_of_the_reference_is_valid() {
    project_of(&uncommented()).unwrap().validate().unwrap();
}

#[test]
fn reference_contains_every_setting() {
    let text = uncommented();
    for file in [
        "project/config.rs",
        "project/endpoint.rs",
        "project/sigv4.rs",
        "compare/settings.rs",
        "suite/ready.rs",
    ] {
        let source = fs::read_to_string(repository().join("src").join(file)).expect("a source file");
        let code = source.split("#[cfg(test)]").next().unwrap_or_default();
        for start in ["fields.read(\"", "fields.take(\"", "path(\""] {
            for rest in code.split(start).skip(1) {
                let name = rest.split('"').next().unwrap_or_default();
                let is_there = text.contains(&format!("\n{name} = "))
                    || text.contains(&format!("{{ {name} = "))
                    || text.contains(&format!("[{name}]"))
                    || text.contains(&format!(".{name}]"))
                    || text.contains(&format!(".{name}."))
                    || text.contains(&format!("[{name}."));
                assert!(is_there, "conforme.toml lacks `{name}` of {file}");
            }
        }
    }
}
