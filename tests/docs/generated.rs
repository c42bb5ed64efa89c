//! Tables of the pages that are generated from the code. `CONFORME_TEST_WRITE=1` writes the stale ones.

use std::collections::BTreeMap;

use clap::{Arg, Command, CommandFactory as _};
use conforme::{
    check::RULES,
    cli::Cli,
    compare::CHANGE_RULES,
    model::{CheckId, Exit},
    mutate::OPERATORS,
    report::Format,
    suite::{case_schema, suite_schema},
};
use serde_json::Value;

use crate::page::{self, Page, below, is_writing, pages, repository};

const END: &str = "<!-- /generated -->";

/// A cell of a table, in one line.
fn cell(text: &str) -> String {
    text.split_whitespace()
        .collect::<Vec<_>>()
        .join(" ")
        .replace('|', "\\|")
}

/// A table.
fn table(columns: &[&str], rows: impl IntoIterator<Item = Vec<String>>) -> String {
    let line = |cells: &[String]| format!("| {} |\n", cells.join(" | "));
    let names: Vec<_> = columns.iter().map(|name| (*name).to_owned()).collect();
    let mut text = line(&names) + &format!("|{}\n", "---|".repeat(columns.len()));
    for row in rows {
        text += &line(&row.iter().map(|text| cell(text)).collect::<Vec<_>>());
    }
    text
}

fn code(text: &str) -> String {
    format!("`{text}`")
}

fn word(value: impl serde::Serialize) -> String {
    serde_json::to_value(value).unwrap().as_str().unwrap().to_owned()
}

/// The properties of a definition in a schema.
fn keys(schema: &Value, definition: Option<&str>) -> String {
    let found = match definition {
        Some(name) => &schema["$defs"][name],
        None => schema,
    };
    let properties = found["properties"].as_object().expect("properties");
    let rows = properties.iter().map(|(name, property)| {
        let description = property["description"].as_str();
        vec![code(name), description.unwrap_or_default().to_owned()]
    });
    table(&["key", "meaning"], rows)
}

/// The alternatives of a definition in a schema, each an object with one property.
fn alternatives(schema: &Value, definition: &str) -> String {
    let all = schema["$defs"][definition]["oneOf"].as_array().expect("alternatives");
    let rows = all.iter().flat_map(|one| {
        let properties = one["properties"].as_object().into_iter().flatten();
        properties.map(|(name, property)| {
            vec![
                code(name),
                property["description"].as_str().unwrap_or_default().to_owned(),
            ]
        })
    });
    table(&["key", "meaning"], rows)
}

fn flag(argument: &Arg) -> String {
    let mut text = match (argument.get_short(), argument.get_long()) {
        (Some(short), Some(long)) => format!("-{short}, --{long}"),
        (None, Some(long)) => format!("--{long}"),
        _ => String::new(),
    };
    if argument.get_action().takes_values() {
        let names = argument.get_value_names().unwrap_or_default();
        text += &names.iter().map(|name| format!(" <{name}>")).collect::<String>();
    }
    code(text.trim())
}

/// The flags of a command that are its own.
fn arguments(command: &Command) -> impl Iterator<Item = &Arg> {
    let is_common = |id: &str| ["project", "color", "help", "version"].contains(&id);
    command
        .get_arguments()
        .filter(move |argument| !is_common(argument.get_id().as_str()))
}

fn flags<'a>(arguments: impl Iterator<Item = &'a Arg>) -> String {
    let rows = arguments.map(|argument| {
        let mut help = argument.get_help().map(ToString::to_string).unwrap_or_default();
        let values = argument.get_possible_values();
        if argument.get_action().takes_values() && !values.is_empty() {
            let all = values.iter().map(|value| {
                let about = value.get_help().map(ToString::to_string).unwrap_or_default();
                format!("`{}` ({about})", value.get_name())
            });
            help += &format!(": {}", all.collect::<Vec<_>>().join(", "));
        }
        let default = argument.get_default_values().first();
        if argument.get_action().takes_values()
            && let Some(default) = default
        {
            help += &format!(" [default: {}]", default.to_string_lossy());
        }
        let variable = argument.get_env().map(|name| code(&name.to_string_lossy()));
        vec![flag(argument), help, variable.unwrap_or_default()]
    });
    table(&["argument", "meaning", "environment"], rows)
}

/// A section for each command.
fn commands() -> String {
    let mut cli = Cli::command();
    cli.build();
    let mut text = String::new();
    let is_own = |command: &&Command| command.get_name() != "help";
    let all = cli.get_subcommands().filter(is_own).flat_map(|command| {
        let name = command.get_name();
        let nested = command.get_subcommands().filter(is_own);
        let nested = nested.map(move |one| (format!("{name} {}", one.get_name()), one));
        std::iter::once((name.to_owned(), command)).chain(nested)
    });
    for (name, command) in all {
        let about = command.get_about().map(ToString::to_string).unwrap_or_default();
        text += &format!("## `conforme {name}`\n\n{about}.\n\n");
        let mut own = arguments(command).peekable();
        if own.peek().is_some() {
            text += &flags(own);
            text += "\n";
        }
    }
    format!("{}\n", text.trim_end())
}

/// The environment variables of flags.
fn environment() -> String {
    let mut cli = Cli::command();
    cli.build();
    let mut variables: BTreeMap<String, (Vec<String>, String)> = BTreeMap::new();
    for command in cli.get_subcommands() {
        for argument in arguments(command) {
            if let Some(name) = argument.get_env() {
                let entry = variables.entry(name.to_string_lossy().into_owned()).or_default();
                entry.0.push(command.get_name().to_owned());
                entry.1 = format!("--{}", argument.get_long().expect("a long flag"));
            }
        }
    }
    let rows = variables.into_iter().map(|(name, (commands, flag))| {
        let commands: Vec<_> = commands.iter().map(|name| code(name)).collect();
        vec![code(&name), code(&flag), commands.join(", ")]
    });
    table(&["variable", "flag", "commands"], rows)
}

/// The checks that a finding can name.
fn checks() -> String {
    let fixed = CheckId::FIXED.iter().map(|id| vec![code(id.as_str()), id.title()]);
    let header = vec![
        code("header/NAME"),
        "The header field `NAME` is the expected one.".to_owned(),
    ];
    let rules = RULES
        .iter()
        .map(|rule| vec![code(rule.id), format!("Built-in rule: {}.", rule.requirement)]);
    let cookie = vec![code("cookie/NAME"), "The cookie `NAME` is set as expected.".to_owned()];
    let trailer = vec![
        code("trailer/NAME"),
        "The trailer field `NAME` is the expected one.".to_owned(),
    ];
    let mut rows: Vec<_> = fixed.chain([header, trailer, cookie]).chain(rules).collect();
    rows.sort();
    table(&["id", "meaning"], rows)
}

/// All generated parts, by name.
fn parts() -> Vec<(&'static str, String)> {
    let case: Value = serde_json::from_str(&case_schema()).unwrap();
    let suite: Value = serde_json::from_str(&suite_schema()).unwrap();
    let config = std::fs::read_to_string(repository().join("conforme.toml")).expect("conforme.toml");
    let rules = RULES
        .iter()
        .map(|rule| vec![code(rule.id), rule.requirement.to_owned(), word(rule.level)]);
    let changes = CHANGE_RULES.iter().map(|row| {
        let level = format!("{:?}", row.level).to_lowercase();
        vec![code(row.id), level, row.reason.to_owned()]
    });
    let operators = OPERATORS
        .iter()
        .map(|operator| vec![code(operator.id), operator.regression.to_owned()]);
    let exits = Exit::ALL
        .iter()
        .map(|exit| vec![exit.code().to_string(), exit.meaning().to_owned()]);
    let formats = Format::NAMES
        .iter()
        .map(|(name, format)| vec![code(name), format.purpose().to_owned()]);
    vec![
        ("rules", table(&["rule", "requirement", "level"], rules)),
        ("changes", table(&["change", "level", "reason"], changes)),
        ("operators", table(&["operator", "regression"], operators)),
        ("exit-codes", table(&["code", "meaning"], exits)),
        ("formats", table(&["format", "content"], formats)),
        ("checks", checks()),
        ("commands", commands()),
        ("environment", environment()),
        ("case", keys(&case, None)),
        ("request", keys(&case, Some("Request"))),
        ("content", alternatives(&case, "Content")),
        ("auth", alternatives(&case, "Auth")),
        ("part", keys(&case, Some("Part"))),
        ("cookie", keys(&case, Some("CookieText"))),
        ("expect", keys(&case, Some("Expect"))),
        ("body", keys(&case, Some("Body"))),
        ("lines", keys(&case, Some("Lines"))),
        ("events", keys(&case, Some("EventsTable"))),
        ("event", keys(&case, Some("EventText"))),
        ("header-tests", keys(&case, Some("HeaderTable"))),
        ("text-tests", keys(&case, Some("TextTestTable"))),
        ("snapshots", keys(&case, Some("Snapshots"))),
        ("probe", keys(&case, Some("Probe"))),
        ("explored", keys(&case, Some("Explored"))),
        ("matchers", keys(&case, Some("Pattern"))),
        ("suite", keys(&suite, None)),
        ("input", keys(&suite, Some("Input"))),
        ("survivors", keys(&suite, Some("Survivors"))),
        ("conforme.toml", format!("```toml conforme.toml\n{config}```\n")),
    ]
}

/// The page with its generated parts as they are now.
fn current(page: &Page, parts: &[(&str, String)], used: &mut Vec<String>) -> String {
    let mut text = String::new();
    let mut rest = page.text.as_str();
    while let Some((before, after)) = rest.split_once("<!-- generated: ") {
        let (name, after) = after.split_once(" -->\n").expect("the end of a marker");
        let (_, after) = after.split_once(END).expect("the end of a generated part");
        let (_, part) = parts.iter().find(|(known, _)| *known == name).expect(name);
        text += &format!("{before}<!-- generated: {name} -->\n\n{part}\n{END}");
        used.push(name.to_owned());
        rest = after;
    }
    text + rest
}

#[test]
fn generated_parts_are_current() {
    let parts = parts();
    let (mut used, mut stale) = (Vec::new(), Vec::new());
    let _lock = page::lock();
    for page in pages() {
        let text = current(&page, &parts, &mut used);
        if text != page.text {
            if is_writing() {
                page.write(&text);
            } else {
                stale.push(page.path.clone());
            }
        }
    }
    assert!(
        stale.is_empty(),
        "stale: {stale:?}; write them with CONFORME_TEST_WRITE=1"
    );
    used.sort();
    let mut expected: Vec<_> = parts.iter().map(|(name, _)| (*name).to_owned()).collect();
    expected.sort();
    assert_eq!(used, expected, "every part is on one page");
}

#[test]
fn every_check_has_an_example() {
    let page = Page::read("docs/reference/checks.md");
    let rules = RULES.iter().map(|rule| rule.id.to_owned());
    let fixed = CheckId::FIXED.iter().map(|id| id.as_str().to_owned());
    for id in rules
        .chain(fixed)
        .chain(["header/NAME".to_owned(), "trailer/NAME".to_owned()])
    {
        assert!(page.text.contains(&format!("\n### `{id}`\n")), "no section for `{id}`");
    }
}

#[test]
fn commands_of_the_readme_are_those_of_ci() {
    let script = std::fs::read_to_string(repository().join(".ci/run")).expect(".ci/run");
    let readme = Page::read("README.md");
    for command in ["cargo run --release -- run", "cargo test"] {
        assert!(
            readme.text.contains(&format!("\n$ {command}")),
            "README.md lacks `{command}`"
        );
        assert!(script.contains(command), ".ci/run lacks `{command}`");
    }
    assert!(readme.text.lines().count() <= 200, "README.md has more than 200 lines");
    assert!(below("docs").len() > 20);
}
