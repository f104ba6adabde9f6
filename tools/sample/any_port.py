"""The sample of any port: weights of the network's own shapes that really classify the sample's generated images.

The images are of the embedded sample's, whatever the port, so that a run knows them by their bytes. The weights are
random up to the last layer, and that is fitted to what the network makes of training images, which have a seed of their
own and are never judged: from its input to the 16 numbers of an image's code and their squares, and from those to
classes, both steps folded into one.

A network whose last layer is no plain Linear or 1 x 1 convolution, or makes nothing of its image that a linear layer
could read, keeps random weights there. It is labelled by its own predictions, as is one that reads little
(tools/sample/judged_images.py): `SampleMade.labels_by_reference`. Another processor may add in another order: bytes are
the same on one machine, and on others not promised.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tools.base.errors import SuiteError
from tools.base.files import atomic
from tools.base.progress import progress
from tools.data.pixel_maker import PixelMaker
from tools.data.preprocess import UnreadableImageError, normalised
from tools.judge.chance import SURPRISE, divergence
from tools.judge.spec import Spec
from tools.model.network import Network
from tools.model.outputs import every_output
from tools.model.random_weights import LOGITS_SPREAD, copied, last_layer
from tools.model.tame_weights import tame
from tools.sample import generate as sample
from tools.sample.fit import RIDGE_SHARE
from tools.sample.judged_images import POOL_IMAGES, judged_images

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import torch

    Doubles = npt.NDArray[np.float64]

TRAINING_IMAGES = 400
HELD_OUT = 100
"""Of the training images: what the others' fit explains of them says which of the numbers the network sees at all."""
CALIBRATION_IMAGES = 32
BATCH = 16
CODE_DEVIATION = 148
"""Of a code's numbers, see tools/sample/generate.py."""
NOISY_IMAGES = 80
"""Of the training images: what fp16 does to their features, half of them to fit against and half to see it worked."""
HALF_ROUNDING = 2.0**-11 / 3**0.5
"""Standard deviation of a number's rounding to fp16, as a share of it, at most."""
MOST_NOISE = 3e-3
"""Of the logits' spread, as AlexNet's sample has under fp16 (1.9e-3): bounds are made for such networks."""
NOISE_WEIGHTS = (1.0, 10.0, 100.0, 1e3, 1e4)
"""How much the fit minds the rounding, tried from the least on."""
FOLDED = 0.02
"""How far logits may be from what was fitted in float64, as a share of their spread: float32 costs a thousandth."""
READS_NOTHING = "a linear layer reads nothing of the image in what its last layer is given"
BACKGROUND = -10 * LOGITS_SPREAD
"""Logit of a background class: no image is of it."""


@dataclass(frozen=True)
class SampleMade:
    """How the labels came about: `why` the network's own predictions had to be taken, empty where they were not."""

    why: str

    @property
    def labels_by_reference(self) -> bool:
        """Whether they are the predictions of the checkpoint, whose accuracy then says nothing."""
        return bool(self.why)


@dataclass(frozen=True)
class Head:
    """The layer that makes the logits, by its name in the network."""

    name: str
    layer: Any


@dataclass(frozen=True)
class Fitted:
    """A last layer: float64 (outputs, features) and (outputs,)."""

    weight: Doubles
    bias: Doubles


@dataclass(frozen=True)
class Noise:
    """What fp16 adds to the features, float64 (M, features), and how much a fit minds it."""

    rows: Doubles
    weight: float


class Unfit(Exception):
    """Why nothing can be fitted to this network."""


def make(spec: Spec, network: Network, folder: Path) -> SampleMade:
    """Write the checkpoint, the images and the label file of the port's sample into the folder.

    SuiteError where its recipe reads no image, or where nothing made for it can be lost.
    """
    import torch

    pixels = _Pixels(spec, network.folder)
    model = tame(network, pixels.of(sample.TRAINING_SET, range(CALIBRATION_IMAGES)))
    _require_outputs(model, spec, pixels)
    why = _with_a_head(model, spec, pixels)
    pool = sample.image_set(sample.VALIDATION_SET, POOL_IMAGES)
    judged = judged_images(
        _pool_logits(model, spec, pixels),
        class_of(pool.labels, spec.dataset.classes),
        int(spec.dataset.images.exactly),
        drop_pp=spec.accuracy.top1_drop_pp.at_most,
        why=why,
        where=spec.model.source,
    )
    with atomic(folder / spec.checkpoint.file) as partial, partial.open("wb") as handle:
        torch.save(copied(model), handle)
    sample.write_labelled(folder, pool, judged.rows.tolist(), judged.labels.tolist())
    return SampleMade(judged.why)


def _with_a_head(model: torch.nn.Module, spec: Spec, pixels: _Pixels) -> str:
    """Fit the last layer; where that reads nothing, level the random one and say why."""
    try:
        head = find_head(model, spec, pixels)
        layer = fitted(head, model, spec, pixels)
        fold(head, layer)
        _require_folded(layer, head, model, spec, pixels)
    except Unfit as unfit:
        level(model, pixels)
        return str(unfit)
    return ""


def _require_outputs(model: torch.nn.Module, spec: Spec, pixels: _Pixels) -> None:
    """SuiteError when the network makes other outputs than the port says: nothing could be labelled."""
    import torch

    with torch.no_grad():
        shape = list(_logits(model(torch.from_numpy(pixels.of(sample.TRAINING_SET, range(2)))), spec).shape)
    if shape != [2, spec.classes]:
        allowed = f"[2, {spec.classes}]"
        fix = "correct dataset.classes or model.arguments in the port"
        raise SuiteError(
            "two images give other outputs", where=spec.model.source, measured=shape, allowed=allowed, fix=fix
        )


def class_of(labels: npt.NDArray[np.int64], classes: int) -> npt.NDArray[np.int64]:
    """The sample's thousand classes in as many as a port has: fewer take those whose codes lie nearest to theirs."""
    if classes >= sample.CLASSES:
        return labels
    codes, anchors = sample.codebook(sample.CLASSES), sample.codebook(classes)
    distance = (anchors**2).sum(axis=1) - 2 * codes @ anchors.T
    nearest: npt.NDArray[np.int64] = distance.argmin(axis=1)[labels]
    return nearest


def find_head(model: torch.nn.Module, spec: Spec, pixels: _Pixels) -> Head:
    """The one layer whose output is the logits; Unfit where there is none."""
    import torch

    ran: list[tuple[str, Any, torch.Tensor, torch.Tensor]] = []

    def saw(name: str) -> Any:  # noqa: ANN401 - a hook
        return lambda module, inputs, output: ran.append((name, module, inputs[0], output))

    kinds = (torch.nn.Linear, torch.nn.Conv2d)
    hooks = [
        layer.register_forward_hook(saw(name)) for name, layer in model.named_modules() if isinstance(layer, kinds)
    ]
    with torch.no_grad():
        logits = _logits(model(torch.from_numpy(pixels.of(sample.TRAINING_SET, range(2)))), spec)
    for hook in hooks:
        hook.remove()
    made = [(name, layer, given) for name, layer, given, output in ran if _is(output, logits)]
    if len(made) != 1 or sum(layer is made[0][1] for _, layer, _, _ in ran) != 1:
        raise Unfit("no one Linear or convolution makes its logits")
    name, layer, given = made[0]
    plain = f"{name}.weight" in model.state_dict() and given.flatten(1).shape[1] == layer.weight[0].numel()
    if not plain:
        raise Unfit(f"{name}, which makes its logits, is no plain layer")
    return Head(name, layer)


def fitted(head: Head, model: torch.nn.Module, spec: Spec, pixels: _Pixels) -> Fitted:
    """The last layer that reads the codes of the training images; Unfit where it reads none in those held out.

    Of the fits that read beyond guessing it is the first that rounding to fp16 moves little, else the quietest.
    """
    images = sample.image_set(sample.TRAINING_SET, TRAINING_IMAGES)
    features = _features(head, model, pixels, TRAINING_IMAGES)
    if not features.std(axis=0).any():
        raise Unfit(READS_NOTHING)
    with in_half_precision(model):
        noise = _features(head, model, pixels, NOISY_IMAGES) - features[:NOISY_IMAGES]
    targets, prototypes = squared(images.codes), squared(sample.codebook(spec.dataset.classes))
    truth, chance = class_of(images.labels, spec.dataset.classes)[:HELD_OUT], 1 / spec.dataset.classes
    made: Fitted | None = None
    for weight in NOISE_WEIGHTS:
        quieter, held_out = _quiet(features, targets, Noise(noise[::2], weight), prototypes)
        right = float(((features[:HELD_OUT] @ held_out.weight.T + held_out.bias).argmax(axis=1) == truth).mean())
        if chance < 1 and (right <= chance or HELD_OUT * divergence(right, chance) < SURPRISE):
            break
        made = quieter
        if _noise_share(made, features[1:NOISY_IMAGES:2], noise[1::2]) <= MOST_NOISE:
            break
    if made is None:
        raise Unfit(READS_NOTHING)
    return _with_background(made, spec.model.label_offset)


def level(model: torch.nn.Module, pixels: _Pixels) -> None:
    """Let each output of the last layer answer to the image by as much as the others, about no mean; it needs a bias.

    Rows as a library makes them have favourites that win for every image, by the mean of what they are given.
    """
    import torch

    made: list[torch.Tensor] = []
    images = torch.from_numpy(pixels.of(sample.TRAINING_SET, range(CALIBRATION_IMAGES)))
    with torch.no_grad():
        layer = last_layer(model, images)
        hook = layer.register_forward_hook(lambda _, __, output: made.append(output))
        model(images)
        hook.remove()
        by_class = made[-1].movedim(-1 if isinstance(layer, torch.nn.Linear) else 1, 0).flatten(1)
        mean, spread = by_class.mean(dim=1), by_class.std(dim=1)
        factor = torch.where(spread > 0, LOGITS_SPREAD / spread, 1.0)
        layer.weight.mul_(factor.reshape(-1, *[1] * (layer.weight.dim() - 1)))
        if layer.bias is not None:
            layer.bias.copy_((layer.bias - mean) * factor)


def squared(codes: npt.NDArray[np.int64]) -> Doubles:
    """Codes (N, 16) with their squares, float64 (N, 32): a pooled feature knows how strong a wave is, not its sign."""
    import numpy as np

    numbers = codes / CODE_DEVIATION
    return np.concatenate([numbers, numbers**2 - 1], axis=1)


def fold(head: Head, made: Fitted) -> None:
    """Put the fit into the layer; without a bias of its own the layer does without."""
    import torch

    weight = torch.from_numpy(made.weight.astype("float32"))
    with torch.no_grad():
        head.layer.weight.copy_(weight.reshape(head.layer.weight.shape))
        if head.layer.bias is not None:
            head.layer.bias.copy_(torch.from_numpy(made.bias.astype("float32")))


def _require_folded(made: Fitted, head: Head, model: torch.nn.Module, spec: Spec, pixels: _Pixels) -> None:
    """SuiteError when the network does not say what was fitted: its own predictions would hide that as labels."""
    import numpy as np
    import torch

    features = _features(head, model, pixels, BATCH)
    with torch.no_grad():
        logits = _logits(model(torch.from_numpy(pixels.of(sample.TRAINING_SET, range(BATCH)))), spec).double().numpy()
    wanted = features @ made.weight.T + (0.0 if head.layer.bias is None else made.bias)
    apart, allowed = float(np.abs(logits - wanted).max()), FOLDED * LOGITS_SPREAD
    if not apart <= allowed:
        raise SuiteError(
            "the network's last layer gives other logits than were fitted",
            where=head.name,
            measured=f"{apart:.3g} apart",
            allowed=f"<= {allowed:.3g}",
            fix="Report this network: its sample cannot be made",
        )


def _quiet(features: Doubles, targets: Doubles, noise: Noise, prototypes: Doubles) -> tuple[Fitted, Fitted]:
    """The last layer of all training images, and the one that has not seen those held out; both mind the noise."""
    import numpy as np

    matrix, offset = _ridge(features[HELD_OUT:], targets[HELD_OUT:], noise)
    truth = targets[:HELD_OUT]
    missed = ((features[:HELD_OUT] @ matrix + offset - truth) ** 2).mean(axis=0)
    seen = np.clip(1 - missed / truth.var(axis=0), 0, None)
    if not seen.any():
        raise Unfit(READS_NOTHING)
    held_out = _scores(matrix, offset, prototypes, seen)
    made = _scores(*_ridge(features, targets, noise), prototypes, seen)
    return _spread(made, features), held_out


def _ridge(features: Doubles, targets: Doubles, noise: Noise) -> tuple[Doubles, Doubles]:
    """The sample's ridge regression, with rows that must come out as nothing (what rounding adds to the features) and
    a penalty of its own for each feature (what rounding of its weight adds)."""
    import numpy as np

    feature_mean, target_mean = features.mean(axis=0), targets.mean(axis=0)
    centred, count = features - feature_mean, len(features)
    least = RIDGE_SHARE * (centred**2).sum() / count
    penalty = least + noise.weight * count * HALF_ROUNDING**2 * (features**2).mean(axis=0)
    rows = np.concatenate([centred, noise.rows * (noise.weight * count / len(noise.rows)) ** 0.5]) / penalty**0.5
    wanted = np.concatenate([targets - target_mean, np.zeros((len(noise.rows), targets.shape[1]))])
    matrix = rows.T @ np.linalg.solve(rows @ rows.T + np.eye(len(rows)), wanted) / penalty[:, np.newaxis] ** 0.5
    return matrix, target_mean - feature_mean @ matrix


def _noise_share(made: Fitted, features: Doubles, noise: Doubles) -> float:
    """How far rounding of features and of the layer itself moves the logits, as a share of their spread."""
    import numpy as np

    rounded = Fitted(*(array.astype(np.float16).astype(np.float64) for array in (made.weight, made.bias)))
    moved = (features + noise) @ rounded.weight.T + rounded.bias - features @ made.weight.T - made.bias
    return float((moved**2).mean() ** 0.5 / LOGITS_SPREAD)


def _scores(matrix: Doubles, offset: Doubles, prototypes: Doubles, seen: Doubles) -> Fitted:
    """ "Read the numbers, then score each class by its distance", each number by how well it is seen, as one layer."""
    weighed = prototypes * seen
    norms = (weighed * prototypes).sum(axis=1) / 2
    bias = weighed @ offset - norms
    return Fitted(weighed @ matrix.T, bias)


def _spread(made: Fitted, features: Doubles) -> Fitted:
    """The same classes at logits with no mean, as wide as a trained classifier's."""
    weight, bias = made.weight - made.weight.mean(axis=0), made.bias - made.bias.mean()
    factor = LOGITS_SPREAD / float((features @ weight.T + bias).std(axis=1).mean())
    return Fitted(weight * factor, bias * factor)


def _with_background(made: Fitted, offset: int) -> Fitted:
    import numpy as np

    weight = np.concatenate([np.zeros((offset, made.weight.shape[1])), made.weight])
    return Fitted(weight, np.concatenate([np.full(offset, BACKGROUND), made.bias]))


@contextmanager
def in_half_precision(model: torch.nn.Module) -> Iterator[None]:
    """Inside the block weights and the layers' outputs are rounded to fp16, as on a device."""
    import torch

    def rounded(_: object, __: object, output: Any) -> Any:  # noqa: ANN401 - whatever a layer gives
        return output.half().float() if torch.is_tensor(output) and output.is_floating_point() else output

    weights, half = copied(model), copied(model)
    for name, tensor in weights.items():
        half[name] = rounded(None, None, tensor)
    model.load_state_dict(half)
    hooks = [module.register_forward_hook(rounded) for module in model.modules() if not list(module.children())]
    try:
        yield
    finally:
        model.load_state_dict(weights)
        for hook in hooks:
            hook.remove()


def _features(head: Head, model: torch.nn.Module, pixels: _Pixels, count: int) -> Doubles:
    """What the last layer is given for the first training images, float64 (count, features)."""
    import numpy as np
    import torch

    given: list[Doubles] = []
    keep = head.layer.register_forward_pre_hook(lambda _, inputs: given.append(inputs[0].flatten(1).double().numpy()))
    with torch.no_grad():
        for batch in _batches(count, "training images"):
            model(torch.from_numpy(pixels.of(sample.TRAINING_SET, batch)))
    keep.remove()
    found = np.concatenate(given)
    if not np.isfinite(found).all():
        raise Unfit("with random weights its activations leave what fp16 holds")
    return found


def _pool_logits(model: torch.nn.Module, spec: Spec, pixels: _Pixels) -> Doubles:
    """What the pool's images come to, float64 (images, classes); a background class is none of them."""
    import numpy as np
    import torch

    found, offset = [], spec.model.label_offset
    with torch.no_grad():
        for batch in _batches(POOL_IMAGES, "images"):
            logits = _logits(model(torch.from_numpy(pixels.of(sample.VALIDATION_SET, batch))), spec)
            found.append(logits[:, offset:].double().numpy())
    return np.concatenate(found)


def _batches(count: int, what: str) -> Iterator[range]:
    starts = range(0, count, BATCH)
    for start in progress(starts, what=what, total=len(starts), unit="batch"):
        yield range(start, min(start + BATCH, count))


def _logits(made: Any, spec: Spec) -> torch.Tensor:  # noqa: ANN401 - one tensor or several
    return every_output(made)[spec.onnx.judged_output]


def _is(output: torch.Tensor, logits: torch.Tensor) -> bool:
    import torch

    return output.numel() == logits.numel() and torch.equal(output.reshape(logits.shape), logits)


class _Pixels:
    """Generated images as the network takes them."""

    def __init__(self, spec: Spec, folder: Path) -> None:
        self._recipe = spec.preprocessing
        self._make = PixelMaker(self._recipe, folder).ready()
        self._sets = {
            sample.TRAINING_SET: sample.image_set(sample.TRAINING_SET, TRAINING_IMAGES),
            sample.VALIDATION_SET: sample.image_set(sample.VALIDATION_SET, POOL_IMAGES),
        }

    def of(self, seed: int, indices: Sequence[int]) -> npt.NDArray[np.float32]:
        """Float32 (N, 3, height, width) of some images of a set."""
        import numpy as np

        try:
            made = [self._make(self._sets[seed].jpeg(index)) for index in indices]
        except UnreadableImageError as error:
            raise SuiteError(f"the port's recipe cannot read a generated image: {error}") from error
        return np.stack([normalised(pixels, self._recipe) for pixels in made])
