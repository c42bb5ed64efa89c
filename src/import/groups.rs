//! Requests that need each other as the steps of one case.

use super::{
    DraftCase, DraftContent, DraftPartContent, DraftStep, SuiteDraft,
    names::{file_name, free_file},
};

/// Connected requests, in their order.
pub(super) fn groups(count: usize, edges: &[(usize, usize)]) -> Vec<Vec<usize>> {
    let mut parents: Vec<usize> = (0..count).collect();
    for (one, other) in edges {
        let (one, other) = (root(&mut parents, *one), root(&mut parents, *other));
        let (first, last) = (one.min(other), one.max(other));
        parents[last] = first;
    }
    let mut groups: Vec<Vec<usize>> = vec![Vec::new(); count];
    for index in 0..count {
        let root = root(&mut parents, index);
        groups[root].push(index);
    }
    groups.retain(|group| !group.is_empty());
    groups
}

/// The first request that a request is connected with.
fn root(parents: &mut [usize], mut index: usize) -> usize {
    while parents[index] != index {
        parents[index] = parents[parents[index]];
        index = parents[index];
    }
    index
}

/// A request that becomes a step, or a case of its own.
pub(super) struct ImportedStep {
    /// Its name in the source, with those of its folders.
    pub(super) name: String,
    pub(super) description: Option<String>,
    pub(super) tags: Vec<String>,
    pub(super) skip: Option<String>,
    pub(super) step: DraftStep,
}

impl SuiteDraft {
    /// Adds a case with these steps.
    pub(super) fn add_group(&mut self, mut members: Vec<ImportedStep>) {
        let mut notes = Vec::new();
        if members.len() > 1 {
            // A case is skipped as a whole.
            members.retain_mut(|one| {
                let Some(reason) = &one.skip else { return true };
                notes.push(format!("{}: {reason}", one.name));
                for capture in &one.step.captures {
                    self.captured.remove(&capture.name);
                }
                false
            });
        }
        let Some(first) = members.first() else {
            self.notes.append(&mut notes);
            return;
        };
        let base = file_name("", &first.name, |_| false);
        let base = base.trim_start_matches('-');
        let base = if base.is_empty() { "request" } else { base };
        let is_flow = members.len() > 1;
        let file = if is_flow {
            format!("{base}-flow")
        } else {
            base.to_owned()
        };
        let file = free_file(&file, |name| name == "suite" || self.has_file(name));
        let title = match members.len() {
            1 => first.name.clone(),
            2 => format!("{} and 1 more request", first.name),
            more => format!("{} and {} more requests", first.name, more - 1),
        };
        let mut case = DraftCase {
            title,
            description: first.description.clone().filter(|_| !is_flow),
            skip: members.iter().find_map(|one| one.skip.clone()),
            notes,
            ..DraftCase::default()
        };
        let mut ids: Vec<String> = Vec::new();
        for one in &mut members {
            let last = one.name.rsplit(" / ").next().unwrap_or_default();
            let id = file_name("", last, |_| false);
            let id = id.trim_start_matches('-');
            let id = free_file(if id.is_empty() { "request" } else { id }, |known| {
                ids.iter().any(|one| one == known)
            });
            one.step.id.clone_from(&id);
            let prefix = if is_flow { format!("{file}-{id}") } else { file.clone() };
            name_files(&mut one.step, &prefix);
            ids.push(id);
            for tag in &one.tags {
                if !case.tags.contains(tag) {
                    case.tags.push(tag.clone());
                }
            }
        }
        case.file = file;
        case.steps = members.into_iter().map(|one| one.step).collect();
        self.cases.push(case);
    }
}

/// Names the files of a request after its case.
fn name_files(step: &mut DraftStep, prefix: &str) {
    match &mut step.request.content {
        Some(DraftContent::File(path, _)) => *path = format!("{prefix}.bin"),
        Some(DraftContent::Multipart(parts)) => {
            for (number, part) in parts.iter_mut().enumerate() {
                if let DraftPartContent::File(path, _) = &mut part.content {
                    *path = format!("{prefix}-{}.bin", number + 1);
                }
            }
        }
        _ => {}
    }
}
