"""TrainProgram and Plan become C: calls into the fixed kernel library, weights as exact literals, project files."""
