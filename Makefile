# Two commands matter on a fresh machine: `make demo` and `make test`.
PYTHON ?= $(shell command -v python3.11 || command -v python3.12 || command -v python3)
VENV   := .venv
BIN    := $(VENV)/bin
PIP    := $(BIN)/python -m pip --disable-pip-version-check
# Two, for the tests of training and of Ray use more than one core themselves.
PARALLEL = -n 2 --dist loadfile --no-loadscope-reorder
WHAT    = pyproject.toml constraints.txt

.PHONY: help demo test test-fast inspect lint format types bench serve docs lock clean

help: ## Show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 11

demo: $(VENV)/.demo ## Index a generated 20 minute video and ask it three questions
	@$(BIN)/videoseal --data-dir demo-data demo

test: $(VENV)/.dev ## Run all tests (ARGS="..." goes to pytest)
	@$(BIN)/python -m pytest $(PARALLEL) $(ARGS)

test-fast: $(VENV)/.dev ## Run the tests that take no more than a second or two each
	@$(BIN)/python -m pytest $(PARALLEL) -m "not slow" $(ARGS)
	@echo "left out: what is marked slow (training, whole films, killed and resumed jobs, servers)"

lint: $(VENV)/.dev ## Check style
	@$(BIN)/ruff check . && $(BIN)/ruff format --check .

format: $(VENV)/.dev ## Repair style
	@$(BIN)/ruff check --fix . && $(BIN)/ruff format .

types: $(VENV)/.dev ## Check types
	@$(BIN)/mypy

bench: $(VENV)/.dev ## Measure everything the documents claim (hours of video: takes about half an hour)
	@for file in bench/[a-z]*.py; do echo "== $$file"; $(BIN)/python $$file || exit 1; done

serve: $(VENV)/.serve ## Serve the graphs for LangGraph Studio on 127.0.0.1:2024
	@LANGGRAPH_CLI_NO_ANALYTICS=1 $(BIN)/langgraph dev --no-browser --n-jobs-per-worker 4

docs: $(VENV)/.dev ## Write help texts, settings, figures and the graph into README.md and docs/
	@$(BIN)/python docs/build.py

lock: $(VENV)/.dev ## Write down the exact versions of the installed packages
	@$(PIP) freeze --exclude-editable --exclude pip --exclude setuptools --exclude wheel | sed "s/+cpu$$//" > constraints.txt

clean: ## Remove what the commands above made
	rm -rf $(VENV) demo-data bench/out build dist *.egg-info .langgraph_api .*_cache .hypothesis

# PaddleX pins the build that draws windows; this one has the same modules and needs no libGL.
OPENCV = opencv-contrib-python-headless==4.10.0.84
$(VENV)/.demo: EXTRAS = ocr,clips,evals
$(VENV)/.serve: EXTRAS = ocr,clips,evals,serve
$(VENV)/.dev: EXTRAS = ocr,clips,evals,serve,rl-cpu,speech,dev
$(VENV)/.demo $(VENV)/.serve $(VENV)/.dev: $(WHAT)
	@test -n "$(PYTHON)" || { echo "error: Python 3.11 or newer is needed" >&2; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "installing videoseal-agent[$(EXTRAS)] into $(VENV)"
	@$(PIP) install --quiet --constraint constraints.txt --editable ".[$(EXTRAS)]"
	@$(PIP) install --quiet --no-deps --force-reinstall $(OPENCV)
	@case "$(EXTRAS)" in *rl-cpu*) $(MAKE) --no-print-directory openrlhf;; esac
	@touch $@

# Its dependencies and the pinned ones exclude each other; the test that reads a log with it asks
# this environment.
inspect: $(VENV)/inspect/.done
$(VENV)/inspect/.done: $(VENV)/.dev
	@echo "installing inspect_ai into $(VENV)/inspect"
	@$(BIN)/python -m venv $(VENV)/inspect
	@$(VENV)/inspect/bin/python -m pip --disable-pip-version-check install --quiet inspect_ai==0.3.285
	@touch $@

# What they declare cannot be installed without a GPU, and their builds need the installed torch.
.PHONY: openrlhf
openrlhf:
	@DS_BUILD_OPS=0 $(PIP) install --quiet --no-deps --no-build-isolation deepspeed==0.19.6
	@$(PIP) install --quiet --no-deps openrlhf==0.11.2
