//! One part of a suite, for one of several machines.

use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A part of the cases: `slice:1/3`, `hash:1/3`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct Partition {
    /// How cases are distributed.
    pub by: PartitionBy,
    /// The part, from one.
    pub part: u32,
    /// Number of parts.
    pub of: u32,
}

/// How cases are distributed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum PartitionBy {
    /// Round robin: parts of equal size.
    Slice,
    /// By a digest of the id: a case stays in its part when others are added or removed.
    Hash,
}

impl FromStr for Partition {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let form = || "expected `slice:M/N` or `hash:M/N`, such as `hash:1/3`".to_owned();
        let (by, rest) = text.split_once(':').ok_or_else(form)?;
        let by = match by {
            "slice" => PartitionBy::Slice,
            "hash" => PartitionBy::Hash,
            _ => return Err(form()),
        };
        let (part, of) = rest.split_once('/').ok_or_else(form)?;
        let (part, of) = (
            part.parse::<u32>().map_err(|_| form())?,
            of.parse::<u32>().map_err(|_| form())?,
        );
        if part == 0 || part > of {
            return Err(format!("part {part} of {of}: parts count from 1 to {of}"));
        }
        Ok(Self { by, part, of })
    }
}

impl std::fmt::Display for Partition {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let by = match self.by {
            PartitionBy::Slice => "slice",
            PartitionBy::Hash => "hash",
        };
        write!(f, "{by}:{}/{}", self.part, self.of)
    }
}

impl Partition {
    /// Whether the part number is in range: a recording may contain any number.
    pub(crate) fn is_valid(self) -> bool {
        (1..=self.of).contains(&self.part)
    }
}
