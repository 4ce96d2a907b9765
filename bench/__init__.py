"""What measures touchstream: a world that is known, data of others, and the clock."""
