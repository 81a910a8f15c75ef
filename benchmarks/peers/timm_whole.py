"""timm and PyTorch: the whole network trained on augmented pictures, as timm's train.py does.

    python benchmarks/peers/timm_whole.py split.csv backbone.safetensors OUT.pt

All else as in timm_pytorch.py: the defaults of train.py, for ten epochs.
"""

import sys

from timm_pytorch import main

if __name__ == "__main__":
    main(*sys.argv[1:], whole=True)
