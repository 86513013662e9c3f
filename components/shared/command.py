"""Running a stage's command: one-line errors, exit code 0 only on success."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any, NoReturn

import typer

from intclass.components.shared.errors import IntclassError, LostRankError

EXIT_BAD_INPUT = 2
EXIT_INTERRUPTED = 130
# The training operator makes a pod anew from 128 on; 138 (SIGUSR1) is the code it leaves to programs for that.
EXIT_TRY_AGAIN = 138


def application(**settings: Any) -> typer.Typer:  # noqa: ANN401 - handed through to Typer
    """A Typer application with the house's settings: help with -h too, no shell-completion options."""
    return typer.Typer(
        add_completion=False,
        pretty_exceptions_enable=False,
        rich_markup_mode="markdown",
        context_settings={"help_option_names": ["-h", "--help"]},
        **settings,
    )


def guarded(call: Callable[[], object]) -> NoReturn:
    """Call it and exit: 0 on success, 130 on Ctrl-C; with a line on stderr 138 for a lost rank, 2 for other errors."""
    try:
        call()
    except IntclassError as error:
        message = " ".join(str(error).split())
        sys.stderr.write(f"error: {message}\n")
        sys.exit(EXIT_TRY_AGAIN if isinstance(error, LostRankError) else EXIT_BAD_INPUT)
    except KeyboardInterrupt:
        sys.stderr.write("interrupted\n")
        sys.exit(EXIT_INTERRUPTED)
    sys.exit(0)


def run(command: Callable[..., object]) -> NoReturn:
    """Run one command function as a program (`python -m intclass.components.<stage>`)."""
    app = application()
    app.command()(command)
    guarded(app)
