# make demo     a whole installation on this machine alone: builds everything, makes a release, tells where to look
# make test     install what the tests need, and run everything, in a real browser too
# make run      build Aweigh with its page and serve on http://127.0.0.1:7171
# make ui       build the page
# make lint     formatting, lints, shell scripts, the page
# make screens  pictures of every screen, into ui/screens/
# make soak     every fault at every point of a release, and a hundred times the fuzzing; half an hour
# make bench    releases beside what others do by hand, releases with viewers, the page with 1,000 servers; five minutes
# make bench-full  everything that docs/performance.md tells, and that page; hours

# On a CI machine build output outlives the clone.
ifeq ($(CI),true)
export CARGO_TARGET_DIR ?= $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/aweigh/target
endif
export CARGO_TERM_COLOR ?= auto
target = $(or $(CARGO_TARGET_DIR),$(CURDIR)/target)
export AWEIGH_BIN ?= $(target)/debug/aweigh

page_sources = $(shell find ui/src ui/public -type f 2>/dev/null) ui/index.html ui/openapi.json ui/vite.config.ts ui/svelte.config.js ui/tsconfig.json

.PHONY: demo test run ui lint screens soak bench bench-full release
.DEFAULT_GOAL := demo

demo: ui
	@tools/need cargo git cc
	cargo run --quiet --locked -p aweigh -- demo

run: ui
	@tools/need cargo git cc
	cargo run --quiet --locked -p aweigh -- serve

ui: ui/dist/index.html

ui/node_modules/.package-lock.json: ui/package-lock.json
	@tools/need node npm
	npm --prefix ui ci --no-audit --no-fund
	@touch $@

ui/dist/index.html: ui/node_modules/.package-lock.json $(page_sources)
	npm --prefix ui run build
	@touch $@

# The page is built first: the tests of the browser need it inside the program.
test: ui
	@tools/need cargo git cc
	@tools/need --install sshd git-lfs busybox fish tcsh zstd openssl curl valgrind chromium
	npm --prefix ui run check
	npm --prefix ui test
	@if cargo nextest --version >/dev/null 2>&1; then \
	  cargo nextest run --workspace --locked; \
	else \
	  cargo test --workspace --locked --quiet; \
	fi
	cargo build --locked -p aweigh
	npm --prefix ui run e2e

# Of what `make test` takes a selection, everything.
soak: ui
	@tools/need cargo git cc
	@tools/need --install sshd busybox fish tcsh zstd curl
	AWEIGH_SOAK=1 cargo nextest run --profile soak -p aweigh -p engine -p git --locked -E 'test(/^faults::/) & package(aweigh) | test(/fuzz::/) | test(/^attacks::an_/) & package(git) | test(/^render::clean::/)'
	AWEIGH_SOAK=1 npm --prefix ui test -- tests/unit/fuzz.test.ts

screens: ui
	@tools/need --install sshd chromium
	cargo build --locked -p aweigh
	npm --prefix ui run screens

# What runs on servers is POSIX sh, with values that are read by name (SC2034, SC2154, SC2163), `a= b=` (SC1007), `say done`
# (SC1010), `~` as a letter (SC2088), and `test -ef`, which all of their shells know (SC3013). The words of boot.sh, a
# command line, are known to be plain (SC2046).
on_servers = -s sh -S warning -e SC1007,SC1010,SC2034,SC2088,SC2154,SC2163,SC3013

lint: ui
	@tools/need cargo
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --locked -- -D warnings
	npm --prefix ui run check
	@if command -v shellcheck >/dev/null; then \
	  find crates -name '*.sh' ! -name boot.sh -exec shellcheck $(on_servers) {} + && \
	  find crates -name boot.sh -exec shellcheck $(on_servers),SC2046 {} + && \
	  shellcheck tools/need .ci/run bench/setup $$(grep -l -d skip -e '^#!/bin/bash' -e shell=bash bench/peers/*); \
	fi

release: ui
	@tools/need cargo cc
	cargo build --release --locked -p aweigh

bench: release
	@tools/need --install python3 sshd zstd rsync chromium
	cargo build --release --locked -p bench
	bench/run --n 10 --runs 1 --quiet 2 --peers aweigh,aweigh-hook,shell-delta,rsync
	bench/run --n 50 --runs 1 --quiet 2 --peers aweigh,shell-delta
	bench/viewers 200 --runs 1
	npm --prefix ui run bench

# Goes on where it was stopped. `bench/steps` lists the steps; each can run alone.
bench-full: release
	@tools/need --install python3 sshd zstd chromium
	cargo build --release --locked -p bench
	bench/setup
	bench/steps all; ended=$$?; bench/report && exit $$ended
