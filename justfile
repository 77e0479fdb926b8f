# What is done often. `just` lists it.

_default:
    @just --list

# Format, lints and the tests that need nothing installed
check:
    cargo fmt --all --check
    cargo clippy --all-targets --all-features --quiet -- -D warnings
    cargo test --all-features

# All that CI runs
ci:
    .ci/run

# One integration test, or those whose names begin so
it NAME:
    cargo test --all-features --test it {{ NAME }}

# The wheel, in dist/
wheel:
    uvx 'maturin>=1.9,<2' build --locked --out dist

# Licences and advisories of what it is made of
deny:
    cargo deny --all-features check
