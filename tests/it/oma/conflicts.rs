//! The conflicts between what is documented and what servers do, by their numbers in the fact sheets.
