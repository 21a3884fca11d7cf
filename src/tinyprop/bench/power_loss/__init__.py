"""Power cut at every operation of the flash while a device saves what it has learned."""
