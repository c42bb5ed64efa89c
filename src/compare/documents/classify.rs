//! The rule of each difference between two schemas, by where the schema is used.

use super::local::SchemaChange;
use crate::compare::{ChangeLevel, ChangeRule as Rule};

/// Where a schema is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SchemaUse {
    RequestBody,
    Parameter,
    ResponseBody,
    ResponseHeader,
}

/// A rule, and a level that replaces the rule's own, with its reason.
pub(super) type Classified = (Rule, Option<(ChangeLevel, &'static str)>);

/// The rule of a difference; `None` if it does not matter where the schema is used.
pub(super) fn classified(change: SchemaChange, used: SchemaUse) -> Option<Classified> {
    let common = match change {
        SchemaChange::Deprecated => Some(Rule::DocumentDeprecated),
        SchemaChange::NoLongerDeprecated => Some(Rule::DocumentNoLongerDeprecated),
        SchemaChange::NotCompared => Some(Rule::DocumentNotCompared),
        _ => None,
    };
    if let Some(rule) = common {
        return Some((rule, None));
    }
    match used {
        SchemaUse::RequestBody | SchemaUse::Parameter => of_request(change),
        SchemaUse::ResponseBody => of_response(change),
        SchemaUse::ResponseHeader => of_header(change).map(|rule| (rule, None)),
    }
}

fn of_request(change: SchemaChange) -> Option<Classified> {
    use SchemaChange as C;
    let rule = match change {
        C::TypeWidened | C::IntegerToNumber => Rule::RequestTypeWidened,
        C::TypeNarrowed | C::NumberToInteger => Rule::RequestTypeNarrowed,
        C::TypeChanged | C::BecameArray | C::NoLongerArray => Rule::RequestTypeChanged,
        C::NullAllowed => Rule::RequestNullAllowed,
        C::NullForbidden => Rule::RequestNullForbidden,
        C::FormatAdded => Rule::RequestFormatAdded,
        C::FormatRemoved => Rule::RequestFormatRemoved,
        C::FormatChanged => Rule::RequestFormatChanged,
        C::ValueAdded => Rule::RequestEnumValueAdded,
        C::ValueRemoved => Rule::RequestEnumValueRemoved,
        C::ValuesClosed => Rule::RequestValuesClosed,
        C::ValuesOpened => Rule::RequestValuesOpened,
        C::BoundTightened => Rule::RequestBoundTightened,
        C::BoundWidened => Rule::RequestBoundWidened,
        C::PatternChanged => Rule::RequestPatternChanged,
        C::PropertyAdded { is_required: true } | C::PropertyRequired => Rule::RequestPropertyRequired,
        C::PropertyAdded { is_required: false } => Rule::RequestPropertyAdded,
        C::PropertyRemoved { is_forbidden: true, .. } => {
            let reason = "the schema allows no such property: requests with it are rejected";
            return Some((Rule::RequestPropertyRemoved, Some((ChangeLevel::Breaking, reason))));
        }
        C::PropertyRemoved { .. } => Rule::RequestPropertyRemoved,
        C::PropertyOptional => Rule::RequestPropertyOptional,
        C::FurtherAllowed => Rule::RequestAdditionalAllowed,
        C::FurtherForbidden => Rule::RequestAdditionalForbidden,
        C::AlternativeAdded => Rule::RequestAlternativeAdded,
        C::AlternativeRemoved => Rule::RequestAlternativeRemoved,
        C::DefaultChanged => Rule::RequestDefaultChanged,
        C::Deprecated | C::NoLongerDeprecated | C::NotCompared => return None,
    };
    Some((rule, None))
}

fn of_response(change: SchemaChange) -> Option<Classified> {
    use SchemaChange as C;
    let rule = match change {
        C::TypeWidened => Rule::BodyTypeWidened,
        C::TypeNarrowed => Rule::BodyTypeNarrowed,
        C::TypeChanged => Rule::BodyTypeChanged,
        C::IntegerToNumber => Rule::BodyIntegerToNumber,
        C::NumberToInteger => Rule::BodyNumberToInteger,
        C::BecameArray => Rule::BodyBecameArray,
        C::NoLongerArray => Rule::BodyNoLongerArray,
        C::NullAllowed => Rule::BodyBecameNull,
        C::NullForbidden => Rule::BodyNoLongerNull,
        C::FormatAdded => Rule::BodyFormatGained,
        C::FormatRemoved => Rule::BodyFormatLost,
        C::FormatChanged => Rule::BodyFormatChanged,
        C::ValueAdded => Rule::BodyEnumValueAdded,
        C::ValueRemoved => Rule::BodyEnumValueRemoved,
        C::ValuesClosed => Rule::BodyValuesClosed,
        C::ValuesOpened => Rule::BodyValuesOpened,
        C::BoundTightened => Rule::BodyBoundTightened,
        C::BoundWidened => Rule::BodyBoundWidened,
        C::PatternChanged => Rule::BodyPatternChanged,
        C::PropertyAdded { .. } => Rule::BodyPropertyAdded,
        C::PropertyRemoved { was_required, .. } => {
            let level = if was_required {
                (
                    ChangeLevel::Breaking,
                    "required by the schema; clients that read it will fail",
                )
            } else {
                (
                    ChangeLevel::Warning,
                    "not required by the schema, but clients that read it no longer find it",
                )
            };
            return Some((Rule::BodyPropertyRemoved, Some(level)));
        }
        C::PropertyRequired => Rule::BodyPropertyRequired,
        C::PropertyOptional => Rule::BodyPropertyOptional,
        C::FurtherAllowed => Rule::BodyAdditionalAllowed,
        C::FurtherForbidden => Rule::BodyAdditionalForbidden,
        C::AlternativeAdded => Rule::BodyAlternativeAdded,
        C::AlternativeRemoved => Rule::BodyAlternativeRemoved,
        C::DefaultChanged | C::Deprecated | C::NoLongerDeprecated | C::NotCompared => return None,
    };
    Some((rule, None))
}

fn of_header(change: SchemaChange) -> Option<Rule> {
    use SchemaChange as C;
    match change {
        C::TypeNarrowed
        | C::NumberToInteger
        | C::NullForbidden
        | C::FormatAdded
        | C::ValueRemoved
        | C::ValuesClosed
        | C::BoundTightened
        | C::PropertyRemoved { .. }
        | C::PropertyRequired
        | C::FurtherForbidden
        | C::AlternativeRemoved => Some(Rule::HeaderValuesNarrowed),
        C::TypeWidened
        | C::TypeChanged
        | C::IntegerToNumber
        | C::BecameArray
        | C::NoLongerArray
        | C::NullAllowed
        | C::FormatRemoved
        | C::FormatChanged
        | C::ValueAdded
        | C::ValuesOpened
        | C::BoundWidened
        | C::PatternChanged
        | C::PropertyAdded { .. }
        | C::PropertyOptional
        | C::FurtherAllowed
        | C::AlternativeAdded => Some(Rule::HeaderValuesWidened),
        C::DefaultChanged | C::Deprecated | C::NoLongerDeprecated | C::NotCompared => None,
    }
}

/// A change in one sentence. `subject` names the part of the message, `key` what the difference is about.
pub(super) fn message(rule: Rule, subject: &str, key: &str) -> String {
    let is = |text: &str| format!("{subject} {text}");
    match rule {
        Rule::StatusRemoved => "a status is no longer declared".to_owned(),
        Rule::StatusAdded => "a status is new".to_owned(),
        Rule::StatusSuccessChanged => "a request succeeds with a different status".to_owned(),
        Rule::HeaderRemoved
        | Rule::BodyPropertyRemoved
        | Rule::RequestParameterRemoved
        | Rule::RequestPropertyRemoved
        | Rule::RequestBodyRemoved => is("is no longer declared"),
        Rule::HeaderAdded
        | Rule::BodyPropertyAdded
        | Rule::RequestParameterAdded
        | Rule::RequestPropertyAdded
        | Rule::RequestBodyAdded => is("is new"),
        Rule::HeaderOptional | Rule::BodyPropertyOptional => is("can be missing"),
        Rule::RequestParameterOptional | Rule::RequestPropertyOptional | Rule::RequestBodyOptional => {
            is("is no longer required")
        }
        Rule::HeaderRequired
        | Rule::BodyPropertyRequired
        | Rule::RequestParameterRequired
        | Rule::RequestPropertyRequired
        | Rule::RequestBodyRequired => is("is required"),
        Rule::HeaderValuesWidened => is("can have further values"),
        Rule::HeaderValuesNarrowed => is("has fewer possible values"),
        Rule::HeaderMediaTypeChanged => "the media type of the body differs".to_owned(),
        Rule::HeaderMediaTypeRemoved | Rule::RequestMediaTypeRemoved => is("has a media type less"),
        Rule::HeaderMediaTypeAdded | Rule::RequestMediaTypeAdded => is("has a further media type"),
        Rule::BodyVanished => "the response no longer has a body".to_owned(),
        Rule::BodyAppeared => "the response has a body where there was none".to_owned(),
        Rule::BodyTypeWidened => is("can have further types"),
        Rule::RequestTypeWidened => is("accepts further types"),
        Rule::BodyTypeNarrowed => is("has fewer possible types"),
        Rule::RequestTypeNarrowed => is("accepts fewer types"),
        Rule::BodyTypeChanged | Rule::RequestTypeChanged => is("has a different type"),
        Rule::BodyIntegerToNumber => is("was an integer and is any number"),
        Rule::BodyNumberToInteger => is("was any number and is an integer"),
        Rule::BodyBecameNull => is("can be null"),
        Rule::BodyNoLongerNull => is("is never null"),
        Rule::RequestNullAllowed => is("accepts null"),
        Rule::RequestNullForbidden => is("no longer accepts null"),
        Rule::BodyBecameArray => is("is a list"),
        Rule::BodyNoLongerArray => is("is no longer a list"),
        Rule::BodyFormatLost | Rule::RequestFormatRemoved => is("has no format any more"),
        Rule::BodyFormatGained | Rule::RequestFormatAdded => is("has a format now"),
        Rule::BodyFormatChanged | Rule::RequestFormatChanged => is("has a different format"),
        Rule::BodyEnumValueAdded => is("has a further possible value"),
        Rule::BodyEnumValueRemoved => is("has a possible value less"),
        Rule::RequestEnumValueAdded => is("accepts a further value"),
        Rule::RequestEnumValueRemoved => is("no longer accepts a value"),
        Rule::BodyValuesOpened | Rule::RequestValuesOpened => is("no longer has a list of values"),
        Rule::BodyValuesClosed | Rule::RequestValuesClosed => is("has a list of values now"),
        Rule::BodyBoundWidened | Rule::RequestBoundWidened => is(&format!("has a wider limit (`{key}`)")),
        Rule::BodyBoundTightened | Rule::RequestBoundTightened => is(&format!("has a stricter limit (`{key}`)")),
        Rule::BodyPatternChanged | Rule::RequestPatternChanged => is("has a different pattern"),
        Rule::BodyAdditionalAllowed | Rule::RequestAdditionalAllowed => is("can have further properties"),
        Rule::BodyAdditionalForbidden | Rule::RequestAdditionalForbidden => {
            is("can have no other properties than the declared ones")
        }
        Rule::BodyAlternativeAdded | Rule::RequestAlternativeAdded => is("has a further alternative"),
        Rule::BodyAlternativeRemoved | Rule::RequestAlternativeRemoved => is("has an alternative less"),
        Rule::RequestParameterStyleChanged => is("is written in a different style"),
        Rule::RequestDefaultChanged => is("has a different default"),
        Rule::RequestSecurityTightened => "the operation requires more credentials".to_owned(),
        Rule::RequestSecurityRelaxed => "the operation accepts further credentials".to_owned(),
        Rule::RequestSecurityChanged => format!("the security scheme {key} differs"),
        Rule::OperationRemoved => "the operation is removed".to_owned(),
        Rule::OperationAdded => "the operation is new".to_owned(),
        Rule::DocumentDeprecated => is("is deprecated"),
        Rule::DocumentNoLongerDeprecated => is("is no longer deprecated"),
        Rule::DocumentServerRemoved => "a server is no longer declared".to_owned(),
        Rule::DocumentServerAdded => "a server is new".to_owned(),
        Rule::DocumentNotCompared => is(&format!("was not compared completely: {key}")),
        other => other.info().reason.to_owned(),
    }
}
