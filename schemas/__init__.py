"""The wire: what producers send, what touchstream emits, and the rules that shape results."""
