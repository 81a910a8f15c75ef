"""Two nets that train against each other by plain `fit`: one draws pictures, one tells them from real ones."""

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

import numpy as np
from PIL import Image

from zoo import backend
from zoo.backend import keras, ops
from zoo.errors import ZooError
from zoo.visualization.grid import picture_output, save_picture, square

Tensor: TypeAlias = keras.KerasTensor
METRICS = ("d_loss", "g_loss", "d_accuracy")


class Adversarial(keras.Model):
    """Both players in one step of `fit`: a single loss whose gradients are each player's own.

    The discriminator's part sees the drawn pictures as constants; the generator's part sees the discriminator's
    weights as constants. So the gradient of the sum is, weight by weight, what two separate passes would give, and
    the generator draws but once. Both players move at the same time.

    Args:
        generator: from noise of shape (rows, latent) to pixels 0-255.
        discriminator: from pixels 0-255 to logits of shape (rows, 1), above 0 for real pictures.
        average: share that a running average of the generator's weights keeps in each step; at the beginning it
            follows faster. 0 is no average.
        label_smoothing: how sure of real pictures the discriminator should not be, 0 to less than 0.5; after
            Salimans et al. (2016), arXiv:1606.03498.
        seed: of the noise; None draws one.
    """

    def __init__(self, generator, discriminator, average: float, label_smoothing: float, seed: int | None):
        super().__init__(name="adversarial")
        self.generator, self.discriminator = generator, discriminator
        self.average, self.label_smoothing = average, label_smoothing
        self.noise = keras.random.SeedGenerator(seed)
        self.steps = self.add_weight((), "zeros", "float32", trainable=False)
        self.averaged = [self.add_weight(w.shape, "zeros", "float32", trainable=False) for w in generator.weights]
        for kept, weight in zip(self.averaged, generator.weights, strict=True):
            kept.assign(ops.convert_to_numpy(weight))  # a copy: JAX would give the one buffer away twice
        self.step_metrics = [keras.metrics.Mean(name) for name in METRICS]
        self.built = True

    def call(self, pixels: Tensor, training: bool = False) -> tuple[Tensor, Tensor, Tensor]:
        """Logits of real pictures, of drawn ones, and of these as the generator's loss sees them; (rows, 1) each."""
        if training:
            self.follow()
        rows = ops.shape(pixels)[0]
        noise = keras.random.normal((rows, self.generator.input_shape[1]), seed=self.noise)
        drawn = self.generator(noise, training=training)
        real = self.discriminator(pixels, training=training)
        judged = self.discriminator(ops.stop_gradient(drawn), training=training)
        # by the same weights as constants; what this pass does to the moving statistics is dropped
        constants = [
            [ops.stop_gradient(ops.convert_to_tensor(variable)) for variable in variables]
            for variables in (self.discriminator.trainable_variables, self.discriminator.non_trainable_variables)
        ]
        fooled, _ = self.discriminator.stateless_call(*constants, drawn, training=training)
        return real, judged, fooled

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True) -> Tensor:
        """The discriminator's loss and the generator's, which does not saturate."""
        real, judged, fooled = y_pred
        d_loss = ops.mean(ops.softplus(real) - (1 - self.label_smoothing) * real) + ops.mean(ops.softplus(judged))
        g_loss = ops.mean(ops.softplus(-fooled))
        right = (ops.mean(ops.cast(real > 0, "float32")) + ops.mean(ops.cast(judged < 0, "float32"))) / 2
        for metric, value in zip(self.step_metrics, (d_loss, g_loss, right), strict=True):
            metric.update_state(value)
        return d_loss + g_loss

    def follow(self) -> None:
        """Let the average come after the generator's weights and moving statistics, those before this step."""
        self.steps.assign_add(1.0)
        share = ops.minimum(self.average, self.steps / (10.0 + self.steps))
        for kept, weight in zip(self.averaged, self.generator.weights, strict=True):
            kept.assign(share * kept + (1 - share) * ops.stop_gradient(ops.cast(weight, "float32")))

    def averages(self) -> list[np.ndarray]:
        """The averaged weights, in the generator's order; the latest where there is no average."""
        return [ops.convert_to_numpy(kept) for kept in (self.averaged if self.average else self.generator.weights)]


class SwapAveragedWeights(keras.callbacks.Callback):
    """After each epoch, gives the averaged weights to the model that is kept.

    Args:
        kept: a model like the generator.
    """

    def __init__(self, kept: keras.Model):
        super().__init__()
        self.kept = kept

    def on_epoch_end(self, epoch, logs=None) -> None:
        self.kept.set_weights(self.model.averages())


def players(generator: keras.Model, discriminator: keras.Model, **how) -> Adversarial:
    """A copy of the generator, which learns, against the discriminator; see `Adversarial`."""
    learning = keras.models.clone_model(generator)
    learning.set_weights(generator.get_weights())
    for player in (learning, discriminator):
        backend.prepare(player)
    return Adversarial(learning, discriminator, **how)


class WarnOfCollapse(keras.callbacks.Callback):
    """Warns when one of the two has won: no training gets better from there by itself.

    Args:
        drawn: gives pictures of the same noise, shape (n, height, width, channels).
        real: what is learned from, shape (n, height, width, channels).
    """

    def __init__(self, drawn: Callable[[], np.ndarray], real: np.ndarray):
        super().__init__()
        self.drawn, self.spread = drawn, spread(real[:1000])
        self.most = 0.0  # the first pictures are grey: only what was various can collapse

    def on_epoch_end(self, epoch, logs=None) -> None:
        share = spread(self.drawn()) / self.spread
        self.most = max(self.most, share)
        if share < min(0.25, self.most / 2):
            warnings.warn(
                f"epoch {epoch + 1}: the drawn pictures are nearly all alike ({share:.0%} of the real ones' spread). "
                "The generator may have collapsed; try a smaller learning_rate, a larger batch_size, or "
                "label_smoothing=0.1.",
                stacklevel=2,
            )
        elif logs and logs["d_accuracy"] > 0.99 and logs["g_loss"] > 5:
            warnings.warn(
                f"epoch {epoch + 1}: the discriminator tells {logs['d_accuracy']:.1%} right, so the generator learns "
                "little. Try more pictures, augment=['flip'], label_smoothing=0.1, or a smaller learning_rate.",
                stacklevel=2,
            )


def spread(pictures: np.ndarray) -> float:
    """How much pixels differ from picture to picture: the mean of their standard deviations."""
    return max(float(pictures.std(0, dtype=np.float64).mean()), 1e-6)


def check_samples(folder: Path, overwrite: bool = False) -> None:
    """Refuse to draw samples over what the zoo did not draw, or where `samples` is no folder; see `SampleLogger`."""
    samples = folder / "samples"
    if samples.exists() and not samples.is_dir():
        raise ZooError(f"{samples} is a file, where a folder of pictures is to be; move it away.")
    for file in (samples.with_suffix(".gif"), *sorted(samples.glob("epoch-*.png"))):
        picture_output(file, overwrite=overwrite)


class SampleLogger(keras.callbacks.Callback):
    """Writes a picture of what is drawn after each epoch, and a film of all of them.

    The film is written anew when it is a tenth longer, and at the end: long ones would take longer than training.

    Args:
        drawn: gives pictures of the same noise.
        folder: gets `samples/epoch-001.png` and so on, and `samples.gif`.
    """

    def __init__(self, drawn: Callable[[], np.ndarray], folder: Path):
        super().__init__()
        self.drawn, self.folder = drawn, folder / "samples"
        self.epochs = self.shown = 0  # drawn so far, and those of them that are in the film

    def on_epoch_end(self, epoch, logs=None) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        self.epochs = epoch + 1
        save_picture(square(self.drawn()), self.picture(epoch))
        if self.epochs >= 1.1 * self.shown:
            self.write()

    def on_train_end(self, logs=None) -> None:
        if self.epochs > self.shown:
            self.write()

    def picture(self, epoch: int) -> Path:
        return self.folder / f"epoch-{epoch + 1:03}.png"

    def write(self) -> None:
        files = [self.picture(epoch) for epoch in range(self.epochs) if self.picture(epoch).exists()]
        first, *others = [Image.open(file) for file in files]
        film = self.folder.with_suffix(".gif")
        save_picture(first, film, save_all=True, append_images=others, duration=300, loop=0)
        self.shown = self.epochs
