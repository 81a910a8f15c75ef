"""timm and PyTorch: the head of a frozen backbone trained on augmented pictures.

    python benchmarks/peers/timm_pytorch.py split.csv backbone.safetensors OUT.pt

Model, local weights and transforms as in https://huggingface.co/docs/timm/quickstart (create_model, reset_classifier,
resolve_model_data_config, create_transform); the backbone frozen and in evaluation mode, as for a linear probe;
channels last, PyTorch's advice for convolutions on CPUs (https://docs.pytorch.org/tutorials/recipes/recipes/
tuning_guide.html). Optimizer, learning rate and schedule are the defaults of timm's train.py: SGD with momentum,
0.1 for 256 pictures a step, cosine; by cross-validation on training pictures no other that was tried did better. Ten
epochs, fixed beforehand. The held-out pictures are looked at once, at the end.
"""

import sys

import torch
from common import PIXELS, import_timm, read_split, report
from PIL import Image
from torch.utils.data import DataLoader, Dataset

timm = import_timm()
BATCH, EPOCHS, WORKERS = 32, 10, 2


class Pictures(Dataset):
    def __init__(self, paths, labels, transform):
        self.paths, self.labels, self.transform = paths, labels, transform

    def __len__(self):
        return len(self.paths)

    def __getitem__(self, index):
        with Image.open(self.paths[index]) as image:
            return self.transform(image.convert("RGB")), self.labels[index]


def main(split: str, weights: str, out: str, whole: bool = False) -> None:
    torch.manual_seed(0)
    train_paths, train_labels, held_paths, held_labels, names = read_split(split)
    model = timm.create_model(
        "tf_efficientnet_lite0", pretrained=True, pretrained_cfg_overlay={"file": weights, **PIXELS}
    )
    # create_model(num_classes=2) would start from weights as large as 0.7, which ten epochs do not mend
    model.requires_grad_(whole).reset_classifier(len(names))
    model.train(whole).to(memory_format=torch.channels_last)

    config = timm.data.resolve_model_data_config(model)
    flips_and_crops = timm.data.create_transform(**config, is_training=True, color_jitter=None)
    train = DataLoader(
        Pictures(train_paths, train_labels, flips_and_crops),
        BATCH,
        shuffle=True,
        num_workers=WORKERS,
        persistent_workers=True,
    )
    held_out = DataLoader(
        Pictures(held_paths, held_labels, timm.data.create_transform(**config)), BATCH, num_workers=WORKERS
    )

    optimizer = timm.optim.create_optimizer_v2(model, "sgd", lr=0.1 * BATCH / 256, momentum=0.9, weight_decay=2e-5)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, EPOCHS * len(train))
    for epoch in range(EPOCHS):
        total = 0.0
        for images, labels in train:
            logits = model(images.to(memory_format=torch.channels_last))
            loss = torch.nn.functional.cross_entropy(logits, labels)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
            total += loss.item() * len(labels)
        print(f"epoch {epoch + 1}: loss {total / len(train_paths):.3f}", flush=True)
    torch.save(model.state_dict(), out)

    predicted = []
    model.eval()
    with torch.inference_mode():
        for images, _ in held_out:
            predicted += model(images.to(memory_format=torch.channels_last)).argmax(1).tolist()
    report(predicted, held_labels)


if __name__ == "__main__":
    main(*sys.argv[1:])
