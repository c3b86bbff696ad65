"""Who bears what: losses and network charges, shared by stated rules."""
