"""Single kernels on the emulated Cortex-M4F: beside CMSIS-DSP's, and their cost against how much of δ is kept."""
