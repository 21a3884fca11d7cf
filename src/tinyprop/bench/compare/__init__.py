"""Methods compared over scenarios, networks and seeds; results in a store that survives interruption."""
