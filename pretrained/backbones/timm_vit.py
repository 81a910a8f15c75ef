"""Vision Transformer as timm has it: a picture as a sentence of square patches (Dosovitskiy et al. 2020)."""

import keras
from keras import layers, ops

from zoo.pretrained.backbones._shared import preprocessed
from zoo.registry import register


def _norm(x, name):
    return layers.LayerNormalization(epsilon=1e-6, name=name)(x)


def _attention(x, heads, name):
    """Each token takes from all tokens, by how well its query fits their keys."""
    tokens, width = x.shape[1:]
    x = layers.Dense(3 * width, name=f"{name}_qkv")(x)
    x = ops.reshape(x, (-1, tokens, 3, heads, width // heads))
    query, key, value = (ops.transpose(x[:, :, part], (0, 2, 1, 3)) for part in range(3))  # (n, heads, tokens, d)
    fit = ops.matmul(query, ops.transpose(key, (0, 1, 3, 2))) * (width // heads) ** -0.5
    x = ops.transpose(ops.matmul(ops.softmax(fit), value), (0, 2, 1, 3))
    return layers.Dense(width, name=f"{name}_proj")(ops.reshape(x, (-1, tokens, width)))


def _block(x, heads, name):
    """Attention, then two dense layers on each token; both are added to what came in."""
    width = x.shape[-1]
    x = layers.Add()([x, _attention(_norm(x, f"{name}_norm1"), heads, f"{name}_attn")])
    y = layers.Dense(4 * width, "gelu", name=f"{name}_mlp_fc1")(_norm(x, f"{name}_norm2"))
    return layers.Add()([x, layers.Dense(width, name=f"{name}_mlp_fc2")(y)])


def _vit(name, input_shape, num_classes, patch, width, depth, heads, mode):
    pixels = keras.Input(input_shape, name="pixels")  # 0 to 255
    x = layers.Conv2D(width, patch, patch, name="patch_embed_proj")(preprocessed(pixels, mode))
    x = ops.reshape(x, (-1, x.shape[1] * x.shape[2], width))  # (n, patches, width)
    first = ops.zeros_like(x[:, :1, 0], dtype="int32")  # (n, 1): the class token is the one row of its table
    x = layers.Concatenate(axis=1)([layers.Embedding(1, width, name="cls_token")(first), x])
    place = ops.cumsum(ops.ones_like(x[:, :, 0], dtype="int32"), axis=1) - 1  # (n, tokens): 0, 1, 2, ...
    x = layers.Add()([x, layers.Embedding(x.shape[1], width, name="pos_embed")(place)])
    for index in range(depth):
        x = _block(x, heads, f"blocks_{index}")
    x = layers.Identity(name="features")(_norm(x, "norm")[:, 0])
    return keras.Model(pixels, layers.Dense(num_classes, name="head")(x), name=name)


@register(
    task="classification",
    dataset="imagenet",
    fallback_dataset="textures",
    source="Dosovitskiy et al. 2020, arXiv:2010.11929, as in timm",
    torch_names={"head": "head"},
    preprocessing={"crop": 0.9},
    parameters=5_717_416,
    smallest={"input_shape": (32, 32, 3), "num_classes": 3, "width": 24, "depth": 1},
)
def timm_vit_tiny_patch16_224(
    input_shape=(224, 224, 3), num_classes=1000, patch=16, width=192, depth=12, heads=3
) -> keras.Model:
    """Patches of 16 pixels, 192 numbers a token, for a `vit_tiny_patch16_224` file of timm's."""
    return _vit("timm_vit_tiny_patch16_224", input_shape, num_classes, patch, width, depth, heads, mode="tf")


@register(
    task="classification",
    dataset="imagenet",
    fallback_dataset="textures",
    source="Touvron et al. 2020, arXiv:2012.12877, as in timm",
    torch_names={"head": "head"},
    preprocessing={"crop": 0.9},
    parameters=5_717_416,
    smallest={"input_shape": (32, 32, 3), "num_classes": 3, "width": 24, "depth": 1},
)
def timm_deit_tiny_patch16_224(
    input_shape=(224, 224, 3), num_classes=1000, patch=16, width=192, depth=12, heads=3
) -> keras.Model:
    """The same network on pixels of ImageNet's mean and deviation, for a `deit_tiny_patch16_224` file of timm's."""
    return _vit("timm_deit_tiny_patch16_224", input_shape, num_classes, patch, width, depth, heads, mode="torch")
