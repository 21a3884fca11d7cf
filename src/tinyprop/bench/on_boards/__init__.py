"""The networks of the field on emulated boards: instructions, memory and equal weights, method by method."""
