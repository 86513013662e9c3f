"""Proven functions in disguise: h + g' and h(u)*u', of the class of h.

*Sum.* If h + g' had an elementary antiderivative K, h would have K - g, as g is elementary. So the class is that of h,
whatever cancels.

*Image.* If h has the antiderivative H, h(u)*u' has H(u). Conversely, let K be an elementary antiderivative of h(u)*u',
where u has an elementary inverse v on some region (see `Dice.chain` for why it has). By the chain rule K(v) is then an
antiderivative of h(u(v))*u'(v)*v' = h there, and elementary. The theorems about h hold on every region and for every
branch of its powers, which change it by a constant factor or the sign of a coefficient; so K does not exist if they
deny h an elementary antiderivative.
"""

from __future__ import annotations

from sympy import Expr, diff

from intclass.components.generate._build import settle
from intclass.components.generate._chebyshev import chebyshev
from intclass.components.generate._construction import Construction
from intclass.components.generate._dice import Dice, compose
from intclass.components.generate._liouville import liouville
from intclass.components.shared.expressions import X, to_text


def disguised(nodes: int, dice: Dice) -> Construction:
    """An image, a sum, or an image in a sum, of the class that the dice want, with the nodes shared out."""
    hidden = dice.pick((liouville, chebyshev))(nodes // 2, dice)
    rest = max(1, nodes - nodes // 2)
    as_image, as_sum = dice.pick(((True, False), (False, True), (True, True)))
    if as_image:
        steps = dice.between(1, min(2, rest))
        hidden, rest = _image(hidden, dice.chain(steps)), max(1, rest - steps)
    return _sum(hidden, dice.function(rest)) if as_sum else hidden


def _image(hidden: Construction, inner: Expr) -> Construction:
    antiderivative = hidden.antiderivative
    return Construction(
        integrand=compose(hidden.integrand, inner) * diff(inner, X),
        label=hidden.label,
        certificate=f"disguised: h(u)*u' with h = {to_text(hidden.integrand)} and u = {to_text(inner)}; "
        f"{hidden.certificate}",
        antiderivative=None if antiderivative is None else compose(antiderivative, inner),
    )


def _sum(hidden: Construction, added: Expr) -> Construction:
    antiderivative = hidden.antiderivative
    return Construction(
        integrand=hidden.integrand + diff(added, X),
        label=hidden.label,
        certificate=f"disguised: h + g' with h = {to_text(settle(hidden.integrand))} and g = {to_text(added)}; "
        f"{hidden.certificate}",
        antiderivative=None if antiderivative is None else antiderivative + added,
    )
