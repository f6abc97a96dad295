# make run    build Aweigh and serve on http://127.0.0.1:7171
# make test   install what the tests need, and run everything
# make lint   formatting, lints, shell scripts
# make bench  a first release to 1, 10 and 50 servers beside a plain shell pipeline, in a few minutes

# On a CI machine build output outlives the clone.
ifeq ($(CI),true)
export CARGO_TARGET_DIR ?= $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/aweigh/target
endif
export CARGO_TERM_COLOR ?= auto

.PHONY: run test lint bench release
.DEFAULT_GOAL := run

run:
	@tools/need cargo git cc
	cargo run --quiet -p aweigh -- serve

test:
	@tools/need cargo git cc
	@tools/need --install sshd busybox fish zstd curl
	@if cargo nextest --version >/dev/null 2>&1; then \
	  cargo nextest run --workspace --locked; \
	else \
	  cargo test --workspace --locked --quiet; \
	fi

lint:
	@tools/need cargo
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --locked -- -D warnings
	@if command -v shellcheck >/dev/null; then shellcheck -s sh -S warning -e SC2034,SC2163 crates/engine/src/scripts/driver.sh && shellcheck tools/need bench/run; fi

release:
	@tools/need cargo cc
	cargo build --release --locked -p aweigh

bench: release
	@tools/need --install sshd zstd
	bench/run
