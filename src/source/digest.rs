//! Digests of file content: equal for equal content, independent of location and layout.

use super::{Kind, Node};
use crate::model::Digest;

/// Creates a [`Digest`] of parts. Each part is preceded by its length, so that different lists of parts differ.
pub(crate) struct Digester {
    hash: ring::digest::Context,
    /// Parts that are not hashed yet: very many are shorter than a block of the hash function.
    waiting: Vec<u8>,
}

/// Length in bytes from which waiting parts are hashed.
const HASHED_AT: usize = 4096;

impl Digester {
    /// `purpose` keeps digests of different things apart.
    pub(crate) fn new(purpose: &str) -> Self {
        let mut digester = Self {
            hash: ring::digest::Context::new(&ring::digest::SHA256),
            waiting: Vec::new(),
        };
        digester.part(purpose);
        digester
    }

    /// Adds a part.
    pub(crate) fn part(&mut self, part: impl AsRef<[u8]>) {
        let part = part.as_ref();
        self.waiting.extend_from_slice(&(part.len() as u64).to_le_bytes());
        if self.waiting.len() + part.len() < HASHED_AT {
            self.waiting.extend_from_slice(part);
        } else {
            self.hash.update(&self.waiting);
            self.hash.update(part);
            self.waiting.clear();
        }
    }

    /// Adds a value; independent of its location.
    pub(crate) fn node(&mut self, node: &Node) {
        match &node.kind {
            Kind::Null => self.part("null"),
            Kind::Bool(value) => self.part(if *value { "true" } else { "false" }),
            Kind::Number(value) => {
                self.part("number");
                self.part(value.to_string());
            }
            Kind::String(value) => {
                self.part("string");
                self.part(value);
            }
            Kind::List(items) => {
                self.part("list");
                self.part(items.len().to_le_bytes());
                for item in items {
                    self.node(item);
                }
            }
            Kind::Map(entries) => {
                self.part("map");
                self.part(entries.len().to_le_bytes());
                for (key, value) in entries {
                    self.part(&*key.text);
                    self.node(value);
                }
            }
        }
    }

    /// Adds a digest.
    pub(crate) fn digest(&mut self, digest: Digest) {
        self.part(digest.0);
    }

    /// The digest of all parts.
    pub(crate) fn finish(mut self) -> Digest {
        self.hash.update(&self.waiting);
        let mut half = [0; 16];
        half.copy_from_slice(&self.hash.finish().as_ref()[..16]);
        Digest(half)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::{Diagnostics, FileId, Sources, parse_yaml};

    fn digest(yaml: &str) -> Digest {
        let file: FileId = Sources::default().next();
        let node = parse_yaml(yaml, file, &mut Diagnostics::default()).unwrap();
        let mut digester = Digester::new("test");
        digester.node(&node);
        digester.finish()
    }

    #[test]
    fn digest_depends_on_content_and_not_on_layout() {
        let one = digest("a: { b: [1, x] }\n");
        assert_eq!(digest("# comment\n\na:\n  b:\n    - 1\n    - \"x\"\n"), one);
        for other in [
            "a: { b: [1] }",
            "a: { b: [1, x, y] }",
            "a: { b: [\"1\", x] }",
            "a: { b: [1, null] }",
            "a: [b, [1, x]]",
        ] {
            assert_ne!(digest(other), one, "{other}");
        }
    }

    #[test]
    fn digest_is_read_back_from_its_text() {
        let digest = digest("a");
        let text = serde_json::to_string(&digest).unwrap();
        assert_eq!(serde_json::from_str::<Digest>(&text).unwrap(), digest);
        for wrong in ["\"\"", "\"0\"", "\"+123456789012345678901234567890a\"", "1"] {
            assert!(serde_json::from_str::<Digest>(wrong).is_err(), "{wrong}");
        }
    }
}
