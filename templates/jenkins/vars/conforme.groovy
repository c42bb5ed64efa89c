// A step for Jenkins, of a shared library with the library path `templates/jenkins`: runs the contract tests of an HTTP API with
// the release of conforme, verified by its checksum, and publishes the reports. The agent is Linux.
//
//     conforme target: 'staging', args: '--retries 2', wait: '60s'
//
// `project` is the folder with conforme.toml. Secrets are environment variables (`withCredentials`).
def call(Map options = [:]) {
  // The script reads options from the environment: their text never becomes part of it.
  withEnv([
    "CONTRACT_TARGET=${options.target ?: ''}",
    "CONTRACT_ARGS=${options.args ?: ''}",
    "CONTRACT_PROJECT=${options.project ?: '.'}",
    "CONTRACT_WAIT=${options.wait ?: ''}",
    "CONTRACT_VERSION=${options.version ?: 'v0.1.0'}",
    "CONTRACT_RELEASES=${options.releases ?: 'https://github.com/OWNER/conforme/releases/download'}",
  ]) {
    try {
      sh label: 'Contract tests', script: '''
        set -eu
        name=conforme-$(uname -m)-unknown-linux-musl
        rm -rf conforme-reports && mkdir -p conforme-reports .conforme
        (
          cd .conforme
          curl -fsSL --retry 3 --remote-name-all "$CONTRACT_RELEASES/$CONTRACT_VERSION/$name.tar.gz" "$CONTRACT_RELEASES/$CONTRACT_VERSION/$name.tar.gz.sha256"
          sha256sum -c "$name.tar.gz.sha256"
          tar -xzf "$name.tar.gz"
        )
        set -f # words of the arguments, without patterns of file names
        set -- --project "$CONTRACT_PROJECT" $CONTRACT_ARGS
        if [ -n "$CONTRACT_TARGET" ]; then set -- "$@" --target "$CONTRACT_TARGET"; fi
        if [ -n "$CONTRACT_WAIT" ]; then set -- "$@" --wait "$CONTRACT_WAIT"; fi
        ".conforme/$name/conforme" run "$@" --report junit=conforme-reports/junit.xml --report html=conforme-reports/report.html --record conforme-reports/run.ndjson
      '''
    } finally {
      junit testResults: 'conforme-reports/junit.xml', allowEmptyResults: true
      archiveArtifacts artifacts: 'conforme-reports/**', allowEmptyArchive: true
    }
  }
}
