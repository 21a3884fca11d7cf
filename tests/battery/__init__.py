"""What every operator is proven on: one table of odd shapes (`cases`), PyTorch's twin of each operator (`torch_twin`),
and the networks that put every case into the engine (`networks`). Tests of several rooms iterate it."""
