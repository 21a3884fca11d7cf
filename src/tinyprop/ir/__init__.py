"""The intermediate representation: operators, programs, passes, differentiation, and the oracle that runs them."""
