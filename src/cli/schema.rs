//! `conforme schema`.

use super::{
    Printer,
    args::{SchemaArgs, SchemaOf},
};
use crate::{
    compare::{comparison_schema, document_comparison_schema, matrix_schema},
    coverage::coverage_schema,
    model::{Exit, event_schema},
    mutate::measurement_schema,
    session::{accepted_schema, config_schema, published_schema},
    suite::{case_schema, suite_schema},
};

pub(super) fn schema(args: &SchemaArgs, printer: &Printer) -> Exit {
    let (name, text) = match args.of {
        SchemaOf::Case => ("case", case_schema()),
        SchemaOf::Suite => ("suite", suite_schema()),
        SchemaOf::Config => ("config", config_schema()),
        SchemaOf::Accepted => ("accepted", accepted_schema()),
        SchemaOf::Event => ("event", event_schema()),
        SchemaOf::Comparison => ("comparison", comparison_schema()),
        SchemaOf::DocumentComparison => ("document-comparison", document_comparison_schema()),
        SchemaOf::Matrix => ("matrix", matrix_schema()),
        SchemaOf::Coverage => ("coverage", coverage_schema()),
        SchemaOf::Measurement => ("measurement", measurement_schema()),
    };
    printer.out(published_schema(name, &text).trim_end());
    Exit::Success
}
