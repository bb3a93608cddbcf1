# One set of commands for people, hooks and CI. Everything lives in .venv and target/.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
CARGO_PROFILE ?= fast
RUST := $(shell find crates -name '*.rs' -o -name Cargo.toml) Cargo.toml Cargo.lock
PYTEST_ARGS ?=

.PHONY: check-spills demo examples test test-rust test-python test-oldest-numpy lint format bench docs wheel generate clean

# The main job: trains the network of the documentation on real handwritten digits, saves, loads, predicts again.
demo: $(BIN)/.built
	$(BIN)/python examples/digits.py

test: test-rust test-python

test-rust:
	cargo test --profile $(CARGO_PROFILE) --workspace --exclude rsym-pybridge

test-python: $(BIN)/.built
	$(BIN)/python tools/generate_ops.py --check
	$(BIN)/python -m pytest $(PYTEST_ARGS)

# The same Python tests with the oldest NumPy that is supported.
test-oldest-numpy: $(BIN)/.built
	test -x $(VENV)-oldest/bin/python || $(PYTHON) -m venv $(VENV)-oldest
	$(VENV)-oldest/bin/python -m pip install -q 'numpy==1.23.5' 'scipy==1.10.1' 'scikit-learn<1.5' 'pytest>=7' pytest-timeout fsspec s3fs 'moto[server]>=5' graphviz
	PYTHONPATH=python $(VENV)-oldest/bin/python -m pytest $(PYTEST_ARGS)

lint: $(BIN)/.tools
	cargo fmt --all --check
	cargo clippy --workspace --all-targets -- -D warnings
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

format: $(BIN)/.tools
	cargo fmt --all
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

# Speed and memory of rsym, and of MXNet, PyTorch and ONNX Runtime beside it, into target/bench:
# make bench MXNET=/path/to/python TORCH=/path/to/python BENCH_ARGS="--only 'ResNet-50*' --seconds 5"
bench: $(BIN)/.built
	$(BIN)/python benchmarks/run.py $(if $(MXNET),--mxnet $(MXNET)) $(if $(TORCH),--torch $(TORCH)) --out target/bench $(BENCH_ARGS)

# All training examples, with their curves, into target/examples.
EXAMPLES := digits.py images.py 'images.py --network resnet' 'images.py --data pictures' 'images.py --network resnet --data pictures' \
  regression.py recommender.py text.py model_parallel.py
examples: $(BIN)/.built
	set -e; for example in $(EXAMPLES); do echo "== $$example"; $(BIN)/python examples/$$example --folder target/examples; done

# The reference pages of docs/, from the registry.
docs: $(BIN)/.built
	$(BIN)/python tools/generate_docs.py

# That the hot loops of the built library keep their vectors in registers.
check-spills: $(BIN)/.built
	$(BIN)/python tools/check_spills.py

# A wheel as published.
wheel: $(BIN)/.tools
	$(BIN)/maturin build --release --out dist

# The operator functions, the reference and the stubs, from the registry and the extension.
generate: $(BIN)/.built
	$(BIN)/python tools/generate_ops.py
	$(BIN)/python tools/generate_docs.py
	$(BIN)/python tools/generate_stubs.py

clean:
	rm -rf $(VENV) $(VENV)-oldest dist
	cargo clean

$(BIN)/.tools:
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install -q --upgrade pip
	$(BIN)/python -m pip install -q 'maturin>=1.7,<2' 'ruff>=0.6'
	touch $@

$(BIN)/.built: $(BIN)/.tools $(RUST) pyproject.toml
	$(BIN)/maturin develop -q --profile $(CARGO_PROFILE) --extras test
	touch $@
