"""A long short-term memory in NumPy: one step written out, then the loop over a text, forward and back through time.

Hochreiter & Schmidhuber (1997), doi:10.1162/neco.1997.9.8.1735, with the forget gate of Gers et al. (2000). The course
calls it week 1 of its fifth part.
"""

from typing import NamedTuple

import numpy as np

from zoo.scratch.cost import cross_entropy, sigmoid
from zoo.scratch.net import Net, Signals


class Step(NamedTuple):
    """What a step must remember for its way back; all of shape (m, units), but x of (m, inputs)."""

    x: np.ndarray
    h: np.ndarray  # what was said before
    c: np.ndarray  # what was remembered before
    i: np.ndarray  # how much of the new goes in
    f: np.ndarray  # how much of the old stays
    g: np.ndarray  # the new
    o: np.ndarray  # how much is said of it
    after: np.ndarray  # what is remembered now


def step(x, h, c, w, u, b) -> tuple[np.ndarray, np.ndarray, Step]:
    """One step: what is said and remembered after x.

    Args:
        x: shape (m, inputs).
        h, c: said and remembered before, shape (m, units).
        w, u, b: for x and for h, shapes (inputs, 4 units), (units, 4 units), (4 units,): the gates i, f, g, o.
    """
    i, f, g, o = np.split(x @ w + h @ u + b, 4, axis=1)
    i, f, g, o = sigmoid(i), sigmoid(f), np.tanh(g), sigmoid(o)
    after = f * c + i * g
    return o * np.tanh(after), after, Step(x, h, c, i, f, g, o, after)


def step_back(dh, dc, was: Step, w, u) -> tuple[np.ndarray, ...]:
    """From the errors of what was said and remembered after the step, those before it, and of x, w, u, b."""
    said = np.tanh(was.after)
    dc = dc + dh * was.o * (1 - said**2)  # it was said, and it was remembered: both ways count
    dz = np.concatenate(
        [
            dc * was.g * was.i * (1 - was.i),
            dc * was.c * was.f * (1 - was.f),
            dc * was.i * (1 - was.g**2),
            dh * said * was.o * (1 - was.o),
        ],
        axis=1,
    )
    return dz @ u.T, dc * was.f, dz @ w.T, was.x.T @ dz, was.h.T @ dz, dz.sum(axis=0)


def run(x, h, c, w, u, b) -> tuple[np.ndarray, np.ndarray, np.ndarray, list[Step]]:
    """All steps of x, shape (m, steps, inputs): what was said at each, (m, steps, units), and the last h and c."""
    said, steps = [], []
    for t in range(x.shape[1]):
        h, c, was = step(x[:, t], h, c, w, u, b)
        said.append(h)
        steps.append(was)
    return np.stack(said, axis=1), h, c, steps


def run_back(dsaid, dh, dc, steps: list[Step], w, u) -> tuple[np.ndarray, ...]:
    """Back through time: errors of x, of the first h and c, and of w, u, b, which all steps share and so add up."""
    dx, dw, du, db = [], np.zeros_like(w), np.zeros_like(u), np.zeros(w.shape[1])
    for t in reversed(range(len(steps))):
        dh, dc, dx_t, dw_t, du_t, db_t = step_back(dsaid[:, t] + dh, dc, steps[t], w, u)
        dx.append(dx_t)
        dw, du, db = dw + dw_t, du + du_t, db + db_t
    return np.stack(dx[::-1], axis=1), dh, dc, dw, du, db


def lookup_back(dx: np.ndarray, tokens: np.ndarray, vectors: np.ndarray) -> np.ndarray:
    """The error of a table of vectors, rows of which were looked up: a row that was taken twice gets both errors."""
    dvectors = np.zeros_like(vectors)
    np.add.at(dvectors, tokens, dx)
    return dvectors


def initial_lstm(inputs: int, units: int, random: np.random.Generator) -> list[np.ndarray]:
    """[w, u, b]; the forget gates begin open, so that at first nothing is forgotten."""
    b = np.zeros(4 * units)
    b[units : 2 * units] = 1
    w, u = (random.normal(0, rows**-0.5, (rows, 4 * units)) for rows in (inputs, units))
    return [w, u, b]


class CharLSTM(Net):
    """Reads characters and says after each what may come next: a vector a character, one LSTM, one dense layer.

    Args:
        embedding: numbers of a character's vector.
        units: of the LSTM.
    """

    def __init__(self, embedding: int = 64, units: int = 256):
        self.embedding, self.units = embedding, units

    def initial(self, *sizes: int, seed: int | None = None) -> list[np.ndarray]:
        """[vectors, w, u, b, w2, b2]; the one size is how many characters there are."""
        (characters,) = sizes
        random = np.random.default_rng(seed)
        vectors = random.uniform(-0.05, 0.05, (characters, self.embedding))
        w2 = random.normal(0, self.units**-0.5, (self.units, characters))
        return [vectors, *initial_lstm(self.embedding, self.units, random), w2, np.zeros(characters)]

    def forward(self, parameters: list[np.ndarray], x: np.ndarray) -> Signals:
        """For numbers of characters, shape (m, steps), from a memory that is empty."""
        vectors, w, u, b, w2, b2 = parameters
        nothing = np.zeros((len(x), self.units))
        said, _, _, steps = run(vectors[x], nothing, nothing, w, u, b)
        return {"x": x, "vectors": vectors[x], "steps": steps, "said": said, "logits": said @ w2 + b2}

    def backward(
        self, parameters: list[np.ndarray], signals: Signals, y: np.ndarray
    ) -> tuple[float, Signals, list[np.ndarray]]:
        """Where the truth y is the next character at each step, shape (m, steps)."""
        vectors, w, u, _, w2, _ = parameters
        x, _, steps, said, logits = signals.values()
        cost, dlogits = cross_entropy(logits.reshape(y.size, -1), y.ravel())
        dw2, db2 = said.reshape(y.size, -1).T @ dlogits, dlogits.sum(axis=0)
        dsaid = (dlogits @ w2.T).reshape(said.shape)
        nothing = np.zeros_like(said[:, 0])
        dx, _, _, dw, du, db = run_back(dsaid, nothing, nothing, steps, w, u)
        errors = {"vectors": dx, "said": dsaid, "logits": dlogits.reshape(logits.shape)}
        return cost, errors, [lookup_back(dx, x, vectors), dw, du, db, dw2, db2]
