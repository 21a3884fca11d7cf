"""C files that reach a board: one per kind of board, all behind `tp_port.h`, copied into projects as they are."""
