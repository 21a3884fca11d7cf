"""The intermediate representation: operators, Program, passes, verifier, the training program and its oracle."""
