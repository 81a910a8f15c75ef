"""Answers drawn from an encoder and a decoder: word by word or by beam search, each in one compiled loop."""

import functools

import numpy as np

from zoo import backend
from zoo.backend import keras, ops
from zoo.tasks.text.samplers import NEVER, Sampling, beam_step, draw, length_norm


class Answerer:
    """Draws answers from a model with the layers "words", "encoder" and "decoder".

    Args:
        model: from pairs of lines to logits, see `zoo.tasks.text.dialogue`.
        length: tokens that a line is filled up to, and an answer at the most.
        begin: the token that an answer begins with, which is not part of it.
        end: the token that ends it.
        never: tokens that are never drawn.
    """

    def __init__(self, model: keras.Model, length: int, begin: int, end: int, never: list[int]):
        self.words, self.encoder, self.decoder = (model.get_layer(name) for name in ("words", "encoder", "decoder"))
        self.length, self.begin, self.end = length, begin, end
        self.tokens = model.output_shape[-1]
        self.penalty = np.where(np.isin(np.arange(self.tokens), never), np.float32(NEVER), np.float32(0))
        self.sampled = backend.compiled(model, self._sampled)
        self.searched = functools.cache(
            lambda beam: backend.compiled(model, functools.partial(self._searched, beam=beam))
        )

    def answer(
        self,
        said: np.ndarray,
        sampling: Sampling,
        beam: int,
        length_penalty: float,
        most: int,
        random: np.random.Generator,
    ) -> tuple[np.ndarray, np.ndarray]:
        """The tokens of an answer, and for each how much every word of the question mattered.

        Args:
            said: int32 of shape (tokens,), at most `length` of them.
            sampling: how tokens are drawn where `beam` is 1.
            beam: how many beginnings of answers are followed side by side.
            length_penalty: see `samplers.length_norm`.
            most: tokens of the answer at the most.
            random: a NumPy generator.

        Returns:
            int32 of shape (tokens,), and float32 of shape (tokens, tokens of `said`).
        """
        padded = np.zeros((1, self.length), np.int32)
        padded[0, : len(said)] = said
        if beam > 1:
            drawn = self.searched(beam)(padded, np.float32(length_penalty), np.int32(most))
        else:
            temperature, top_k, top_p = sampling.settings(self.tokens)
            uniform = random.random(self.length, np.float32)
            drawn = self.sampled(
                padded, uniform, np.float32(temperature), np.int32(top_k), np.float32(top_p), np.int32(most)
            )
        tokens, alignment = (ops.convert_to_numpy(part) for part in drawn)
        stop = np.flatnonzero((tokens == self.end) | (tokens == 0))
        tokens = tokens[: stop[0]] if len(stop) else tokens
        return tokens, alignment[: len(tokens), : len(said)]

    def _read(self, said):
        mask = ops.not_equal(said, 0)
        memory, *states = self.encoder([self.words(said), mask], training=False)
        return memory, mask, states

    def _step(self, token, memory, mask, states):
        """Logits of what follows a token, shape (rows, tokens); where it looked; and the states."""
        embedded = self.words(token[:, None])
        x, *states, alignment = self.decoder([embedded, memory, mask, *states], training=False)
        logits = ops.cast(self.words(x, reverse=True), "float32")
        return logits[:, 0] + self.penalty, ops.cast(alignment[:, 0], "float32"), states

    def _sampled(self, said, uniform, temperature, top_k, top_p, most):
        memory, mask, states = self._read(said)

        def step(at, token, answer, weights, *states):
            logits, attention, states = self._step(token, memory, mask, states)
            token = draw(logits, ops.slice(uniform, (at,), (1,)), temperature, top_k, top_p)
            return (
                at + 1,
                token,
                ops.slice_update(answer, (at,), token),
                ops.slice_update(weights, (at, 0), attention),
                *states,
            )

        start = (
            ops.zeros((), "int32"),
            ops.full((1,), self.begin, "int32"),
            ops.zeros((self.length,), "int32"),
            ops.zeros((self.length, self.length), "float32"),
        )
        going = lambda at, token, *_: ops.logical_and(at < most, token[0] != self.end)  # noqa: E731
        _, _, answer, weights, *_ = ops.while_loop(going, step, (*start, *states))
        return answer, weights

    def _searched(self, said, length_penalty, most, beam):
        memory, mask, states = self._read(said)
        memory, mask, *states = (ops.repeat(part, beam, axis=0) for part in (memory, mask, *states))

        def step(at, token, scores, answers, weights, *states):
            logits, attention, states = self._step(token, memory, mask, states)
            alive = ops.logical_and(token != self.end, token != 0)
            scores, parent, token = beam_step(ops.log_softmax(logits), scores, alive)
            answers, weights, attention, *states = (
                ops.take(part, parent, axis=0) for part in (answers, weights, attention, *states)
            )
            return (
                at + 1,
                token,
                scores,
                ops.slice_update(answers, (0, at), token[:, None]),
                ops.slice_update(weights, (0, at, 0), attention[:, None]),
                *states,
            )

        start = (
            ops.zeros((), "int32"),
            ops.full((beam,), self.begin, "int32"),
            ops.where(ops.arange(beam) == 0, 0.0, NEVER),  # all begin alike: one of them is enough
            ops.zeros((beam, self.length), "int32"),
            ops.zeros((beam, self.length, self.length), "float32"),
        )

        def going(at, token, *_):
            return ops.logical_and(at < most, ops.any(ops.logical_and(token != self.end, token != 0)))

        _, _, scores, answers, weights, *_ = ops.while_loop(going, step, (*start, *states))
        lengths = ops.sum(ops.cast(answers != 0, "float32"), axis=1)
        best = ops.argmax(scores / length_norm(lengths, length_penalty))
        return ops.take(answers, best, axis=0), ops.take(weights, best, axis=0)
