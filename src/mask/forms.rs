//! The encoded forms of a value, and the search for them, also if they are escaped.

use std::{
    collections::{HashMap, HashSet},
    fmt::Write as _,
    ops::Range,
    sync::Arc,
};

use aho_corasick::{
    Anchored, Input, MatchKind,
    automaton::{Automaton as _, StateID},
    nfa::contiguous::NFA,
};
use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD},
};

use super::{
    reading,
    unescape::{MAX_LAYERS, View, is_lead, is_unfinished, next_lead, units},
};
use crate::text::Prefilter;

/// Minimum length of a form in bytes: shorter ones occur by chance.
const MIN_LENGTH: usize = 6;
/// Minimum length in bytes of a partial form at a truncated end of a text.
pub(super) const MIN_PART: usize = 4;

/// Maximum number of nested encodings that are decoded: two as documented, and one that a report adds by quoting.
const MAX_DEPTH: usize = 3;
/// Maximum size of all readings of a text, in multiples of its length, in addition to [`MIN_UNFOLDED`].
const UNFOLDED: usize = 64;
/// Size in bytes that readings of any text may have.
const MIN_UNFOLDED: usize = 64 * 1024;

/// The forms that are searched for; of equal forms the first counts.
#[derive(Debug, Default)]
pub(super) struct Forms {
    known: HashSet<Vec<u8>>,
    all: Vec<EncodedForm>,
    marks: Vec<String>,
}

#[derive(Debug)]
struct EncodedForm {
    bytes: Vec<u8>,
    mark: usize,
    /// Whether the character of base64 before or after it contains some of its bits.
    shares: (bool, bool),
    /// Whether whitespace was removed from it.
    is_squeezed: bool,
}

impl Forms {
    /// Adds one form, however short.
    pub(super) fn add(&mut self, bytes: &[u8], mark: &str) {
        self.push(bytes, mark, (false, false));
    }

    /// The forms that contain whitespace, without it: they are searched only in a text without whitespace.
    fn squeezed(&self) -> Vec<EncodedForm> {
        let squeeze = |form: &EncodedForm| {
            let is_visible = |byte: &u8| !byte.is_ascii_whitespace();
            let bytes: Vec<u8> = form.bytes.iter().copied().filter(is_visible).collect();
            (bytes.len() < form.bytes.len() && bytes.len() >= MIN_LENGTH).then_some(EncodedForm {
                bytes,
                mark: form.mark,
                shares: (false, false),
                is_squeezed: true,
            })
        };
        self.all.iter().filter_map(squeeze).collect()
    }

    fn push(&mut self, bytes: &[u8], mark: &str, shares: (bool, bool)) {
        if bytes.is_empty() || !self.known.insert(bytes.to_vec()) {
            return;
        }
        let mark = self.marks.iter().position(|known| known == mark).unwrap_or_else(|| {
            self.marks.push(mark.to_owned());
            self.marks.len() - 1
        });
        self.all.push(EncodedForm {
            bytes: bytes.to_vec(),
            mark,
            shares,
            is_squeezed: false,
        });
    }

    fn add_long(&mut self, bytes: &[u8], mark: &str) {
        if bytes.len() >= MIN_LENGTH {
            self.add(bytes, mark);
        }
    }

    /// Adds encoded forms of a value: as base64, and with its own escapes decoded.
    pub(super) fn add_encoded(&mut self, value: &str, mark: &str) {
        for engine in [STANDARD_NO_PAD, URL_SAFE_NO_PAD] {
            // In base64 the same bytes look different at each of three offsets; only whole characters are certain.
            for offset in 0..3 {
                let bytes = [&[0, 0][..offset], value.as_bytes()].concat();
                let whole = engine.encode(&bytes);
                let from = [0, 2, 3][offset];
                let to = bytes.len() * 4 / 3;
                let piece = whole.get(from..to).unwrap_or_default();
                if piece.len() >= MIN_LENGTH {
                    let shares = (offset > 0, bytes.len() % 3 > 0);
                    self.push(piece.as_bytes(), mark, shares);
                }
            }
        }
        // An escape in the value itself is also decoded in the searched text.
        let mut plain = value.as_bytes().to_vec();
        for _ in 0..MAX_LAYERS {
            let Some(view) = View::of(&plain) else { break };
            plain = view.bytes;
            self.add_long(&plain, mark);
        }
    }

    /// Adds further forms of a secret: in hexadecimal, in a different character set, without its scheme in a header,
    /// decoded from base64.
    pub(super) fn add_transcoded(&mut self, secret: &str, mark: &str, part_mark: &str) {
        let bytes = secret.as_bytes();
        let mut hex = String::new();
        for byte in bytes {
            let _ = write!(hex, "{byte:02x}");
        }
        self.add(hex.as_bytes(), mark);
        self.add(hex.to_uppercase().as_bytes(), mark);
        for order in [u16::to_le_bytes, u16::to_be_bytes] {
            let wide: Vec<u8> = secret.encode_utf16().flat_map(order).collect();
            self.add(&wide, mark);
        }
        if !secret.is_ascii() {
            // UTF-8 decoded as Latin-1, Latin-1, and Latin-1 decoded as UTF-8 with replacement characters.
            let misread: String = bytes.iter().copied().map(char::from).collect();
            self.add(misread.as_bytes(), mark);
            let latin: Option<Vec<u8>> = secret.chars().map(|c| u8::try_from(u32::from(c)).ok()).collect();
            if let Some(latin) = latin {
                self.add_long(String::from_utf8_lossy(&latin).as_bytes(), mark);
                self.add_long(&latin, mark);
            }
            if secret.bytes().filter(u8::is_ascii).count() >= MIN_LENGTH {
                self.add(secret.replace(|c: char| !c.is_ascii(), "?").as_bytes(), mark);
            }
        }
        let token = secret.split_once(' ').map(|(scheme, token)| (scheme, token.trim()));
        let token = match token {
            Some((scheme, token)) if is_scheme(scheme) => {
                self.add_long(token.as_bytes(), part_mark);
                token
            }
            _ => secret,
        };
        let engines = [STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD];
        let decoded = engines.iter().find_map(|engine| engine.decode(token).ok());
        if let Some(text) = decoded.and_then(|bytes| String::from_utf8(bytes).ok())
            && !text.chars().any(char::is_control)
        {
            self.add_long(text.as_bytes(), part_mark);
            if let Some((_, password)) = text.split_once(':') {
                self.add_long(password.as_bytes(), part_mark);
            }
        }
        // A diff shows text line by line.
        if secret.contains('\n') {
            for line in secret.lines() {
                self.add_long(line.trim().as_bytes(), part_mark);
            }
        }
    }
}

/// A scheme of `Authorization` (RFC 9110 §11.1), with the space before the token.
pub(super) fn is_scheme(text: &str) -> bool {
    const KNOWN: [&str; 8] = [
        "basic",
        "bearer",
        "token",
        "digest",
        "negotiate",
        "apikey",
        "key",
        "dpop",
    ];
    KNOWN.iter().any(|known| text.eq_ignore_ascii_case(known))
}

/// The ends of a text at which it was truncated, possibly within a form.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Cut {
    pub(super) start: bool,
    pub(super) end: bool,
}

impl Cut {
    pub(super) const START: Self = Self {
        start: true,
        end: false,
    };
    pub(super) const END: Self = Self {
        start: false,
        end: true,
    };
    pub(super) const BOTH: Self = Self { start: true, end: true };
}

/// A range in a text and its placeholder; `None` for a part of a form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Hit {
    pub(super) range: Range<usize>,
    mark: Option<Arc<str>>,
    /// Length of the form: of two that overlap, the placeholder of the longer one is used.
    weight: usize,
}

/// The text with every form replaced by its placeholder, and parts of forms by `part`; `None` if it contains no form.
pub(super) fn hide<'f>(
    finders: impl Iterator<Item = &'f Finder>,
    text: &[u8],
    cut: Cut,
    part: &str,
) -> Option<Vec<u8>> {
    mark(text, finders.map(|finder| finder.hits(text, cut)), part)
}

/// The same for a unified diff.
pub(super) fn hide_in_diff<'f>(finders: impl Iterator<Item = &'f Finder>, diff: &str, part: &str) -> Option<Vec<u8>> {
    mark(diff.as_bytes(), finders.map(|finder| finder.hits_of_diff(diff)), part)
}

fn mark(text: &[u8], mut all: impl Iterator<Item = Vec<Hit>>, part: &str) -> Option<Vec<u8>> {
    let mut hits = all.next().unwrap_or_default();
    let before = hits.len();
    hits.extend(all.flatten());
    if hits.is_empty() {
        return None;
    }
    if hits.len() > before {
        hits = Hits(hits).merged();
    }
    let mut out = Vec::with_capacity(text.len());
    let mut done = 0;
    for hit in hits {
        out.extend_from_slice(&text[done..hit.range.start]);
        out.extend_from_slice(hit.mark.as_deref().unwrap_or(part).as_bytes());
        done = hit.range.end;
    }
    out.extend_from_slice(&text[done..]);
    Some(out)
}

/// Finds forms in time linear in the text.
#[derive(Debug)]
pub(super) struct Finder {
    automaton: NFA,
    /// The forms in lower case, found in any case; for each, the forms that it represents.
    any_case: (NFA, Vec<Vec<usize>>),
    /// Rejects most texts that contain no form.
    filter: Prefilter,
    forms: Vec<EncodedForm>,
    marks: Vec<Arc<str>>,
    shortest: usize,
    longest: usize,
    /// Whether `+` can represent a space of some form.
    has_space: bool,
    are_ascii: bool,
    /// The bytes that begin a form.
    begins: Box<[bool; 256]>,
}

impl Finder {
    /// `None` if there are no forms.
    pub(super) fn new(forms: Forms) -> Option<Self> {
        let squeezed = forms.squeezed();
        let Forms { mut all, marks, .. } = forms;
        if all.is_empty() {
            return None;
        }
        let automaton = NFA::builder()
            .match_kind(MatchKind::Standard)
            .prefilter(false)
            .build(all.iter().map(|form| &form.bytes))
            .ok()?;
        all.extend(squeezed);
        let mut lower: Vec<Vec<u8>> = Vec::new();
        let mut groups: Vec<Vec<usize>> = Vec::new();
        let mut known: HashMap<Vec<u8>, usize> = HashMap::new();
        for (index, form) in all.iter().enumerate() {
            let folded = form.bytes.to_ascii_lowercase();
            let group = *known.entry(folded.clone()).or_insert_with(|| {
                lower.push(folded);
                groups.push(Vec::new());
                groups.len() - 1
            });
            groups[group].push(index);
        }
        let any_case = NFA::builder()
            .match_kind(MatchKind::Standard)
            .prefilter(false)
            .ascii_case_insensitive(true)
            .build(&lower)
            .ok()?;
        let mut begins = Box::new([false; 256]);
        for form in &all {
            begins[usize::from(form.bytes[0])] = true;
        }
        Some(Self {
            automaton,
            shortest: all.iter().map(|form| form.bytes.len()).min().unwrap_or_default(),
            longest: all.iter().map(|form| form.bytes.len()).max().unwrap_or_default(),
            has_space: all.iter().any(|form| form.bytes.contains(&b' ')),
            are_ascii: all.iter().all(|form| form.bytes.is_ascii()),
            begins,
            any_case: (any_case, groups),
            filter: Prefilter::new(lower.iter().map(Vec::as_slice)),
            forms: all,
            marks: marks.into_iter().map(Arc::from).collect(),
        })
    }

    /// The hits in a text, in order, without overlaps.
    pub(super) fn hits(&self, text: &[u8], cut: Cut) -> Vec<Hit> {
        // No escape is shorter than its decoded text.
        if text.len() < self.shortest && cut == Cut::default() {
            return Vec::new();
        }
        let mut hits = Hits::default();
        self.search(text, cut, &mut |hit| hits.add(hit));
        if next_lead(text).is_some() {
            // Deeper layers of escapes are decoded one by one, each with a mapping to the source.
            let mut views: Vec<View> = Vec::new();
            while views.len() + 2 < MAX_LAYERS {
                let inner = views.last().map_or(text, |view| &view.bytes);
                let Some(view) = View::of(inner) else { break };
                views.push(view);
                let inner = views.last().map_or(text, |view| &view.bytes);
                self.search(inner, cut, &mut |mut hit| {
                    for view in views.iter().rev() {
                        hit.range = view.source(&hit.range);
                    }
                    hits.add(hit);
                });
            }
        }
        self.search_readings(text, &mut |hit| hits.add(hit));
        hits.merged()
    }

    /// The hits in a unified diff: on each side of it, a form can span several lines.
    fn hits_of_diff(&self, diff: &str) -> Vec<Hit> {
        let mut hits = Hits(self.hits(diff.as_bytes(), Cut::default()));
        if diff.contains('\n') {
            for marker in *b"-+" {
                let side = reading::diff_side(diff, marker);
                for hit in self.hits(&side.bytes, Cut::default()) {
                    for mut range in side.pieces(&hit.range) {
                        let line = &diff.as_bytes()[range.clone()];
                        range.end -= line
                            .iter()
                            .rev()
                            .take_while(|byte| matches!(byte, b'\r' | b'\n'))
                            .count();
                        hits.add(Hit { range, ..hit.clone() });
                    }
                }
            }
        }
        hits.merged()
    }

    /// Reports every form in the readings of a text, [`MAX_DEPTH`] encodings deep.
    fn search_readings(&self, text: &[u8], found: &mut dyn FnMut(Hit)) {
        let mut work = Work {
            left: UNFOLDED * text.len() + MIN_UNFOLDED,
            seen: HashSet::new(),
        };
        self.search_deeper(text, MAX_DEPTH, &mut work, found);
    }

    fn search_deeper(&self, text: &[u8], depth: usize, work: &mut Work, found: &mut dyn FnMut(Hit)) {
        let forms = reading::FormBounds {
            shortest: self.shortest,
            are_ascii: self.are_ascii,
            have_space: self.has_space,
        };
        for reading in reading::decoders(text).iter().filter_map(|decode| decode(text, forms)) {
            // Encodings decoded in a different order often give the same text.
            if !work.seen.insert((depth, reading.is_squeezed, reading.bytes.clone())) {
                continue;
            }
            let Some(rest) = work.left.checked_sub(reading.bytes.len()) else {
                // More encodings than a text has by chance: their content is masked.
                found(Hit {
                    range: 0..text.len(),
                    mark: None,
                    weight: usize::MAX,
                });
                return;
            };
            work.left = rest;
            let mut outward = |mut hit: Hit| {
                hit.range = reading.source(&hit.range);
                found(hit);
            };
            self.search_any_case(&reading.bytes, reading.is_squeezed, &mut outward);
            if depth > 1 {
                self.search_deeper(&reading.bytes, depth - 1, work, &mut outward);
            }
        }
    }

    /// Reports every form in a text, in any case. In a text without whitespace, squeezed forms count too.
    fn search_any_case(&self, text: &[u8], is_squeezed: bool, found: &mut dyn FnMut(Hit)) {
        if !self.filter.may_match(text) {
            return;
        }
        let (automaton, groups) = &self.any_case;
        for hit in automaton
            .try_find_overlapping_iter(Input::new(text))
            .into_iter()
            .flatten()
        {
            let range = hit.start()..hit.end();
            let group = &groups[hit.pattern().as_usize()];
            let mut counted = (group.iter()).filter(|form| is_squeezed || !self.forms[**form].is_squeezed);
            let exact = counted
                .clone()
                .find(|form| self.forms[**form].bytes == text[range.clone()]);
            if let Some(form) = exact.or_else(|| counted.next()) {
                found(self.hit(text, range, *form));
            }
        }
    }

    /// Whether any form is in a text.
    pub(super) fn is_in(&self, text: &[u8]) -> bool {
        !self.hits(text, Cut::default()).is_empty()
    }

    /// The parts of forms at the truncated ends of a text.
    pub(super) fn parts<'t>(&self, text: &'t [u8], cut: Cut) -> Vec<&'t [u8]> {
        let window = (self.longest * MAX_ESCAPE).min(text.len());
        let ends = [
            (cut.start, &text[..window], Cut::START),
            (cut.end, &text[text.len() - window..], Cut::END),
        ];
        let mut parts = Vec::new();
        for (_, end, cut) in ends.into_iter().filter(|(is_cut, ..)| *is_cut) {
            let hits = self.hits(end, cut).into_iter();
            parts.extend(hits.filter(|hit| hit.mark.is_none()).map(|hit| &end[hit.range]));
        }
        parts
    }

    /// Reports every form in a text: as it is, and with escapes up to two layers deep.
    fn search(&self, text: &[u8], cut: Cut, emit: &mut impl FnMut(Hit)) {
        self.search_any_case(text, false, emit);
        let mut walk = SearchBuffers::default();
        let mut at = 0;
        // An escaped form contains an escape, so it begins at most the length of the longest form before one.
        while let Some(lead) = self.next_lead(&text[at..]) {
            let lead = at + lead;
            for start in at.max((lead + 1).saturating_sub(self.longest))..=lead {
                if self.can_begin(text[start])
                    && let Some(hit) = self.walk(&mut walk, text, start, false)
                {
                    emit(hit);
                }
            }
            at = lead + 1;
        }
        if cut.end {
            // The longest prefix of a form that is a suffix of the text.
            let window = text.len().saturating_sub(self.longest * MAX_ESCAPE);
            let part = (window..text.len()).find_map(|start| self.walk(&mut walk, text, start, true));
            if let Some(hit) = part {
                emit(hit);
            }
        }
        if cut.start
            && let Some(end) = self.end_at_start(text)
        {
            emit(Hit {
                range: 0..end,
                mark: None,
                weight: 0,
            });
        }
    }

    fn next_lead(&self, text: &[u8]) -> Option<usize> {
        let lead = next_lead(text);
        if !self.has_space {
            return lead;
        }
        let before = lead.map_or(text, |lead| &text[..lead]);
        memchr::memchr(b'+', before).or(lead)
    }

    fn is_lead(&self, byte: u8) -> bool {
        is_lead(byte) || (byte == b'+' && self.has_space)
    }

    fn can_begin(&self, byte: u8) -> bool {
        self.begins[usize::from(byte)] || self.is_lead(byte)
    }

    /// A form with its range, including adjacent characters that contain some of its bits.
    fn hit(&self, text: &[u8], mut range: Range<usize>, form: usize) -> Hit {
        let form = &self.forms[form];
        let is_base64 = |byte: Option<&u8>| byte.is_some_and(|b| b.is_ascii_alphanumeric() || b"+/-_".contains(b));
        if form.shares.0 && range.start > 0 && is_base64(text.get(range.start - 1)) {
            range.start -= 1;
        }
        if form.shares.1 && is_base64(text.get(range.end)) {
            range.end += 1;
            // Padding depends on the length of the secret, which differs for another secret of the same name.
            let padding = text[range.end..].iter().take(2).take_while(|byte| **byte == b'=');
            range.end += padding.count();
        }
        Hit {
            range,
            mark: Some(Arc::clone(&self.marks[form.mark])),
            weight: form.bytes.len(),
        }
    }

    /// The longest form that begins at `start`, with any escapes in it; or, if `is_part`, whether the rest of the text is
    /// the prefix of a form.
    fn walk(&self, walk: &mut SearchBuffers, text: &[u8], start: usize, is_part: bool) -> Option<Hit> {
        let first = self.automaton.start_state(Anchored::Yes).ok()?;
        let mut best: Option<Hit> = None;
        walk.open.clear();
        walk.seen.clear();
        walk.open.push(EscapeStep {
            state: first,
            at: start,
            depth: 0,
        });
        while let Some(mut step) = walk.open.pop() {
            loop {
                if let Some(form) = self.form(&step) {
                    let hit = self.hit(text, start..step.at, form);
                    if best.as_ref().is_none_or(|best| best.range.end < hit.range.end) {
                        best = Some(hit);
                    }
                }
                let is_end = step.at >= text.len() || (is_part && is_unfinished(text, step.at));
                if is_part && is_end && step.depth >= MIN_PART {
                    return Some(Hit {
                        range: start..text.len(),
                        mark: None,
                        weight: 0,
                    });
                }
                let Some(&byte) = text.get(step.at) else { break };
                if self.is_lead(byte) {
                    // Several paths can lead to the same state.
                    if step.depth > 0 && !walk.seen.insert((step.state, step.at)) {
                        break;
                    }
                    for unit in units(text, step.at) {
                        walk.open.extend(self.read(step, unit.bytes(), unit.next));
                        if unit.bytes() == b"+" && self.has_space {
                            walk.open.extend(self.read(step, b" ", unit.next));
                        }
                    }
                    if byte == b'+' {
                        walk.open.extend(self.read(step, b" ", step.at + 1));
                    }
                }
                let Some(next) = self.read(step, &[byte], step.at + 1) else {
                    break;
                };
                step = next;
            }
        }
        best.filter(|_| !is_part)
    }

    /// Reads bytes as the next ones of a form.
    fn read(&self, step: EscapeStep, bytes: &[u8], at: usize) -> Option<EscapeStep> {
        let mut state = step.state;
        for byte in bytes {
            state = self.automaton.next_state(Anchored::Yes, state, *byte);
            if self.automaton.is_dead(state) {
                return None;
            }
        }
        Some(EscapeStep {
            state,
            at,
            depth: step.depth + bytes.len(),
        })
    }

    /// The form that was read completely from the start, if any.
    fn form(&self, step: &EscapeStep) -> Option<usize> {
        if !self.automaton.is_match(step.state) {
            return None;
        }
        (0..self.automaton.match_len(step.state))
            .map(|index| self.automaton.match_pattern(step.state, index).as_usize())
            .find(|form| self.forms[*form].bytes.len() == step.depth)
    }

    /// The end of a partial form at the start of a text.
    fn end_at_start(&self, text: &[u8]) -> Option<usize> {
        let longest = |form: &EncodedForm| {
            let most = form.bytes.len().saturating_sub(1).min(text.len());
            (MIN_PART..=most)
                .rev()
                .find(|length| form.bytes[form.bytes.len() - length..] == text[..*length])
        };
        self.forms.iter().filter_map(longest).max()
    }
}

/// The remaining budget of the readings of one text, and the readings so far.
struct Work {
    /// Remaining budget in bytes.
    left: usize,
    /// Readings by the depth at which they were searched.
    seen: HashSet<(usize, bool, Vec<u8>)>,
}

/// The longest escape of one byte, for the search for partial forms at a truncated end.
const MAX_ESCAPE: usize = 8;

/// The progress of reading a form.
#[derive(Clone, Copy, Debug)]
struct EscapeStep {
    state: StateID,
    at: usize,
    /// Number of bytes that were read.
    depth: usize,
}

/// Buffers that are reused between searches.
#[derive(Debug, Default)]
struct SearchBuffers {
    open: Vec<EscapeStep>,
    seen: HashSet<(StateID, usize)>,
}

/// Hits in order, with overlapping ones merged.
#[derive(Debug, Default)]
struct Hits(Vec<Hit>);

impl Hits {
    fn add(&mut self, mut hit: Hit) {
        while let Some(last) = self.0.last() {
            if last.range.end <= hit.range.start || hit.range.end <= last.range.start {
                break;
            }
            hit = hit.joined(last);
            self.0.pop();
        }
        self.0.push(hit);
    }

    fn merged(self) -> Vec<Hit> {
        let mut all = self.0;
        all.sort_by_key(|hit| hit.range.start);
        let mut merged = Self::default();
        for hit in all {
            merged.add(hit);
        }
        merged.0
    }
}

impl Hit {
    /// The union of two that overlap, with the placeholder of the longer one.
    fn joined(self, other: &Self) -> Self {
        let range = self.range.start.min(other.range.start)..self.range.end.max(other.range.end);
        let longer = if other.weight > self.weight { other } else { &self };
        Self {
            range,
            mark: longer.mark.clone(),
            weight: longer.weight,
        }
    }
}
