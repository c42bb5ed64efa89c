# The usual commands. `just` lists them.
default:
    @just --list

# Type-check everything
check:
    cargo check --all-targets

# Format the code
fmt:
    cargo fmt

# Formatting and lints, as in CI
lint:
    cargo fmt --check
    cargo clippy --all-targets -- -D warnings
    cargo clippy --no-default-features --lib --bins -- -D warnings

# Unit tests whose path contains NAME
unit name="":
    cargo test --lib {{ name }}

# Tests through the program, such as `just it running`
it name="":
    cargo test --test it {{ name }}

# Links, tables, blocks and transcripts of README and docs
docs:
    cargo test --test docs

# Write the generated parts and transcripts of README and docs
docs-write:
    CONFORME_TEST_WRITE=1 cargo test --test docs

# The documentation of the library
doc:
    RUSTDOCFLAGS="-D warnings" cargo doc --no-deps

# Show the docs as a book (needs mdbook)
book:
    mdbook serve docs

# Write the JSON Schemas
schemas:
    for name in case suite config accepted event comparison matrix measurement coverage; do cargo run --quiet -- schema $name > schemas/$name.schema.json; done

# The shipped suite against the embedded reference API
suite:
    cargo run --release -- run

# Everything that CI runs
ci:
    .ci/run
