"""The pure core: state in, state out. No clock, chance, network or log is known here."""
