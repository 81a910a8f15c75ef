"""timm and scikit-learn: features computed once, logistic regression on them.

    python benchmarks/peers/timm_sklearn.py split.csv backbone.safetensors OUT.joblib

Features as in https://huggingface.co/docs/timm/feature_extraction (num_classes=0, resolve_model_data_config,
create_transform); StandardScaler and LogisticRegression in a pipeline, as in
https://scikit-learn.org/stable/modules/preprocessing.html, saved with joblib as in
https://scikit-learn.org/stable/model_persistence.html. That file holds the classifier, not the backbone.
"""

import sys

import joblib
import torch
from common import PIXELS, import_timm, read_split, report
from PIL import Image
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from torch.utils.data import DataLoader, Dataset

timm = import_timm()
BATCH, WORKERS = 32, 2


class Pictures(Dataset):
    def __init__(self, paths, transform):
        self.paths, self.transform = paths, transform

    def __len__(self):
        return len(self.paths)

    def __getitem__(self, index):
        with Image.open(self.paths[index]) as image:
            return self.transform(image.convert("RGB"))


def main(split: str, weights: str, out: str) -> None:
    train_paths, train_labels, held_paths, held_labels, _ = read_split(split)
    model = timm.create_model(
        "tf_efficientnet_lite0", pretrained=True, num_classes=0, pretrained_cfg_overlay={"file": weights, **PIXELS}
    )
    model.eval().to(memory_format=torch.channels_last)
    transform = timm.data.create_transform(**timm.data.resolve_model_data_config(model))

    pictures = DataLoader(Pictures(train_paths + held_paths, transform), BATCH, num_workers=WORKERS)
    with torch.inference_mode():
        features = torch.cat([model(images.to(memory_format=torch.channels_last)) for images in pictures]).numpy()

    classifier = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
    classifier.fit(features[: len(train_paths)], train_labels)
    joblib.dump(classifier, out)
    report(classifier.predict(features[len(train_paths) :]), held_labels)


if __name__ == "__main__":
    main(*sys.argv[1:])
