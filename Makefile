# The first two commands of a newcomer are `make demo` and `make test`; both install what they need into .venv.
#   make demo PYTHON=python3.13      another interpreter (a .venv of another version is made anew)
#   make docs DEMO_OPTIONS="-m ast-english-five"    a shorter report on the site
#   make demo TORCH_INDEX_URL=URL    where torch comes from; empty: only the index that pip is set up with

PYTHON ?= python3
TORCH_INDEX_URL ?= auto
DEMO_OPTIONS ?= --min-emotions 5
PYTEST_ARGS ?= -n 2 --dist loadfile --no-loadscope-reorder --max-worker-restart 1

VENV := .venv
CONSTRAINTS := constraints.txt
PY := $(VENV)/bin/python
PIP := $(PY) -m pip --disable-pip-version-check
TORCH := torch==2.13.0
VERSION := import sys; print("%d.%d" % sys.version_info[:2])
WANTED := $(shell "$(PYTHON)" -c '$(VERSION)' 2>/dev/null)
VENV_MADE := $(VENV)/.made-$(WANTED)
TORCH_INSTALLED := $(VENV)/.installed-$(subst ==,-,$(TORCH))
BENCH_INSTALLED := $(VENV)/.installed-bench
TOOLS_INSTALLED := $(VENV)/.installed-tools
PINS := pyproject.toml $(CONSTRAINTS)
LOWEST := .venv-lowest
AUDIT := pip-audit==2.10.1
# Left out: the documents, the page in a browser, and the code of the tools for maintainers.
MAIN_TESTS := $(addprefix tests/,api audio cli corpora demo emotions evaluation hub models options registry results scoring training verification workers)

.DEFAULT_GOAL := help
.PHONY: demo test test-all test-lowest check docs format bench clean help
.DELETE_ON_ERROR:

demo: $(BENCH_INSTALLED) ## install bench, and run it whole on the embedded demo: no network, no audio needed
	$(VENV)/bin/bench verify --candidates demo
	$(VENV)/bin/bench run --candidates demo --min-emotions 5

test: $(TOOLS_INSTALLED) ## run the tests and the examples in the docstrings (PYTEST_ARGS="..." for less than all)
	OMP_WAIT_POLICY=PASSIVE OMP_NUM_THREADS=1 $(PY) -m pytest $(PYTEST_ARGS)

test-all: $(TOOLS_INSTALLED) ## run the long simulations as well
	OMP_WAIT_POLICY=PASSIVE OMP_NUM_THREADS=1 $(PY) -m pytest -m '' -o faulthandler_exit_on_timeout=false $(PYTEST_ARGS)

test-lowest: ## run the tests with the oldest versions that pyproject.toml allows, and audit the pinned ones: every night
	"$(PYTHON)" scripts/lowest_versions.py > $(LOWEST).txt
	$(MAKE) test VENV=$(LOWEST) CONSTRAINTS=$(LOWEST).txt PYTEST_ARGS='$(PYTEST_ARGS) $(MAIN_TESTS)'
	$(LOWEST)/bin/python -m pip install --quiet -c $(LOWEST).txt $(AUDIT)
	$(LOWEST)/bin/python -m scripts.audit

check: $(TOOLS_INSTALLED) ## lint, format, types, layers, spelling, and the packaged copy of candidates.yaml
	$(PY) -m ruff check
	$(PY) -m ruff format --check
	$(PY) -m mypy
	$(VENV)/bin/lint-imports --no-cache
	$(PY) -m codespell_lib
	cmp candidates.yaml benchmark/registry/candidates.yaml

docs: $(TOOLS_INSTALLED) ## build the documentation site, with the report of a run on the demo, into build/site
	BENCH_CACHE=build/demo/cache $(VENV)/bin/bench run --candidates demo --quiet --output build/demo $(DEMO_OPTIONS)
	NO_MKDOCS_2_WARNING=true $(PY) -m mkdocs build --quiet

format: $(TOOLS_INSTALLED) ## put the code into its format, repair what the linter can, renew what is written from others
	$(PY) -m ruff check --fix
	$(PY) -m ruff format
	cp candidates.yaml benchmark/registry/candidates.yaml
	$(PY) -m scripts.command_reference
	$(PY) -m scripts.document_tables

bench: $(TOOLS_INSTALLED) ## measure speed, memory and start-up beside plain transformers, half an hour (BENCH_ARGS=--quick: 3 minutes)
	$(PY) -m performance.bench $(BENCH_ARGS)

clean: ## remove .venv and every cache and build; reports/ and .bench/ stay
	rm -rf $(VENV) $(LOWEST) $(LOWEST).txt build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .coverage

help: ## say what can be made
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' Makefile | expand -t 16

# A .venv of the same Python is kept; a broken one, or one of another Python, is made anew.
$(VENV_MADE):
	@case '$(WANTED)' in 3.11 | 3.12 | 3.13 | 3.14) ;; *) \
		echo "bench needs Python 3.11 to 3.14, and '$(PYTHON)' is not: name one, as in 'make PYTHON=python3.12'" >&2; \
		exit 1 ;; \
	esac
	@clear=--clear; \
	if [ "$$($(PY) -c '$(VERSION)' 2>/dev/null)" = '$(WANTED)' ]; then clear=; fi; \
	set -x; "$(PYTHON)" -m venv $$clear $(VENV)
	@touch $@

# Torch by itself and first, so that nothing that depends on it picks another build. On Linux the usual wheel brings
# gigabytes of CUDA packages: without an NVIDIA driver, and where pip is told of no index or folder of wheels of the
# user's own, PyTorch's index of CPU builds is asked as well.
$(TORCH_INSTALLED): $(VENV_MADE)
	@index='$(TORCH_INDEX_URL)'; \
	if [ "$$index" = auto ]; then \
		index=; \
		case "$$(uname -sm)" in 'Linux x86_64' | 'Linux aarch64') \
			if [ ! -e /proc/driver/nvidia ] && ! nvidia-smi >/dev/null 2>&1 \
				&& ! { $(PIP) config list 2>/dev/null; env | grep '^PIP_'; } \
					| grep -Eiq '(find[-_]links|index[-_]url|no[-_]index)='; then \
				index=https://download.pytorch.org/whl/cpu; \
			fi ;; \
		esac; \
	fi; \
	set -x; $(PIP) install -c $(CONSTRAINTS) $${index:+--extra-index-url "$$index"} $(TORCH)
	@touch $@

$(BENCH_INSTALLED): $(TORCH_INSTALLED) $(PINS)
	$(PIP) install -c $(CONSTRAINTS) -e .
	@touch $@

$(TOOLS_INSTALLED): $(TORCH_INSTALLED) $(PINS)
	$(PIP) install -c $(CONSTRAINTS) -e '.[dev]'
	@touch $(BENCH_INSTALLED) $@
