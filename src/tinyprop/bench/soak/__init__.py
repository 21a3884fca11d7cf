"""A long life: learning through resets, bad samples and saves that are cut, beside a device that is left in peace."""
