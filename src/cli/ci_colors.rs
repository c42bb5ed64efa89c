//! Colors in the log of a CI system that shows them.

use std::io::IsTerminal;
#[cfg(unix)]
use std::os::fd::AsFd as AsOpenFile;
#[cfg(windows)]
use std::os::windows::io::AsHandle as AsOpenFile;

use anstream::{ColorChoice, stream::RawStream};

/// Variables that CI systems set whose logs show colors: GitHub Actions, Gitea and Forgejo, GitLab, Azure Pipelines, `CircleCI`,
/// Buildkite, Travis, Drone, Woodpecker, `TeamCity`, Bitbucket. Jenkins shows them with a plugin only.
const SHOWING: [&str; 11] = [
    "GITHUB_ACTIONS",
    "GITEA_ACTIONS",
    "GITLAB_CI",
    "TF_BUILD",
    "CIRCLECI",
    "BUILDKITE",
    "TRAVIS",
    "DRONE",
    "CI_PIPELINE_NUMBER",
    "TEAMCITY_VERSION",
    "BITBUCKET_BUILD_NUMBER",
];

/// A standard stream.
pub(super) trait StandardStream: RawStream + IsTerminal + AsOpenFile {}
impl<S: RawStream + IsTerminal + AsOpenFile> StandardStream for S {}

/// Whether a stream is colored without `--color`: a terminal, or the log of a CI system that shows colors.
pub(super) fn is_colored(stream: &impl StandardStream) -> bool {
    let variable = |name: &str| std::env::var(name).ok();
    !matches!(anstream::AutoStream::choice(stream), ColorChoice::Never) || (shows(variable) && is_log(stream))
}

/// Whether the log of the CI system shows colors, and no variable turns them off.
fn shows(variable: impl Fn(&str) -> Option<String>) -> bool {
    let is_set = |name: &str| variable(name).is_some_and(|value| !value.is_empty());
    let is_off = is_set("NO_COLOR") || variable("CLICOLOR").as_deref() == Some("0");
    !is_off && SHOWING.iter().any(|name| is_set(name))
}

/// Whether a stream can be the log: a pipe. A file that a step redirects to is not.
#[cfg(unix)]
fn is_log(stream: &impl StandardStream) -> bool {
    use std::os::unix::fs::FileTypeExt as _;
    let file = stream.as_fd().try_clone_to_owned().map(std::fs::File::from);
    let kind = file.and_then(|file| file.metadata()).map(|data| data.file_type());
    kind.is_ok_and(|kind| kind.is_fifo() || kind.is_socket())
}

/// Whether a stream can be the log.
#[cfg(not(unix))]
fn is_log(_: &impl StandardStream) -> bool {
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn logs_that_show_colors_have_them() {
        let of = |set: &[(&str, &str)]| {
            shows(|name| {
                let found = set.iter().find(|(known, _)| *known == name);
                found.map(|(_, value)| (*value).to_owned())
            })
        };
        assert!(of(&[("CI", "true"), ("GITHUB_ACTIONS", "true")]) && of(&[("TF_BUILD", "True")]));
        assert!(!of(&[("CI", "true"), ("JENKINS_URL", "http://ci")]) && !of(&[("GITLAB_CI", "")]) && !of(&[]));
        assert!(!of(&[("GITLAB_CI", "true"), ("NO_COLOR", "1")]));
        assert!(of(&[("GITLAB_CI", "true"), ("NO_COLOR", "")]));
        assert!(!of(&[("GITLAB_CI", "true"), ("CLICOLOR", "0")]));
    }
}
