//! The kinds of near misses.

/// The change that makes a request invalid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ProbeKind {
    /// A required part is left out.
    Missing,
    /// A value of another type.
    WrongType,
    /// A number that is not whole.
    Fraction,
    /// A number below the minimum.
    BelowMinimum,
    /// A number above the maximum.
    AboveMaximum,
    /// A number that is not a multiple of another.
    NotMultiple,
    /// A text below the minimum length.
    TooShort,
    /// A text above the maximum length.
    TooLong,
    /// A text that does not match the pattern.
    Pattern,
    /// A value that is not in the list of values.
    Enum,
    /// Another value than the only one.
    Const,
    /// A text that does not have the format.
    Format,
    /// A list with fewer items than allowed.
    TooFewItems,
    /// A list with more items than allowed.
    TooManyItems,
    /// A list in which an item is repeated.
    DuplicateItems,
    /// An object with fewer properties than allowed.
    TooFewProperties,
    /// An object with more properties than allowed.
    TooManyProperties,
    /// An object with a property that is not declared.
    AdditionalProperty,
    /// `null` in place of a required value.
    Null,
    /// JSON in which a name is repeated (RFC 8259 §4).
    DuplicateKey,
    /// JSON without its end.
    Malformed,
    /// Content of a media type that is not declared.
    MediaType,
    /// A method that the path does not declare.
    Method,
}

impl ProbeKind {
    /// All of them.
    pub const ALL: [Self; 23] = [
        Self::Missing,
        Self::WrongType,
        Self::Fraction,
        Self::BelowMinimum,
        Self::AboveMaximum,
        Self::NotMultiple,
        Self::TooShort,
        Self::TooLong,
        Self::Pattern,
        Self::Enum,
        Self::Const,
        Self::Format,
        Self::TooFewItems,
        Self::TooManyItems,
        Self::DuplicateItems,
        Self::TooFewProperties,
        Self::TooManyProperties,
        Self::AdditionalProperty,
        Self::Null,
        Self::DuplicateKey,
        Self::Malformed,
        Self::MediaType,
        Self::Method,
    ];

    /// Its part of the name of a row; that of a method is the method.
    pub fn id(self) -> &'static str {
        self.info().0
    }

    /// Why the request is invalid, after the name of the part.
    pub fn phrase(self) -> &'static str {
        self.info().1
    }

    /// The keywords of JSON Schema that it violates.
    pub(super) fn keywords(self) -> &'static [&'static str] {
        self.info().2
    }

    fn info(self) -> (&'static str, &'static str, &'static [&'static str]) {
        match self {
            Self::Missing => ("missing", "is missing", &["required"]),
            Self::WrongType => ("wrong-type", "has the wrong type", &["type"]),
            Self::Fraction => ("fraction", "is not a whole number", &["type"]),
            Self::BelowMinimum => (
                "below-minimum",
                "is below its minimum",
                &["minimum", "exclusiveMinimum"],
            ),
            Self::AboveMaximum => (
                "above-maximum",
                "is above its maximum",
                &["maximum", "exclusiveMaximum"],
            ),
            Self::NotMultiple => ("not-a-multiple", "is not a multiple of `multipleOf`", &["multipleOf"]),
            Self::TooShort => ("too-short", "is shorter than its minimum length", &["minLength"]),
            Self::TooLong => ("too-long", "is longer than its maximum length", &["maxLength"]),
            Self::Pattern => ("pattern", "does not match its pattern", &["pattern"]),
            Self::Enum => ("enum", "is not one of its values", &["enum"]),
            Self::Const => ("const", "is not its only value", &["const"]),
            Self::Format => ("format", "does not have its format", &["format"]),
            Self::TooFewItems => ("too-few-items", "has too few items", &["minItems"]),
            Self::TooManyItems => ("too-many-items", "has too many items", &["maxItems"]),
            Self::DuplicateItems => ("duplicate-items", "has an item twice", &["uniqueItems"]),
            Self::TooFewProperties => ("too-few-properties", "has too few properties", &["minProperties"]),
            Self::TooManyProperties => ("too-many-properties", "has too many properties", &["maxProperties"]),
            Self::AdditionalProperty => (
                "additional-property",
                "has a property that is not declared",
                &["additionalProperties", "unevaluatedProperties"],
            ),
            Self::Null => ("null", "is null", &["type"]),
            Self::DuplicateKey => ("duplicate-key", "has a name twice", &[]),
            Self::Malformed => ("malformed", "is not JSON: its end is missing", &[]),
            Self::MediaType => ("media-type", "is not declared", &[]),
            Self::Method => ("method", "is not declared", &[]),
        }
    }
}
