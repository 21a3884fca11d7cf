"""How the named networks are trained in PyTorch before they are shipped, and how good they have to be."""
