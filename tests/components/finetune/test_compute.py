from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from intclass.components.finetune.compute import choose_compute, choose_device, reproducible, usable_cores
from intclass.components.shared.errors import ConfigError


def test_auto_is_a_device_that_works() -> None:
    assert torch.ones(1, device=choose_device("auto")).item() == 1


@pytest.mark.parametrize("name", ["cuda:99", "abacus", ""])
def test_a_device_that_is_not_there_is_refused(name: str) -> None:
    with pytest.raises(ConfigError, match=r"device '.*' cannot be used here"):
        choose_device(name)


def test_bfloat16_products_where_asked_for() -> None:
    def product(precision: str) -> torch.dtype:
        with choose_compute("cpu", precision).autocast():  # type: ignore[arg-type]
            return (torch.ones(2, 2) @ torch.ones(2, 2)).dtype

    assert product("float32") == torch.float32
    assert product("bfloat16") == torch.bfloat16
    capable = any(torch.cpu.get_capabilities().get(name, False) for name in ("amx_bf16", "avx512_bf16"))
    assert product("auto") == (torch.bfloat16 if capable else torch.float32)


@pytest.mark.parametrize(
    ("limit", "cores"), [("100000 100000", 1), ("50000 100000", 1), ("99900000 100000", None), ("max 100000", None)]
)
def test_a_containers_limit_counts(tmp_path: Path, limit: str, cores: int | None) -> None:
    unlimited = usable_cores(tmp_path / "missing")
    assert unlimited >= 1
    (tmp_path / "cpu.max").write_text(f"{limit}\n")
    assert usable_cores(tmp_path / "cpu.max") == (cores or unlimited)


def test_the_seed_decides_and_the_outer_state_is_left_alone() -> None:
    state, threads = torch.get_rng_state(), torch.get_num_threads()
    drawn = []
    for _ in range(2):
        with reproducible(7):
            drawn.append(torch.rand(3))
            assert torch.get_num_threads() <= usable_cores()
    assert torch.equal(drawn[0], drawn[1])
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.get_num_threads() == threads


@pytest.mark.slow  # torch's compiler takes seconds to load
def test_without_a_compiler_compiling_is_refused_in_one_line(tmp_path: Path) -> None:
    program = (
        "import torch; from intclass.components.finetune.compute import check_compiling;"
        "check_compiling(torch.device('cpu'))"
    )
    environment = {
        **os.environ,
        "PATH": "",
        "CXX": "",
        "TORCHINDUCTOR_CACHE_DIR": str(tmp_path),
        "OMP_NUM_THREADS": "1",
    }
    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=False)
    last = done.stderr.splitlines()[-1]
    assert "ConfigError: compile is True, but torch.compile fails here (" in last
    assert last.endswith("install a C++ compiler (g++), or leave it out")
