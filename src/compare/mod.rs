//! What changed between two versions of an API: the recordings of one suite on each, in; a classified list of changes,
//! out. Pure but for reading the recordings: nothing is sent from here.

mod change;

pub use change::{
    Accepted, CaseLatency, Change, Comparison, Evidence, FORMAT, Latency, Level, Matrix, MatrixRow, Noise, Side,
    StaleEntry, Summary, comparison_schema, matrix_schema,
};
