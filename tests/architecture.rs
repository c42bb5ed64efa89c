//! The modules import each other as `docs/architecture.md` allows, files and functions are short, and a type name has one
//! definition.

#![expect(clippy::expect_used, reason = "a test fails by panicking")]

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

type Imports = BTreeMap<String, BTreeSet<String>>;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The top-level modules in `src`, each with its files.
fn modules() -> BTreeMap<String, Vec<PathBuf>> {
    let mut modules: BTreeMap<String, Vec<PathBuf>> = BTreeMap::new();
    let mut open = vec![root().join("src")];
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(&folder).expect("a folder").flatten() {
            let path = entry.path();
            if path.is_dir() {
                open.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let inside = path.strip_prefix(root().join("src")).expect("a file below src");
                let first = inside.components().next().expect("a name");
                let name = Path::new(first.as_os_str()).with_extension("");
                let name = name.to_string_lossy().into_owned();
                if name != "lib" && name != "main" {
                    modules.entry(name).or_default().push(path);
                }
            }
        }
    }
    modules
}

/// The text of a file without comments and without its tests at the end.
fn code(path: &Path) -> String {
    let text = fs::read_to_string(path).expect("a text");
    let text = text.split("#[cfg(test)]\nmod tests").next().unwrap_or_default();
    let lines = text.lines().filter(|line| !line.trim_start().starts_with("//"));
    lines.collect::<Vec<_>>().join("\n")
}

/// The names that follow `crate::`, of a group in braces each.
fn imported(code: &str) -> BTreeSet<String> {
    let name = |text: &str| -> String {
        let text = text.trim_start();
        let end = text.find(|c: char| !c.is_ascii_alphanumeric() && c != '_');
        text[..end.unwrap_or(text.len())].to_owned()
    };
    let mut names = BTreeSet::new();
    for (at, found) in code.match_indices("crate::") {
        let is_word = code[..at].ends_with(|c: char| c.is_ascii_alphanumeric() || c == '_' || c == '$');
        let rest = &code[at + found.len()..];
        let Some(group) = rest.strip_prefix('{').filter(|_| !is_word) else {
            if !is_word {
                names.insert(name(rest));
            }
            continue;
        };
        let mut depth = 0_usize;
        let mut is_start = true;
        for (at, c) in group.char_indices() {
            if depth == 0 && is_start && !c.is_whitespace() && c != '}' {
                names.insert(name(&group[at..]));
                is_start = false;
            }
            match c {
                '{' => depth += 1,
                '}' if depth == 0 => break,
                '}' => depth -= 1,
                ',' if depth == 0 => is_start = true,
                _ => {}
            }
        }
    }
    names
}

fn actual() -> Imports {
    let modules = modules();
    let names: BTreeSet<_> = modules.keys().cloned().collect();
    let imports = |(name, files): (&String, &Vec<PathBuf>)| {
        let all: BTreeSet<_> = files.iter().flat_map(|file| imported(&code(file))).collect();
        let mut known: BTreeSet<_> = all.intersection(&names).cloned().collect();
        known.remove(name);
        (name.clone(), known)
    };
    modules.iter().map(imports).collect()
}

/// The table in the documentation.
fn documented() -> Imports {
    let page = fs::read_to_string(root().join("docs/architecture.md")).expect("the page");
    let rows = page.lines().filter(|line| line.starts_with("| `"));
    let named = |cell: &str| -> BTreeSet<String> { cell.split('`').skip(1).step_by(2).map(str::to_owned).collect() };
    let rows: Vec<(String, String)> = rows
        .map(|row| {
            let cells: Vec<_> = row.split('|').collect();
            let module = named(cells[1]).into_iter().next().expect("the name of a module");
            (module, cells[3].to_owned())
        })
        .collect();
    let all: BTreeSet<_> = rows.iter().map(|(module, _)| module.clone()).collect();
    rows.into_iter()
        .map(|(module, imports)| {
            let mut allowed = named(&imports);
            if imports.contains("everything but") {
                allowed = all.difference(&allowed).cloned().collect();
                allowed.remove(&module);
            }
            (module, allowed)
        })
        .collect()
}

#[test]
fn modules_import_only_what_the_page_allows() {
    let (actual, documented) = (actual(), documented());
    let modules: BTreeSet<_> = actual.keys().collect();
    assert_eq!(modules, documented.keys().collect(), "modules in src and on the page");
    for (module, imports) in &actual {
        let forbidden: Vec<_> = imports.difference(&documented[module]).collect();
        assert!(forbidden.is_empty(), "`{module}` imports {forbidden:?}");
    }
}

#[test]
fn page_allows_nothing_that_no_module_needs() {
    let actual = actual();
    for (module, allowed) in documented() {
        if ["cli", "fuzzing", "session"].contains(&module.as_str()) {
            continue;
        }
        let unused: Vec<_> = allowed.difference(&actual[&module]).collect();
        assert!(unused.is_empty(), "`{module}` does not need {unused:?}");
    }
}

#[test]
fn imports_form_no_cycle() {
    let mut left = actual();
    loop {
        let leaves: BTreeSet<_> = left
            .iter()
            .filter(|(_, imports)| imports.is_empty())
            .map(|(module, _)| module.clone())
            .collect();
        if leaves.is_empty() {
            break;
        }
        left.retain(|module, _| !leaves.contains(module));
        for imports in left.values_mut() {
            *imports = imports.difference(&leaves).cloned().collect();
        }
    }
    assert!(left.is_empty(), "a cycle in {:?}", left.keys());
}

#[test]
fn imports_are_found_in_paths_and_groups() {
    let code = "use crate::model::Location;\nuse crate::{\n    check::{self, a::{b, c}},\n    json,\n};\nlet x = crate::text::y();";
    let names: Vec<_> = imported(code).into_iter().collect();
    assert_eq!(names, ["check", "json", "model", "text"]);
}

#[test]
fn writers_of_reports_know_no_subject() {
    let folder = root().join("src/report/write");
    for entry in fs::read_dir(folder).expect("a folder").flatten() {
        if entry.path().extension().is_none_or(|extension| extension != "rs") {
            continue;
        }
        let code = code(&entry.path());
        for subject in ["compare::", "mutate::", "from::", "CaseFinished", "RunFinished"] {
            assert!(!code.contains(subject), "{}: {subject}", entry.path().display());
        }
    }
}

/// Maximum number of lines of a file.
const MAX_FILE: usize = 800;
/// Maximum number of lines of a function without a reason.
const MAX_FUNCTION: usize = 80;
/// Maximum number of characters of the name of a test.
const MAX_TEST_NAME: usize = 60;

/// The Rust files below the folders, with their paths from the root.
fn rust_files(folders: &[&str]) -> Vec<(String, String)> {
    let mut files = Vec::new();
    let mut open: Vec<_> = folders.iter().map(|folder| root().join(folder)).collect();
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(&folder).expect("a folder").flatten() {
            let path = entry.path();
            if path.is_dir() {
                open.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let shown = path
                    .strip_prefix(root())
                    .expect("a file below the root")
                    .display()
                    .to_string();
                files.push((shown, fs::read_to_string(&path).expect("a text")));
            }
        }
    }
    files.sort();
    files
}

/// The word after a keyword of a declaration, if the line begins with it, whatever its visibility.
fn declared<'l>(line: &'l str, keywords: &[&str]) -> Option<&'l str> {
    let mut words = line
        .split_whitespace()
        .skip_while(|word| word.starts_with("pub") || ["const", "async", "super)", "crate::report)"].contains(word));
    let keyword = words.next()?;
    let name = words.next().filter(|_| keywords.contains(&keyword))?;
    name.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').next()
}

/// Functions longer than the maximum that have no comment `// Long: REASON` above them, with their lines.
fn long_functions(text: &str) -> Vec<(String, usize)> {
    let lines: Vec<_> = text.lines().collect();
    let mut found = Vec::new();
    for (at, line) in lines.iter().enumerate() {
        let Some(name) = declared(line, &["fn"]) else { continue };
        let indent = &line[..line.len() - line.trim_start().len()];
        let end = format!("{indent}}}");
        let mut signature = lines[at..].iter().skip_while(|line| !line.ends_with(['{', '}', ';']));
        if signature.next().is_none_or(|line| !line.ends_with('{')) {
            continue;
        }
        let length = lines[at..].iter().take_while(|line| **line != end).count() + 1;
        let before = lines[..at].iter().rev();
        let mut above =
            before.take_while(|line| line.trim_start().starts_with("#[") || line.trim_start().starts_with("//"));
        if length > MAX_FUNCTION && !above.any(|line| line.trim_start().starts_with("// Long: ")) {
            found.push((name.to_owned(), length));
        }
    }
    found
}

#[test]
fn files_and_functions_are_short_or_give_a_reason() {
    let mut hits = Vec::new();
    for (path, text) in rust_files(&["src", "tests", "benches", "fuzz/fuzz_targets"]) {
        let lines = text.lines().count();
        if lines > MAX_FILE {
            hits.push(format!("{path}: {lines} lines, at most {MAX_FILE}"));
        }
        for (name, length) in long_functions(&text) {
            hits.push(format!(
                "{path}: `{name}` has {length} lines, at most {MAX_FUNCTION} without `// Long: REASON`"
            ));
        }
    }
    assert!(hits.is_empty(), "{}", hits.join("\n"));
}

#[test]
fn names_of_tests_are_short() {
    let mut hits = Vec::new();
    for (path, text) in rust_files(&["src", "tests"]) {
        let lines: Vec<_> = text.lines().map(str::trim).collect();
        for pair in lines.windows(2).filter(|pair| pair[0].ends_with("test]")) {
            if let Some(name) = declared(pair[1], &["fn"]).filter(|name| name.len() > MAX_TEST_NAME) {
                hits.push(format!("{path}: {name}"));
            }
        }
    }
    assert!(
        hits.is_empty(),
        "at most {MAX_TEST_NAME} characters:\n{}",
        hits.join("\n")
    );
}

#[test]
fn long_function_is_found_unless_it_gives_a_reason() {
    let body = "    let x = || { y() };\n".repeat(MAX_FUNCTION - 2);
    assert!(long_functions(&format!("fn a() {{\n{body}}}\n")).is_empty());
    let long = format!("pub(super) async fn a() {{\n    x();\n{body}}}\n");
    assert_eq!(long_functions(&long), [("a".to_owned(), MAX_FUNCTION + 1)]);
    assert!(long_functions(&format!("// Long: a table.\n#[test]\n{long}")).is_empty());
}

#[test]
fn type_name_has_one_definition() {
    let mut types: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (path, text) in rust_files(&["src"]) {
        for line in text.lines() {
            let line_of_type = line.trim_start();
            let is_associated = line.starts_with(' ') && line_of_type.starts_with("type ");
            let Some(name) = declared(line_of_type, &["struct", "enum", "trait", "type"]) else {
                continue;
            };
            // A name that a macro makes is empty here.
            if !is_associated && !name.is_empty() {
                types.entry(name.to_owned()).or_default().push(path.clone());
            }
        }
    }
    types.retain(|_, paths| paths.len() > 1);
    assert!(types.is_empty(), "types with several definitions: {types:#?}");
}
