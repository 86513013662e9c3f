"""A parameter's domain as Optuna has it."""

from __future__ import annotations

from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution

from intclass.components.tune.space import Choice, Domain


def distribution_of(domain: Domain) -> BaseDistribution:
    """The domain as Optuna has it."""
    if isinstance(domain, Choice):
        return CategoricalDistribution(domain.options)
    low, high = domain.ends
    if domain.count is not None:
        high = domain.points(domain.count)[-1]
    if domain.whole:
        return IntDistribution(int(low), int(high), log=domain.log, step=int(domain.step or 1))
    return FloatDistribution(float(low), float(high), log=domain.log, step=domain.step)
