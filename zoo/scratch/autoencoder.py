"""An autoencoder in NumPy: a picture through a few numbers and back; what these lack is lost.

Hinton & Salakhutdinov (2006), doi:10.1126/science.1127647. What is true is the picture itself: no labels.
"""

import numpy as np

from zoo.scratch.cost import sigmoid
from zoo.scratch.net import Net, Signals


class DenseAutoencoder(Net):
    """One layer in, without a nonlinearity, and one out.

    Args:
        latent: numbers of the code.
    """

    def __init__(self, latent: int = 32):
        self.latent = latent

    def initial(self, *sizes: int, seed: int | None = None) -> list[np.ndarray]:
        """[w1, b1, w2, b2]; the one size is how many pixels there are."""
        (pixels,) = sizes
        random = np.random.default_rng(seed)
        w1 = random.normal(0, pixels**-0.5, (pixels, self.latent))
        w2 = random.normal(0, self.latent**-0.5, (self.latent, pixels))
        return [w1, np.zeros(self.latent), w2, np.zeros(pixels)]

    def forward(self, parameters: list[np.ndarray], x: np.ndarray) -> Signals:
        """For pictures of pixels from 0 to 1, shape (m, pixels)."""
        w1, b1, w2, b2 = parameters
        code = x @ w1 + b1
        return {"x": x, "code": code, "logits": code @ w2 + b2}

    def backward(
        self, parameters: list[np.ndarray], signals: Signals, y: np.ndarray
    ) -> tuple[float, Signals, list[np.ndarray]]:
        """The mean cross-entropy of the pixels, where y are the pictures that should come out."""
        w1, _, w2, _ = parameters
        x, code, logits = signals.values()
        # -y log(a) - (1 - y) log(1 - a) of grey pixels, with a = sigmoid(logits): log(1 + exp(z)) - y z
        cost = float((np.logaddexp(0, logits) - y * logits).mean())
        dlogits = (sigmoid(logits) - y) / y.size
        dcode = dlogits @ w2.T
        gradients = [x.T @ dcode, dcode.sum(axis=0), code.T @ dlogits, dlogits.sum(axis=0)]
        return cost, {"x": dcode @ w1.T, "code": dcode, "logits": dlogits}, gradients
