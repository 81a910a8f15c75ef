"""Hyper-parameter tuning: settings are tried, and the best by pictures or text that were only watched are kept."""
