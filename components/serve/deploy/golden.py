"""Golden requests: questions to a deployed service whose right answers are the model's own, computed here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Self

from intclass.components.serve.client import TOLERANCE, ask_v1, hold_against, predict_v1
from intclass.components.serve.deploy.config import DeployConfig
from intclass.components.shared.errors import ServingError

if TYPE_CHECKING:
    import httpx

INTEGRANDS: Final = ("x*exp(x**2)", "exp(x**2)", "sin(x)/x", "1/(x**2 + 1)", "x**2*log(x)", "1/log(x)")


@dataclass(frozen=True, kw_only=True)
class Golden:
    """Integrands, what is sent for them, and the probabilities that must come back.

    KServe's Hugging Face runtime reads no integrand: it is sent what the model reads, prefix words or the canonical
    text, and answers without the model's calibration.
    """

    config: DeployConfig
    integrands: tuple[str, ...]
    sent: tuple[str, ...]
    expected: tuple[float, ...]
    labels: tuple[str, ...]

    @classmethod
    def of(cls, model: str, integrands: Sequence[str], config: DeployConfig) -> Self:
        """The answers of the model in a folder or below gs://; raises what `Classifier.load` and `predict` raise."""
        from intclass.components.finetune import Classifier

        classifier = Classifier.load(model)
        if config.runtime == "intclass":
            sent, expected = list(integrands), classifier.predict(integrands)
        else:
            sent, expected = classifier.read(integrands), classifier.predict(integrands, calibrated=False)
        return cls(
            config=config,
            integrands=tuple(integrands),
            sent=tuple(sent),
            expected=tuple(float(probability) for probability in expected),
            labels=tuple(classifier.labels),
        )

    def check(self, client: httpx.Client) -> list[dict[str, Any]]:
        """The service's answers, as `ask_v1` gives them, all questions in one request; over V1 and, if ours, over V2.

        Raises ServingError if one is refused or is not the model's, httpx's errors if the service cannot be reached.
        """
        if self.config.runtime == "intclass":
            return hold_against(client, self.integrands, lambda: self.expected, model_name=self.config.name)
        return [self._compared(number, said) for number, said in enumerate(self._probabilities(client, self.sent))]

    def ask(self, client: httpx.Client, number: int) -> None:
        """One question, taken in turn; raises as `check` does."""
        place = number % len(self.sent)
        [said] = self._probabilities(client, [self.sent[place]])
        self._compared(place, said)

    def _probabilities(self, client: httpx.Client, texts: Sequence[str]) -> list[float]:
        if self.config.runtime == "intclass":
            return [answer["probability"] for answer in ask_v1(client, texts, model_name=self.config.name)]
        predictions = predict_v1(client, texts, model_name=self.config.name)
        return [float(probabilities["1"]) for probabilities in predictions]

    def _compared(self, place: int, said: float) -> dict[str, Any]:
        integrand, probability = self.integrands[place], self.expected[place]
        if abs(said - probability) > TOLERANCE:
            raise ServingError(f"{integrand}: the service says {said:.6f}, but the model says {probability:.6f}")
        return {"integrand": integrand, "label": self.labels[said >= 0.5], "probability": said}
