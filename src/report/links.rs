//! Links of a page to the source and to the CI job, from the variables of CI systems.
//!
//! Only `http` and `https` URLs are used, without user information, query and fragment. Variables that are empty or
//! malformed are ignored.

use serde::Serialize;
use url::Url;

use crate::model::RunStarted;

/// Where a page links to.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Links {
    /// The CI job that wrote the page.
    pub job: Option<String>,
    /// The commit of the run.
    pub commit: Option<String>,
    /// The files of the run at its commit.
    pub source: Option<SourceLink>,
}

/// The address of a line of a file: `before`, the path of the file in the project, `after`, and the number of the line.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(super) struct SourceLink {
    before: String,
    after: &'static str,
}

/// How a service addresses files and commits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Host {
    GitHub,
    GitLab,
    Azure,
    Bitbucket,
}

impl Links {
    /// The links of a run, from the environment of the process.
    pub(super) fn of_environment(started: Option<&RunStarted>) -> Self {
        Self::of(|name| std::env::var(name).ok(), started)
    }

    /// The links of a run, from these variables.
    fn of(value: impl Fn(&str) -> Option<String>, started: Option<&RunStarted>) -> Self {
        let value = |name: &str| value(name).filter(|value| !value.trim().is_empty());
        let web = |name: &str| value(name).and_then(|value| web(&value));
        let number = |name: &str| value(name).filter(|value| value.bytes().all(|byte| byte.is_ascii_digit()));
        if let Some((server, name)) = web("GITHUB_SERVER_URL").zip(value("GITHUB_REPOSITORY")) {
            let at = below(server, name.split('/'));
            let run = at.clone().zip(number("GITHUB_RUN_ID"));
            let job = run.and_then(|(at, run)| below(at, ["actions", "runs", &run]));
            return Self::new(
                job,
                at.map(|at| (Host::GitHub, at)),
                value("GITHUB_SHA").as_deref(),
                started,
            );
        }
        if let Some(project) = web("CI_PROJECT_URL") {
            let at = Some((Host::GitLab, project));
            return Self::new(web("CI_JOB_URL"), at, value("CI_COMMIT_SHA").as_deref(), started);
        }
        if let Some(build) = number("BUILD_BUILDID") {
            let server = web("SYSTEM_COLLECTIONURI").or_else(|| web("SYSTEM_TEAMFOUNDATIONCOLLECTIONURI"));
            let page = server
                .zip(value("SYSTEM_TEAMPROJECT"))
                .and_then(|(server, project)| below(server, [project.as_str(), "_build", "results"]));
            let job = page.map(|mut page| {
                page.set_query(Some(&format!("buildId={build}")));
                page
            });
            let (repository, sha) = (value("BUILD_REPOSITORY_URI"), value("BUILD_SOURCEVERSION"));
            return Self::new(job, repository.and_then(|url| hosted(&url)), sha.as_deref(), started);
        }
        let repository = value("GIT_URL").and_then(|url| hosted(&url));
        Self::new(web("BUILD_URL"), repository, value("GIT_COMMIT").as_deref(), started)
    }

    fn new(job: Option<Url>, repository: Option<(Host, Url)>, sha: Option<&str>, started: Option<&RunStarted>) -> Self {
        let is_commit = |sha: &&str| (7..=64).contains(&sha.len()) && sha.bytes().all(|byte| byte.is_ascii_hexdigit());
        let recorded = started.and_then(|started| started.commit.as_deref());
        let sha = recorded.filter(is_commit).or_else(|| sha.filter(is_commit));
        let at = repository.zip(sha);
        let folder = started
            .and_then(|started| started.folder.as_deref())
            .unwrap_or_default();
        Self {
            job: job.map(String::from),
            commit: at.as_ref().and_then(|((host, at), sha)| host.commit(at, sha)),
            source: at.and_then(|((host, at), sha)| host.source(&at, sha, folder)),
        }
    }
}

impl Host {
    fn commit(self, repository: &Url, sha: &str) -> Option<String> {
        let parts: &[&str] = match self {
            Self::GitHub | Self::Azure => &["commit", sha],
            Self::GitLab => &["-", "commit", sha],
            Self::Bitbucket => &["commits", sha],
        };
        below(repository.clone(), parts.iter().copied()).map(String::from)
    }

    fn source(self, repository: &Url, sha: &str, folder: &str) -> Option<SourceLink> {
        let (parts, after): (&[&str], _) = match self {
            Self::GitHub => (&["blob", sha], "#L"),
            Self::GitLab => (&["-", "blob", sha], "#L"),
            Self::Bitbucket => (&["src", sha], "#lines-"),
            Self::Azure => (&[], "&line="),
        };
        let folders = folder.split('/').filter(|part| !part.is_empty());
        let before = if self == Self::Azure {
            let mut at = repository.clone();
            at.set_query(None);
            let mut path = below(Url::parse("http://h/").ok()?, folders)?.path().to_owned();
            if !path.ends_with('/') {
                path.push('/');
            }
            format!("{at}?version=GC{sha}&path={path}")
        } else {
            let at = below(repository.clone(), parts.iter().copied().chain(folders))?;
            format!("{}/", at.as_str().trim_end_matches('/'))
        };
        Some(SourceLink { before, after })
    }
}

/// A repository by its URL, if the service is known by its name.
fn hosted(url: &str) -> Option<(Host, Url)> {
    let mut url = web(url)?;
    let name = url.host_str()?;
    let host = if url.path().contains("/_git/") {
        Host::Azure
    } else if name.contains("github") {
        Host::GitHub
    } else if name.contains("gitlab") {
        Host::GitLab
    } else if name == "bitbucket.org" {
        Host::Bitbucket
    } else {
        return None;
    };
    if let Some(path) = url.path().strip_suffix(".git").map(str::to_owned) {
        url.set_path(&path);
    }
    Some((host, url))
}

/// A URL of the web, without user information, query and fragment.
fn web(text: &str) -> Option<Url> {
    let mut url = Url::parse(text.trim()).ok()?;
    if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none_or(str::is_empty) {
        return None;
    }
    url.set_username("").ok()?;
    url.set_password(None).ok()?;
    url.set_query(None);
    url.set_fragment(None);
    Some(url)
}

/// A URL below another; none if a part is empty or leads elsewhere.
fn below<'p>(mut url: Url, parts: impl IntoIterator<Item = &'p str>) -> Option<Url> {
    for part in parts {
        if part.is_empty() || part == "." || part == ".." {
            return None;
        }
        url.path_segments_mut().ok()?.pop_if_empty().push(part);
    }
    Some(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHA: &str = "89abcdef0123456789abcdef0123456789abcdef";

    fn links(variables: &[(&str, &str)]) -> Links {
        let value = |name: &str| {
            let found = variables.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| (*value).to_owned())
        };
        Links::of(value, None)
    }

    /// The job, the commit, and line 3 of `c.yaml`.
    fn shown(variables: &[(&str, &str)]) -> [String; 3] {
        let links = links(variables);
        let line = links
            .source
            .map(|source| format!("{}c.yaml{}3", source.before, source.after));
        [links.job, links.commit, line].map(Option::unwrap_or_default)
    }

    #[test]
    fn links_of_each_service_lead_to_job_commit_and_line() {
        let github = [
            ("GITHUB_SERVER_URL", "https://github.com"),
            ("GITHUB_REPOSITORY", "o/r"),
            ("GITHUB_SHA", SHA),
            ("GITHUB_RUN_ID", "17"),
        ];
        let at = "https://github.com/o/r";
        let expected = [
            format!("{at}/actions/runs/17"),
            format!("{at}/commit/{SHA}"),
            format!("{at}/blob/{SHA}/c.yaml#L3"),
        ];
        assert_eq!(shown(&github), expected);
        let gitlab = [
            ("CI_PROJECT_URL", "https://gitlab.example/a/b/c"),
            ("CI_COMMIT_SHA", SHA),
            ("CI_JOB_URL", "https://gitlab.example/a/b/c/-/jobs/5"),
        ];
        let at = "https://gitlab.example/a/b/c/-";
        let expected = [
            format!("{at}/jobs/5"),
            format!("{at}/commit/{SHA}"),
            format!("{at}/blob/{SHA}/c.yaml#L3"),
        ];
        assert_eq!(shown(&gitlab), expected);
        let azure = [
            ("BUILD_BUILDID", "9"),
            ("SYSTEM_COLLECTIONURI", "https://dev.azure.com/org/"),
            ("SYSTEM_TEAMPROJECT", "My Team"),
            ("BUILD_REPOSITORY_URI", "https://org@dev.azure.com/org/p/_git/r"),
            ("BUILD_SOURCEVERSION", SHA),
        ];
        let at = "https://dev.azure.com/org";
        let expected = [
            format!("{at}/My%20Team/_build/results?buildId=9"),
            format!("{at}/p/_git/r/commit/{SHA}"),
            format!("{at}/p/_git/r?version=GC{SHA}&path=/c.yaml&line=3"),
        ];
        assert_eq!(shown(&azure), expected);
        let jenkins = [
            ("BUILD_URL", "https://ci.example/job/x/3/"),
            ("GIT_URL", "https://user:word@github.com/o/r.git"),
            ("GIT_COMMIT", SHA),
        ];
        let at = "https://github.com/o/r";
        let expected = [
            "https://ci.example/job/x/3/".to_owned(),
            format!("{at}/commit/{SHA}"),
            format!("{at}/blob/{SHA}/c.yaml#L3"),
        ];
        assert_eq!(shown(&jenkins), expected);
    }

    #[test]
    fn empty_and_hostile_variables_are_ignored() {
        for variables in [
            &[][..],
            &[("BUILD_URL", ""), ("GITHUB_SERVER_URL", " ")],
            &[("BUILD_URL", "javascript:alert(1)")],
            &[("CI_JOB_URL", "https://h/"), ("CI_PROJECT_URL", "data:text/html,x")],
            &[("GIT_URL", "git@github.com:o/r.git"), ("GIT_COMMIT", SHA)],
            &[("GIT_URL", "https://git.example/o/r"), ("GIT_COMMIT", SHA)],
            &[("GIT_URL", "https://github.com/o/r"), ("GIT_COMMIT", "main\"><script>")],
            &[("GITHUB_SERVER_URL", "https://h"), ("GITHUB_REPOSITORY", "../../x")],
        ] {
            assert_eq!(links(variables), Links::default(), "{variables:?}");
        }
        let secret = [("BUILD_URL", "https://user:word@ci.example/job/1/?token=t#f")];
        assert_eq!(shown(&secret)[0], "https://ci.example/job/1/");
    }
}
