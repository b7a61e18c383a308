# emotion-edge: `make demo` shows it, `make test` checks it, `make help` lists the rest.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
PYTHON ?= python3
DATA ?= $(or $(TEST_DATA),../shared/data)
VENV := .venv
DEV := .venv-dev
SLIM := .venv-slim
PIP_OPTIONS := --quiet --disable-pip-version-check

.DEFAULT_GOAL := help
.PHONY: help demo test test-edge check bench model report clip clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: $(VENV)/ready ## play the bundled clip through the daemon and print its MQTT events
	@$(VENV)/bin/emotion-edge demo $(ARGS)

test: $(DEV)/ready $(SLIM)/ready mosquitto ## run every test (real Mosquitto, LiteRT, TensorFlow, a slim environment)
	@TEST_DATA="$(DATA)" TEST_SLIM="$(SLIM)" $(DEV)/bin/python -m pytest $(ARGS)

test-edge: $(DEV)/ready-edge mosquitto ## run the tests of the device's part (no TensorFlow)
	@TEST_DATA="$(DATA)" $(DEV)/bin/python -m pytest tests/edge tests/hardware tests/systemd tests/clip tests/test_boundaries.py $(ARGS)

check: $(DEV)/ready ## lint, format check and types
	@$(DEV)/bin/ruff check .
	@$(DEV)/bin/ruff format --check .
	@$(DEV)/bin/mypy

bench: $(SLIM)/ready ## measure the loop, its start, memory and disk in a slim environment
	@$(SLIM)/bin/emotion-edge bench $(ARGS)

model: $(DEV)/ready ## train, quantise and compare the network anew (hours; DATA=folder with fer2013.npz)
	@TF_CPP_MIN_LOG_LEVEL=2 $(DEV)/bin/python -m train fit --recipe emotion --data "$(DATA)/fer2013.npz" --out runs/emotion --resume
	@TF_CPP_MIN_LOG_LEVEL=2 $(DEV)/bin/python -m convert quantise --model runs/emotion/model.keras --data "$(DATA)/fer2013.npz" --out edge/models/emotion
	@TF_CPP_MIN_LOG_LEVEL=2 $(DEV)/bin/python -m convert compare --model runs/emotion/model.keras --bundle edge/models/emotion --data "$(DATA)/fer2013.npz"

report: $(DEV)/ready ## every figure of the shipped network as one HTML page in runs/report (about 20 minutes)
	@TF_CPP_MIN_LOG_LEVEL=2 $(DEV)/bin/python -m train report --data "$(DATA)" --float train/weights/emotion.keras --out runs/report $(ARGS)

clip: $(DEV)/ready ## build the bundled clip anew from DATA
	@$(DEV)/bin/python tests/clip/build.py --data "$(DATA)"

clean: ## remove environments, caches and builds (runs/ with its checkpoints stays)
	@rm -rf $(VENV) $(DEV) $(SLIM) build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis

# --- environments -----------------------------------------------------------------------------------
# A fresh Debian has python3 without venv: .ci/venv.sh says what to install, or installs it as root.

$(VENV)/ready: pyproject.toml
	@.ci/venv.sh "$(PYTHON)" $(VENV)
	@echo "Installing emotion-edge with its demo broker into $(VENV) …"
	@$(VENV)/bin/python -m pip install $(PIP_OPTIONS) -e '.[demo]'
	@touch $@

$(SLIM)/ready: pyproject.toml
	@.ci/venv.sh "$(PYTHON)" $(SLIM)
	@echo "Installing the device's package alone into $(SLIM) …"
	@$(SLIM)/bin/python -m pip install $(PIP_OPTIONS) -e .
	@touch $@

$(DEV)/ready-edge: pyproject.toml
	@.ci/venv.sh "$(PYTHON)" $(DEV)
	@echo "Installing the device's package and the test tools into $(DEV) …"
	@$(DEV)/bin/python -m pip install $(PIP_OPTIONS) -e '.[demo,dev]'
	@touch $@

$(DEV)/ready: $(DEV)/ready-edge
	@echo "Installing TensorFlow and the training tools into $(DEV) (about 2 GB, some minutes) …"
	@$(DEV)/bin/python -m pip install $(PIP_OPTIONS) -e '.[demo,train,convert,dev]'
	@touch $@

.PHONY: mosquitto
mosquitto:
	@.ci/mosquitto.sh
