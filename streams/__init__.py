"""The pure core: state in, state out. No clocks, randomness, network or logging."""

if __name__ != "touchstream.streams":  # or every class exists twice
    raise ImportError("the import name is touchstream.streams, not streams")
