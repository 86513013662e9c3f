"""The search space: which options of finetune are searched, over which values, and which depend on others."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from types import NoneType
from typing import Any, Final, Literal, get_args, get_origin, get_type_hints

from intclass.components.finetune.config import FinetuneConfig
from intclass.components.shared.errors import ConfigError

Value = bool | int | float | str
Point = dict[str, Value]  # a value for each parameter that is open

_DRIVERS_OWN: Final = frozenset({"checkpoint_every", "device", "pause_after"})
_DECIMALS: Final = 12  # that a stepped value keeps: 0.1 + 2 * 0.1 shall be 0.3
_DIGITS: Final = 6  # that a value between the ends of a continuous range keeps on a grid


@dataclass(frozen=True, kw_only=True)
class Range:
    """Numbers from `low` to `high`, both included: whole ones, every `step`-th, or evenly spread in the logarithm."""

    low: float
    high: float
    log: bool = False
    step: float | None = None
    whole: bool = False

    def at(self, share: float) -> Value:
        """The value at a share (0 to below 1) of the range, of which all stepped values have equal parts."""
        if self.count is not None:
            return self._stepped(min(int(share * self.count), self.count - 1))
        return self._number(self._from_scale(self._low + share * (self._high - self._low)))

    def share(self, value: Value) -> float:
        """Where the value lies in the range, from 0 to 1."""
        assert not isinstance(value, str)
        width = self._high - self._low
        return (self._to_scale(value) - self._low) / width if width else 0.5

    def points(self, count: int) -> list[Value]:
        """At most `count` values from low to high, evenly spread."""
        if self.count is not None:
            count = min(count, self.count)
            places = [round(place * (self.count - 1) / max(count - 1, 1)) for place in range(count)]
            return [self._stepped(place) for place in places]
        if count == 1:
            return [self._number(self._from_scale((self._low + self._high) / 2))]
        scale = [self._low + place * (self._high - self._low) / (count - 1) for place in range(count)]
        inner = [self._number(float(f"{self._from_scale(each):.{_DIGITS}g}")) for each in scale[1:-1]]
        return list(dict.fromkeys([self._number(self.low), *inner, self._number(self.high)]))

    def neighbour(self, value: Value, factor: float, towards: int) -> Value:
        """The value times `factor`, within the range; a stepped one at least a step in the direction `towards`."""
        assert not isinstance(value, str)
        moved = min(max(value * factor, self.low), self.high)
        if self.count is None:
            return self._number(moved)
        step = self.step or 1
        place = round((moved - self.low) / step)
        if self._stepped(place) == value:
            place += towards
        return self._stepped(min(max(place, 0), self.count - 1))

    @property
    def count(self) -> int | None:
        """How many values there are, or None for a continuum and for whole numbers on a logarithmic scale."""
        if self.log or (self.step is None and not self.whole):
            return None
        return int((self.high - self.low) / (self.step or 1) + 1e-9) + 1

    @property
    def ends(self) -> tuple[Value, Value]:
        """The lowest and the highest value."""
        return self._number(self.low), self._number(self.high)

    @property
    def _low(self) -> float:
        return self._to_scale(self.low)

    @property
    def _high(self) -> float:
        return self._to_scale(self.high)

    def _to_scale(self, value: float) -> float:
        return math.log(value) if self.log else value

    def _from_scale(self, value: float) -> float:
        return min(max(math.exp(value) if self.log else value, self.low), self.high)

    def _stepped(self, place: int) -> Value:
        return self._number(round(self.low + place * (self.step or 1), _DECIMALS))

    def _number(self, value: float) -> Value:
        return round(value) if self.whole else float(value)


@dataclass(frozen=True)
class Choice:
    """One of some values, in an order that means nothing."""

    options: tuple[Value, ...]

    def at(self, share: float) -> Value:
        """The option at a share (0 to below 1), of which all have equal parts."""
        return self.options[min(int(share * len(self.options)), len(self.options) - 1)]

    def share(self, value: Value) -> float:
        """Where the option stands in the list, from 0 to 1."""
        return self.options.index(value) / max(len(self.options) - 1, 1)

    def points(self, count: int) -> list[Value]:
        """All options, however many values a range has."""
        return list(self.options)

    @property
    def ends(self) -> tuple[Value, ...]:
        """All options."""
        return self.options


Domain = Range | Choice


@dataclass(frozen=True)
class Condition:
    """Holds where another parameter is open and has one of these options."""

    parameter: str
    options: tuple[Value, ...]

    def holds(self, point: Mapping[str, Value]) -> bool:
        """Whether it holds at that point."""
        return self.parameter in point and point[self.parameter] in self.options


@dataclass(frozen=True)
class Parameter:
    """An option of finetune with its values; with `when` it is open only where that holds."""

    name: str
    domain: Domain
    when: Condition | None = None


@dataclass(frozen=True)
class SearchSpace:
    """The parameters, each after those it depends on."""

    parameters: tuple[Parameter, ...]

    def __post_init__(self) -> None:
        if not self.parameters:
            raise ConfigError("the search space is empty; name at least one option of `intclass finetune`")
        names = [parameter.name for parameter in self.parameters]
        if twice := next((name for name in names if names.count(name) > 1), None):
            raise ConfigError(f"search space: {twice} is there twice; give it one entry")
        for parameter in self.parameters:
            _check_parameter(parameter)
        for place, parameter in enumerate(self.parameters):
            _check_condition(parameter, before=self.parameters[:place])

    def __getitem__(self, name: str) -> Parameter:
        return next(parameter for parameter in self.parameters if parameter.name == name)

    @property
    def names(self) -> list[str]:
        """The parameters' names."""
        return [parameter.name for parameter in self.parameters]

    @property
    def is_conditional(self) -> bool:
        """Whether a parameter depends on another."""
        return any(parameter.when for parameter in self.parameters)

    def point(self, pick: Callable[[Parameter], Value]) -> Point:
        """The point whose open parameters have the values that `pick` gives, asked in their order."""
        point: Point = {}
        for parameter in self.parameters:
            if parameter.when is None or parameter.when.holds(point):
                point[parameter.name] = pick(parameter)
        return point

    def grid(self, points: int) -> Iterator[Point]:
        """Every combination of at most `points` values of each range and all options, none twice."""
        axes = [parameter.domain.points(points) for parameter in self.parameters]
        seen = set()
        for values in itertools.product(*axes):
            assignment = dict(zip(self.names, values, strict=True))
            point = self.point(lambda parameter, chosen=assignment: chosen[parameter.name])  # type: ignore[misc]
            if (key := tuple(point.items())) not in seen:
                seen.add(key)
                yield point

    def check(self, base: FinetuneConfig) -> None:
        """Raise ConfigError if finetune refuses one of the values, the other options being those of `base`."""
        for parameter in self.parameters:
            for value in parameter.domain.ends:
                try:
                    configuration(base, {parameter.name: value})
                except ConfigError as error:
                    raise ConfigError(f"search space: {error}") from error

    def to_json(self) -> list[dict[str, Any]]:
        """As plain values, for a file that says what was searched."""
        return [asdict(parameter) for parameter in self.parameters]


def configuration(base: FinetuneConfig, point: Mapping[str, Value]) -> FinetuneConfig:
    """The options of finetune at a point; raises ConfigError where they do not go together."""
    options: dict[str, Any] = {**asdict(base), **point}
    return FinetuneConfig(**options)


def range_for(name: str, numbers: Mapping[str, float], *, log: bool) -> Range:
    """The range of an option with `min`, `max` and perhaps `step`, whole where the option is."""
    whole = _kind(name) is int
    if whole and (broken := next((number for number in numbers.values() if number != int(number)), None)):
        raise ConfigError(f"search space: {name} is a whole number; {broken:g} is not")
    return Range(low=numbers["min"], high=numbers["max"], log=log, step=numbers.get("step"), whole=whole)


def _check_parameter(parameter: Parameter) -> None:
    name, domain = parameter.name, parameter.domain
    kind = _kind(name)
    if isinstance(domain, Choice):
        _check_options(name, domain.options, kind)
        return
    if kind not in (int, float):
        raise ConfigError(f"search space: {name} has no range; give it a list of values")
    if not (math.isfinite(domain.low) and math.isfinite(domain.high) and domain.low < domain.high):
        raise ConfigError(f"search space: {name} runs from {domain.low:g} to {domain.high:g}; give min below max")
    if domain.log and domain.low <= 0:
        raise ConfigError(f"search space: {name} is logarithmic from {domain.low:g}; give a min above 0")
    if domain.log and domain.step is not None:
        raise ConfigError(f"search space: {name} is logarithmic and has a step; give one of both")
    if domain.step is not None and not 0 < domain.step <= domain.high - domain.low:
        raise ConfigError(f"search space: {name} has the step {domain.step:g}; give one within its range")


def _check_options(name: str, options: Sequence[Value], kind: type) -> None:
    if len(set(options)) < max(len(options), 1):
        raise ConfigError(f"search space: {name} has options {list(options)}; give each once, and at least one")
    allowed = (int, float) if kind is float else (kind,)
    for option in options:
        if type(option) not in allowed:
            raise ConfigError(f"search space: {name} has the option {option!r}, which is no {kind.__name__}")


def _check_condition(parameter: Parameter, *, before: Sequence[Parameter]) -> None:
    if parameter.when is None:
        return
    name, when = parameter.name, parameter.when
    other = next((each for each in before if each.name == when.parameter), None)
    if other is None or not isinstance(other.domain, Choice):
        raise ConfigError(f"search space: {name} depends on {when.parameter}, which must be a list and stand before it")
    if unknown := [option for option in when.options if option not in other.domain.options] or not when.options:
        raise ConfigError(f"search space: {name} is open for {when.parameter} {unknown}, which is none of its options")


def _kind(name: str) -> type:
    """The type of an option of finetune: bool, int, float or str."""
    hints = get_type_hints(FinetuneConfig)
    if name not in {field.name for field in fields(FinetuneConfig)} - _DRIVERS_OWN:
        raise ConfigError(f"search space: {name} is no option of `intclass finetune` that can be searched")
    hint = hints[name]
    members = [each for each in get_args(hint) if each is not NoneType] if get_origin(hint) is not Literal else []
    inner = members[0] if members else hint
    return str if get_origin(inner) is Literal else inner
