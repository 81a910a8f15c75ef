"""How the next token is chosen from a model's logits: greedily, or drawn with temperature, top-k and top-p.

A draw needs one number between 0 and 1, which comes from NumPy's generator: so one seed gives one text, on every
backend alike but for rounding.
"""

from dataclasses import dataclass
from typing import Any, TypeAlias

from zoo.errors import UsageError, is_number, whole_number

Tensor: TypeAlias = Any  # of the backend that runs; this module imports none
NEVER = -1e9  # the logit of a token that must not be drawn


@dataclass(frozen=True)
class Sampling:
    """How tokens are drawn.

    Attributes:
        temperature: what the logits are divided by: below 1 the probable becomes more probable; 0 takes the most
            probable token every time.
        top_k: draw from the k most probable tokens alone; 0 is all of them.
        top_p: draw from the most probable tokens that together have this probability; 1 is all of them.
            Holtzman et al. (2019), arXiv:1904.09751.

    Raises:
        UsageError: a value that means nothing.
    """

    temperature: float = 1.0
    top_k: int = 0
    top_p: float = 1.0

    def __post_init__(self):
        if not is_number(self.temperature) or not 0 <= self.temperature < float("inf"):
            raise UsageError(
                f"temperature is {self.temperature!r}; accepted are 0 (always the most probable) and larger numbers, "
                "such as 0.8."
            )
        whole_number("top_k", self.top_k, 0)
        if not is_number(self.top_p) or not 0 < self.top_p <= 1:
            raise UsageError(f"top_p is {self.top_p!r}; accepted are numbers above 0 and up to 1 (all tokens).")

    def settings(self, tokens: int) -> tuple[float, int, float]:
        """Temperature, top-k and top-p as `draw` takes them, for a vocabulary of so many tokens."""
        if self.temperature == 0:
            return 1.0, 1, 1.0
        return max(self.temperature, 1e-4), min(self.top_k, tokens) or tokens, self.top_p


def draw(logits: Tensor, uniform: Tensor, temperature: Tensor, top_k: Tensor, top_p: Tensor) -> Tensor:
    """The tokens that numbers between 0 and 1 choose; plain `keras.ops`, to be compiled.

    Args:
        logits: shape (rows, tokens); a token at minus infinity is never chosen.
        uniform: shape (rows,), at least 0 and below 1.
        temperature: above 0.
        top_k: 1 to tokens.
        top_p: above 0, up to 1.

    Returns:
        int32 of shape (rows,).

    Example:
        >>> import keras
        >>> logits = keras.ops.log(keras.ops.array([[0.2, 0.5, 0.3]]))
        >>> [int(draw(logits, keras.ops.array([u]), 1.0, 3, 1.0)[0]) for u in (0.1, 0.6, 0.9)]
        [1, 2, 0]
    """
    from zoo.backend import ops

    scaled = ops.cast(logits, "float32") / temperature
    ranked, order = ops.top_k(scaled, scaled.shape[-1])  # most probable first
    probabilities = ops.softmax(ranked)
    before = ops.cumsum(probabilities, axis=-1) - probabilities  # of all that are more probable
    rank = ops.arange(scaled.shape[-1])
    kept = ops.where(ops.logical_and(rank < top_k, ops.logical_or(before < top_p, rank < 1)), probabilities, 0.0)
    passed = ops.cumsum(kept, axis=-1)
    place = ops.sum(ops.cast(passed <= uniform[:, None] * passed[:, -1:], "int32"), axis=-1)
    place = ops.minimum(place, ops.sum(ops.cast(kept > 0, "int32"), axis=-1) - 1)  # where rounding passes the end
    return ops.cast(ops.take_along_axis(order, place[:, None], axis=-1)[:, 0], "int32")


def beam_step(logs: Tensor, scores: Tensor, alive: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """The best continuations of some beginnings, as many as there are beginnings.

    Args:
        logs: logarithms of the probability of each token, shape (beginnings, tokens).
        scores: the sum of them so far, shape (beginnings,).
        alive: whether a beginning goes on, shape (beginnings,); an ended one goes on with token 0, at no cost.

    Returns:
        Scores, which beginning each one continues, and by which token; all of shape (beginnings,), best first.
    """
    from zoo.backend import ops

    beam, tokens = logs.shape
    ended = ops.where(ops.arange(tokens) == 0, 0.0, NEVER)
    every = ops.expand_dims(scores, -1) + ops.where(ops.expand_dims(alive, -1), logs, ended)
    best, place = ops.top_k(ops.reshape(every, (beam * tokens,)), beam)
    return best, ops.cast(place // tokens, "int32"), ops.cast(place % tokens, "int32")


def length_norm(lengths: Tensor, penalty: Tensor) -> Tensor:
    """What the scores of answers of different lengths are divided by, so that short ones are not always best.

    With penalty 0 it is 1. Wu et al. (2016), arXiv:1609.08144, equation 14.
    """
    return ((5 + lengths) / 6) ** penalty
