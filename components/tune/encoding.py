"""A search space as Katib's algorithms can take it, and their answers as options of finetune again.

Katib's algorithms come from four libraries behind one face, and each reads a parameter in its own way (kubeflow/katib
0.19, pkg/suggestion/v1beta1): Hyperopt (random, tpe) rounds steps to multiples of the step; Optuna (grid,
multivariate-tpe) knows steps and logarithms; skopt (bayesianoptimization) takes every double for logarithmic; Goptuna
(cmaes, sobol), hyperband and pbt know no logarithm, and pbt makes doubles of whole numbers. What an algorithm would
read wrongly is given to it as a list of values, which all of them take as it is; what cannot be said is refused.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from kubeflow.katib import V1beta1FeasibleSpace, V1beta1ParameterSpec

from intclass.components.shared.errors import ConfigError
from intclass.components.tune.space import Choice, Parameter, Point, Range, SearchSpace, Value

_UNIFORM_ONLY: Final = frozenset({"cmaes", "sobol", "hyperband", "pbt"})
_LISTS_ONLY: Final = frozenset({"grid", "pbt"})
_HYPEROPT: Final = frozenset({"random", "tpe"})
_LIST: Final = 9  # values of a continuous range
_LONGEST_LIST: Final = 50
_TOLERANCE: Final = 1e-9


def encoded_space(space: SearchSpace, algorithm: str, *, points: int) -> list[V1beta1ParameterSpec]:
    """The parameters for that algorithm; a range on the grid becomes at most `points` values.

    Raises ConfigError, with the reason, for what Katib cannot express.
    """
    if space.is_conditional:
        closed = [parameter.name for parameter in space.parameters if parameter.when]
        raise ConfigError(
            f"Katib knows no conditions, which {', '.join(closed)} has; take `when` out, or --launcher local"
        )
    return [_encoded(parameter, algorithm, points) for parameter in space.parameters]


def decoded_point(assignments: Mapping[str, str], space: SearchSpace) -> Point:
    """What a trial's assignments mean."""
    return {
        parameter.name: _decoded(assignments[parameter.name], parameter)
        for parameter in space.parameters
        if parameter.name in assignments
    }


def argument(parameter: Parameter, placeholder: str) -> str:
    """The argument of finetune into which Katib writes the value; of a switch the value is the argument itself."""
    return placeholder if _is_switch(parameter) else f"--{parameter.name.replace('_', '-')}={placeholder}"


def _encoded(parameter: Parameter, algorithm: str, points: int) -> V1beta1ParameterSpec:
    domain = parameter.domain
    if isinstance(domain, Choice):
        return _listed(parameter, domain.options)
    if algorithm == "cmaes" and domain.log:
        raise ConfigError(f"Katib's cmaes cannot move {parameter.name} on a logarithmic scale; take tpe, or drop `log`")
    if _must_be_list(domain, algorithm):
        return _listed(parameter, domain.points(_list_length(domain, algorithm, points)))
    feasible = V1beta1FeasibleSpace(
        min=_written(domain.ends[0]),
        max=_written(domain.ends[1]),
        step=_written(domain.step) if domain.step is not None else None,
        distribution="logUniform" if domain.log else "uniform",
    )
    kind = "int" if domain.whole else "double"
    return V1beta1ParameterSpec(name=parameter.name, parameter_type=kind, feasible_space=feasible)


def _must_be_list(domain: Range, algorithm: str) -> bool:
    """Whether the algorithm would read the range as another one."""
    if algorithm in _LISTS_ONLY or (domain.log and algorithm in _UNIFORM_ONLY):
        return True
    if algorithm == "bayesianoptimization":
        return domain.log == domain.whole or domain.step is not None  # doubles are logarithmic, whole numbers are not
    if algorithm in _HYPEROPT and domain.step is not None:
        return not (_is_multiple(domain.low, domain.step) and _is_multiple(domain.high, domain.step))
    return False


def _list_length(domain: Range, algorithm: str, points: int) -> int:
    """How many values of a range a list has: few on a grid, else every one where they can be counted."""
    if algorithm == "grid":
        return points
    return domain.count if domain.count is not None and domain.count <= _LONGEST_LIST else max(points, _LIST)


def _is_multiple(value: float, step: float) -> bool:
    return abs(value / step - round(value / step)) < _TOLERANCE


def _listed(parameter: Parameter, options: tuple[Value, ...] | list[Value]) -> V1beta1ParameterSpec:
    """A categorical parameter, whose values Katib hands on as they are."""
    written = [_written(option) for option in options]
    if _is_switch(parameter):
        name = parameter.name.replace("_", "-")
        written = [f"--{name}" if option else f"--no-{name}" for option in options]
    feasible = V1beta1FeasibleSpace(list=written)
    return V1beta1ParameterSpec(name=parameter.name, parameter_type="categorical", feasible_space=feasible)


def _is_switch(parameter: Parameter) -> bool:
    return isinstance(parameter.domain, Choice) and isinstance(parameter.domain.options[0], bool)


def _written(value: Value) -> str:
    return repr(value) if isinstance(value, float) else str(value)


def _decoded(text: str, parameter: Parameter) -> Value:
    if isinstance(parameter.domain, Choice):
        listed = _listed(parameter, parameter.domain.options).feasible_space.list
        value: Value = dict(zip(listed, parameter.domain.options, strict=True))[text]
        return value
    return round(float(text)) if parameter.domain.whole else float(text)
