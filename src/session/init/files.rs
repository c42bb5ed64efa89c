//! The files of a new project.

use super::{CiSystem, Observed};
use crate::{
    project::BaseUrl,
    session::{config_schema, published_schema},
    suite::{case_schema, suite_schema},
};

/// The configuration; a project is a folder with this file.
pub(super) const CONFIG: &str = "conforme.toml";

/// A file to write.
pub(super) struct File {
    /// Its path in the project.
    pub(super) path: &'static str,
    /// Its content.
    pub(super) text: String,
    /// Whether it must not exist; otherwise lines that are missing are added.
    pub(super) is_new: bool,
}

/// A project to write.
pub(super) struct NewProject {
    base_url: String,
    target: &'static str,
    ci: Option<CiSystem>,
}

impl NewProject {
    pub(super) fn new(base: &BaseUrl, ci: Option<CiSystem>) -> Self {
        Self {
            base_url: base.to_string(),
            target: if base.is_loopback() { "local" } else { "api" },
            ci,
        }
    }

    /// The files, with a case that expects this response.
    pub(super) fn files(&self, observed: &Observed) -> Vec<File> {
        let new = |path, text| File {
            path,
            text,
            is_new: true,
        };
        let mut files = vec![
            new("cases/api/suite.yaml", suite(observed)),
            new("cases/api/responds.yaml", case(observed)),
            new("schemas/case.schema.json", published_schema("case", &case_schema())),
            new("schemas/suite.schema.json", published_schema("suite", &suite_schema())),
            new(
                "schemas/config.schema.json",
                published_schema("config", &config_schema()),
            ),
            File {
                path: ".gitignore",
                text: GITIGNORE.to_owned(),
                is_new: false,
            },
        ];
        match self.ci {
            Some(CiSystem::Github) => files.push(new(".github/workflows/contract.yml", for_release(GITHUB))),
            Some(CiSystem::Gitlab) => files.push(new(".gitlab-ci.yml", for_release(GITLAB))),
            None => {}
        }
        files.push(new(CONFIG, self.config()));
        files
    }

    fn config(&self) -> String {
        let Self { base_url, target, .. } = self;
        // A JSON string is a string of TOML as well.
        let base_url = serde_json::Value::from(base_url.as_str());
        format!(
            "#:schema schemas/config.schema.json\n\
             # The API under test. `conforme run --target NAME` selects another target.\n\
             default_target = \"{target}\"\n\
             \n\
             [targets.{target}]\n\
             base_url = {base_url}\n\
             # headers = {{ Authorization = \"Bearer {{{{ token }}}}\" }}   # sent with every request\n\
             \n\
             # [targets.{target}.secrets]            # sources of secrets; never the values\n\
             # token = {{ env = \"API_TOKEN\" }}\n"
        )
    }
}

fn case(observed: &Observed) -> String {
    let mut text = format!(
        "# yaml-language-server: $schema=../../schemas/case.schema.json\n\
         name: The API responds\n\
         request: {{ path: / }}\n\
         expect:\n  \
         status: {}\n",
        observed.status
    );
    if let Some(kind) = &observed.media_type {
        text.push_str("  headers: { content-type: ");
        text.push_str(kind);
        text.push_str(" }\n");
    }
    text
}

/// Whether a text is `type/subtype` of characters that need no quotes in YAML.
pub(super) fn is_media_type(text: &str) -> bool {
    let is_plain = |part: &str| {
        let is_first = part.starts_with(|c: char| c.is_ascii_alphanumeric());
        is_first && part.bytes().all(|b| b.is_ascii_alphanumeric() || b"+-._".contains(&b))
    };
    text.split_once('/')
        .is_some_and(|(kind, subtype)| is_plain(kind) && is_plain(subtype))
}

fn suite(observed: &Observed) -> String {
    let mut text = "# yaml-language-server: $schema=../../schemas/suite.schema.json\n\
                    name: First checks\n\
                    # Every case of this folder starts from `request` and `expect` of this file:\n\
                    # request: { headers: { Authorization: \"Bearer {{ token }}\" } }\n\
                    # inputs: { token: { secret: true } }     # CONFORME_SECRET_TOKEN, or `secrets` of the target\n"
        .to_owned();
    if !observed.broken.is_empty() {
        text.push_str("expect:\n  # The API breaks these rules of HTTP: see `conforme explain`. Remove a line once it is fixed.\n  rules:\n");
        for rule in observed.broken.keys() {
            text.push_str("    ");
            text.push_str(rule);
            text.push_str(": warn\n");
        }
    }
    text
}

const GITIGNORE: &str = "\
# conforme: pending snapshots, recordings and reports
*.snap.new
*.ndjson
/reports/
";

/// The repository of `conforme`, from Cargo.toml: `https://github.com/owner/conforme`.
pub(super) const REPOSITORY: &str = env!("CARGO_PKG_REPOSITORY");

/// A CI file that uses the release of this version.
fn for_release(template: &str) -> String {
    let name = REPOSITORY.strip_prefix("https://github.com/").unwrap_or(REPOSITORY);
    template
        .replace("{url}", REPOSITORY)
        .replace("{name}", name)
        .replace("{version}", env!("CARGO_PKG_VERSION"))
}

const GITHUB: &str = "\
name: contract
on: [push, pull_request]
permissions:
  contents: read
  actions: read # to read the recording of the base branch
  pull-requests: write # to comment on the pull request
jobs:
  contract:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@3d3c42e5aac5ba805825da76410c181273ba90b1 # v7.0.1
        with:
          persist-credentials: false
      - uses: {name}@v{version}
        with:
          wait: 60s
        # env:
        #   CONFORME_SECRET_TOKEN: ${{ secrets.API_TOKEN }}
";

const GITLAB: &str = "\
contract:
  image: buildpack-deps:stable-curl
  script:
    - archive=conforme-$(uname -m)-unknown-linux-musl.tar.gz
    - curl -fsSL --remote-name-all {url}/releases/download/v{version}/$archive {url}/releases/download/v{version}/$archive.sha256
    - sha256sum -c $archive.sha256
    - tar -xzf $archive --strip-components=1 -C /usr/local/bin ${archive%.tar.gz}/conforme
    - conforme run --wait 60s --report junit=reports/junit.xml --report html=reports/report.html
  artifacts:
    when: always
    paths: [reports]
    reports:
      junit: reports/junit.xml
";
