# Thin entry points: every target calls the command line, mtj_gxnor, in .venv. Variables are given here, for
# example `make test SIM=icarus` or `make train DATASET=mnist EPOCHS=20`.

PYTHON ?= python3
VENV := .venv
RUN := $(VENV)/bin/python
MTJ := $(RUN) -m mtj_gxnor
STAMP := $(VENV)/.stamp

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help setup lint verilog registers check test test-full test-fpga test-training bitstream flash train wire accuracy accuracy-table \
  nonidealities data infer import ablation fit device bench bench-history integration waves figures docs clean

# A variable of the command line that nothing here reads is a mistake, which make would pass over.
READ := $(shell grep -oE '[A-Z_]{3,}' Makefile)
GIVEN := $(foreach name,$(.VARIABLES),$(if $(filter command,$(origin $(name))),$(name)))
$(foreach name,$(filter-out $(READ),$(GIVEN)),$(error unknown variable $(name): make help names those of each target))

# Verilator's own calls of make must not inherit this one's options.
unexport MAKEFLAGS MFLAGS

# $(call quoted,VALUE): one word of a shell, whatever is in it.
quoted = '$(subst ','\'',$(1))'
# $(call option,NAME,VARIABLE): --NAME with the variable's value, when it has one.
option = $(if $($(2)),--$(1) $(call quoted,$($(2))))

# PyTorch is not in the lock file: its builds for processors and for GPUs have one version and different files. What is
# given here goes to pip, so that a machine can name its own, for example TORCH='torch==2.13.0 --index-url ...'.
TORCH ?= torch==2.13.0
TRAINING := $(VENV)/.stamp-training
DOCS := $(VENV)/.stamp-docs

TEST = SIM=$(call quoted,$(or $(SIM),verilator)) $(if $(WAVES),WAVES=$(call quoted,$(WAVES))) $(if $(SEED),SEED=$(call quoted,$(SEED))) $(RUN) -m pytest -n auto --dist worksteal

help: ## list the targets
	@sed -nE 's/^([a-z-]+):.*## (.*)/\1|\2/p' Makefile | while IFS='|' read -r target text; do printf '%-14s %s\n' "$$target" "$$text"; done

setup: $(STAMP) ## make .venv with everything in requirements.lock

define CHECK
need() { command -v "$$1" >/dev/null || { echo "error: $$1 is missing: apt-get install $$2" >&2; exit 1; }; }; \
need $(call quoted,$(PYTHON)) python3; need c++ g++; need make make; need perl perl; \
$(call quoted,$(PYTHON)) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' || \
  { echo "error: $$($(call quoted,$(PYTHON)) --version 2>&1) does not do, Python 3.11, 3.12 or 3.13 is needed: apt-get install python3.11, or name one with PYTHON=" >&2; exit 1; }; \
$(call quoted,$(PYTHON)) -c 'import venv, ensurepip' 2>/dev/null || \
  { echo "error: the venv module is missing: apt-get install python3-venv" >&2; exit 1; }
endef

$(STAMP): requirements.lock
	@$(CHECK)
	$(call quoted,$(PYTHON)) -m venv --clear $(VENV)
	$(RUN) -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@test -n "$$($(RUN) -m find_libpython)" || \
	  { echo "error: the shared library of Python is missing: apt-get install libpython3.$$($(RUN) -c 'import sys; print(sys.version_info[1])')" >&2; exit 1; }
	@touch $@

$(TRAINING): $(STAMP) requirements-training.lock
	$(RUN) -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-training.lock
	$(RUN) -m pip install --quiet --disable-pip-version-check $(TORCH)
	@touch $@

$(DOCS): $(STAMP) requirements-docs.lock
	$(RUN) -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-docs.lock
	@touch $@

lint: $(STAMP) ## style, types, and the generated Verilog of every configuration
	$(RUN) -m ruff check
	$(RUN) -m ruff format --check
	$(RUN) -m pyright
	$(VENV)/bin/lint-imports
	$(MTJ) lint

verilog: $(STAMP) ## generate a machine: CONFIG=digits, or another name or TOML file; PREFIX of modules and files
	$(MTJ) verilog --config $(call quoted,$(or $(CONFIG),digits)) $(call option,prefix,PREFIX)

registers: $(STAMP) ## write docs/registers.md, the C header and HTML pages from gen/registers.rdl
	$(MTJ) registers

check: $(STAMP) ## what one runs while working: style, types, golden model, every block and machine at its smallest
	$(RUN) -m ruff check
	$(RUN) -m pyright
	$(VENV)/bin/lint-imports
	$(TEST) -m 'not slow and not fpga' -k 'golden or documents or tiny' \
	  cocotb_tests/documents cocotb_tests/golden cocotb_tests/hdl cocotb_tests/machine/test_machine.py

test: $(STAMP) ## tests that take seconds: SIM=verilator|icarus WAVES=1 SEED=n
	$(TEST) -m 'not slow and not fpga'

test-full: $(STAMP) ## all tests but those of test-fpga, the slow ones too; options as for test
	$(TEST) -m 'not fpga'

test-fpga: $(STAMP) ## synthesize machines; train netlists and a bitstream; formal equivalence: half an hour
	$(RUN) -m pytest -m fpga cocotb_tests/fpga

bitstream: $(STAMP) ## make the bitstream of BOARD=ulx3s, orangecrab, icebreaker, tangnano9k, a variant or a file: CONFIG TARGET_MHZ
	$(MTJ) bitstream --board $(call quoted,$(or $(BOARD),icebreaker)) $(call option,config,CONFIG) $(call option,target-mhz,TARGET_MHZ)

flash: $(STAMP) ## load the bitstream of BOARD into it
	$(MTJ) flash --board $(call quoted,$(or $(BOARD),icebreaker))

train: $(STAMP) ## train: DATASET CONFIG DATA_DIR SAMPLES EPOCHS SIM=verilator|icarus|golden|fast TRANSPORT=axi SEED RESUME=1 WAVES=1
	$(MTJ) train $(call option,dataset,DATASET) $(call option,config,CONFIG) \
	  $(call option,data-dir,DATA_DIR) $(call option,samples,SAMPLES) $(call option,epochs,EPOCHS) \
	  $(call option,sim,SIM) $(call option,transport,TRANSPORT) $(call option,seed,SEED) $(if $(RESUME),--resume) $(if $(WAVES),--waves)

# Four cycles a bit at the usual clock: faster than a serial line, as the simulation is slower than a board.
wire: $(STAMP) ## train a simulated board over its serial line: DATASET CONFIG DATA_DIR SAMPLES EPOCHS SEED NOISE=seed/rate
	$(MTJ) board train --port sim --baud 6000000 $(call option,dataset,DATASET) $(call option,config,CONFIG) \
	  $(call option,data-dir,DATA_DIR) $(call option,samples,SAMPLES) $(call option,epochs,EPOCHS) \
	  $(call option,seed,SEED) $(call option,noise,NOISE)

test-training: $(TRAINING) ## tests of training/, with PyTorch
	$(RUN) -m pytest -n auto --dist worksteal cocotb_tests/training

accuracy: $(TRAINING) ## train in PyTorch: DATASET RULE=accumulate|mtj|gxnor|ste|bop SEED CONFIG DATA_DIR RESUME=1 TIME_LIMIT ..., see docs/accuracy.md
	$(MTJ) accuracy $(call option,dataset,DATASET) $(call option,rule,RULE) $(call option,seed,SEED) \
	  $(call option,network,NETWORK) $(call option,config,CONFIG) $(call option,width,WIDTH) \
	  $(call option,weights,WEIGHTS) $(call option,activations,ACTIVATIONS) $(call option,samples,SAMPLES) \
	  $(call option,epochs,EPOCHS) $(call option,batch,BATCH) $(call option,rate,RATE) $(call option,rate-end,RATE_END) \
	  $(call option,norm-rate,NORM_RATE) $(call option,augment,AUGMENT) $(call option,devices,DEVICES) \
	  $(call option,precision,PRECISION) $(call option,layout,LAYOUT) $(call option,device,DEVICE) $(call option,threads,THREADS) \
	  $(call option,data-dir,DATA_DIR) $(if $(RESUME),--resume) $(call option,time-limit,TIME_LIMIT)

accuracy-table: $(TRAINING) ## finished runs of make accuracy into docs/accuracy.md
	$(MTJ) accuracy-table

nonidealities: $(TRAINING) ## accuracy of MNIST against what is wrong with the array, into docs/: DATA_DIR SEEDS TIME_LIMIT
	$(MTJ) nonidealities $(call option,data-dir,DATA_DIR) $(call option,seeds,SEEDS) $(call option,time-limit,TIME_LIMIT)

data: $(TRAINING) ## fetch a data set from its publisher: DATASET=mnist|cifar10|svhn DATA_DIR
	$(MTJ) data --dataset $(call quoted,$(DATASET)) $(call option,data-dir,DATA_DIR)

import: $(TRAINING) ## a ternary network in QONNX as a weights file: QONNX CONFIG OUTPUT DATA_DIR
	$(MTJ) import $(call quoted,$(QONNX)) $(call option,config,CONFIG) $(call option,output,OUTPUT) $(call option,data-dir,DATA_DIR)

infer: $(STAMP) ## a trained network in RTL against its predictions: WEIGHTS CONFIG DATA_DIR SAMPLES
	@test -n $(call quoted,$(WEIGHTS)) || { echo "error: WEIGHTS= is missing: a file that make accuracy CONFIG=... writes" >&2; exit 1; }
	$(MTJ) infer --weights $(call quoted,$(WEIGHTS)) $(call option,config,CONFIG) $(call option,data-dir,DATA_DIR) \
	  $(call option,samples,SAMPLES)

fit: $(STAMP) ## fit a device to measured switching: CSV MODEL GEOMETRY TEMPERATURE ATTEMPT_TIME RESISTANCE CONFIG OUTPUT
	@test -n $(call quoted,$(CSV)) || { echo "error: CSV= is missing: a file of measured switching, see docs/device.md" >&2; exit 1; }
	$(MTJ) fit $(call quoted,$(CSV)) $(call option,model,MODEL) $(call option,geometry,GEOMETRY) \
	  $(call option,temperature,TEMPERATURE) $(call option,attempt-time,ATTEMPT_TIME) \
	  $(call option,resistance,RESISTANCE) $(call option,config,CONFIG) \
	  $(call option,output,OUTPUT)

device: $(STAMP) ## report on device physics, with plots: DEVICE TEMPERATURE OVERDRIVE TRAJECTORIES CODE_BITS SEED
	$(MTJ) device $(call option,device,DEVICE) $(call option,temperature,TEMPERATURE) \
	  $(call option,overdrive,OVERDRIVE) $(call option,trajectories,TRAJECTORIES) \
	  $(call option,code-bits,CODE_BITS) $(call option,seed,SEED)

figures: train ## train, keep the picture for the README, and draw the figures of the documents
	cp build/reports/train.png docs/train.png
	$(RUN) -m docs.figures

docs: $(DOCS) ## build the documents with an API reference into build/docs/; warnings are errors
	rm -rf docs/api
	$(RUN) -m sphinx --quiet --fail-on-warning --keep-going --conf-dir docs . build/docs
	@echo build/docs/docs/index.html

ablation: $(STAMP) ## what each choice of the MNIST recipe is worth, into docs/training.md: DATA_DIR EPOCHS SEEDS
	$(MTJ) ablation $(call option,data-dir,DATA_DIR) $(call option,epochs,EPOCHS) $(call option,seeds,SEEDS)

bench: $(STAMP) ## how fast every way of running the machine is: SAMPLES REPETITIONS
	$(MTJ) bench $(call option,samples,SAMPLES) $(call option,repetitions,REPETITIONS)

bench-history: $(STAMP) ## add this commit's figures to docs/bench-history.csv, after make bench and bitstream: TEST_MINUTES
	$(MTJ) bench-history $(call option,test-minutes,TEST_MINUTES)

integration: $(STAMP) ## random traffic on the bus, RTL against golden block: TRANSACTIONS SEED
	$(MTJ) integration $(call option,transactions,TRANSACTIONS) $(call option,seed,SEED)

waves: $(STAMP) ## record and draw the timing diagrams of docs/integration.md
	$(MTJ) waves

clean: ## remove what was built; .venv stays
	rm -rf build docs/api .pytest_cache .ruff_cache
	find . -name __pycache__ -not -path './$(VENV)/*' -prune -exec rm -rf {} +
