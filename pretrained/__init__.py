"""Pretrained networks: backbones, their features and the cache of them, and fine-tuning."""
