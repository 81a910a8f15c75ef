"""Shelves: pretrained backbones, and trained weights with a card each."""
