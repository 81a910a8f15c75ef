"""Fine-tuning: a frozen backbone's features, their cache, the head."""
