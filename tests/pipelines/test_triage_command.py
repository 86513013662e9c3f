from __future__ import annotations

from pathlib import Path

import pytest

from intclass.components.shared.errors import ConfigError
from intclass.pipelines.triage import _texts


def test_comments_and_empty_lines_are_passed_over(tmp_path: Path) -> None:
    file = tmp_path / "functions.txt"
    file.write_text("# from chapter 3\n\nx*exp(x**2)\n  sin(x)/x  # the sine integral\n#x\n")
    assert _texts(str(file)) == ["x*exp(x**2)", "sin(x)/x"]


def test_a_file_of_nothing_but_comments_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "functions.txt"
    file.write_text("# nothing yet\n")
    with pytest.raises(ConfigError, match="no integrand in it"):
        _texts(str(file))
