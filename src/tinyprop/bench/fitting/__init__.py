"""What a model costs on boards: fits or not, instructions, time, energy, and what would make it fit."""
