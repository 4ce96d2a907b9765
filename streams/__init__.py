"""The pure core: state in, state out. No clock, chance, network or log is known here."""

if __name__ != "touchstream.streams":  # a second copy of every class, under another name
    raise ImportError("the import name is touchstream.streams, not streams")
