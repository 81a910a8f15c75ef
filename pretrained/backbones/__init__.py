"""The shelf of pretrained backbones: one family a file, found by being there."""
