# Two commands are all a new machine needs: `make demo` and `make test`.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
WORKSPACE ?= workspace

.PHONY: demo test integration bench mutants lint format lock install clean

demo: $(INSTALLED)  ## install and run the whole pipeline on a synthetic cohort
	$(BIN)/shazam demo --workspace $(WORKSPACE)

test: $(INSTALLED)  ## unit and property tests and one small run
	$(BIN)/python -m pytest -m "not integration" -n 2 --dist loadfile --no-loadscope-reorder

integration: $(INSTALLED)  ## real slides and tiles (SHAZAM_SHARED_DATA names their folder)
	$(BIN)/python -m pytest -m integration -n 2 --dist loadfile --no-loadscope-reorder

bench: $(INSTALLED)  ## ratios against the published way, on real pixels (SHAZAM_SHARED_DATA)
	$(BIN)/python -m benchmarks

mutants: $(INSTALLED)  ## mutation tests of what promotion stands on, by hand; goes on where it stopped
	$(BIN)/python -m pip install --quiet -c requirements.lock mutmut
	$(BIN)/mutmut run
	$(BIN)/python -m benchmarks.mutation  # keeps the counts, and the names of those that live

lint: $(INSTALLED)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: $(INSTALLED)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

install: $(INSTALLED)

$(INSTALLED): pyproject.toml requirements.lock
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c requirements.lock -e '.[demo,dev]'
	touch $@

lock: $(INSTALLED)  ## resolve the pinned environment anew
	$(BIN)/uv pip compile --python-version 3.11 --all-extras --no-annotate --no-header \
		--upgrade pyproject.toml -o requirements.lock

clean:
	rm -rf $(VENV) build *.egg-info .mypy_cache .ruff_cache .pytest_cache
