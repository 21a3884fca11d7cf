"""One training step in PyTorch, side by side: plain dense training, and every method applied to the same model."""
