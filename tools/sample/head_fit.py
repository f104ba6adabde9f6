"""Solving for a network's head: from its input to the 16 numbers of an image's code and their squares, and from those
to classes, both steps folded into one layer that rounding to fp16 moves little."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tools.judge.chance import SURPRISE, divergence
from tools.model.random_weights import LOGITS_SPREAD
from tools.sample.fit import RIDGE_SHARE
from tools.sample.generated_pixels import TRAINING_IMAGES
from tools.sample.half_precision import HALF_ROUNDING, in_half_precision, noise_share
from tools.sample.head import Fitted, Head, Unfit, features
from tools.sample.images import TRAINING_SET, class_of, codebook, image_set
from tools.sample.on_images import OnImages
from tools.sample.raw_integers import BELL_DEVIATION

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Doubles = npt.NDArray[np.float64]

HELD_OUT = 100
"""Of the training images: what the others' fit explains of them says which of the numbers the network sees at all."""
NOISY_IMAGES = 80
"""Of the training images: what fp16 does to their features, half of them to fit against and half to see it worked."""
MOST_NOISE = 3e-3
"""Of the logits' spread, as AlexNet's sample has under fp16 (1.9e-3): bounds are made for such networks."""
NOISE_WEIGHTS = (1.0, 10.0, 100.0, 1e3, 1e4)
"""How much the fit minds the rounding, tried from the least on."""
READS_NOTHING = "a linear layer reads nothing of the image in what its last layer is given"
BACKGROUND = -10 * LOGITS_SPREAD
"""Logit of a background class: no image is of it."""


@dataclass(frozen=True)
class _Noise:
    """What fp16 adds to the features, float64 (M, features), and how much a fit minds it."""

    rows: Doubles
    weight: float


@dataclass(frozen=True)
class _Asked:
    """What is to be read: codes of the training images, float64 (N, 32), those of the classes, float64 (classes, 32),
    and the classes of the images held out."""

    targets: Doubles
    prototypes: Doubles
    truth: npt.NDArray[np.int64]

    def beyond_guessing(self, layer: Fitted, given: Doubles) -> bool:
        """Whether a layer that has not seen the images held out is right on more of them than by chance."""
        right = float(((given[:HELD_OUT] @ layer.weight.T + layer.bias).argmax(axis=1) == self.truth).mean())
        chance = 1 / len(self.prototypes)
        return chance >= 1 or (right > chance and HELD_OUT * divergence(right, chance) >= SURPRISE)


def fitted(head: Head, network: OnImages) -> Fitted:
    """The last layer that reads the codes of the training images; Unfit where it reads none in those held out."""
    given = features(head, network, TRAINING_IMAGES)
    if not given.std(axis=0).any():
        raise Unfit(READS_NOTHING)
    with in_half_precision(network.model):
        noise = features(head, network, NOISY_IMAGES) - given[:NOISY_IMAGES]
    quietest = _quietest(given, noise, _asked(network.spec.dataset.classes))
    return _with_background(quietest, network.spec.model.label_offset)


def _asked(classes: int) -> _Asked:
    images = image_set(TRAINING_SET, TRAINING_IMAGES)
    truth = class_of(images.labels, classes)[:HELD_OUT]
    return _Asked(_squared(images.codes), _squared(codebook(classes)), truth)


def _squared(codes: npt.NDArray[np.int64]) -> Doubles:
    """Codes (N, 16) with their squares, float64 (N, 32): a pooled feature knows how strong a wave is, not its sign."""
    import numpy as np

    numbers = codes / BELL_DEVIATION
    return np.concatenate([numbers, numbers**2 - 1], axis=1)


def _quietest(given: Doubles, noise: Doubles, asked: _Asked) -> Fitted:
    """Of the fits that read beyond guessing the first that rounding to fp16 moves little, else the quietest."""
    made: Fitted | None = None
    for weight in NOISE_WEIGHTS:
        quieter, held_out = _quiet(given, asked, _Noise(noise[::2], weight))
        if not asked.beyond_guessing(held_out, given):
            break
        made = quieter
        if noise_share(made, given[1:NOISY_IMAGES:2], noise[1::2]) <= MOST_NOISE:
            break
    if made is None:
        raise Unfit(READS_NOTHING)
    return made


def _quiet(given: Doubles, asked: _Asked, noise: _Noise) -> tuple[Fitted, Fitted]:
    """The last layer of all training images, and the one that has not seen those held out; both mind the noise."""
    import numpy as np

    matrix, offset = _ridge(given[HELD_OUT:], asked.targets[HELD_OUT:], noise)
    truth = asked.targets[:HELD_OUT]
    missed = ((given[:HELD_OUT] @ matrix + offset - truth) ** 2).mean(axis=0)
    seen = np.clip(1 - missed / truth.var(axis=0), 0, None)
    if not seen.any():
        raise Unfit(READS_NOTHING)
    held_out = _scores(matrix, offset, asked.prototypes, seen)
    made = _scores(*_ridge(given, asked.targets, noise), asked.prototypes, seen)
    return _spread(made, given), held_out


def _ridge(given: Doubles, targets: Doubles, noise: _Noise) -> tuple[Doubles, Doubles]:
    """The sample's ridge regression, with rows that must come out as nothing (what rounding adds to the features) and
    a penalty of its own for each feature (what rounding of its weight adds)."""
    import numpy as np

    feature_mean, target_mean = given.mean(axis=0), targets.mean(axis=0)
    centred, count = given - feature_mean, len(given)
    least = RIDGE_SHARE * (centred**2).sum() / count
    penalty = least + noise.weight * count * HALF_ROUNDING**2 * (given**2).mean(axis=0)
    rows = np.concatenate([centred, noise.rows * (noise.weight * count / len(noise.rows)) ** 0.5]) / penalty**0.5
    wanted = np.concatenate([targets - target_mean, np.zeros((len(noise.rows), targets.shape[1]))])
    matrix = rows.T @ np.linalg.solve(rows @ rows.T + np.eye(len(rows)), wanted) / penalty[:, np.newaxis] ** 0.5
    return matrix, target_mean - feature_mean @ matrix


def _scores(matrix: Doubles, offset: Doubles, prototypes: Doubles, seen: Doubles) -> Fitted:
    """ "Read the numbers, then score each class by its distance", each number by how well it is seen, as one layer."""
    weighed = prototypes * seen
    norms = (weighed * prototypes).sum(axis=1) / 2
    bias = weighed @ offset - norms
    return Fitted(weighed @ matrix.T, bias)


def _spread(made: Fitted, given: Doubles) -> Fitted:
    """The same classes at logits with no mean, as wide as a trained classifier's."""
    weight, bias = made.weight - made.weight.mean(axis=0), made.bias - made.bias.mean()
    factor = LOGITS_SPREAD / float((given @ weight.T + bias).std(axis=1).mean())
    return Fitted(weight * factor, bias * factor)


def _with_background(made: Fitted, offset: int) -> Fitted:
    import numpy as np

    weight = np.concatenate([np.zeros((offset, made.weight.shape[1])), made.weight])
    return Fitted(weight, np.concatenate([np.full(offset, BACKGROUND), made.bias]))
