"""Settings and learning rates searched on validation parts."""
