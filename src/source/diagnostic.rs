//! Errors as data: message, location and help.

use annotate_snippets::{AnnotationKind, Level, Renderer, Snippet};

use super::{Location, Sources, Span};

/// Maximum length of a source line that is shown whole, in characters.
const EXCERPT: usize = 200;

/// One error in a file written by a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// The message, as a fragment in lower case.
    pub message: String,
    /// The location; absent for an error of a whole file or of the command line.
    pub span: Option<Span>,
    /// The label at the caret.
    pub label: Option<String>,
    /// The action to take.
    pub help: Option<String>,
}

impl Diagnostic {
    /// An error with a location.
    pub fn new(span: Span, message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            span: Some(span),
            label: None,
            help: None,
        }
    }

    /// An error without a location in a file.
    pub fn general(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            span: None,
            label: None,
            help: None,
        }
    }

    /// Adds the label at the caret.
    #[must_use]
    pub fn label(mut self, label: impl Into<String>) -> Self {
        self.label = Some(label.into());
        self
    }

    /// Adds the help text.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// Adds the nearest known name as help, or else the list of all known names.
    #[must_use]
    pub(crate) fn suggest<'k>(self, given: &str, known: impl IntoIterator<Item = &'k str> + Clone) -> Self {
        if let Some(name) = super::nearest(given, known.clone()) {
            return self.help(format!("did you mean `{name}`?"));
        }
        let names: Vec<_> = known
            .into_iter()
            .take(MAX_NAMES)
            .map(|name| format!("`{name}`"))
            .collect();
        if names.is_empty() {
            return self;
        }
        self.help(format!("known here: {}", names.join(", ")))
    }

    /// The correction of a "did you mean": the bytes of the misspelled name in the file, and the name that is meant.
    pub(crate) fn correction(&self, sources: &Sources) -> Option<(std::ops::Range<usize>, String)> {
        let meant = self.help.as_ref()?.strip_prefix("did you mean `")?.strip_suffix("`?")?;
        let span = self.span?;
        let bytes = sources.bytes(span);
        let text = sources.text(span.file).get(bytes.clone())?;
        let mut given = self.message.split('`').skip(1).step_by(2);
        let (at, given) = given.find_map(|given| Some((only_word(text, given)?, given)))?;
        let start = bytes.start + at;
        Some((start..start + given.len(), meant.to_owned()))
    }

    /// The location, if any.
    pub fn location(&self, sources: &Sources) -> Option<Location> {
        self.span.map(|span| sources.location(span))
    }

    /// The message with excerpt, caret and help, formatted like a compiler error.
    pub fn render(&self, sources: &Sources, colour: bool) -> String {
        self.render_as(Level::ERROR, sources, colour)
    }

    fn render_as(&self, level: Level<'static>, sources: &Sources, colour: bool) -> String {
        let renderer = if colour { Renderer::styled() } else { Renderer::plain() };
        let message = visible(&self.message);
        let title = level.primary_title(&message);
        let location = self.location(sources);
        let path;
        let mut group = if let (Some(span), Some(location)) = (self.span, &location) {
            let (excerpt, range) = excerpt(sources, span);
            let excerpt = super::without_credentials(&excerpt).into_owned();
            path = location.file.to_string();
            let mut mark = AnnotationKind::Primary.span(range);
            if let Some(label) = &self.label {
                mark = mark.label(visible(label));
            }
            let snippet = Snippet::source(excerpt)
                .path(path)
                .line_start(location.line as usize)
                .annotation(mark);
            title.element(snippet)
        } else {
            annotate_snippets::Group::with_title(title)
        };
        if let Some(help) = &self.help {
            group = group.element(Level::HELP.message(visible(help)));
        }
        renderer.render(&[group])
    }
}

/// The first line of a span and the span's range in it; a very long line is cut around the range.
fn excerpt(sources: &Sources, span: Span) -> (String, std::ops::Range<usize>) {
    let text = sources.text(span.file);
    let range = sources.bytes(span);
    let start = text[..range.start].rfind('\n').map_or(0, |at| at + 1);
    let end = text[start..].find('\n').map_or(text.len(), |at| start + at);
    let line = text[start..end].trim_end_matches('\r');
    let from = (range.start - start).min(line.len());
    let to = range.end.saturating_sub(start).clamp(from, line.len());
    if line.len() <= EXCERPT {
        return (line.to_owned(), from..to);
    }
    let cut_from = floor(line, from.saturating_sub(EXCERPT / 2));
    let cut_to = floor(line, (cut_from + EXCERPT).min(line.len()));
    (
        line[cut_from..cut_to].to_owned(),
        from - cut_from..to.clamp(from, cut_to) - cut_from,
    )
}

fn floor(text: &str, mut at: usize) -> usize {
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

/// Where a name is in a text, if it is there once and is not a part of a longer name.
fn only_word(text: &str, name: &str) -> Option<usize> {
    let is_part = |c: char| c.is_alphanumeric() || c == '_' || c == '-';
    let mut found = text.match_indices(name).filter(|(at, _)| {
        let (before, after) = (&text[..*at], &text[at + name.len()..]);
        !name.is_empty() && !before.ends_with(is_part) && !after.starts_with(is_part)
    });
    let (at, _) = found.next()?;
    found.next().is_none().then_some(at)
}

/// Control characters made visible: a message may quote file content.
fn visible(text: &str) -> String {
    text.chars()
        .map(|c| {
            if c.is_control() && c != '\n' {
                c.escape_default().to_string()
            } else {
                c.to_string()
            }
        })
        .collect()
}

/// Maximum number of errors that are kept; the rest is only counted.
/// Maximum number of known names that an error lists.
const MAX_NAMES: usize = 32;
/// Maximum number of diagnostics that are kept.
const MAX_KEPT: usize = 1000;

/// All errors found so far, unordered until [`Diagnostics::sorted`].
#[derive(Clone, Debug, Default)]
pub struct Diagnostics {
    list: Vec<Diagnostic>,
    /// Number of errors that are not kept.
    omitted: usize,
}

impl Diagnostics {
    /// Adds one; the same error at the same location (found again through inheritance) counts once.
    pub fn push(&mut self, diagnostic: Diagnostic) {
        if self.list.len() >= MAX_KEPT {
            self.omitted += 1;
        } else if !self.list.contains(&diagnostic) {
            self.list.push(diagnostic);
        }
    }

    /// The first one.
    pub(crate) fn first(&self) -> Option<&Diagnostic> {
        self.list.first()
    }

    /// The same, with a circumstance at the end of each message.
    #[must_use]
    pub(crate) fn on(mut self, circumstance: &str) -> Self {
        for diagnostic in &mut self.list {
            diagnostic.message = format!("{} ({circumstance})", diagnostic.message);
        }
        self
    }

    /// Adds all of `other`.
    pub fn append(&mut self, other: Diagnostics) {
        self.omitted += other.omitted;
        for diagnostic in other.list {
            self.push(diagnostic);
        }
    }

    /// Whether there are no errors.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.list.len() + self.omitted
    }

    /// Sorted by file, line and column; errors without a location first.
    pub fn sorted(&self, sources: &Sources) -> Vec<&Diagnostic> {
        let mut all: Vec<_> = self.list.iter().collect();
        all.sort_by_key(|diagnostic| diagnostic.location(sources));
        all
    }

    /// At most `most` of them rendered as warnings, a blank line between two.
    pub(crate) fn render_warnings(&self, sources: &Sources, colour: bool, most: usize) -> String {
        let sorted = self.sorted(sources).into_iter().take(most);
        let rendered: Vec<_> = sorted
            .map(|warning| warning.render_as(Level::WARNING, sources, colour))
            .collect();
        rendered.join("\n\n")
    }

    /// All of them rendered, a blank line between two.
    pub fn render(&self, sources: &Sources, colour: bool) -> String {
        self.sorted(sources)
            .into_iter()
            .map(|diagnostic| diagnostic.render(sources, colour))
            .collect::<Vec<_>>()
            .join("\n\n")
    }
}

impl From<Diagnostic> for Diagnostics {
    fn from(diagnostic: Diagnostic) -> Self {
        Self {
            list: vec![diagnostic],
            omitted: 0,
        }
    }
}
