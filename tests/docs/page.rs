//! Pages in Markdown: their blocks of code, headings and links.

use std::{
    fs,
    ops::Range,
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, PoisonError},
};

use pulldown_cmark::{CodeBlockKind, Event, Options, Parser, Tag, TagEnd};

/// The repository.
pub(crate) fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Whether the test writes what is stale instead of failing.
pub(crate) fn is_writing() -> bool {
    std::env::var_os("CONFORME_TEST_WRITE").is_some_and(|value| value == "1")
}

/// Locked by tests that can write pages.
pub(crate) fn lock() -> MutexGuard<'static, ()> {
    static LOCK: Mutex<()> = Mutex::new(());
    LOCK.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A page.
pub(crate) struct Page {
    /// Its path from the repository, with `/`.
    pub(crate) path: String,
    /// Its text.
    pub(crate) text: String,
}

/// A fenced block of code.
pub(crate) struct Block {
    /// The line of its fence, counted from 1.
    pub(crate) line: usize,
    /// The words after the fence, such as `yaml case`.
    pub(crate) info: String,
    /// Its content.
    pub(crate) text: String,
    /// The bytes of its content in the page.
    pub(crate) range: Range<usize>,
}

impl Page {
    /// Reads a page by its path from the repository.
    pub(crate) fn read(path: &str) -> Self {
        let text = fs::read_to_string(repository().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"));
        Self {
            path: path.to_owned(),
            text,
        }
    }

    /// Writes a new text.
    pub(crate) fn write(&self, text: &str) {
        fs::write(repository().join(&self.path), text).expect("the page is written");
    }

    fn events(&self) -> impl Iterator<Item = (Event<'_>, Range<usize>)> {
        Parser::new_ext(&self.text, Options::ENABLE_TABLES).into_offset_iter()
    }

    /// The line of a byte, counted from 1.
    fn line_of(&self, at: usize) -> usize {
        self.text[..at].matches('\n').count() + 1
    }

    /// Its fenced blocks, in order.
    pub(crate) fn blocks(&self) -> Vec<Block> {
        let mut blocks = Vec::new();
        let mut open: Option<Block> = None;
        for (event, range) in self.events() {
            match event {
                Event::Start(Tag::CodeBlock(CodeBlockKind::Fenced(info))) => {
                    open = Some(Block {
                        line: self.line_of(range.start),
                        info: info.to_string(),
                        text: String::new(),
                        range: 0..0,
                    });
                }
                Event::Text(text) => {
                    if let Some(block) = &mut open {
                        block.text.push_str(&text);
                        let start = if block.range.end == 0 {
                            range.start
                        } else {
                            block.range.start
                        };
                        block.range = start..range.end;
                    }
                }
                Event::End(TagEnd::CodeBlock) => blocks.extend(open.take()),
                _ => {}
            }
        }
        blocks
    }

    /// The anchors of its headings, as GitHub and mdBook form them.
    pub(crate) fn anchors(&self) -> Vec<String> {
        let mut anchors: Vec<String> = Vec::new();
        let mut heading: Option<String> = None;
        for (event, _) in self.events() {
            match event {
                Event::Start(Tag::Heading { .. }) => heading = Some(String::new()),
                Event::Text(text) | Event::Code(text) => {
                    if let Some(heading) = &mut heading {
                        heading.push_str(&text);
                    }
                }
                Event::End(TagEnd::Heading(_)) => {
                    let text = heading.take().unwrap_or_default();
                    let mut anchor = String::new();
                    for c in text.trim().to_lowercase().chars() {
                        match c {
                            ' ' => anchor.push('-'),
                            c if c.is_alphanumeric() || c == '-' || c == '_' => anchor.push(c),
                            _ => {}
                        }
                    }
                    let count = anchors.iter().filter(|known| **known == anchor).count();
                    anchors.push(if count == 0 {
                        anchor
                    } else {
                        format!("{anchor}-{count}")
                    });
                }
                _ => {}
            }
        }
        anchors
    }

    /// The targets of its links and images, each with its line.
    pub(crate) fn links(&self) -> Vec<(usize, String)> {
        let mut links = Vec::new();
        for (event, range) in self.events() {
            if let Event::Start(Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. }) = event {
                links.push((self.line_of(range.start), dest_url.to_string()));
            }
        }
        links
    }
}

/// All Markdown files below a folder of the repository, sorted.
pub(crate) fn below(folder: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut open = vec![repository().join(folder)];
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(folder).expect("a folder").flatten() {
            let path: PathBuf = entry.path();
            if path.is_dir() {
                open.push(path);
            } else if path.extension().is_some_and(|extension| extension == "md") {
                let inside = path.strip_prefix(repository()).expect("a file of the repository");
                found.push(inside.to_string_lossy().replace('\\', "/"));
            }
        }
    }
    found.sort();
    found
}

/// Every page for users and contributors.
pub(crate) fn pages() -> Vec<Page> {
    let mut paths = vec![
        "README.md".to_owned(),
        "CONTRIBUTING.md".to_owned(),
        "SECURITY.md".to_owned(),
    ];
    paths.extend(below("docs"));
    let examples = ["axum", "json-server", "oci-registry"];
    paths.extend(examples.map(|name| format!("examples/{name}/README.md")));
    paths.iter().map(|path| Page::read(path)).collect()
}
