"""The wheel: built, installed in a clean environment, imported under its own name and no other."""

from __future__ import annotations

import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())


def _packages() -> set[str]:
    return {
        "intclass." + folder.relative_to(ROOT).as_posix().replace("/", ".")
        for top in ("components", "pipelines")
        for folder in [ROOT / top, *(ROOT / top).rglob("*")]
        if folder.is_dir() and (folder / "__init__.py").exists()
    }


def test_the_package_list_is_in_step_with_the_folders() -> None:
    assert set(PROJECT["tool"]["setuptools"]["packages"]) == _packages()


def test_every_source_file_lies_in_a_package() -> None:
    for top in ("components", "pipelines"):
        for file in (ROOT / top).rglob("*.py"):
            assert (file.parent / "__init__.py").exists(), f"{file.parent} has no __init__.py"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("wheel")
    subprocess.run([sys.executable, "-m", "uv", "build", "--quiet", "--wheel", "--out-dir", out, ROOT], check=True)
    [path] = out.glob("*.whl")
    return path


def test_the_wheel_holds_the_data_files_and_nothing_bare(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    tops = {name.split("/")[0] for name in names}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"intclass"}
    assert "intclass/pipelines/compiled/integrability.yaml" in names
    sources = {
        path.relative_to(ROOT).as_posix() for top in ("components", "pipelines") for path in (ROOT / top).rglob("*.*")
    }
    data = {f"intclass/{name}" for name in sources if not name.endswith((".py", ".pyc"))}
    assert data <= names


def test_it_works_in_a_clean_environment(wheel: Path, tmp_path: Path) -> None:
    uv = [sys.executable, "-m", "uv"]
    environment = tmp_path / "venv"
    subprocess.run([*uv, "venv", "--quiet", "--python", sys.executable, environment], check=True)
    python = environment / "bin" / "python"
    constraints = ROOT / "constraints.txt"
    subprocess.run([*uv, "pip", "install", "--quiet", "--python", python, "-c", constraints, wheel], check=True)
    script = (
        "import importlib.util, intclass.components.shared.records as records\n"
        "from intclass.components.shared.expressions import parse, to_text\n"
        "from intclass.pipelines.compiling import COMPILED\n"
        "assert COMPILED.exists() and 'site-packages' in records.__file__\n"
        "assert importlib.util.find_spec('components') is None\n"
        "print(to_text(parse('x^2 + 1')))\n"
    )
    done = subprocess.run([python, "-c", script], check=True, capture_output=True, text=True, cwd=tmp_path)
    assert done.stdout.strip() == "x**2 + 1"
