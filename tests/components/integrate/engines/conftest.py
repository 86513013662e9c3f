from __future__ import annotations

from collections.abc import Iterator

import pytest

from intclass.components.integrate.engines._fricas_program import find_program
from intclass.components.integrate.engines.fricas import FricasEngine
from intclass.components.shared.errors import EngineUnavailableError


@pytest.fixture(scope="session")
def fricas_engine() -> Iterator[FricasEngine]:
    """One FriCAS for all tests that leave it alive."""
    try:
        find_program()
    except EngineUnavailableError as error:
        pytest.skip(f"NOT TESTED: {error}")
    engine = FricasEngine()
    yield engine
    engine.close()


@pytest.fixture
def fresh_engine(fricas_engine: FricasEngine) -> Iterator[FricasEngine]:
    """A FriCAS of its own, for a test that harms it."""
    engine = FricasEngine()
    yield engine
    engine.close()
