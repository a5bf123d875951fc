# make demo: two linked boxes on this machine. make test: everything CI checks. make help: the rest.
# Both install what is missing (as root or by sudo) and need no network when all is there.

.DEFAULT_GOAL := help
MAKEFLAGS += --no-builtin-rules --no-print-directory

export PATH := $(PATH):$(HOME)/.cargo/bin
TARGET := $(or $(CARGO_TARGET_DIR),target)

# One profile for everything that tests run, so that nothing is built twice.
CARGO_TEST := cargo nextest run --locked --profile ci --no-fail-fast

.PHONY: help
help:
	@echo 'make demo                two linked boxes on this machine, until Ctrl-C'
	@echo 'make demo SECONDS=20     the same, ends by itself with a summary'
	@echo 'make demo REAL=1         the same, with this camera and microphone instead of the sample clip'
	@echo 'make test                everything CI checks'
	@echo 'make test-trixie         the end-to-end core on Debian 13 (GStreamer 1.26), in a chroot; needs root'
	@echo 'make deb                 the Debian package, in target/debian; for Debian 12 and 13'
	@echo 'make image               the disk image of a box, from that package; needs root'
	@echo 'make bundle              the signed update to that image; keys: packaging/image/bundle.sh'
	@echo 'make vm-test             boxes from that image in virtual machines: starts, power cuts, the link'
	@echo 'make vm-power            hard power-offs and interrupted updates of such a box; goes on where it was stopped'
	@echo 'make bench               delay, CPU and recovery of two boxes, as one JSON object'

.PHONY: demo
demo: cargo
	@packaging/install.sh packaging/apt-run.txt packaging/apt-build.txt
	cargo build --release --locked
	@exec "$(TARGET)/release/engawa" demo $(if $(SECONDS),--seconds $(SECONDS)) $(if $(REAL),--real)

.PHONY: bench
bench: cargo
	@packaging/install.sh packaging/apt-run.txt packaging/apt-build.txt
	cargo build --release --locked
	@exec "$(TARGET)/release/engawa" bench --processes

.PHONY: deb
deb: cargo
	@packaging/install.sh packaging/apt-run.txt packaging/apt-build.txt
	cargo build --release --locked
	@rm -f "$(TARGET)"/debian/engawa_*.deb
	packaging/deb.sh "$(TARGET)/release/engawa" "$(TARGET)/debian"

# The tests run last: their summary ends the output.
.PHONY: test
test: test-packages checks
	cargo test --doc --locked --quiet
	@cargo run --locked --quiet --example preflight
	$(CARGO_TEST)

.PHONY: test-trixie
test-trixie: test-packages
	tests/trixie/run.sh

.PHONY: image
image: deb
	@packaging/install.sh packaging/apt-image.txt
	packaging/image/build.sh

.PHONY: bundle
bundle:
	@packaging/install.sh packaging/apt-image.txt
	packaging/image/bundle.sh

.PHONY: vm-test
vm-test: image
	tests/vm/run.sh "$(TARGET)"

.PHONY: vm-power
vm-power: image
	tests/vm/run.sh "$(TARGET)" power

.PHONY: checks
checks: test-packages
	cargo fmt --check
	cargo clippy --locked --all-targets -- -D warnings
	cargo check --locked --no-default-features --manifest-path fuzz/Cargo.toml --target-dir "$(TARGET)"
	RUSTDOCFLAGS='-D warnings -A rustdoc::private-intra-doc-links' cargo doc --locked --no-deps --document-private-items --quiet
	@if command -v shellcheck >/dev/null; then git ls-files 'packaging/*.sh' 'packaging/deb/p*' packaging/image/rootfs/usr/lib/engawa-image packaging/image/rootfs/etc/initramfs-tools/hooks packaging/image/rootfs/etc/initramfs-tools/scripts 'tests/*.sh' | xargs shellcheck .ci/run; \
		else echo 'shellcheck is not installed: scripts are not checked'; fi
	cargo build --locked
	packaging/check-units.sh "$(TARGET)/debug/engawa"

.PHONY: test-packages
test-packages: cargo
	@packaging/install.sh packaging/apt-run.txt packaging/apt-build.txt packaging/apt-test.txt packaging/apt-image.txt
	@packaging/nextest.sh
	@cd tests/browser && { [ node_modules/.package-lock.json -nt package-lock.json ] || npm ci --no-audit --no-fund; }

.PHONY: cargo
cargo:
	@command -v cargo >/dev/null || { echo "engawa: cargo is missing: install the Rust toolchain that rust-toolchain.toml names, see https://rustup.rs" >&2; exit 1; }
