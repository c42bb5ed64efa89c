//! `conforme schema`.

use super::{
    Printer,
    args::{SchemaArgs, SchemaOf},
};
use crate::{
    compare::{comparison_schema, matrix_schema},
    model::{Exit, event_schema},
    mutate::measurement_schema,
    session::config_schema,
    suite::{case_schema, suite_schema},
};

pub(super) fn schema(args: &SchemaArgs, printer: &Printer) -> Exit {
    let text = match args.of {
        SchemaOf::Case => case_schema(),
        SchemaOf::Suite => suite_schema(),
        SchemaOf::Config => config_schema(),
        SchemaOf::Event => event_schema(),
        SchemaOf::Comparison => comparison_schema(),
        SchemaOf::Matrix => matrix_schema(),
        SchemaOf::Measurement => measurement_schema(),
    };
    printer.out(text.trim_end());
    Exit::Success
}
