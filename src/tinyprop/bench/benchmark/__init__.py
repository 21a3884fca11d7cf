"""The benchmark: instructions per training step on the emulated Cortex-M4F, beside those of other trainers."""
