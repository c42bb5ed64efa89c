//! The arguments of a curl command as transfers: what is sent where.

use super::{
    ImportError, ReadFile,
    multipart::{FormPart, form_part},
    options::{self, OptionMeaning, OptionPart},
    shell::ShellCommand,
};
use crate::{
    import::{Names, body::encode},
    source::nearest,
};

/// One request of a command, before its URL is read.
#[derive(Clone, Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is an option of curl")]
pub(super) struct Transfer {
    pub(super) url: String,
    pub(super) method: Option<String>,
    /// `-H`, as written.
    pub(super) headers: Vec<String>,
    /// The data of `-d` and its variants.
    pub(super) data: Option<Vec<u8>>,
    pub(super) is_json: bool,
    pub(super) get: bool,
    pub(super) forms: Vec<FormPart>,
    pub(super) user: Option<String>,
    pub(super) bearer: Option<String>,
    pub(super) cookies: Vec<String>,
    pub(super) user_agent: Option<String>,
    pub(super) referer: Option<String>,
    pub(super) head: bool,
    pub(super) url_query: Vec<String>,
    /// The name and the content of `-T`.
    pub(super) upload: Option<(String, Vec<u8>)>,
    pub(super) compressed: bool,
    pub(super) range: Option<String>,
    pub(super) max_time: Option<String>,
    pub(super) path_as_is: bool,
    pub(super) globoff: bool,
    pub(super) notes: Vec<String>,
}

/// The transfers of a command: one for each URL, in the groups that `--next` makes.
pub(super) fn transfers(
    command: &ShellCommand,
    read: ReadFile<'_>,
    names: &Names,
) -> Result<Vec<Transfer>, ImportError> {
    let mut reader = Arguments {
        stdin: command.stdin.as_deref(),
        read,
        names,
        transfer: Transfer::default(),
        urls: Vec::new(),
        done: Vec::new(),
    };
    let mut words = command.words.iter().skip(1);
    let mut only_urls = false;
    while let Some(word) = words.next() {
        let text = String::from_utf8_lossy(word).into_owned();
        if only_urls || text == "-" || !text.starts_with('-') {
            reader.urls.push(text);
        } else if text == "--" {
            only_urls = true;
        } else if let Some(name) = text.strip_prefix("--") {
            let (name, meaning) = Arguments::long(name)?;
            let option = format!("--{name}");
            let value = if needs_value(meaning) {
                required(&option, words.next().cloned())?
            } else {
                Vec::new()
            };
            reader.apply(&option, meaning, value)?;
        } else {
            reader.letters(word, &mut words)?;
        }
    }
    let notes = command.notes.clone();
    reader.end();
    for transfer in &mut reader.done {
        transfer.notes.extend(notes.iter().cloned());
    }
    if reader.done.is_empty() {
        return Err(ImportError::new("the curl command has no URL", super::HELP));
    }
    Ok(reader.done)
}

fn needs_value(meaning: OptionMeaning) -> bool {
    match meaning {
        OptionMeaning::Value(_) => true,
        OptionMeaning::Flag(_) => false,
        OptionMeaning::Ignored { has_value } | OptionMeaning::Unsupported { has_value, .. } => has_value,
    }
}

/// The value of an option that must have one.
fn required(option: &str, value: Option<Vec<u8>>) -> Result<Vec<u8>, ImportError> {
    value.ok_or_else(|| ImportError::new(format!("`{option}` has no value"), super::HELP))
}

struct Arguments<'a> {
    stdin: Option<&'a [u8]>,
    read: ReadFile<'a>,
    names: &'a Names,
    transfer: Transfer,
    urls: Vec<String>,
    done: Vec<Transfer>,
}

impl Arguments<'_> {
    fn long(name: &str) -> Result<(&'static str, OptionMeaning), ImportError> {
        let positive = name.strip_prefix("no-").and_then(options::long);
        if let Some((name, _)) = positive.filter(|(_, meaning)| !needs_value(*meaning)) {
            return Ok((name, OptionMeaning::Ignored { has_value: false }));
        }
        options::long(name).ok_or_else(|| {
            let help = match nearest(name, options::names()) {
                Some(nearest) => format!("did you mean `--{nearest}`?"),
                None => "remove it if it does not change the request".to_owned(),
            };
            ImportError::new(format!("`--{name}` is not an option of curl that is known here"), help)
        })
    }

    /// `-sSX POST`, `-XPOST`.
    fn letters<'w>(
        &mut self,
        word: &'w [u8],
        words: &mut impl Iterator<Item = &'w Vec<u8>>,
    ) -> Result<(), ImportError> {
        let mut rest = &word[1..];
        while let Some((first, after)) = rest.split_first() {
            let letter = char::from(*first);
            let (name, meaning) = options::short(letter).ok_or_else(|| {
                let message = format!("`-{letter}` is not an option of curl that is known here");
                ImportError::new(message, "remove it if it does not change the request")
            })?;
            let shown = format!("-{letter} (--{name})");
            if needs_value(meaning) {
                let value = if after.is_empty() {
                    words.next().cloned()
                } else {
                    Some(after.to_vec())
                };
                return self.apply(&shown, meaning, required(&shown, value)?);
            }
            self.apply(&shown, meaning, Vec::new())?;
            rest = after;
        }
        Ok(())
    }

    /// Takes one option; `value` is empty if it has none.
    fn apply(&mut self, option: &str, meaning: OptionMeaning, value: Vec<u8>) -> Result<(), ImportError> {
        match meaning {
            OptionMeaning::Ignored { .. } => {}
            OptionMeaning::Unsupported { reason, .. } => self.transfer.notes.push(format!("{option}: {reason}")),
            OptionMeaning::Flag(part) => self.flag(part),
            OptionMeaning::Value(part) => self.value(part, option, value)?,
        }
        Ok(())
    }

    fn flag(&mut self, part: OptionPart) {
        let transfer = &mut self.transfer;
        match part {
            OptionPart::Get => transfer.get = true,
            OptionPart::Head => transfer.head = true,
            OptionPart::Compressed => transfer.compressed = true,
            OptionPart::PathAsIs => transfer.path_as_is = true,
            OptionPart::GlobOff => transfer.globoff = true,
            OptionPart::Next => self.end(),
            _ => {}
        }
    }

    fn value(&mut self, part: OptionPart, option: &str, value: Vec<u8>) -> Result<(), ImportError> {
        let text = || String::from_utf8_lossy(&value).into_owned();
        match part {
            OptionPart::Method => self.transfer.method = Some(text()),
            OptionPart::Header => self.header(&text())?,
            OptionPart::Data => self.data(value, true)?,
            OptionPart::DataRaw => self.append(&value, true),
            OptionPart::DataBinary => self.data(value, false)?,
            OptionPart::DataUrlencode => {
                let encoded = self.url_encoded(&value)?;
                self.append(encoded.as_bytes(), true);
            }
            OptionPart::Json => {
                self.transfer.is_json = true;
                let content = match value.strip_prefix(b"@") {
                    Some(file) => self.file(&String::from_utf8_lossy(file))?,
                    None => value,
                };
                self.append(&content, false);
            }
            OptionPart::Form | OptionPart::FormString => {
                let is_literal = part == OptionPart::FormString;
                let form = form_part(&value, is_literal, &|file| self.file(file))?;
                self.transfer.forms.push(form);
            }
            OptionPart::User => self.transfer.user = Some(text()),
            OptionPart::Bearer => self.transfer.bearer = Some(text()),
            OptionPart::Cookie if value.contains(&b'=') => self.transfer.cookies.push(text()),
            OptionPart::Cookie => {
                let note = format!("{option} {}: a file of cookies", self.names.template(&text()));
                self.transfer.notes.push(note);
            }
            OptionPart::UserAgent => self.transfer.user_agent = Some(text()),
            OptionPart::Referer => self.transfer.referer = Some(text().trim_end_matches(";auto").to_owned()),
            OptionPart::Url => self.urls.push(text()),
            OptionPart::UrlQuery => {
                let encoded = match value.strip_prefix(b"+") {
                    Some(raw) => String::from_utf8_lossy(raw).into_owned(),
                    None => self.url_encoded(&value)?,
                };
                self.transfer.url_query.push(encoded);
            }
            OptionPart::Upload => {
                let content = self.file(&text())?;
                let name = text().rsplit('/').next().unwrap_or_default().to_owned();
                self.transfer.upload = Some((name, content));
            }
            OptionPart::Range => self.transfer.range = Some(text()),
            OptionPart::MaxTime => self.transfer.max_time = Some(text()),
            _ => {}
        }
        Ok(())
    }

    /// `-H`: a field, or a file of fields.
    fn header(&mut self, text: &str) -> Result<(), ImportError> {
        let Some(file) = text.strip_prefix('@') else {
            self.transfer.headers.push(text.to_owned());
            return Ok(());
        };
        let lines = self.file(file)?;
        let lines = String::from_utf8_lossy(&lines).into_owned();
        let fields = lines.lines().filter(|line| !line.trim().is_empty());
        self.transfer.headers.extend(fields.map(str::to_owned));
        Ok(())
    }

    /// `-d`, `--data-binary`: the data, or a file. `is_text` drops its line breaks.
    fn data(&mut self, value: Vec<u8>, is_text: bool) -> Result<(), ImportError> {
        let content = match value.strip_prefix(b"@") {
            None => value,
            Some(file) => {
                let mut content = self.file(&String::from_utf8_lossy(file))?;
                if is_text {
                    content.retain(|byte| !matches!(byte, b'\r' | b'\n' | 0));
                }
                content
            }
        };
        self.append(&content, true);
        Ok(())
    }

    fn append(&mut self, more: &[u8], with_ampersand: bool) {
        match &mut self.transfer.data {
            None => self.transfer.data = Some(more.to_vec()),
            Some(data) => {
                if with_ampersand {
                    data.push(b'&');
                }
                data.extend_from_slice(more);
            }
        }
    }

    /// `content`, `=content`, `name=content`, `@file`, `name@file`.
    fn url_encoded(&self, value: &[u8]) -> Result<String, ImportError> {
        let equals = value.iter().position(|byte| *byte == b'=');
        let at = equals.or_else(|| value.iter().position(|byte| *byte == b'@'));
        let (name, content) = match at {
            None => (&b""[..], value.to_vec()),
            Some(at) if value[at] == b'=' => (&value[..at], value[at + 1..].to_vec()),
            Some(at) => (&value[..at], self.file(&String::from_utf8_lossy(&value[at + 1..]))?),
        };
        let name = String::from_utf8_lossy(name);
        let encoded = encode(&content, "+");
        let encoded = with_variables(&content, encoded);
        Ok(if name.is_empty() {
            encoded
        } else {
            format!("{name}={encoded}")
        })
    }

    /// The bytes of a file, or of standard input for `-`.
    fn file(&self, path: &str) -> Result<Vec<u8>, ImportError> {
        if path == "-" {
            return self.stdin.map(<[u8]>::to_vec).ok_or_else(|| {
                ImportError::new(
                    "`@-` reads standard input, which is not known here",
                    "name a file instead of `-`",
                )
            });
        }
        (self.read)(path).map_err(|reason| {
            let message = format!("failed to read `{}`: {reason}", self.names.template(path));
            ImportError::new(message, "files are relative to the working directory")
        })
    }

    /// Ends a group of options: each of its URLs is a transfer.
    fn end(&mut self) {
        let transfer = std::mem::take(&mut self.transfer);
        for url in std::mem::take(&mut self.urls) {
            self.done.push(Transfer {
                url,
                ..transfer.clone()
            });
        }
    }
}

/// Encoded text in which variables are not encoded: their values are, when they are sent.
fn with_variables(content: &[u8], encoded: String) -> String {
    let Ok(text) = std::str::from_utf8(content) else {
        return encoded;
    };
    if !crate::import::names::has_variable(text) {
        return encoded;
    }
    let pieces = text.chars().map(|c| {
        if crate::import::names::is_variable(c) {
            c.to_string()
        } else {
            encode(c.encode_utf8(&mut [0; 4]).as_bytes(), "+")
        }
    });
    pieces.collect()
}
