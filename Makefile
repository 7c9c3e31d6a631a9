# One entry point, the same for people and for CI.
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
WORKERS ?= $(shell expr $$(getconf _NPROCESSORS_ONLN) + 2)

.PHONY: run test check fmt bench screenshots requirements build clean

# Open the window, connected to the store on this computer.
run: $(STAMP)
	@resources/packaging/qt-libraries.sh
	@$(BIN)/hashdrop $(ARGS)

# All tests, or what ARGS names. Half of their time is waiting, so there are two workers more than processors; what
# measures time runs by itself afterwards.
test: $(STAMP)
	@resources/packaging/qt-libraries.sh --for-tests
ifdef ARGS
	$(BIN)/python -m pytest $(ARGS)
else
	$(BIN)/python -m pytest -n $(WORKERS) -m "not alone"
	$(BIN)/python -m pytest -m alone
endif

# Style, types, layers.
check: $(STAMP)
	$(BIN)/ruff check core gui resources tests benchmarks
	$(BIN)/ruff format --check core gui resources tests benchmarks
	$(BIN)/pyright
	$(BIN)/lint-imports

fmt: $(STAMP)
	$(BIN)/ruff check --fix core gui resources tests benchmarks
	$(BIN)/ruff format core gui resources tests benchmarks

# Side-by-side measurements; see benchmarks/README.md.
bench: $(STAMP)
	$(BIN)/python benchmarks/stream_memory.py
	$(BIN)/python benchmarks/queue_memory.py
	$(BIN)/python benchmarks/upload.py $(if $(TOOLS),--tools $(TOOLS))

# The README's pictures, of the real window under Xvfb with real files dropped on it.
screenshots: $(STAMP)
	@resources/packaging/qt-libraries.sh --for-tests
	$(BIN)/python resources/packaging/screenshots.py docs/pictures
	$(BIN)/python resources/packaging/pointer_pictures.py docs/pictures

# Renew the pins (needs the package registry).
requirements: $(STAMP)
	$(BIN)/uv pip compile --quiet --universal --generate-hashes --no-header --no-annotate \
	  --no-emit-index-url --no-emit-find-links --python-version 3.11 \
	  --all-extras --group dev pyproject.toml -o requirements.txt

build: $(STAMP)
	$(BIN)/uv build

clean:
	rm -rf $(VENV) dist build .pytest_cache .ruff_cache

$(STAMP): requirements.txt pyproject.toml resources/packaging/make-venv.sh
	@PYTHON=$(PYTHON) resources/packaging/make-venv.sh $(VENV)
	@touch $@
