"""One training step on this machine, side by side: our host engine, PyTorch eager, ExecuTorch."""
