"""The command ``touchstream``: one module a subcommand."""
