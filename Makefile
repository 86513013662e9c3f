# Two commands do everything: `make run` and `make test`. Both install what they need into .venv first.

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
UV     := $(BIN)/uv

# uv ignores pip's find-links; a local CPU build of torch that pip would take is taken here too.
export UV_FIND_LINKS ?= $(PIP_FIND_LINKS)

# torch is pinned apart from constraints.txt: its CPU build has its own index (or a local wheel), and
# PyPI's Linux build would bring gigabytes of CUDA. For a GPU: make setup TORCH_BACKEND=cu130.
TORCH_VERSION ?= 2.13.0
TORCH_BACKEND ?= cpu
LOCAL_TORCH   := $(if $(UV_FIND_LINKS),$(wildcard $(patsubst file://%,%,$(UV_FIND_LINKS))/torch-$(TORCH_VERSION)+cpu-*.whl))
TORCH := $(if $(and $(LOCAL_TORCH),$(filter cpu,$(TORCH_BACKEND))),torch==$(TORCH_VERSION)+cpu,--torch-backend $(TORCH_BACKEND) torch==$(TORCH_VERSION))

# FriCAS, which proves integrals non-elementary: the system's program if there is one (`apt-get install fricas`, the
# fastest), else the one in a PyPI wheel (94 MB, 333 MB unpacked; GPL, a program of its own). FRICAS= does without.
FRICAS ?= $(if $(shell command -v fricas),,passagemath-fricas)

EXTRAS ?= all,dev
PRESET ?= laptop
PYTEST ?= $(BIN)/python -m pytest

.DEFAULT_GOAL := help
.PHONY: help setup run test test-all lint format compile bench dataset dataset-v1 model models images containers constraints clean

help:  ## list the commands
	@grep -hE '^[a-z0-9-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

$(UV):
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check "$$(grep '^uv==' constraints.txt)"

# The stamp depends on what is installed, so a second `make run` starts at once.
$(VENV)/.setup: pyproject.toml constraints.txt Makefile | $(UV)
	$(UV) pip install --quiet --python $(BIN)/python --constraint constraints.txt --editable '.[$(EXTRAS)]' $(TORCH)
	$(if $(FRICAS),$(UV) pip install --quiet --python $(BIN)/python --constraint constraints.txt --no-deps $(FRICAS))
	@touch $@

setup: $(VENV)/.setup  ## install everything into .venv

run: setup  ## run the whole pipeline on this machine (PRESET=laptop)
	$(BIN)/intclass run --preset $(PRESET)

test: setup  ## run the tests (without the slow ones)
	$(PYTEST)

test-all: setup  ## run every test, the slow ones too
	$(PYTEST) -m "slow or not slow"

lint: setup  ## what CI checks besides the tests
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	@mkdir -p .mypy/intclass && ln -sfn ../../components .mypy/intclass/components && ln -sfn ../../pipelines .mypy/intclass/pipelines
	$(BIN)/mypy

format: setup  ## let ruff format and fix
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

compile: setup  ## write pipelines/compiled/*.yaml
	$(BIN)/intclass compile

bench: setup  ## the measurements behind the numbers in the docs
	$(PYTEST) tests/benchmarks -m benchmark -s

dataset: setup  ## build dataset version 2 upon version 1, or resume it (half an hour)
	$(MAKE) -C datasets v2

dataset-v1: setup  ## build dataset version 1, or resume it (hours; BATCHES=2 grows it)
	$(MAKE) -C datasets v1

# The model that comes with the package: trained, measured against the baselines on every test split, copied.
SHIPPED := components/finetune/shipped
MODEL_OPTIONS := --optimizer muon --learning-rate 0.003 --weight-decay 0.05 --batch-tokens 4096 --num-layers 6 \
	--dropout 0.05 --epochs 7

model: setup  ## train the model that comes with the package, and measure it (an hour of one core)
	$(BIN)/intclass finetune datasets/v1 --out runs/model-v1 $(MODEL_OPTIONS) --seed 0
	$(BIN)/intclass evaluate runs/model-v1 datasets/v1 --out runs/model-v1-report
	mkdir -p $(SHIPPED)
	cp runs/model-v1/*.* runs/model-v1-report/report.html $(SHIPPED)
	cp runs/model-v1-report/model_card.md $(SHIPPED)/README.md

# Three seeds on dataset version 2, which docs/model.md measures, and all baselines, in one table.
MODELS := $(addprefix runs/model-v2-,0 1 2)

$(MODELS:%=%/manifest.json): | setup
	$(BIN)/intclass finetune datasets/v2 --out $(@D) $(MODEL_OPTIONS) --seed $(lastword $(subst -, ,$(@D)))

models: $(MODELS:%=%/manifest.json)  ## train three seeds on dataset version 2, and compare them with the baselines
	$(BIN)/intclass compare-models datasets/v2 $(MODELS) --out docs/models.md

# Containers, without a Docker engine. For GPUs: make image-train TORCH_BACKEND=cu130, whose tag says so.
ROLES         := cpu train launch serve
VERSION       := $(shell sed -n 's/^version = "\(.*\)"/\1/p' pyproject.toml)
REGISTRY      ?= ghcr.io/intclass
IMAGE_TAG     ?= $(VERSION)$(if $(filter-out cpu,$(TORCH_BACKEND)),-$(TORCH_BACKEND))
BUILDAH       ?= buildah
BUILDAH_FLAGS ?=

images: $(ROLES:%=image-%)  ## build the container images with buildah (one: make image-cpu)

image-%: images/%/Containerfile
	$(BUILDAH) build --format docker --layers $(BUILDAH_FLAGS) --file $< --tag $(REGISTRY)/intclass-python-$*:$(IMAGE_TAG) \
		--build-arg REVISION=$$(git rev-parse HEAD) $(if $(filter train serve,$*),--build-arg TORCH="$(TORCH)") .

# Each step in a container of its own image; their engine is Docker's if one answers, else Podman's.
ENGINE ?= $(if $(DOCKER_HOST)$(wildcard /var/run/docker.sock),docker,podman)

containers: setup  ## run the whole pipeline on this machine in the images (make images; ENGINE=docker or podman)
	$(BIN)/intclass run --runner $(ENGINE) --preset smoke --out runs/containers

constraints: $(UV)  ## resolve constraints.txt anew
	@echo 'torch==$(TORCH_VERSION)$(if $(LOCAL_TORCH),+cpu)' > $(VENV)/torch.txt
	$(UV) pip compile --quiet --universal --python-version 3.11 --all-extras --no-annotate --no-header \
		--no-emit-package torch --constraint $(VENV)/torch.txt --output-file constraints.txt pyproject.toml

clean:  ## remove the environment and the runs
	rm -rf $(VENV) runs build *.egg-info
