"""What is compared: each configuration as the processes and the options that it adds to a training."""

from __future__ import annotations

from dataclasses import dataclass

from intclass.components.shared.errors import ConfigError


@dataclass(frozen=True)
class Configuration:
    """A way to train: a short name, how many ranks torchrun starts, and options of `intclass finetune`."""

    name: str
    ranks: int
    options: tuple[str, ...] = ()
    processes: int = 0  # that learn, where the ranks start them themselves
    runs: int = 1  # more than one where what comes out differs from run to run


def configurations(workers: int, *, batch_tokens: int, average_every: int, runs: int) -> list[Configuration]:
    """One process, and every strategy with so many workers; the first is what the others are compared with.

    One process takes the batches that the workers take together, so that it does the same steps as `ddp`. The servers
    of `parameter-server` are a process more; without a batch of all workers together, its and hogwild's are larger.
    """
    together = f"--batch-tokens={batch_tokens * workers}"
    local = ("--strategy=local-sgd", f"--average-every={average_every}")
    server = "--strategy=parameter-server"
    hogwild = ("--strategy=hogwild", f"--workers={workers}", "--device=cpu")
    return [
        Configuration("one process", 1, (together,)),
        Configuration("ddp", workers),
        Configuration("local-sgd", workers, local),
        Configuration("local-sgd, DiLoCo", workers, (*local, "--outer-momentum=0.9")),
        Configuration("parameter-server, sync", workers + 1, (server,)),
        Configuration("parameter-server, stale", workers + 1, (server, "--consistency=stale"), runs=runs),
        Configuration("parameter-server, async", workers + 1, (server, "--consistency=async"), runs=runs),
        Configuration("hogwild", 1, hogwild, processes=workers, runs=runs),
    ]


def chosen(all_: list[Configuration], names: list[str]) -> list[Configuration]:
    """Those whose names begin with one of `names` (all for none), the first always; raises ConfigError for others."""
    for name in names:
        if not any(each.name.startswith(name) for each in all_):
            raise ConfigError(f"only is {name!r}; choose from {', '.join(each.name for each in all_)}")
    return [each for each in all_ if each is all_[0] or not names or each.name.startswith(tuple(names))]
