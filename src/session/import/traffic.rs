//! A first `OpenAPI` document from recordings.

use std::path::{Component, Path, PathBuf};

use super::{root, usage, write_one};
use crate::{
    import::{TrafficDocument, TrafficGathering},
    model::Event,
    recording::Recording,
    session::{SessionError, coverage::base},
    source::is_taken,
};

/// Describes what recordings show of an API. Each recording is read once.
pub fn document_of_recordings(recordings: &[PathBuf]) -> Result<TrafficDocument, SessionError> {
    let mut gathering = TrafficGathering::default();
    for path in recordings {
        let unreadable = SessionError::recording(path);
        let recording = Recording::open(path).map_err(&unreadable)?;
        let base = base(recording.started());
        for event in recording {
            if let Event::CaseFinished(case) = &*event.map_err(&unreadable)? {
                gathering.case(case, &base);
            }
        }
    }
    gathering.finish().ok_or_else(|| {
        usage(
            "the recordings contain no request that the API accepted or knows".to_owned(),
            "record a run: `conforme run --record run.ndjson`",
        )
    })
}

/// Writes a document into a new file of the project.
pub fn write_document(project: Option<&Path>, to: &Path, text: &str) -> Result<(), SessionError> {
    let is_inside = |part: Component<'_>| matches!(part, Component::Normal(_) | Component::CurDir);
    let is_yaml = to
        .extension()
        .is_some_and(|extension| extension == "yaml" || extension == "yml");
    if !is_yaml || !to.components().all(is_inside) {
        return Err(usage(
            format!("--to `{}`: expected a YAML file in the project, or `-`", to.display()),
            "conforme import openapi --from run.ndjson --to schemas/api.openapi.yaml",
        ));
    }
    let path = root(project)?.join(to);
    if is_taken(&path) {
        return Err(usage(
            format!("`{}` exists; nothing was written", to.display()),
            "name another file with `--to`, or rename the file",
        ));
    }
    write_one(&path, text.as_bytes()).map_err(|source| SessionError::Output {
        output: format!("`{}`", path.display()),
        source,
    })
}
