"""The wire: what producers send, what touchstream emits, and the rules that shape results."""

if __name__ != "touchstream.schemas":  # a second copy of every class, under another name
    raise ImportError("the import name is touchstream.schemas, not schemas")
