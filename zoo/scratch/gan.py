"""A generative adversarial net in NumPy: one net draws, another tells what is drawn from what is real.

Goodfellow et al. (2014), arXiv:1406.2661, with the generator's cost that does not saturate. Both nets are small dense
ones; what matters is the path of the error: through the judge, which does not learn from it, into the one who draws.
"""

import itertools

import numpy as np

from zoo.scratch.cost import cross_entropy


def dense(x, w1, b1, w2, b2) -> tuple[np.ndarray, np.ndarray]:
    """A hidden layer of ReLUs and what follows: its signals, shape (m, hidden), and the sums, shape (m, outputs)."""
    a = np.maximum(x @ w1 + b1, 0)
    return a, a @ w2 + b2


def dense_back(dz, x, a, w1, w2) -> tuple[np.ndarray, list[np.ndarray]]:
    """From the error of the sums, those of x and of [w1, b1, w2, b2]."""
    da = (dz @ w2.T) * (a > 0)
    return da @ w1.T, [x.T @ da, da.sum(axis=0), a.T @ dz, dz.sum(axis=0)]


class GAN:
    """The two nets.

    Args:
        latent: numbers of noise that a picture is drawn from.
        hidden: units of each net's hidden layer.
    """

    def __init__(self, latent: int = 16, hidden: int = 64):
        self.latent, self.hidden = latent, hidden

    def initial(self, pixels: int, seed: int | None = None) -> tuple[list[np.ndarray], list[np.ndarray]]:
        """[w1, b1, w2, b2] of the generator, and of the discriminator."""
        random = np.random.default_rng(seed)

        def net(*sizes: int) -> list[np.ndarray]:
            pairs = itertools.pairwise(sizes)
            return [part for m, n in pairs for part in (random.normal(0, (2 / m) ** 0.5, (m, n)), np.zeros(n))]

        return net(self.latent, self.hidden, pixels), net(pixels, self.hidden, 1)

    def draw(self, generator: list[np.ndarray], noise: np.ndarray) -> np.ndarray:
        """Pictures of pixels from -1 to 1, shape (m, pixels), out of noise of shape (m, latent)."""
        return np.tanh(dense(noise, *generator)[1])

    def costs_and_gradients(
        self, generator: list[np.ndarray], discriminator: list[np.ndarray], real: np.ndarray, noise: np.ndarray
    ) -> tuple[tuple[float, list[np.ndarray]], tuple[float, list[np.ndarray]]]:
        """Both costs before a step, and each net's gradients of its own.

        Args:
            generator, discriminator: as `initial` gives them.
            real: pictures, shape (m, pixels).
            noise: shape (m, latent).

        Returns:
            The discriminator's cost and gradients, then the generator's.
        """
        g1, _, g2, _ = generator
        d1, _, d2, _ = discriminator
        hidden, z = dense(noise, *generator)
        drawn = np.tanh(z)

        # The discriminator: real pictures are class 1, drawn ones class 0; that they were drawn is nothing to it.
        of_real, says_real = dense(real, *discriminator)
        of_drawn, says_drawn = dense(drawn, *discriminator)
        yes, no = np.ones(len(real), int), np.zeros(len(drawn), int)
        (cost_real, dreal), (cost_drawn, ddrawn) = cross_entropy(says_real, yes), cross_entropy(says_drawn, no)
        _, from_real = dense_back(dreal, real, of_real, d1, d2)
        _, from_drawn = dense_back(ddrawn, drawn, of_drawn, d1, d2)
        learns = [a + b for a, b in zip(from_real, from_drawn, strict=True)]

        # The generator: it wants its pictures to be taken for class 1. The error passes through the judge's weights.
        cost_fooled, dfooled = cross_entropy(says_drawn, np.ones(len(drawn), int))
        dpictures, _ = dense_back(dfooled, drawn, of_drawn, d1, d2)
        _, draws = dense_back(dpictures * (1 - drawn**2), noise, hidden, g1, g2)
        return (cost_real + cost_drawn, learns), (cost_fooled, draws)
