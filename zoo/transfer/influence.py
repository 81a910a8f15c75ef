"""What each example did to the head: leave-one-out without fitting again, and influence on a prediction.

The head is the optimum of a convex problem, so what it would be without an example follows from the curvature there.
With x_i for the standardised features, p_i for the probabilities, R_i = p_i - y_i and A_i = diag(p_i) - p_i p_i^T, the
sum of the losses and the penalty has the Hessian

    H = penalty * I + sum over i of (x_i x_i^T) times A_i,

and leaving out example i moves the weights, to first order, by (H - its own part)^-1 x_i R_i: one Newton step, as in
Rad & Maleki, "A scalable estimate of the out-of-sample prediction error", 2020. Steps with the same curvature, each
from where the last one ended, go on from there to the optimum without the example.
"""

from __future__ import annotations

import numpy as np

from zoo.inference import softmax

CLASSES = 32  # of each example, the likeliest, whose curvature is looked at
PARTS = 3000  # directions of curvature that are kept at most: their products are 72 MB
FEW = 1000  # and at least
EXAMPLES = 3000  # above which nobody is left out singly: it would take minutes, and differ little from folds
LEAST = 0.2  # beyond these few, one that stiffens the problem by less, where the penalty is 1, is left out
FREE = 1e-6  # of the penalty: what the biases have of it here, so that H has an inverse; the steps undo it
STEPS = 20  # at most, towards the optimum without an example
SMALL = 1e-5  # a change of the logits below which it is reached
SETTLED = 1e-2  # a last change above which the steps lead nowhere, and the first one stands
DAMPED = 0.75  # of a step after the first: less curvature is known than there is, so that whole steps go too far


class Curvature:
    """The Hessian as penalty and low rank, and products with its inverse by the identity of Woodbury.

    Weights are written as combinations of the examples: `x.T @ a / penalty` for a of shape (n, k). Few examples are
    uncertain, and these between few classes, so that few directions of all n * k carry nearly all curvature.

    Args:
        x: standardised features of n examples, shape (n, r).
        p: probabilities at the optimum, shape (n, k).
        strength: of the penalty.
    """

    def __init__(self, x: np.ndarray, p: np.ndarray, strength: float):
        from scipy.linalg import cho_factor

        k, penalty = p.shape[1], len(p) * strength
        self.kernel = x @ x.T / penalty  # (n, n)
        c = min(k, CLASSES)
        likely = np.argsort(-p, axis=1, kind="stable")[:, :c]
        rows = np.take_along_axis(p, likely, axis=1)
        blocks = rows[:, :, None] * (np.eye(c) - rows[:, None, :])  # each A_i, of the likely classes alone
        values, vectors = np.linalg.eigh(blocks)
        stiffness = values * (np.diagonal(self.kernel) + 1 / penalty)[:, None]
        chosen = np.argsort(-stiffness, axis=None)[:PARTS]
        chosen = chosen[: max(FEW, int(np.sum(stiffness > LEAST)))]
        chosen = np.sort(chosen[values.ravel()[chosen] > 1e-12])
        forgone = np.sum(p * (1 - p)) - values.ravel()[chosen].sum()  # the biases have no penalty, and nothing else
        self.bias = 1 / (FREE * penalty + max(forgone, 0) / k)  # what the biases add to the kernel
        self.of = chosen // c  # the example that each direction is of, N of them
        self.parts = np.zeros((len(chosen), k))
        directions = vectors.swapaxes(1, 2).reshape(-1, c)[chosen] * np.sqrt(values.ravel()[chosen])[:, None]
        np.put_along_axis(self.parts, likely[self.of], directions, axis=1)
        inner = (self.kernel[np.ix_(self.of, self.of)] + self.bias) * (self.parts @ self.parts.T)
        inner[np.diag_indices(len(chosen))] += 1
        self.factor = cho_factor(inner, lower=True, overwrite_a=True, check_finite=False)

    def weigh(self, at_parts: np.ndarray) -> np.ndarray:
        """How much of each direction to take away, from its products with what `inverse` is of; (m, N) to (m, N)."""
        from scipy.linalg import cho_solve

        return cho_solve(self.factor, at_parts.T, check_finite=False).T

    def own(self, rows: np.ndarray, v: np.ndarray) -> np.ndarray:
        """What H^-1 x_i v makes of the logits of example i itself, for each of the rows; v of shape (rows, k)."""
        near = self.kernel[np.ix_(rows, self.of)] + self.bias
        taken = near * self.weigh(near * (v @ self.parts.T))
        return (self.kernel[rows, rows] + self.bias)[:, None] * v - taken @ self.parts

    def step(self, rho: np.ndarray, g: np.ndarray, rows: np.ndarray, apart: OwnPart) -> tuple[np.ndarray, np.ndarray]:
        """Solve with H less the own part of one example, for several examples at once.

        Args:
            rho: the right sides as combinations of the examples, shape (n, m, k); it is written over.
            g: what of them concerns the biases, shape (m, k).
            rows: the example that each of the m is without.
            apart: the own parts of these.

        Returns:
            The solutions as combinations of the examples and the changes of all logits, both of shape (n, m, k).
        """
        (n, m, k), each = rho.shape, np.arange(len(rows))
        near = self.kernel[np.ix_(rows, self.of)] + self.bias  # (m, N)
        logits = (self.kernel @ rho.reshape(n, m * k)).reshape(n, m, k) + self.bias * g
        taken = self.weigh((logits[self.of] * self.parts[:, None]).sum(axis=2).T)
        back = apart.back(logits[rows, each] - (near * taken) @ self.parts)
        rho[rows, each] += back
        logits += (self.kernel[:, rows] + self.bias)[:, :, None] * back
        taken += self.weigh(near * (back @ self.parts.T))
        away = taken.T[:, :, None] * self.parts[:, None]  # (N, m, k)
        owners, first = np.unique(self.of, return_index=True)
        if len(owners):
            away = np.add.reduceat(away, first)
            rho[owners] -= away
            logits -= (self.kernel[:, owners] @ away.reshape(len(owners), m * k)).reshape(n, m, k)
            logits -= self.bias * away.sum(axis=0)
        return rho, logits


class OwnPart:
    """What each of several examples adds to the curvature itself, to be left out of it with the example.

    Args:
        curvature: of the whole.
        rows: the examples.
    """

    def __init__(self, curvature: Curvature, rows: np.ndarray):
        count = np.bincount(curvature.of, minlength=len(curvature.kernel))
        first = np.cumsum(count) - count
        k = curvature.parts.shape[1]
        self.parts = np.zeros((len(rows), count[rows].max(initial=0), k))
        self.moved = np.zeros_like(self.parts)  # what H^-1 makes of each
        for part in range(self.parts.shape[1]):
            having = np.flatnonzero(count[rows] > part)
            self.parts[having, part] = curvature.parts[first[rows[having]] + part]
            self.moved[having, part] = curvature.own(rows[having], self.parts[having, part])
        inner = np.eye(self.parts.shape[1]) - self.parts @ self.moved.swapaxes(1, 2)
        self.inverse = np.linalg.inv(inner)

    def weights(self, logits: np.ndarray) -> np.ndarray:
        """How much of each part a change of the examples' own logits, shape (m, k), calls for; (m, parts)."""
        return (self.inverse @ (self.parts @ logits[:, :, None]))[:, :, 0]

    def back(self, logits: np.ndarray) -> np.ndarray:
        """What the curvature without them adds to a right side, from what the whole curvature made of it; (m, k)."""
        return (self.weights(logits)[:, None] @ self.parts)[:, 0]

    def free(self, logits: np.ndarray) -> np.ndarray:
        """The change of the examples' own logits without their own part in the curvature, from that with it."""
        return logits + (self.weights(logits)[:, None] @ self.moved)[:, 0]


class LeaveOneOut:
    """What the head, fit again without it at the same strength, would say of each example that it was fit to.

    Args:
        x: standardised features, as `head.Standardised` gives them; shape (n, r).
        y: classes, shape (n,).
        logits: of the head at its optimum, shape (n, k).
        strength: of its penalty.

    Attributes:
        moves: by how much the logits of each example change when it is left out, by one Newton step; shape (n, k).

    Example:
        >>> from zoo.transfer.head import Standardised, solve_head
        >>> features = np.array([[0.0], [0.2], [0.3], [0.1], [1.0], [1.2], [1.1], [0.15]])
        >>> y = np.array([0, 0, 0, 0, 1, 1, 1, 1])
        >>> at = Standardised.of(features)
        >>> left_out = LeaveOneOut(at.x, y, solve_head(at, y, 2, 0.01)(features), 0.01)
        >>> left_out.probabilities.argmax(axis=1)  # the last label does not fit
        array([0, 0, 0, 0, 1, 1, 1, 0])
    """

    def __init__(self, x: np.ndarray, y: np.ndarray, logits: np.ndarray, strength: float):
        n, k = logits.shape
        x = x.astype(np.float64)
        self.logits, self.target = logits, np.eye(k)[y]
        self.residual = softmax(logits) - self.target
        self.curvature = Curvature(x, softmax(logits), strength)
        # Without an example the common scale of the features is another one, and so is the penalty on equal weights.
        self.lighter = (x**2).sum(axis=1) / (n - 1)
        self.moves = np.zeros((n, k))
        reach = np.diagonal(self.curvature.kernel) + 1 / (n * strength)
        rows = np.flatnonzero(np.abs(self.residual).max(axis=1) * reach > SMALL)  # all stays as it is without others
        size = max(1, 2**22 // max(len(self.curvature.of), CLASSES * k))
        for i in np.split(rows, range(size, len(rows), size)):
            self.moves[i] = OwnPart(self.curvature, i).free(self.curvature.own(i, self.residual[i]))

    @property
    def probabilities(self) -> np.ndarray:
        """Of each example without it, shape (n, k)."""
        return softmax(self.logits + self.moves)

    def refine(self, rows: np.ndarray) -> np.ndarray:
        """Go on to the very optimum without each of some examples; where it is reached, their `moves` are exact.

        Args:
            rows: which ones, shape (m,).

        Returns:
            By how much the logits still changed in the last step, shape (m,).
        """
        n, k = self.logits.shape
        rest = np.empty(len(rows))
        size = max(1, 2**22 // (n * k))
        for start in range(0, len(rows), size):
            i = rows[start : start + size]
            each, apart = np.arange(len(i)), OwnPart(self.curvature, i)
            weight = 1 - self.lighter[i][:, None]
            slope = np.repeat(self.residual[:, None], len(i), axis=1)
            a, f = -slope, np.repeat(self.logits[:, None], len(i), axis=1)
            for number in range(STEPS):
                slope[i, each] = 0
                change, moved = self.curvature.step(-slope - weight * a, -slope.sum(axis=0), i, apart)
                a += change * (DAMPED if number else 1)
                f += moved * (DAMPED if number else 1)
                slope = softmax(f) - self.target[:, None]
                rest[start : start + size] = np.abs(moved[i, each]).max(axis=1)
                if rest[start : start + size].max() < SMALL:
                    break
            settled = rest[start : start + size] < SETTLED
            self.moves[i[settled]] = (f[i, each] - self.logits[i])[settled]
        return rest


def influence(
    x: np.ndarray, y: np.ndarray, logits: np.ndarray, strength: float, new: np.ndarray, pair: tuple[int, int]
) -> np.ndarray:
    """By how much each example raises the logit of one class over that of another, on a picture that is new.

    It is the difference that leaving the example out would make, to first order and with the example's own part in
    the curvature left out too: Koh & Liang, "Understanding black-box predictions via influence functions", 2017.

    Args:
        x, y, logits, strength: as for `LeaveOneOut`.
        new: standardised features of the new picture, shape (r,).
        pair: the two classes.

    Returns:
        Shape (n,).
    """
    from scipy.sparse.linalg import LinearOperator, cg

    x, p = x.astype(np.float64), softmax(logits)
    (n, r), k = x.shape, p.shape[1]
    penalty = n * strength
    spread = np.append((x**2).mean(axis=0), 1.0)
    stiff = np.repeat(penalty + n * float(np.mean(p * (1 - p))) * spread, k)
    x = np.column_stack([x, np.ones(n)])

    def hessian(flat: np.ndarray) -> np.ndarray:
        weights = flat.reshape(r + 1, k)
        pulled = p * (moved := x @ weights) - p * (p * moved).sum(axis=1, keepdims=True)
        return (x.T @ pulled + penalty * weights * np.append(np.ones(r), FREE)[:, None]).ravel()

    side = np.zeros((r + 1, k))
    side[:, pair[0]], side[:, pair[1]] = np.append(new, 1), -np.append(new, 1)
    shape = (side.size, side.size)
    solution, _ = cg(
        LinearOperator(shape, hessian, dtype=float),
        side.ravel(),
        rtol=1e-8,
        maxiter=1000,
        M=LinearOperator(shape, lambda flat: flat / stiff, dtype=float),
    )
    solution = x @ solution.reshape(r + 1, k)  # (n, k): what the example's logits have to do with the margin
    residual = p - np.eye(k)[y]
    if n <= EXAMPLES:
        moves = LeaveOneOut(x[:, :-1], y, logits, strength).moves
        residual = residual + p * moves - p * (p * moves).sum(axis=1, keepdims=True)
    return -(solution * residual).sum(axis=1)
